"""Breaks about what is stored: each must be seen by the rules that it names."""

import rules_data as data
from breaking import breaks, event, props, statement


@breaks(data.what_holds_data_is_retained)
def a_table_goes_with_the_stack(t):
    t["Resources"]["Grants"]["DeletionPolicy"] = "Delete"


@breaks(data.what_holds_data_is_retained)
def a_failed_creation_leaves_a_key_behind(t):
    t["Resources"]["Key"]["DeletionPolicy"] = "Retain"


@breaks(data.the_tables_forget_and_recover)
def a_failed_creation_can_not_be_rolled_back(t):
    props(t, "Records")["DeletionProtectionEnabled"] = True


@breaks(data.nothing_has_a_name_of_ours)
def the_access_log_has_a_fixed_name(t):
    props(t, "AccessLog")["LogGroupName"] = "/aws/vendedlogs/access"


@breaks(data.another_table_takes_the_place_of_ones_own)
def a_right_stays_on_the_old_table(t):
    statement(t, "RefreshRole", "Grants")["Resource"] = [{"Fn::GetAtt": ["Grants", "Arn"]}]


@breaks(data.another_table_takes_the_place_of_ones_own)
def the_old_stream_still_wakes(t):
    event(t, "DigestFunction", "Inbox")["Stream"] = {"Fn::GetAtt": ["Records", "StreamArn"]}


@breaks(data.another_table_takes_the_place_of_ones_own)
def functions_are_told_of_the_old_table(t):
    t["Globals"]["Function"]["Environment"]["Variables"]["OUTBOX_TABLE"] = {"Ref": "Outbox"}


@breaks(data.another_table_takes_the_place_of_ones_own)
def a_function_can_not_open_what_another_key_sealed(t):
    statement(t, "DigestRole", "Key")["Resource"].pop()


@breaks(data.another_table_takes_the_place_of_ones_own)
def what_uses_no_table_may_use_another_key(t):
    statement(t, "LoginRole", "Key")["Resource"].append({"Ref": "OldKeyArn"})


@breaks(data.each_parameters_examples_are_judged_right)
def any_return_address_deploys(t):
    del t["Parameters"]["ReturnTo"]["AllowedPattern"]


@breaks(data.each_parameters_examples_are_judged_right)
def a_good_brand_setting_is_refused(t):
    t["Parameters"]["MakerBrands"]["AllowedPattern"] = "^[{][}]$"


@breaks(data.nothing_secret_is_in_the_outputs)
def the_domain_is_forgotten_in_the_outputs(t):
    t["Outputs"]["RedirectUriOpel"]["Value"] = {"Fn::Sub": "${PublicUrl}/callback/opel"}


@breaks(data.what_holds_data_is_retained)
def a_secret_goes_with_a_replacement(t):
    del t["Resources"]["SealSecret"]["UpdateReplacePolicy"]


@breaks(data.nothing_has_a_name_of_ours)
def a_table_has_a_name(t):
    props(t, "Outbox")["TableName"] = "outbox"


@breaks(data.nothing_has_a_name_of_ours)
def the_bus_has_a_fixed_name(t):
    props(t, "EventBus")["Name"] = "events"


@breaks(data.nothing_has_a_name_of_ours)
def a_schedule_has_a_name(t):
    del event(t, "RefreshFunction", "Worker3")["OmitName"]


@breaks(data.no_secret_has_a_value)
def a_secret_is_generated(t):
    props(t, "EdgeSecret")["GenerateSecretString"] = {"PasswordLength": 32}


@breaks(data.the_tables_are_those_agreed)
def an_index_is_lost(t):
    props(t, "Records")["GlobalSecondaryIndexes"].pop()


@breaks(data.the_tables_are_those_agreed)
def an_index_copies_everything(t):
    props(t, "Records")["GlobalSecondaryIndexes"][0]["Projection"] = {"ProjectionType": "ALL"}


@breaks(data.the_tables_are_those_agreed)
def a_due_time_is_a_text(t):
    props(t, "Grants")["AttributeDefinitions"][2]["AttributeType"] = "S"


@breaks(data.the_tables_are_those_agreed)
def the_stream_carries_items(t):
    props(t, "Records")["StreamSpecification"]["StreamViewType"] = "NEW_IMAGE"


@breaks(data.the_tables_forget_and_recover)
def nothing_is_forgotten(t):
    del props(t, "Records")["TimeToLiveSpecification"]


@breaks(data.the_tables_forget_and_recover)
def nothing_can_be_restored(t):
    props(t, "Grants")["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] = False


@breaks(data.the_tables_forget_and_recover)
def a_slip_deletes_a_table(t):
    props(t, "Outbox")["DeletionProtectionEnabled"] = False


@breaks(data.all_is_encrypted)
def a_table_is_under_no_key_of_ours(t):
    del props(t, "Outbox")["SSESpecification"]


@breaks(data.all_is_encrypted)
def the_key_never_rotates(t):
    props(t, "Key")["EnableKeyRotation"] = False


@breaks(data.all_is_encrypted)
def the_rescue_queue_is_open(t):
    props(t, "RescueQueue")["SqsManagedSseEnabled"] = False


@breaks(data.all_is_encrypted)
def a_secret_is_under_no_key_of_ours(t):
    del props(t, "MakerSecret")["KmsKeyId"]


@breaks(data.the_rescue_queue_loses_nothing)
def the_rescue_queue_forgets(t):
    del props(t, "RescueQueue")["MessageRetentionPeriod"]


@breaks(data.the_rescue_queue_loses_nothing)
def two_runs_see_one_message(t):
    props(t, "RescueQueue")["VisibilityTimeout"] = 60


@breaks(data.logs_end)
def a_log_never_ends(t):
    del props(t, "ActLog")["RetentionInDays"]


@breaks(data.nothing_secret_is_in_the_outputs)
def a_redirect_uri_is_misspelt(t):
    t["Outputs"]["RedirectUriDs"]["Value"] = {"Fn::Sub": "${PublicUrl}/callback/DS"}


@breaks(data.every_parameter_is_explained_and_used)
def a_parameter_is_idle(t):
    t["Parameters"]["Idle"] = {"Type": "String", "Default": "", "Description": "nothing"}
