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
# Alarms on our own metrics: dimension, and what silence means. A function that stopped says nothing,
# so silence about the oldest due item is an alarm; silence about a fault is none.
WATCHED = {
    ("OldestDueAge", "refresh"): "breaching",
    ("OldestDueAge", "fetch"): "breaching",
    ("OldestDueAge", "act"): "breaching",
    ("OldestDueAge", "digest"): "breaching",
    ("Quarantined", None): "notBreaching",
    ("OldestDueAge", "deliver"): "breaching",
    ("WebhookDead", None): "notBreaching",
    ("WebhookPaused", None): "notBreaching",
    ("GrantLost", "lost_answer"): "notBreaching",
    ("GrantLost", "withdrawn"): "notBreaching",
    ("SealFailure", None): "notBreaching",
    ("RescueFailure", None): "notBreaching",
    ("CertificateDaysLeft", None): "notBreaching",
    ("MakerLimited", None): "notBreaching",
    ("LoginUnsettled", None): "notBreaching",
}
# Alarms on what AWS counts: the metric, on which of our resources.
COUNTED_BY_AWS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "<RescueQueue.QueueName>"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "<DeadLetters.QueueName>"),
    ("AWS/ApiGateway", "5xx", "<HttpApi>"),
    *(("AWS/Lambda", "Throttles", f"<{name}>") for name in FUNCTIONS),
    *(("AWS/Lambda", "Errors", f"<{name}>") for name in RATES),
    *(
        ("AWS/DynamoDB", f"{kind}ThrottleEvents", f"<{table}>")
        for kind in ("Read", "Write")
        for table in ("Grants", "Records", "Outbox")
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
            ("ActFunction", 1),
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


def what_matters_is_watched(world):
    """Every alarm agreed is there, and silence means what it should."""
    ours, counted = {}, set()
    for name, alarm in world.house().of("CloudWatch::Alarm").items():
        metrics = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m] or [alarm]
        for metric in metrics:
            values = [dimension["Value"] for dimension in metric.get("Dimensions", [])]
            if metric["Namespace"] == "AccessingParty":
                key = (metric["MetricName"], values[0] if values else None)
                ours[key] = alarm.get("TreatMissingData", "missing")
            else:
                counted.update((metric["Namespace"], metric["MetricName"], value) for value in values)
                if alarm.get("TreatMissingData") != "notBreaching":
                    yield f"{name} takes silence for {alarm.get('TreatMissingData')}"
    for key in WATCHED.keys() | ours.keys():
        if ours.get(key) != WATCHED.get(key):
            yield f"{key}: silence is {ours.get(key)} and not {WATCHED.get(key)}"
    yield from (f"nothing watches {key}" for key in sorted(COUNTED_BY_AWS - counted))


def alarms_fire_early_enough(world):
    """An alarm on a fault of which one is too many fires at the first."""
    alarms = world.house().of("CloudWatch::Alarm")
    first = {"GrantLost/lost_answer", "SealFailure", "RescueFailure", "WebhookDead", "WebhookPaused", "ApproximateNumberOfMessagesVisible"}
    for name, alarm in alarms.items():
        dimension = alarm.get("Dimensions", [{}])[0].get("Value", "")
        metric = alarm.get("MetricName", "")
        if metric in first or f"{metric}/{dimension}" in first:
            if (alarm["Threshold"], alarm["EvaluationPeriods"]) != (0, 1):
                yield f"{name} waits for more than one"
        if metric == "CertificateDaysLeft" and alarm["Threshold"] < 14:
            yield f"{name} leaves {alarm['Threshold']} days"
        if metric == "OldestDueAge" and alarm["Period"] * alarm["EvaluationPeriods"] > 3600:
            yield f"{name} waits for {alarm['Period'] * alarm['EvaluationPeriods']} s of silence"


def alarms_reach_somebody(world):
    """With a topic, every alarm tells it when it begins and when it ends; without one, none names any."""
    for topic in ("", "arn:aws:sns:eu-west-1:123456789012:alarms"):
        wanted = [topic] if topic else None
        for name, alarm in world.house(AlarmTopicArn=topic).of("CloudWatch::Alarm").items():
            for key in ("AlarmActions", "OKActions"):
                if alarm.get(key) != wanted:
                    yield f"topic {topic!r}: {name} has {key} {alarm.get(key)}"
            if not alarm.get("AlarmDescription"):
                yield f"{name} does not say what it means"


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
    alarms_fire_early_enough,
    alarms_reach_somebody,
    what_is_watched_is_counted,
]
