"""Rules about who may do what, and what the internet reaches."""

import json
import re

from house import HERE, as_list

# The functions that may hold a driver's tokens and call the maker. Of what the internet reaches,
# only `callback` may: it exchanges the code and stores what that gives.
CALLS_THE_MAKER = {"CallbackFunction", "RefreshFunction", "FetchFunction", "ActFunction"}
REACHED_BY_THE_INTERNET = {"LoginFunction", "CallbackFunction", "ApiFunction", "NotifyFunction"}
SECRETS = {
    "MAKER_SECRET_ID": "<MakerSecret>",
    "SEAL_SECRET_ID": "<SealSecret>",
    "EDGE_SECRET_ID": "<EdgeSecret>",
    "WEBHOOKS_SECRET_ID": "<WebhooksSecret>",
}
# The functions that may derive the secrets of webhooks: to show one once, and to sign.
SIGNS = {"ApiFunction", "DeliverFunction"}
ROUTES = {
    "GET /login": "LoginFunction",
    "GET /start": "LoginFunction",
    "GET /style.css": "LoginFunction",
    "GET /icon.svg": "LoginFunction",
    "GET /callback": "CallbackFunction",
    "GET /callback/{brand}": "CallbackFunction",
    "GET /result/{outcome}": "CallbackFunction",
    "ANY /v1/{proxy+}": "ApiFunction",
    "POST /notifications/{address}": "NotifyFunction",
}
# What an access log may hold of a request: nothing that names a car, a person or a key.
LOGGED = {
    "requestId", "requestTimeEpoch", "routeKey", "httpMethod", "status", "error.responseType",
    "responseLength", "responseLatency", "integrationLatency", "integrationStatus",
}


def each_function_has_a_role_of_its_own(world):
    """Each function has a role of its own, with no managed policy, that only Lambda may take."""
    house = world.house()
    roles = [house.role_of(function) for function in house.of("Lambda::Function")]
    for role in {role for role in roles if roles.count(role) > 1}:
        yield f"{role} is shared"
    for name, role in house.of("IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            yield f"{name} has managed policies"
        wanted = "scheduler.amazonaws.com" if name == "SchedulerRole" else "lambda.amazonaws.com"
        for statement in as_list(role["AssumeRolePolicyDocument"]["Statement"]):
            if statement["Principal"] != {"Service": [wanted]}:
                yield f"{name} may be taken by {statement['Principal']}"
    if house.of("IAM::Policy") or house.of("IAM::ManagedPolicy"):
        yield "policies stand apart from the roles"


def no_right_has_a_wildcard(world):
    """No right names an action or a resource by a wildcard, but for the one that AWS has no other way for."""
    house = world.house()
    for role in house.of("IAM::Role"):
        for statement in house.statements(role):
            if {"NotAction", "NotResource"} & statement.keys():
                yield f"{role} {statement['Sid']} allows all but something"
                continue
            for action in as_list(statement["Action"]):
                if "*" in action:
                    yield f"{role} {statement['Sid']} allows {action}"
            # A stream's ARN ends in the time it was made, and its listing has no narrower resource.
            lists_streams = statement["Action"] == ["dynamodb:ListStreams"]
            for resource in as_list(statement["Resource"]):
                if "*" in resource and not (lists_streams and re.fullmatch(r"<\w+\.Arn>/stream/\*", resource)):
                    yield f"{role} {statement['Sid']} on {resource}"


def the_rights_are_those_agreed(world):
    """The rights of every function are those in rights.txt, so that a new one is seen in review."""
    house = world.house()
    actual = {
        f"{function} {action} {resource}"
        for function in house.of("Lambda::Function")
        for action, resource in house.rights(function)
    }
    agreed = set((HERE / "rights.txt").read_text(encoding="utf-8").split("\n")) - {""}
    agreed = {line for line in agreed if not line.startswith("#")}
    yield from (f"not agreed: {line}" for line in sorted(actual - agreed))
    yield from (f"agreed, but not there: {line}" for line in sorted(agreed - actual))


def what_the_internet_reaches_holds_no_tokens(world):
    """No function that the internet reaches, callback excepted, has a right on Grants, or reads the maker's or the seal's secret."""
    house = world.house()
    reached = set(house.routes().values())
    if reached != REACHED_BY_THE_INTERNET:
        yield f"the internet reaches {sorted(map(str, reached))}"
    for function in sorted(filter(None, reached - CALLS_THE_MAKER)):
        for action, resource in sorted(house.rights(function)):
            if re.match(r"<(Grants|MakerSecret|SealSecret|RescueQueue)\b", resource):
                yield f"{function} may {action} on {resource}"


def only_what_calls_the_maker_touches_tokens(world):
    """Only what calls the maker touches Grants and the maker's secret, and login no table at all."""
    house = world.house()
    for function in sorted(house.of("Lambda::Function")):
        for action, resource in sorted(house.rights(function)):
            tokens = re.match(r"<(Grants|MakerSecret|SealSecret)\b", resource)
            if tokens and function not in CALLS_THE_MAKER:
                yield f"{function} may {action} on {resource}"
            if function == "LoginFunction" and action.startswith(("dynamodb:", "sqs:")):
                yield f"{function} may {action} on {resource}"


def what_takes_notifications_in_adds_to_the_inbox_alone(world):
    """What takes notifications in adds to the inbox, looks whether an anchor stands, and does nothing else with tables."""
    inbox = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["IN#*"]}}
    wanted = {
        ("dynamodb:PutItem", "<Records.Arn>"): inbox,
        ("dynamodb:GetItem", "<Records.Arn>"): anchor("status"),
    }
    allowed = conditions(world.house(), "NotifyRole")
    if allowed != wanted:
        yield f"it may {allowed}"


def what_hands_events_on_sees_nothing_of_a_car(world):
    """What hands events on sees of Records whether an enrollment may still be told of, and whose it is."""
    told = anchor("status", "find", "expires_at")
    wanted = {(f"dynamodb:{verb}", "<Records.Arn>"): told for verb in ("GetItem", "ConditionCheckItem")}
    allowed = conditions(world.house(), "DeliverRole")
    allowed = {right: condition for right, condition in allowed.items() if right[1].startswith("<Records.Arn>")}
    if allowed != wanted:
        yield f"it may {allowed}"


def conditions(house, role):
    """Under which condition a role may do what with tables: (action, resource) to condition."""
    return {
        (action, resource): statement.get("Condition")
        for statement in house.statements(role)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if action.startswith("dynamodb:")
    }


def anchor(*attributes):
    """The condition under which these attributes of an enrollment can be seen, and no others."""
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["ENR#*"]},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", *attributes]},
        "StringEqualsIfExists": {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]},
    }


def only_the_api_and_deliver_know_the_secrets_of_webhooks(world):
    """Only api and deliver read the secret of webhooks, and only deliver, which holds no token, puts events on the bus."""
    house = world.house()
    for function in sorted(house.of("Lambda::Function")):
        for action, resource in sorted(house.rights(function)):
            if resource == "<WebhooksSecret>" and function not in SIGNS:
                yield f"{function} may {action} on {resource}"
            if action.startswith("events:") and (function, action, resource) != (
                "DeliverFunction", "events:PutEvents", "<EventBus.Arn>",
            ):
                yield f"{function} may {action} on {resource}"
    # Whoever is told of events learns where they go by no other way.
    for function, properties in house.of("Lambda::Function").items():
        if ("EVENT_BUS" in properties["Environment"]["Variables"]) != (function == "DeliverFunction"):
            yield f"{function} is told of a bus, or deliver is not"
    without = world.house(EventBridge="false")
    if any(action.startswith("events:") for action, _ in without.rights("DeliverFunction")) or without.of("Events::EventBus"):
        yield "without a bus there is a right on one"


def nothing_may_read_a_whole_table(world):
    """No function may scan a table, change one or turn off what protects it."""
    allowed = {
        "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
        "ConditionCheckItem", "DescribeStream", "GetRecords", "GetShardIterator", "ListStreams",
    }
    house = world.house()
    for function in sorted(house.of("Lambda::Function")):
        for action, resource in sorted(house.rights(function)):
            service, verb = action.split(":")
            if service == "dynamodb" and verb not in allowed:
                yield f"{function} may {action} on {resource}"


def a_secret_is_named_to_who_may_read_it(world):
    """A function is told a secret's id if and only if it may read that secret."""
    house = world.house()
    for function, properties in house.of("Lambda::Function").items():
        told = {v for k, v in properties["Environment"]["Variables"].items() if k in SECRETS}
        readable = {r for action, r in house.rights(function) if action == "secretsmanager:GetSecretValue"}
        if told != readable:
            yield f"{function} is told {sorted(told)} and may read {sorted(readable)}"


def the_key_is_used_through_a_service_only(world):
    """Roles may use the key through DynamoDB and Secrets Manager only; its policy trusts the account alone."""
    house = world.house()
    # The address of a service ends otherwise in China.
    text = json.dumps(world.template["Resources"])
    if "amazonaws.com\"" in text.replace('"lambda.amazonaws.com"', "").replace('"scheduler.amazonaws.com"', ""):
        yield "the address of a service is written out"
    through = {f"{service}.eu-west-1.amazonaws.com" for service in ("dynamodb", "secretsmanager")}
    for role in house.of("IAM::Role"):
        for statement in house.statements(role):
            if any(action.startswith("kms:") for action in as_list(statement.get("Action", []))):
                via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", ["anything"])
                if not set(via) <= through:
                    yield f"{role} may use the key through {via}"
    for name, key in house.of("KMS::Key").items():
        for statement in key["KeyPolicy"]["Statement"]:
            if statement["Principal"] != {"AWS": "arn:aws:iam::123456789012:root"}:
                yield f"{name} trusts {statement['Principal']}"


def the_routes_are_those_agreed(world):
    """The routes are those agreed, each with a throttle, its own only where it differs, on the default stage."""
    house = world.house()
    routes = house.routes()
    for key in sorted(ROUTES.keys() | routes.keys()):
        if routes.get(key) != ROUTES.get(key):
            yield f"{key} goes to {routes.get(key)} and not to {ROUTES.get(key)}"
    (stage,) = house.of("ApiGatewayV2::Stage").values()
    if stage["StageName"] != "$default":
        yield f"the stage {stage['StageName']} stands in every path"
    default, own = stage.get("DefaultRouteSettings", {}), stage.get("RouteSettings", {})
    settings = {"every other route": default} | own
    for key, setting in settings.items():
        if not (float(setting.get("ThrottlingRateLimit", 0)) > 0 and int(setting.get("ThrottlingBurstLimit", 0)) > 0):
            yield f"{key} has no throttle"
    for key in own.keys() - routes.keys():
        yield f"a throttle for {key}, which is no route"
    # API Gateway refuses a stage that names a route which is going, and so every upgrade that drops one.
    for key, setting in own.items():
        if setting == default:
            yield f"{key} is named for nothing: its throttle is that of all"
    for key in ("ANY /v1/{proxy+}", "POST /notifications/{address}"):
        if key not in own:
            yield f"{key} has no throttle of its own"


def the_access_log_names_nobody(world):
    """The access log holds the route's key and never a path, a query, a header or an address."""
    (stage,) = world.house().of("ApiGatewayV2::Stage").values()
    if "<AccessLog.Arn>" != stage.get("AccessLogSettings", {}).get("DestinationArn"):
        yield "there is no access log"
        return
    logged = set(re.findall(r"\$context\.([\w.]+)", stage["AccessLogSettings"]["Format"]))
    yield from (f"it holds {name}" for name in sorted(logged - LOGGED))
    if "routeKey" not in logged:
        yield "it does not hold the route's key"


def a_domain_of_our_own_is_the_only_one(world):
    """With a domain of our own the API answers there alone, unless both are asked for, and functions know no other; without one, nothing is made for it."""
    told = {
        value
        for domain in ("", "cars.example.com")
        for function in world.house(DomainName=domain, CertificateArn="arn").of("Lambda::Function").values()
        if (value := function["Environment"]["Variables"]["PUBLIC_URL"]) != (f"https://{domain}" if domain else "https://party.example")
    }
    if told:
        yield f"functions are told that they are at {sorted(told)}"
    for domain, beside, wanted, mapped in (
        ("", "closed", False, False),
        ("cars.example.com", "closed", True, True),
        ("cars.example.com", "open", False, True),
    ):
        house = world.house(DomainName=domain, ExecuteApi=beside, CertificateArn="arn:aws:acm:…" if domain else "")
        (api,) = house.of("ApiGatewayV2::Api").values()
        servers = api["Body"].get("servers", [{}])
        settings = servers[0].get("x-amazon-apigateway-endpoint-configuration", {})
        if settings.get("disableExecuteApiEndpoint", False) is not wanted:
            yield f"domain {domain!r}: the other address is {'open' if wanted else 'closed'}"
        made = bool(house.of("ApiGatewayV2::DomainName")), bool(house.of("ApiGatewayV2::ApiMapping"))
        if made != (mapped, mapped):
            yield f"domain {domain!r}: domain and mapping are {made}"


# What calls the maker, or endpoints of the operator: it alone needs an address that others can know.
CALLS_OUT = CALLS_THE_MAKER | {"DeliverFunction"}


def what_calls_out_may_have_a_fixed_address(world):
    """With subnets, what calls out runs in them, and its code may not use the rights that Lambda needs for that; without, no role has those."""
    network = {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1"}
    wanted = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    house = world.house(**network)
    for name, function in house.of("Lambda::Function").items():
        inside = name in CALLS_OUT
        if function.get("VpcConfig") != (wanted if inside else None):
            yield f"{name} runs in {function.get('VpcConfig')}"
        statements = house.statements(house.role_of(name))
        allowed = [s for s in statements if s["Sid"] == "Network" and s["Effect"] == "Allow"]
        denied = [s for s in statements if s["Effect"] == "Deny" and s["Action"] == ["ec2:*"] and s["Resource"] == ["*"]]
        if (len(allowed), len(denied)) != ((1, 1) if inside else (0, 0)):
            yield f"{name} has {len(allowed)} statements for its network, and {len(denied)} against its own use of it"
        for statement in denied:
            by = statement.get("Condition", {}).get("ArnLike", {}).get("lambda:SourceFunctionArn")
            if by != "arn:aws:lambda:eu-west-1:123456789012:function:party-*":
                yield f"{name}: the network is denied to {by}"
    for name, function in world.house().of("Lambda::Function").items():
        if "VpcConfig" in function or any(right[0].startswith("ec2:") for right in world.house().rights(name)):
            yield f"{name} is in a network that nobody asked for"


def a_boundary_bounds_every_role(world):
    """With a permissions boundary every role has it; without one, none names any."""
    for boundary in ("", "arn:aws:iam::123456789012:policy/boundary"):
        for name, role in world.house(PermissionsBoundaryArn=boundary).of("IAM::Role").items():
            if role.get("PermissionsBoundary", "") != boundary:
                yield f"{name} is bounded by {role.get('PermissionsBoundary')}"


RULES = [
    what_calls_out_may_have_a_fixed_address,
    a_boundary_bounds_every_role,
    only_the_api_and_deliver_know_the_secrets_of_webhooks,
    each_function_has_a_role_of_its_own,
    no_right_has_a_wildcard,
    the_rights_are_those_agreed,
    what_the_internet_reaches_holds_no_tokens,
    only_what_calls_the_maker_touches_tokens,
    what_takes_notifications_in_adds_to_the_inbox_alone,
    what_hands_events_on_sees_nothing_of_a_car,
    nothing_may_read_a_whole_table,
    a_secret_is_named_to_who_may_read_it,
    the_key_is_used_through_a_service_only,
    the_routes_are_those_agreed,
    the_access_log_names_nobody,
    a_domain_of_our_own_is_the_only_one,
]
