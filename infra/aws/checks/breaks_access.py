"""Breaks about who may do what, and what the internet reaches: each must be seen by the rules that it names."""

import copy

import rules_access as access
from breaking import breaks, event, props, statement, statements


@breaks(access.each_function_has_a_role_of_its_own)
def two_functions_share_a_role(t):
    props(t, "FetchFunction")["Role"] = {"Fn::GetAtt": ["RefreshRole", "Arn"]}


@breaks(access.each_function_has_a_role_of_its_own)
def a_managed_policy_creeps_in(t):
    props(t, "ApiRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]


@breaks(access.each_function_has_a_role_of_its_own)
def anybody_takes_a_role(t):
    props(t, "ApiRole")["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


@breaks(access.no_right_has_a_wildcard, access.the_rights_are_those_agreed)
def every_action_on_a_table(t):
    statement(t, "ApiRole", "Records")["Action"] = ["dynamodb:*"]


@breaks(access.no_right_has_a_wildcard)
def every_resource(t):
    statement(t, "FetchRole", "Outbox")["Resource"] = ["*"]


@breaks(access.no_right_has_a_wildcard)
def all_but_something(t):
    statements(t, "ApiRole").append(
        {"Sid": "Most", "Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": ["*"]}
    )


@breaks(access.what_the_internet_reaches_holds_no_tokens, access.only_what_calls_the_maker_touches_tokens)
def the_api_reads_grants(t):
    statement(t, "ApiRole", "Outbox")["Resource"].append({"Fn::GetAtt": ["Grants", "Arn"]})


@breaks(access.what_the_internet_reaches_holds_no_tokens, access.a_secret_is_named_to_who_may_read_it)
def login_reads_the_makers_secret(t):
    statement(t, "LoginRole", "Secrets")["Resource"].append({"Ref": "MakerSecret"})


@breaks(access.what_the_internet_reaches_holds_no_tokens)
def the_internet_reaches_refresh(t):
    event(t, "ApiFunction", "V1")["Path"] = "/v1/{proxy+}"
    props(t, "RefreshFunction")["Events"]["Open"] = {
        "Type": "HttpApi",
        "Properties": {"ApiId": {"Ref": "HttpApi"}, "Method": "POST", "Path": "/refresh"},
    }


@breaks(access.only_what_calls_the_maker_touches_tokens)
def login_has_a_table(t):
    statements(t, "LoginRole").append(copy.deepcopy(statement(t, "ApiRole", "Outbox")))


@breaks(access.what_takes_notifications_in_adds_to_the_inbox_alone)
def notify_writes_anywhere(t):
    del statement(t, "NotifyRole", "Inbox")["Condition"]


@breaks(access.what_takes_notifications_in_adds_to_the_inbox_alone)
def notify_reads_anything(t):
    statement(t, "NotifyRole", "Anchor")["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = ["*"]


@breaks(access.what_takes_notifications_in_adds_to_the_inbox_alone)
def notify_reads_an_anchor_whole(t):
    del statement(t, "NotifyRole", "Anchor")["Condition"]["StringEqualsIfExists"]


@breaks(access.what_hands_events_on_sees_nothing_of_a_car)
def deliver_reads_snapshots(t):
    statement(t, "DeliverRole", "Anchor")["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"].append("body")


@breaks(access.what_hands_events_on_sees_nothing_of_a_car)
def deliver_reads_records(t):
    del statement(t, "DeliverRole", "Anchor")["Condition"]


@breaks(access.only_the_api_and_deliver_know_the_secrets_of_webhooks)
def fetch_signs(t):
    statement(t, "FetchRole", "Secrets")["Resource"].append({"Ref": "WebhooksSecret"})


@breaks(access.only_the_api_and_deliver_know_the_secrets_of_webhooks)
def the_api_has_the_bus(t):
    bus = {"Sid": "Bus", "Effect": "Allow", "Action": ["events:PutEvents"], "Resource": [{"Fn::GetAtt": ["EventBus", "Arn"]}]}
    statements(t, "ApiRole").append(bus)


@breaks(access.only_the_api_and_deliver_know_the_secrets_of_webhooks)
def deliver_is_told_of_no_bus(t):
    del props(t, "DeliverFunction")["Environment"]["Variables"]["EVENT_BUS"]


@breaks(access.nothing_may_read_a_whole_table)
def a_scan(t):
    statement(t, "ActRole", "Records")["Action"].append("dynamodb:Scan")


@breaks(access.the_rights_are_those_agreed)
def a_right_is_lost(t):
    statement(t, "RefreshRole", "Grants")["Action"].remove("dynamodb:UpdateItem")


@breaks(access.a_secret_is_named_to_who_may_read_it)
def a_secret_is_told_to_the_wrong_function(t):
    props(t, "ApiFunction")["Environment"]["Variables"]["SEAL_SECRET_ID"] = {"Ref": "SealSecret"}


@breaks(access.the_key_is_used_through_a_service_only)
def the_key_is_used_directly(t):
    del statement(t, "FetchRole", "Key")["Condition"]


@breaks(access.the_key_is_used_through_a_service_only)
def the_key_trusts_everybody(t):
    props(t, "Key")["KeyPolicy"]["Statement"][0]["Principal"] = {"AWS": "*"}


@breaks(access.the_routes_are_those_agreed)
def a_route_is_missing(t):
    del props(t, "CallbackFunction")["Events"]["Result"]


@breaks(access.the_routes_are_those_agreed)
def a_route_has_no_throttle(t):
    del props(t, "HttpApi")["DefaultRouteSettings"]


@breaks(access.the_routes_are_those_agreed)
def a_route_is_named_in_the_stage_for_nothing(t):
    api = props(t, "HttpApi")
    api["RouteSettings"]["GET /login"] = dict(api["DefaultRouteSettings"])


@breaks(access.the_routes_are_those_agreed)
def the_api_shares_the_browsers_throttle(t):
    del props(t, "HttpApi")["RouteSettings"]["ANY /v1/{proxy+}"]


@breaks(access.what_calls_out_may_have_a_fixed_address)
def deliver_stays_outside(t):
    del props(t, "DeliverFunction")["VpcConfig"]


@breaks(access.what_calls_out_may_have_a_fixed_address)
def the_code_may_make_interfaces(t):
    del statements(t, "FetchRole")[2]


@breaks(access.a_boundary_bounds_every_role)
def a_role_is_unbounded(t):
    del props(t, "SchedulerRole")["PermissionsBoundary"]


@breaks(access.the_key_is_used_through_a_service_only)
def the_key_can_not_be_used_in_china(t):
    statement(t, "LoginRole", "Key")["Condition"]["StringEquals"]["kms:ViaService"] = [
        {"Fn::Sub": "secretsmanager.${AWS::Region}.amazonaws.com"}
    ]


@breaks(access.a_domain_of_our_own_is_the_only_one)
def functions_do_not_know_the_domain(t):
    t["Globals"]["Function"]["Environment"]["Variables"]["PUBLIC_URL"] = {"Ref": "PublicUrl"}


@breaks(access.a_domain_of_our_own_is_the_only_one)
def the_old_address_closes_at_once(t):
    props(t, "HttpApi")["DisableExecuteApiEndpoint"] = {"Fn::If": ["HasDomain", True, False]}


@breaks(access.the_routes_are_those_agreed)
def the_stage_stands_in_the_path(t):
    props(t, "HttpApi")["StageName"] = "prod"


@breaks(access.the_access_log_names_nobody)
def the_path_is_logged(t):
    log = props(t, "HttpApi")["AccessLogSettings"]
    log["Format"] = log["Format"].replace("$context.routeKey", "$context.path")


@breaks(access.the_access_log_names_nobody)
def nothing_is_logged(t):
    del props(t, "HttpApi")["AccessLogSettings"]


@breaks(access.a_domain_of_our_own_is_the_only_one)
def the_other_address_stays_open(t):
    del props(t, "HttpApi")["DisableExecuteApiEndpoint"]


@breaks(access.a_domain_of_our_own_is_the_only_one)
def the_domain_leads_nowhere(t):
    del t["Resources"]["DomainMapping"]
