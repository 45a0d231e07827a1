"""Rules about what is stored: it is kept, encrypted, named by AWS, and forgotten in time."""

import json
import re

from house import HERE

# Where data lives. A queue is one of them unless it holds pointers only.
STATEFUL = {"DynamoDB::Table", "KMS::Key", "SecretsManager::Secret", "SQS::Queue"}
POINTERS_ONLY = {"DeadLetters"}
# Properties by which a resource would get a name of ours: two stacks would collide, and what a
# deleted stack retains would stand in the way of the next.
NAMES = {
    "AlarmName", "AliasName", "DBInstanceIdentifier", "FunctionName", "GroupName", "LogGroupName", "Name",
    "PolicyName", "QueueName", "RoleName", "TableName", "TopicName",
}
OF_THE_STACK = {("Events::EventBus", "party-events"), ("Logs::LogGroup", "/aws/vendedlogs/party/access")}
DUE = ("due", [("shard", "S", "HASH"), ("due_at", "N", "RANGE")])
TABLES = {
    "Grants": ([("pk", "S", "HASH")], [DUE], None),
    "Records": (
        [("pk", "S", "HASH"), ("sk", "S", "RANGE")],
        [
            DUE,
            ("find", [("find", "S", "HASH"), ("sk", "S", "RANGE")]),
            ("changed", [("status", "S", "HASH"), ("changed_at", "N", "RANGE")]),
        ],
        "KEYS_ONLY",
    ),
    "Outbox": ([("pk", "S", "HASH"), ("sk", "S", "RANGE")], [DUE], "KEYS_ONLY"),
}


def what_holds_data_is_retained(world):
    """What holds data outlives the stack and a replacement, but leaves nothing behind when its own making fails."""
    for name, resource in world.house().resources.items():
        if resource["Type"].removeprefix("AWS::") in STATEFUL and name not in POINTERS_ONLY:
            for policy, wanted in (("DeletionPolicy", "RetainExceptOnCreate"), ("UpdateReplacePolicy", "Retain")):
                if resource.get(policy) != wanted:
                    yield f"{name} has {policy} {resource.get(policy)}"


def nothing_has_a_name_of_ours(world):
    """Nothing has a name of ours, so that two stacks live side by side."""
    for name, resource in world.house().resources.items():
        kind = resource["Type"].removeprefix("AWS::")
        for key in NAMES & resource.get("Properties", {}).keys():
            value = resource["Properties"][key]
            # A permission, a mapping and a queue's settings name the function that they belong to.
            if kind in {"Lambda::Permission", "Lambda::EventSourceMapping", "Lambda::EventInvokeConfig"} and str(value).startswith("<"):
                continue
            # A bus must have one, and the access log a prefix: the stack's own, which no other stack has.
            if (kind, value) in OF_THE_STACK:
                continue
            yield f"{name} is called {value}"


def no_secret_has_a_value(world):
    """No secret has a value in the template or a generated one: the operator puts it."""
    for name, secret in world.house().of("SecretsManager::Secret").items():
        for key in {"SecretString", "GenerateSecretString"} & secret.keys():
            yield f"{name} has {key}"


def the_tables_are_those_agreed(world):
    """The tables have the keys, keys-only indexes and streams agreed, and are paid by request."""
    tables = world.house().of("DynamoDB::Table")
    if tables.keys() != TABLES.keys():
        yield f"the tables are {sorted(tables)}"
    for name, table in tables.items():
        types = {d["AttributeName"]: d["AttributeType"] for d in table["AttributeDefinitions"]}

        def keys(schema, types=types):
            return [(key["AttributeName"], types.get(key["AttributeName"]), key["KeyType"]) for key in schema]

        indexes = table.get("GlobalSecondaryIndexes", [])
        stream = table.get("StreamSpecification", {}).get("StreamViewType")
        actual = (keys(table["KeySchema"]), [(i["IndexName"], keys(i["KeySchema"])) for i in indexes], stream)
        if actual != TABLES.get(name):
            yield f"{name} is {actual}"
        for index in indexes:
            if index["Projection"] != {"ProjectionType": "KEYS_ONLY"}:
                yield f"{name}'s index {index['IndexName']} projects {index['Projection']}"
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name} is not paid by request"


def the_tables_forget_and_recover(world):
    """Every table forgets by expires_at, can be restored for the period asked, and resists deletion."""
    for name, table in world.house(RecoveryDays=11).of("DynamoDB::Table").items():
        if table.get("TimeToLiveSpecification") != {"AttributeName": "expires_at", "Enabled": True}:
            yield f"{name} forgets by {table.get('TimeToLiveSpecification')}"
        recovery = table.get("PointInTimeRecoverySpecification")
        if recovery != {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 11}:
            yield f"{name} recovers by {recovery}"
        if table.get("DeletionProtectionEnabled") is not True:
            yield f"{name} can be deleted by a slip"
    for name, table in world.house(DeletionProtection="off").of("DynamoDB::Table").items():
        if table.get("DeletionProtectionEnabled") is not False:
            yield f"{name} would outlive a first deployment that fails"


def all_is_encrypted(world):
    """Tables and secrets are under our own key, which rotates; queues are encrypted."""
    house = world.house()
    for name, table in house.of("DynamoDB::Table").items():
        if table.get("SSESpecification") != {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "<Key.Arn>"}:
            yield f"{name} is encrypted by {table.get('SSESpecification')}"
    for name, secret in house.of("SecretsManager::Secret").items():
        if secret.get("KmsKeyId") != "<Key.Arn>":
            yield f"{name} is encrypted by {secret.get('KmsKeyId')}"
    for name, queue in house.of("SQS::Queue").items():
        if queue.get("SqsManagedSseEnabled") is not True:
            yield f"{name} is not encrypted by SQS, which works when our key does not"
    for name, key in house.of("KMS::Key").items():
        if key.get("EnableKeyRotation") is not True:
            yield f"{name} does not rotate"


def the_rescue_queue_loses_nothing(world):
    """The rescue queue keeps each message 14 days, hides it longer than a run, and gives none away."""
    house = world.house()
    queue = house.of("SQS::Queue")["RescueQueue"]
    if queue.get("MessageRetentionPeriod") != 1_209_600:
        yield f"it keeps messages {queue.get('MessageRetentionPeriod')} s"
    run = house.of("Lambda::Function")["RefreshFunction"]["Timeout"]
    if queue.get("VisibilityTimeout", 30) <= run:
        yield f"it shows a message again after {queue.get('VisibilityTimeout')} s, a run may take {run} s"
    if "RedrivePolicy" in queue:
        yield "it gives messages away"


def logs_end(world):
    """Every log group keeps what it has as long as asked and no longer."""
    groups = world.house(LogDays=14).of("Logs::LogGroup")
    for name, group in groups.items():
        if group.get("RetentionInDays") != 14:
            yield f"{name} keeps {group.get('RetentionInDays')} days"


def nothing_secret_is_in_the_outputs(world):
    """The outputs are the addresses to register, names and ARNs."""
    outputs = {name: output["Value"] for name, output in world.house(PublicUrl="https://party.example").outputs.items()}
    for brand in ("peugeot", "citroen", "ds", "opel", "vauxhall"):
        if outputs.get(f"RedirectUri{brand.capitalize()}") != f"https://party.example/callback/{brand}":
            yield f"{brand}'s redirect URI is {outputs.get(f'RedirectUri{brand.capitalize()}')}"
    if outputs.get("RedirectUriSingle") != "https://party.example/callback":
        yield f"the single redirect URI is {outputs.get('RedirectUriSingle')}"
    wanted = {f"{table}Table": f"<{table}>" for table in TABLES}
    wanted |= {f"{secret}SecretArn": f"<{secret}Secret>" for secret in ("Maker", "Seal", "Edge", "Webhooks")}
    for name, value in wanted.items():
        if outputs.get(name) != value:
            yield f"{name} is {outputs.get(name)}"
    if "ApiUrl" not in outputs:
        yield "the API's address is missing"
    domain = world.house(DomainName="cars.example.com", CertificateArn="arn").outputs
    for name, output in domain.items():
        if name.startswith("RedirectUri") and not output["Value"].startswith("https://cars.example.com/callback"):
            yield f"with a domain {name} is {output['Value']}"
    if "SecretString" in json.dumps(outputs) or "resolve:secretsmanager" in json.dumps(outputs):
        yield "a secret's value is among them"


def every_parameter_is_explained_and_used(world):
    """Every parameter is explained, used, and shown in one group."""
    template = world.template
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    shown = [name for group in groups for name in group["Parameters"]]
    text = json.dumps({key: part for key, part in template.items() if key not in {"Parameters", "Metadata"}})
    for name, parameter in template["Parameters"].items():
        if not parameter.get("Description"):
            yield f"{name} is not explained"
        if shown.count(name) != 1:
            yield f"{name} is shown {shown.count(name)} times"
        if f'{{"Ref": "{name}"}}' not in text and f"${{{name}}}" not in text:
            yield f"{name} is not used"
    yield from (f"{name} is shown and no parameter" for name in shown if name not in template["Parameters"])


OLD_KEY = "arn:aws:kms:eu-west-1:123456789012:key/0f3c9d2e-1111-2222-3333-444455556666"


def under_another_key(before, house):
    """With another key what uses tables may do with it what it may do with the stack's own, and nothing else changes."""
    for function in house.of("Lambda::Function"):
        rights = before.rights(function)
        uses_tables = any(action.startswith("dynamodb:") for action, _ in rights)
        wanted = {(action, OLD_KEY) for action, resource in rights if uses_tables and resource == "<Key.Arn>"}
        for action, resource in sorted(house.rights(function) ^ (rights | wanted)):
            yield f"{function} with another key: {action} on {resource}"


def another_table_takes_the_place_of_ones_own(world):
    """With the name of another table, functions are told it, may use it, under another stack's key too, and are woken by its stream; nothing is left on the stack's own."""
    for name, (_, _, stream) in TABLES.items():
        arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/{name.lower()}-2"
        other = {f"{name}TableName": f"{name.lower()}-2"}
        if stream:
            other[f"{name}StreamArn"] = f"{arn}/stream/2026-12-01T00:00:00.000"
        before, house = world.house(), world.house(**other)
        for function, properties in house.of("Lambda::Function").items():
            if properties["Environment"]["Variables"][f"{name.upper()}_TABLE"] != f"{name.lower()}-2":
                yield f"{function} is told of {name}"
            stream_arn = other.get(f"{name}StreamArn", "none")
            wanted = {
                (action, resource.replace(f"<{name}.StreamArn>", stream_arn).replace(f"<{name}.Arn>", arn))
                for action, resource in before.rights(function)
            }
            for action, resource in sorted(house.rights(function) ^ wanted):
                yield f"{function} with another {name}: {action} on {resource}"
        yield from under_another_key(house, world.house(**other, OldKeyArn=OLD_KEY))
        for mapping, properties in house.of("Lambda::EventSourceMapping").items():
            if f"<{name}." in properties["EventSourceArn"]:
                yield f"{mapping} is woken by the old {name}"
        if house.outputs[f"{name}Table"]["Value"] != f"{name.lower()}-2":
            yield f"the output {name}Table is {house.outputs[f'{name}Table']['Value']}"
        if name not in house.of("DynamoDB::Table"):
            yield f"{name} itself is gone"


def each_parameters_examples_are_judged_right(world):
    """Each parameter accepts and refuses its examples in parameters.json, which the code's own parser is held to as well."""
    examples = json.loads((HERE / "parameters.json").read_text(encoding="utf-8"))
    declared = world.template["Parameters"]
    for name in declared.keys() ^ examples.keys():
        yield f"{name} has no examples, or is no parameter"
    for name in declared.keys() & examples.keys():
        if not examples[name]["accepted"] or not examples[name]["refused"]:
            yield f"{name} has examples of one kind alone"
        for value in examples[name]["accepted"]:
            if not accepts(declared[name], value):
                yield f"{name} refuses {value!r}"
        for value in examples[name]["refused"]:
            if accepts(declared[name], value):
                yield f"{name} accepts {value!r}"
        if "AllowedPattern" in declared[name] and not declared[name].get("ConstraintDescription"):
            yield f"{name} does not say what it wants"


def accepts(parameter, value):
    """Whether CloudFormation would take a value: a pattern must match the whole of it."""
    if parameter["Type"] == "Number":
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return False
        if not parameter.get("MinValue", float(value)) <= float(value) <= parameter.get("MaxValue", float(value)):
            return False
    allowed = [str(one) for one in parameter.get("AllowedValues", [value])]
    return (
        value in allowed
        and parameter.get("MinLength", 0) <= len(value) <= parameter.get("MaxLength", 4096)
        and re.fullmatch(parameter.get("AllowedPattern", r"[\s\S]*"), value) is not None
    )


RULES = [
    what_holds_data_is_retained,
    nothing_has_a_name_of_ours,
    no_secret_has_a_value,
    the_tables_are_those_agreed,
    the_tables_forget_and_recover,
    all_is_encrypted,
    the_rescue_queue_loses_nothing,
    logs_end,
    nothing_secret_is_in_the_outputs,
    every_parameter_is_explained_and_used,
    another_table_takes_the_place_of_ones_own,
    each_parameters_examples_are_judged_right,
]
