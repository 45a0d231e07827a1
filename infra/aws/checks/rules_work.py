"""Rules about what runs: functions, schedules, the stream, what they are told, what is watched."""

import json
import re

from house import ROOT, as_list

FUNCTIONS = {
    "LoginFunction": 10,
    "CallbackFunction": 29,
    "RefreshFunction": 120,
    "FetchFunction": 120,
    "ApiFunction": 29,
    "ActFunction": 60,
    "NotifyFunction": 29,
    "DigestFunction": 60,
    "DeliverFunction": 60,
}
WORKERS = (1, 2, 4, 8)
RATES = {
    "RefreshFunction": "rate(5 minutes)",
    "FetchFunction": "rate(1 minute)",
    "ActFunction": "rate(1 minute)",
    "DigestFunction": "rate(1 minute)",
    "DeliverFunction": "rate(1 minute)",
}
# What Lambda itself sets, the SDKs' overrides and the switch for tests: no business of the template.
NOT_OURS = re.compile(r"AWS_\w+|METRICS")
# Alarms on our own metrics: dimension beside the stack, and what silence means. A function that stopped
# says nothing, so silence about the oldest due item is an alarm; silence about a fault is none; silence about
# what lasts, such as a pause, changes nothing.
WATCHED = {
    **{("OldestDueAge", name): "breaching" for name in ("refresh", "fetch", "act", "digest", "deliver")},
    **{
        (metric, outcome): "notBreaching"
        for metric in ("Renewal", "Poll", "Login", "Subscription", "BusDelivery")
        for outcome in ("succeeded", "failed")
    },
    ("Subscription", "refused"): "notBreaching",
    ("RenewalAge", None): "notBreaching",
    ("Quarantined", None): "notBreaching",
    ("DeadDeliveries", None): "ignore",
    ("WebhooksFailing", None): "ignore",
    ("WebhooksPaused", None): "ignore",
    ("GrantLost", "lost_answer"): "notBreaching",
    ("GrantLost", "withdrawn"): "notBreaching",
    ("SealFailure", None): "notBreaching",
    ("RescueFailure", None): "notBreaching",
    ("CertificateDaysLeft", None): "notBreaching",
    ("MakerPaused", None): "notBreaching",
    ("LoginUnsettled", None): "notBreaching",
}
# Alarms on something that happened: that nothing more happens does not end it, so nothing tells an end.
HAPPENED = {"Quarantined", "GrantLost", "SealFailure", "RescueFailure", "LoginUnsettled", "Login", "5xx"}
# Per table its indexes.
INDEXES = {"Grants": ("due",), "Records": ("due", "find", "changed"), "Outbox": ("due",)}
# Alarms on what AWS counts: the metric, on which of our resources.
COUNTED_BY_AWS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "<RescueQueue.QueueName>"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "<DeadLetters.QueueName>"),
    ("AWS/ApiGateway", "5xx", "<HttpApi>"),
    *(("AWS/Lambda", "Throttles", f"<{name}>") for name in FUNCTIONS),
    *(("AWS/Lambda", "Errors", f"<{name}>") for name in RATES),
    # What an index throttles is not counted for its table.
    *(
        ("AWS/DynamoDB", f"{kind}ThrottleEvents", resource)
        for kind in ("Read", "Write")
        for table, indexes in INDEXES.items()
        for resource in (f"<{table}>", *(f"<{table}>/{index}" for index in indexes))
    ),
}


def the_functions_are_those_agreed(world):
    """Each function is built by cargo-lambda from its own package, and runs on what it was built for."""
    functions = world.house().of("Lambda::Function")
    if functions.keys() != FUNCTIONS.keys():
        yield f"the functions are {sorted(functions)}"
    for name, function in functions.items():
        actual = tuple(function.get(k) for k in ("Runtime", "Handler", "MemorySize", "Timeout", "Architectures"))
        wanted = ("provided.al2023", "bootstrap", 256, FUNCTIONS.get(name), ["x86_64"])
        if actual != wanted:
            yield f"{name} is {actual} and not {wanted}"
        if function.get("LoggingConfig", {}).get("LogGroup") != f"<{name.replace('Function', 'Log')}>":
            yield f"{name} has no log group of its own"
    # `sam build` sees no parameter of a deployment: what it built and what is deployed would differ.
    if world.template["Globals"]["Function"].get("Architectures") != ["x86_64"]:
        yield "the architecture is not written out"
    for name in FUNCTIONS:
        function = world.template["Resources"].get(name, {})
        package = name.removesuffix("Function").lower()
        build = {key: value for key, value in function.get("Metadata", {}).items() if key.startswith("Build")}
        if build != {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": package}}:
            yield f"{name} is built by {build}"
        # In the package's own folder cargo selects that package alone: no feature of another leaks in.
        if function.get("Properties", {}).get("CodeUri") != f"../../functions/{package}":
            yield f"{name} is built in {function.get('Properties', {}).get('CodeUri')}"


def the_schedules_cover_every_worker(world):
    """For every number of workers, the enabled schedules are that many, and say worker 0 to N-1 of N."""
    for workers in WORKERS:
        house = world.house(Workers=workers)
        schedules = house.of("Scheduler::Schedule")
        for function, count in (
            ("RefreshFunction", workers),
            ("FetchFunction", workers),
            ("DigestFunction", workers),
            ("DeliverFunction", workers),
            ("ActFunction", workers),
        ):
            of_it = [s for s in schedules.values() if house.function_of(s["Target"]["Arn"]) == function]
            inputs = [json.loads(s["Target"]["Input"]) for s in of_it if s.get("State") == "ENABLED"]
            wanted = [{"worker": worker, "workers": count} for worker in range(count)]
            if sorted(inputs, key=lambda i: i["worker"]) != wanted:
                yield f"{workers} workers: {function} is told {inputs}"
    declared = world.template["Parameters"]["Workers"]
    if tuple(declared["AllowedValues"]) != WORKERS:
        yield f"there may be {declared['AllowedValues']} workers"


def no_schedule_retries(world):
    """A schedule runs at its rate to the minute; neither it nor Lambda's queue retries, and a run is void after 60 s."""
    house = world.house()
    for name, schedule in house.of("Scheduler::Schedule").items():
        function = house.function_of(schedule["Target"]["Arn"])
        if schedule["ScheduleExpression"] != RATES.get(function):
            yield f"{name} runs at {schedule['ScheduleExpression']}"
        if schedule["FlexibleTimeWindow"] != {"Mode": "OFF"}:
            yield f"{name} runs some time around"
        retry = schedule["Target"].get("RetryPolicy")
        if retry != {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}:
            yield f"{name} retries by {retry}"
    # Scheduler's policy ends with the handing over; from then on Lambda's own queue tries again.
    queues = {config["FunctionName"].strip("<>"): config for config in house.of("Lambda::EventInvokeConfig").values()}
    for function in RATES.keys() | queues.keys():
        config = queues.get(function, {})
        actual = tuple(config.get(key) for key in ("Qualifier", "MaximumRetryAttempts", "MaximumEventAgeInSeconds"))
        if actual != ("$LATEST", 0, 60):
            yield f"Lambda tries {function} again by {actual}"


def the_scheduler_starts_the_scheduled_functions_alone(world):
    """Schedules act under one role, which this account's scheduler takes, and which starts those functions only."""
    house = world.house()
    for name, schedule in house.of("Scheduler::Schedule").items():
        if schedule["Target"]["RoleArn"] != "<SchedulerRole.Arn>":
            yield f"{name} acts as {schedule['Target']['RoleArn']}"
    allowed = {(a, r) for s in house.statements("SchedulerRole") for a in as_list(s["Action"]) for r in as_list(s["Resource"])}
    wanted = {("lambda:InvokeFunction", f"<{function}.Arn>") for function in RATES}
    if allowed != wanted:
        yield f"the role may {sorted(allowed ^ wanted)}"
    for statement in house.of("IAM::Role")["SchedulerRole"]["AssumeRolePolicyDocument"]["Statement"]:
        if statement.get("Condition") != {"StringEquals": {"aws:SourceAccount": "123456789012"}}:
            yield "another account's scheduler may take the role"


# What wakes a function by a stream: the table, the kinds of items, and where the store writes each.
STREAMS = {
    "ActFunction": ("Records", {"REQ#": "shared/src/store/requests.rs", "RMT#": "shared/src/store/remotes.rs"}),
    "DigestFunction": ("Records", {"MSG#": "shared/src/store/inbox.rs"}),
    "DeliverFunction": ("Outbox", {"EVT#": "shared/src/store/outbox.rs"}),
}


def the_stream_loses_no_batch(world):
    """Each stream wakes its function for new items of its kind alone; a bad record is split off, reported, and ends in a queue."""
    house = world.house()
    mappings = {house.function_of(m["FunctionName"]): m for m in house.of("Lambda::EventSourceMapping").values()}
    if mappings.keys() != STREAMS.keys() or len(house.of("Lambda::EventSourceMapping")) != len(STREAMS):
        yield f"streams wake {sorted(map(str, mappings))}"
        return
    for function, (table, prefixes) in STREAMS.items():
        mapping = mappings[function]
        wanted = {
            "EventSourceArn": f"<{table}.StreamArn>",
            "StartingPosition": "TRIM_HORIZON",
            "BisectBatchOnFunctionError": True,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRetryAttempts": 3,
            "DestinationConfig": {"OnFailure": {"Destination": "<DeadLetters.Arn>"}},
        }
        for key, value in wanted.items():
            if mapping.get(key) != value:
                yield f"{function}: {key} is {mapping.get(key)}"
        patterns = [json.loads(f["Pattern"]) for f in mapping.get("FilterCriteria", {}).get("Filters", [])]
        wanted = [{"prefix": prefix} for prefix in prefixes]
        if patterns != [{"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": wanted}}}}]:
            yield f"{function} is woken by {patterns}"
        for prefix, source in prefixes.items():
            if f'format!("{prefix}' not in (ROOT / source).read_text(encoding="utf-8"):
                yield f"the store does not write {prefix} under the sort key that the filter waits for"


def the_environment_is_what_the_code_reads(world):
    """Every variable that a function is given is read by the code, and every one read is given."""
    sources = [ROOT / "shared/src/config.rs", *sorted((ROOT / "shared/src/config").glob("*.rs"))]
    config = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    read = {name for name in re.findall(r"self\s*\.\w+(?:::<\w+>)?\(\s*\"([A-Z0-9_]+)\"", config) if not NOT_OURS.fullmatch(name)}
    functions = world.house().of("Lambda::Function")
    given = {name for function in functions.values() for name in function["Environment"]["Variables"]}
    yield from (f"{name} is given and never read" for name in sorted(given - read))
    yield from (f"{name} is read and never given" for name in sorted(read - given))
    common = given - {"MAKER_SECRET_ID", "SEAL_SECRET_ID", "EDGE_SECRET_ID", "WEBHOOKS_SECRET_ID", "EVENT_BUS"}
    for name, function in functions.items():
        for missing in sorted(common - function["Environment"]["Variables"].keys()):
            yield f"{name} is not given {missing}"


def concurrency_can_be_reserved(world):
    """Concurrency is reserved where it is asked for, and nowhere else."""
    asked = world.house(RefreshConcurrency="8", NotifyConcurrency="20").of("Lambda::Function")
    wanted = {"RefreshFunction": "8", "NotifyFunction": "20"}
    for name, function in asked.items():
        if function.get("ReservedConcurrentExecutions") != wanted.get(name):
            yield f"{name} has {function.get('ReservedConcurrentExecutions')} runs reserved"
    for name, function in world.house().of("Lambda::Function").items():
        if "ReservedConcurrentExecutions" in function:
            yield f"{name} has runs reserved that nobody asked for"


def every_parameter_reaches_the_environment(world):
    """A parameter of the code's configuration reaches the variable that it is for."""
    told = {
        "PublicUrl": ("PUBLIC_URL", "https://other.example"),
        "OperatorName": ("OPERATOR_NAME", "Someone"),
        "OpenMode": ("OPEN_MODE", "true"),
        "ReturnTo": ("RETURN_TO", "https://app.example/"),
        "DefaultScopes": ("DEFAULT_SCOPES", "openid"),
        "ScopeSeparator": ("SCOPE_SEPARATOR", "comma"),
        "RedirectUri": ("REDIRECT_URI", "single"),
        "LocaleParameters": ("LOCALE_PARAMETERS", "ui_locales"),
        "MakerBrands": ("MAKER_BRANDS", '{"opel": {"nonce": "omittable"}}'),
        "IdpUrl": ("IDP_URL", "https://idp.example/{brand}"),
        "MakerApiUrl": ("API_URL", "https://api.example/v4"),
        "MakerB2bApiUrl": ("B2B_API_URL", "https://api.example/v3"),
        "Notifications": ("NOTIFICATIONS", "off"),
        "TrustedByAddress": ("TRUSTED_BY_ADDRESS", "opel"),
        "RevokeReplaced": ("REVOKE_REPLACED", "on"),
        "HistoryDays": ("HISTORY_DAYS", 7),
        "PositionHistory": ("POSITION_HISTORY", "true"),
        "RemoteDoor": ("REMOTE_DOOR", "on"),
        "RemotesPerCar": ("REMOTES_PER_CAR", 1),
        "RemotesPerKey": ("REMOTES_PER_KEY", 2),
        "RemotesPerHour": ("REMOTES_PER_HOUR", 3),
        "WakeUpsPerMonth": ("WAKE_UPS_PER_MONTH", 4),
        "WebhookAddresses": ("WEBHOOK_ADDRESSES", "private"),
        "LogFilter": ("LOG", "debug"),
    }
    house = world.house(**{parameter: value for parameter, (_, value) in told.items()})
    for name, function in house.of("Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        for parameter, (variable, value) in told.items():
            if variables.get(variable) != value:
                yield f"{parameter} is not what {name} reads as {variable}"
        for variable, value in variables.items():
            if variable.endswith("_TABLE") and value != f"<{variable.removesuffix('_TABLE').capitalize()}>":
                yield f"{name}'s {variable} is {value}"
        if variables.get("RESCUE_QUEUE_URL") != "<RescueQueue>":
            yield f"{name}'s rescue queue is {variables.get('RESCUE_QUEUE_URL')}"


def metrics_of(alarm):
    """The metrics that an alarm reads: their namespace, name and dimensions, and of what statistic."""
    stats = [m["MetricStat"] for m in alarm.get("Metrics", []) if "MetricStat" in m]
    found = [(stat["Metric"], stat["Stat"]) for stat in stats] or [(alarm, alarm["Statistic"])]
    for metric, statistic in found:
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
        yield metric["Namespace"], metric["MetricName"], dimensions, statistic


def what_matters_is_watched(world):
    """Every alarm agreed is there, and silence means what it should."""
    house = world.house()
    ours, counted = {}, set()
    for name, alarm in house.of("CloudWatch::Alarm").items():
        for namespace, metric, dimensions, _ in metrics_of(alarm):
            if namespace == "AccessingParty":
                values = [value for key, value in dimensions.items() if key != "Stack"]
                ours[(metric, values[0] if values else None)] = alarm.get("TreatMissingData", "missing")
            else:
                counted.add((namespace, metric, "/".join(dimensions.values())))
                if alarm.get("TreatMissingData") != "notBreaching":
                    yield f"{name} takes silence for {alarm.get('TreatMissingData')}"
    for key in WATCHED.keys() | ours.keys():
        if ours.get(key) != WATCHED.get(key):
            yield f"{key}: silence is {ours.get(key)} and not {WATCHED.get(key)}"
    yield from (f"nothing watches {key}" for key in sorted(COUNTED_BY_AWS - counted))
    for table, indexes in INDEXES.items():
        named = {index["IndexName"] for index in house.of("DynamoDB::Table")[table]["GlobalSecondaryIndexes"]}
        if named != set(indexes):
            yield f"{table} has the indexes {sorted(named)}"


def every_stack_has_alarms_of_its_own(world):
    """Two deployments in one account do not hide each other: every metric of ours names its stack."""
    house = world.house()
    for name, function in house.of("Lambda::Function").items():
        if function["Environment"]["Variables"].get("STACK_NAME") != "party":
            yield f"{name} does not know its stack"
    for name, alarm in house.of("CloudWatch::Alarm").items():
        for namespace, metric, dimensions, _ in metrics_of(alarm):
            if namespace == "AccessingParty" and dimensions.get("Stack") != "party":
                yield f"{name} reads {metric} of {dimensions.get('Stack')}"


def alarms_fire_early_enough(world):
    """An alarm on a fault of which one is too many fires at the first, and none waits for many drivers."""
    alarms = world.house().of("CloudWatch::Alarm")
    first = {"GrantLost/lost_answer", "SealFailure", "RescueFailure", "LoginUnsettled", "5xx", "Quarantined"}
    first |= {"DeadDeliveries", "WebhooksPaused", "WebhooksFailing", "ApproximateNumberOfMessagesVisible"}
    outcomes = {metric for metric, outcome in WATCHED if outcome in ("failed", "refused")}
    for name, alarm in alarms.items():
        for _, metric, dimensions, _ in metrics_of(alarm):
            values = [value for key, value in dimensions.items() if key != "Stack"]
            if metric in first or f"{metric}/{''.join(values)}" in first:
                if (alarm["Threshold"], alarm["EvaluationPeriods"]) != (0, 1):
                    yield f"{name} waits for more than one"
            if metric in outcomes:
                period = alarm["Metrics"][1]["MetricStat"]["Period"]
                minutes = period * alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) / 60
                if alarm["Threshold"] != 0 or minutes != 30:
                    yield f"{name} waits for {minutes} minutes and {alarm['Threshold']} failures"
            if metric == "CertificateDaysLeft" and alarm["Threshold"] < 14:
                yield f"{name} leaves {alarm['Threshold']} days"
            if metric == "RenewalAge" and alarm["Threshold"] > 22 * 3600:
                yield f"{name} fires when grants have ended"
            if metric == "OldestDueAge" and alarm["Period"] * alarm["EvaluationPeriods"] > 3600:
                yield f"{name} waits for {alarm['Period'] * alarm['EvaluationPeriods']} s of silence"


def alarms_reach_somebody(world):
    """With a topic, every alarm tells it when it begins, and its end if it has one; without one, none names any."""
    for topic in ("", "arn:aws:sns:eu-west-1:123456789012:alarms"):
        wanted = [topic] if topic else None
        for name, alarm in world.house(AlarmTopicArn=topic).of("CloudWatch::Alarm").items():
            names = {metric for _, metric, _, _ in metrics_of(alarm)}
            ends = not names & HAPPENED and not name.endswith("RefusedAlarm")
            for key, expected in (("AlarmActions", wanted), ("OKActions", wanted if ends else None)):
                if alarm.get(key) != expected:
                    yield f"topic {topic!r}: {name} has {key} {alarm.get(key)}"
            if not alarm.get("AlarmDescription"):
                yield f"{name} does not say what it means"


def every_alarm_is_explained(world):
    """The README says of every alarm what to do, and names none that is not there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Za-z]+Alarm)`", readme))
    alarms = world.house().of("CloudWatch::Alarm").keys()
    yield from (f"the README says nothing of {name}" for name in sorted(alarms - named))
    yield from (f"the README names {name}" for name in sorted(named - alarms))


def alarms_compare_what_they_say(world):
    """What is counted is added up, what lasts is taken at its highest; a fault is one only while nothing succeeds."""
    for name, alarm in world.house().of("CloudWatch::Alarm").items():
        for namespace, metric, dimensions, statistic in metrics_of(alarm):
            lasts = metric in ("OldestDueAge", "RenewalAge", "DeadDeliveries", "MakerPaused") or metric.startswith("Webhooks")
            lasts |= metric == "ApproximateNumberOfMessagesVisible"
            wanted = "Minimum" if metric == "CertificateDaysLeft" else "Maximum" if lasts else "Sum"
            if statistic != wanted:
                yield f"{name} takes the {statistic} of {metric}"
        ids = {m["Id"]: m for m in alarm.get("Metrics", [])}
        if "succeeded" in ids:
            of = next(key for key in ids if key in ("failed", "refused"))
            expression = next(m["Expression"] for m in ids.values() if m.get("ReturnData"))
            if expression != f"IF(FILL(succeeded, 0) > 0, 0, FILL({of}, 0))":
                yield f"{name} computes {expression}"
            for key in ("succeeded", of):
                values = [d["Value"] for d in ids[key]["MetricStat"]["Metric"]["Dimensions"]]
                if key not in values:
                    yield f"{name} reads {values} as {key}"
        elif ids:
            expression = next(m["Expression"] for m in ids.values() if m.get("ReturnData"))
            parts = {f"FILL({key}, 0)" for key, m in ids.items() if "MetricStat" in m}
            if set(expression.split(" + ")) != parts:
                yield f"{name} adds up {expression}"


def what_is_watched_is_counted(world):
    """Every metric of ours that an alarm watches is counted by the code, under that name."""
    code = (ROOT / "shared/src/metrics.rs").read_text(encoding="utf-8")
    names = set(re.findall(r'"([A-Za-z]+)"', code))
    if "AccessingParty" not in names:
        yield "the namespace is another"
    for metric in sorted({metric for metric, _ in WATCHED} - names):
        yield f"nothing counts {metric}"


RULES = [
    concurrency_can_be_reserved,
    the_functions_are_those_agreed,
    the_schedules_cover_every_worker,
    no_schedule_retries,
    the_scheduler_starts_the_scheduled_functions_alone,
    the_stream_loses_no_batch,
    the_environment_is_what_the_code_reads,
    every_parameter_reaches_the_environment,
    what_matters_is_watched,
    every_stack_has_alarms_of_its_own,
    alarms_compare_what_they_say,
    every_alarm_is_explained,
    alarms_fire_early_enough,
    alarms_reach_somebody,
    what_is_watched_is_counted,
]
