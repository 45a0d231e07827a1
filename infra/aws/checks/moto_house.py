"""Deploys the translated template on a moto server of its own, looks at what came of it, runs a command.

    moto_house.py TRANSLATED.json [COMMAND …]

The command sees the environment that a function would see, with the SDKs' endpoints set to moto; its
exit code is ours. moto is a second opinion on tables, roles and secrets. What it does not make is said,
and judged by check.py on the translated template instead.
"""

import ast
import base64
import contextlib
import io
import json
import logging
import os
import secrets
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import boto3
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

from house import REQUIRED, House, as_list

STACK = "party"
# What must be made: without these the store's tests would test nothing.
MUST = {"AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::Function", "AWS::SQS::Queue"}


# A line for each request, and for each kind of resource that it does not make: said below, once.
for noisy in ("werkzeug", "moto"):
    logging.getLogger(noisy).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="moto")
# No function is run here, so none of its containers is looked for.
default_user_config["lambda"]["use_docker"] = False


class Moto:
    """Clients for one server."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint)


def deploy(moto, translated):
    """Makes the stack, as SAM would after uploading the code. Returns what was made, by logical name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("bootstrap", "")
    s3 = moto.client("s3")
    location = {"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
    s3.create_bucket(Bucket="offline-code", CreateBucketConfiguration=location)
    s3.put_object(Bucket="offline-code", Key="code.zip", Body=archive.getvalue())

    formation = moto.client("cloudformation")
    formation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(translated),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in REQUIRED.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    status = formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        raise SystemExit(f"moto: the stack is {status}")
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {
        made["LogicalResourceId"]: made.get("PhysicalResourceId")
        for page in pages
        for made in page["StackResourceSummaries"]
    }


def wrong_tables(moto, house, made):
    """How the tables differ from the template."""
    dynamodb = moto.client("dynamodb")
    for name, wanted in house.of("DynamoDB::Table").items():
        table = dynamodb.describe_table(TableName=made[name])["Table"]
        indexes = {index["IndexName"]: index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", [])}
        pairs = {
            "keys": (table["KeySchema"], wanted["KeySchema"]),
            "attributes": (
                {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]},
                {a["AttributeName"]: a["AttributeType"] for a in wanted["AttributeDefinitions"]},
            ),
            "indexes": (indexes, {i["IndexName"]: i["KeySchema"] for i in wanted["GlobalSecondaryIndexes"]}),
            "stream": (
                table.get("StreamSpecification", {}).get("StreamViewType"),
                wanted.get("StreamSpecification", {}).get("StreamViewType"),
            ),
            "billing": (table["BillingModeSummary"]["BillingMode"], wanted["BillingMode"]),
        }
        for what, (actual, agreed) in pairs.items():
            if actual != agreed:
                yield f"{name}: {what} are {actual}"


def wrong_roles(moto, house, made):
    """How the roles differ from the template: each function has its own, with the agreed statements."""
    iam, functions = moto.client("iam"), moto.client("lambda")
    for name in house.of("Lambda::Function"):
        role = house.role_of(name)
        arn = functions.get_function(FunctionName=made[name])["Configuration"]["Role"]
        if arn.rsplit("/", 1)[-1] != made[role]:
            yield f"{name} acts as {arn}"
        stored = iam.get_role_policy(RoleName=made[role], PolicyName="work")["PolicyDocument"]
        # moto keeps what a template gave it as Python spells it.
        stored = ast.literal_eval(stored) if isinstance(stored, str) else stored
        # And leaves a hole where a statement or a resource is none of this stack's; AWS leaves it out.
        kept = [statement for statement in as_list(stored["Statement"]) if statement]
        for actual, wanted in zip(kept, house.statements(role), strict=True):
            if (actual["Sid"], actual["Action"]) != (wanted["Sid"], wanted["Action"]):
                yield f"{role}: {actual['Sid']} allows {actual['Action']}"
            # moto makes no secret without a value, so a reference to one leads nowhere.
            if actual["Sid"] == "Secrets":
                continue
            resources = [resource for resource in as_list(actual["Resource"]) if resource is not None]
            if len(resources) != len(as_list(wanted["Resource"])):
                yield f"{role}: {actual['Sid']} is about {resources} alone"
            for resource in resources:
                if not isinstance(resource, str) or not resource.startswith("arn:"):
                    yield f"{role}: {actual['Sid']} is about {resource}"


def key_ring():
    """A ring of one fresh key, as `shared` reads it."""
    return {"primary": "k1", "keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()}}


def put_secrets(moto):
    """The secrets with values for this run. Their names, by variable."""
    values = {
        "MAKER_SECRET_ID": {
            "client_id": "client",
            "client_secret": secrets.token_hex(16),
            "certificate": None,
            "private_key": None,
            "ca": None,
            "brands": {},
        },
        "SEAL_SECRET_ID": key_ring(),
        "WEBHOOKS_SECRET_ID": key_ring(),
        "EDGE_SECRET_ID": key_ring() | {"client_ids": {"default": "client", "brands": {}}, "api_keys": []},
    }
    manager = moto.client("secretsmanager")
    return {
        variable: manager.create_secret(Name=variable.lower(), SecretString=json.dumps(value))["ARN"]
        for variable, value in values.items()
    }


def environment(moto, house, made):
    """What a function would be told, all secrets included, and where moto is."""
    variables = {}
    for function in house.of("Lambda::Function").values():
        variables |= {key: str(value) for key, value in function["Environment"]["Variables"].items()}
    variables |= {f"{name.upper()}_TABLE": made[name] for name in ("Grants", "Records", "Outbox")}
    variables |= put_secrets(moto)
    account, queue = made["RescueQueue"].rsplit("/", 2)[-2:]
    variables["RESCUE_QUEUE_URL"] = f"{moto.endpoint}/{account}/{queue}"
    services = ("DYNAMODB", "SECRETS_MANAGER", "SQS", "EVENTBRIDGE")
    variables |= {f"AWS_ENDPOINT_URL_{service}": moto.endpoint for service in services}
    variables |= {"STORE_ENDPOINT": moto.endpoint, "AWS_REGION": os.environ["AWS_DEFAULT_REGION"]}
    return variables


def main():
    translated = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    command = sys.argv[2:]
    house = House(translated)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        moto = Moto(f"http://{host}:{port}")
        made = deploy(moto, translated)
        missing = {name: r["Type"] for name, r in house.resources.items() if not made.get(name)}
        wrong = [f"{name} was not made" for name, kind in missing.items() if kind in MUST]
        if not wrong:
            wrong = [*wrong_tables(moto, house, made), *wrong_roles(moto, house, made)]
        kinds = sorted({kind.removeprefix("AWS::") for kind in missing.values()})
        print(f"moto at {moto.endpoint} made {len(house.resources) - len(missing)} of {len(house.resources)} resources")
        print(f"moto does not make: {', '.join(kinds) or 'nothing'}")
        for problem in wrong:
            print(f"FAIL {problem}")
        if wrong or not command:
            return 1 if wrong else 0
        variables = os.environ | environment(moto, house, made)
        # The command has our output; moto would say at each write that it can't run a function.
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
            return subprocess.run(command, env=variables, check=False).returncode
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
