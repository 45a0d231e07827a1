"""Carries out the restore of README.md on moto: the calls that its commands make, then the switch.

    runbook.py TRANSLATED.json
"""

import json
import re
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

from house import HERE, REQUIRED, House
from moto_house import STACK, Moto, deploy

README = HERE.parent / "README.md"
STEPS = [
    "put-function-concurrency", "restore-table-to-point-in-time", "update-time-to-live", "update-continuous-backups",
    "update-table", "describe-table", "delete-function-concurrency",
]
STOPPED = ("Login", "Callback", "Refresh", "Fetch", "Notify", "Digest", "Deliver")


def commands(heading):
    """The AWS commands of a section, in order, by service and name."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", README.read_text(encoding="utf-8"), re.M | re.S).group(1)
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S)).replace("\\\n", " ")
    return re.findall(r"aws (\w+) ([a-z-]+)", blocks)


def restored(moto, house, made, name):
    """Restores a table as written. Returns the parameters that switch to it."""
    dynamodb = moto.client("dynamodb")
    old, new = made[name], f"{STACK}-{name.lower()}-restored"
    dynamodb.restore_table_to_point_in_time(SourceTableName=old, TargetTableName=new, UseLatestRestorableTime=True)
    dynamodb.update_time_to_live(
        TableName=new, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    dynamodb.update_continuous_backups(
        TableName=new,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    )
    stream = house.of("DynamoDB::Table")[name].get("StreamSpecification")
    change = {"StreamSpecification": {"StreamEnabled": True, **stream}} if stream else {}
    dynamodb.update_table(TableName=new, DeletionProtectionEnabled=True, **change)
    table = dynamodb.describe_table(TableName=new)["Table"]
    parameters = {f"{name}TableName": new}
    if stream:
        parameters[f"{name}StreamArn"] = table["LatestStreamArn"]
    return parameters


def wrong(moto, translated, made, house):
    """What does not go as the page says."""
    named = [command for _, command in commands("Restore")]
    for step in STEPS:
        if step not in named:
            yield f"the page has no {step}"
    if "PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays=" not in README.read_text(encoding="utf-8"):
        yield "the page restores a table whose backups live as long as AWS likes"
    functions = moto.client("lambda")
    for name in STOPPED:
        functions.put_function_concurrency(FunctionName=made[f"{name}Function"], ReservedConcurrentExecutions=0)
    for name in house.of("DynamoDB::Table"):
        parameters = restored(moto, house, made, name)
        after = House(translated, **parameters)
        moto.client("cloudformation").update_stack(
            StackName=STACK, TemplateBody=json.dumps(translated), Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in (REQUIRED | parameters).items()],
        )
        variable = f"{name.upper()}_TABLE"
        for function in after.of("Lambda::Function"):
            told = functions.get_function_configuration(FunctionName=made[function])["Environment"]["Variables"]
            if told[variable] != parameters[f"{name}TableName"]:
                yield f"after the switch {function} is told of {told[variable]}"
        if made[name] not in moto.client("dynamodb").list_tables()["TableNames"]:
            yield f"after the switch the stack's own {name} is gone"
    for name in STOPPED:
        functions.delete_function_concurrency(FunctionName=made[f"{name}Function"])
        if functions.get_function_concurrency(FunctionName=made[f"{name}Function"]).get("ReservedConcurrentExecutions"):
            yield f"{name} is still stopped"


def main():
    translated = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        moto = Moto("http://{}:{}".format(*server.get_host_and_port()))
        made = deploy(moto, translated)
        problems = list(wrong(moto, translated, made, House(translated)))
    finally:
        server.stop()
    for problem in problems:
        print(f"FAIL {problem}")
    print("runbook: the restore goes as README.md says" if not problems else "runbook: failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
