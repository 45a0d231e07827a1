"""Breaks about what runs and what is watched: each must be seen by the rules that it names."""

import rules_work as work
from breaking import breaks, event, props, statement


@breaks(work.the_functions_are_those_agreed)
def a_function_runs_too_long(t):
    props(t, "CallbackFunction")["Timeout"] = 60


@breaks(work.the_functions_are_those_agreed)
def a_function_is_built_from_the_root(t):
    props(t, "ActFunction")["CodeUri"] = "../.."


@breaks(work.the_functions_are_those_agreed)
def the_architecture_is_a_parameter(t):
    t["Parameters"]["Architecture"] = {"Type": "String", "Default": "x86_64"}
    t["Globals"]["Function"]["Architectures"] = [{"Ref": "Architecture"}]


@breaks(work.the_schedules_cover_every_worker)
def two_schedules_are_one_worker(t):
    event(t, "FetchFunction", "Worker5")["Input"] = {"Fn::Sub": '{"worker":4,"workers":${Workers}}'}


@breaks(work.the_schedules_cover_every_worker)
def a_worker_never_runs(t):
    event(t, "RefreshFunction", "Worker2")["State"] = "DISABLED"


@breaks(work.the_schedules_cover_every_worker)
def a_worker_runs_for_nobody(t):
    event(t, "RefreshFunction", "Worker7")["State"] = "ENABLED"


@breaks(work.no_schedule_retries)
def a_schedule_retries(t):
    del event(t, "FetchFunction", "Worker0")["RetryPolicy"]


@breaks(work.no_schedule_retries)
def lambda_tries_a_scheduled_run_again(t):
    del props(t, "RefreshFunction")["EventInvokeConfig"]


@breaks(work.no_schedule_retries)
def a_throttled_run_waits_for_hours(t):
    del props(t, "ActFunction")["EventInvokeConfig"]["MaximumEventAgeInSeconds"]


@breaks(work.concurrency_can_be_reserved)
def the_reserve_is_forgotten(t):
    del props(t, "NotifyFunction")["ReservedConcurrentExecutions"]


@breaks(work.no_schedule_retries)
def a_schedule_is_rare(t):
    event(t, "RefreshFunction", "Worker6")["ScheduleExpression"] = "rate(5 hours)"


@breaks(work.the_scheduler_starts_the_scheduled_functions_alone)
def the_scheduler_starts_anything(t):
    statement(t, "SchedulerRole", "Invoke")["Resource"].append({"Fn::GetAtt": ["ApiFunction", "Arn"]})


@breaks(work.the_scheduler_starts_the_scheduled_functions_alone)
def a_foreign_account_takes_the_scheduler(t):
    del props(t, "SchedulerRole")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]


@breaks(work.the_stream_loses_no_batch)
def a_bad_record_blocks_its_batch(t):
    event(t, "ActFunction", "Requests")["BisectBatchOnFunctionError"] = False


@breaks(work.the_stream_loses_no_batch)
def a_failed_batch_vanishes(t):
    del event(t, "ActFunction", "Requests")["DestinationConfig"]


@breaks(work.the_stream_loses_no_batch)
def every_delivery_wakes_deliver(t):
    filters = event(t, "DeliverFunction", "Told")["FilterCriteria"]["Filters"]
    filters[0]["Pattern"] = filters[0]["Pattern"].replace("EVT#", "SEND#")


@breaks(work.the_stream_loses_no_batch)
def every_change_wakes_act(t):
    del event(t, "ActFunction", "Requests")["FilterCriteria"]


@breaks(work.the_stream_loses_no_batch)
def notifications_wait_for_the_sweep(t):
    del props(t, "DigestFunction")["Events"]["Inbox"]


@breaks(work.the_environment_is_what_the_code_reads)
def a_variable_is_misspelt(t):
    variables = t["Globals"]["Function"]["Environment"]["Variables"]
    variables["SCOPES_DEFAULT"] = variables.pop("DEFAULT_SCOPES")


@breaks(work.every_parameter_reaches_the_environment)
def two_addresses_are_swapped(t):
    variables = t["Globals"]["Function"]["Environment"]["Variables"]
    variables["API_URL"], variables["B2B_API_URL"] = variables["B2B_API_URL"], variables["API_URL"]


@breaks(work.every_parameter_reaches_the_environment)
def tokens_are_revoked_that_nobody_wanted_revoked(t):
    t["Globals"]["Function"]["Environment"]["Variables"]["REVOKE_REPLACED"] = {"Ref": "Notifications"}


@breaks(work.every_parameter_reaches_the_environment)
def a_parameter_is_added_and_not_proven(t):
    t["Parameters"]["Added"] = {"Type": "String", "Default": "", "Description": "nothing"}
    t["Globals"]["Function"]["Environment"]["Variables"]["ADDED"] = {"Ref": "Added"}


@breaks(work.every_parameter_reaches_the_environment)
def two_tables_are_swapped(t):
    t["Globals"]["Function"]["Environment"]["Variables"]["GRANTS_TABLE"] = {"Ref": "Records"}


@breaks(work.what_matters_is_watched)
def silence_is_taken_for_health(t):
    props(t, "RefreshBehindAlarm")["TreatMissingData"] = "notBreaching"


@breaks(work.what_matters_is_watched)
def nobody_watches_the_dead_letters(t):
    del t["Resources"]["DeadLettersAlarm"]


@breaks(work.what_matters_is_watched)
def a_reason_is_misspelt(t):
    props(t, "GrantLostAnswerAlarm")["Dimensions"][1]["Value"] = "lost"


@breaks(work.what_matters_is_watched)
def one_function_may_be_throttled(t):
    props(t, "FunctionThrottleAlarm")["Metrics"].pop()


@breaks(work.alarms_fire_early_enough)
def the_third_lost_grant_is_told(t):
    props(t, "GrantLostAnswerAlarm")["Threshold"] = 2


@breaks(work.what_matters_is_watched)
def an_index_throttles_unseen(t):
    props(t, "RecordsThrottleAlarm")["Metrics"].pop()


@breaks(work.what_matters_is_watched)
def an_index_is_added_and_not_watched(t):
    indexes = props(t, "Outbox")["GlobalSecondaryIndexes"]
    indexes.append(indexes[0] | {"IndexName": "other"})


@breaks(work.what_matters_is_watched)
def a_pause_ends_when_nobody_speaks_of_it(t):
    props(t, "WebhookPausedAlarm")["TreatMissingData"] = "notBreaching"


@breaks(work.what_matters_is_watched)
def nobody_watches_a_maker_that_fails(t):
    del t["Resources"]["RenewalsFailAlarm"]


@breaks(work.every_stack_has_alarms_of_its_own)
def two_stacks_share_an_alarm(t):
    props(t, "FetchBehindAlarm")["Dimensions"].pop(0)


@breaks(work.every_stack_has_alarms_of_its_own)
def two_stacks_share_an_outcome(t):
    props(t, "PollsFailAlarm")["Metrics"][2]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = "another"


@breaks(work.every_stack_has_alarms_of_its_own)
def the_functions_do_not_know_their_stack(t):
    t["Globals"]["Function"]["Environment"]["Variables"]["STACK_NAME"] = "local"


@breaks(work.every_alarm_is_explained)
def an_alarm_has_another_name(t):
    t["Resources"]["PollingFailsAlarm"] = t["Resources"].pop("PollsFailAlarm")


@breaks(work.alarms_compare_what_they_say)
def a_fault_is_one_whatever_succeeds(t):
    props(t, "PollsFailAlarm")["Metrics"][0]["Expression"] = "FILL(failed, 0)"


@breaks(work.alarms_compare_what_they_say)
def a_success_is_taken_for_a_failure(t):
    metrics = props(t, "RenewalsFailAlarm")["Metrics"]
    metrics[1]["Id"], metrics[2]["Id"] = metrics[2]["Id"], metrics[1]["Id"]


@breaks(work.alarms_compare_what_they_say)
def pauses_are_added_up(t):
    props(t, "WebhookPausedAlarm")["Statistic"] = "Sum"


@breaks(work.alarms_compare_what_they_say)
def a_table_is_left_out_of_a_sum(t):
    props(t, "OutboxThrottleAlarm")["Metrics"][0]["Expression"] = "FILL(read, 0)"


@breaks(work.alarms_fire_early_enough)
def an_operator_with_ten_logins_a_day_never_hears(t):
    props(t, "LoginUnsettledAlarm")["Threshold"] = 4


@breaks(work.alarms_fire_early_enough)
def the_maker_may_fail_for_hours(t):
    props(t, "RenewalsFailAlarm")["DatapointsToAlarm"] = 3


@breaks(work.an_alarm_does_not_end_between_two_tries)
def an_alarm_says_ok_while_the_maker_is_bad(t):
    props(t, "PollsFailAlarm")["EvaluationPeriods"] = 8


@breaks(work.the_cost_of_the_alarms_is_said)
def an_alarm_reads_a_metric_more(t):
    metrics = props(t, "ServerErrorAlarm").setdefault("Metrics", [])
    metrics += props(t, "PollsFailAlarm")["Metrics"]


@breaks(work.alarms_fire_early_enough)
def grants_have_ended_when_it_is_told(t):
    props(t, "RenewalAgeAlarm")["Threshold"] = 90000


@breaks(work.alarms_reach_somebody)
def the_end_of_what_happened_is_told(t):
    props(t, "GrantLostAnswerAlarm")["OKActions"] = props(t, "GrantLostAnswerAlarm")["AlarmActions"]


@breaks(work.alarms_fire_early_enough)
def the_third_dead_event_is_told(t):
    props(t, "WebhookDeadAlarm")["Threshold"] = 2


@breaks(work.alarms_fire_early_enough)
def the_certificate_ends_tomorrow(t):
    props(t, "CertificateAlarm")["Threshold"] = 1


@breaks(work.alarms_reach_somebody)
def an_alarm_tells_nobody(t):
    del props(t, "ServerErrorAlarm")["AlarmActions"]


@breaks(work.what_is_watched_is_counted)
def an_alarm_watches_what_nobody_counts(t):
    # The rule reads the code, so the break is to the list of what is watched.
    work.WATCHED[("NobodyCountsThis", None)] = "notBreaching"
