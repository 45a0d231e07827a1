"""Carries out the restore of README.md on moto, twice: the calls that its commands make, then the switch.

    runbook.py TRANSLATED.json
"""

import json
import re
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

from house import HERE, REQUIRED, House, source
from moto_house import STACK, Moto, deploy

README = HERE.parent / "README.md"
STEPS = [
    "put-function-concurrency", "restore-table-to-point-in-time", "update-time-to-live", "update-continuous-backups",
    "update-table", "describe-table", "delete-function-concurrency",
]
RECOVERY_DAYS = source()["Parameters"]["RecoveryDays"]["Default"]
# What the page must say, and where: how a command begins, and what stands in it.
SAID = {
    # Without the days a table can be restored for 35, for which what is erased lives on.
    "aws dynamodb update-continuous-backups": f"PointInTimeRecoveryEnabled=true,RecoveryPeriodInDays={RECOVERY_DAYS}",
    # The table in use: after one restore it is no longer the stack's own.
    "OLD=$(aws cloudformation describe-stacks": "?OutputKey=='RecordsTable'",
    # A wait gives up after some minutes, a restore takes longer.
    "until aws dynamodb wait table-exists": "; do :; done",
}
STOPPED = ("Login", "Callback", "Refresh", "Fetch", "Notify", "Digest", "Deliver")


def lines(heading):
    """The lines of a section's commands, in order, each whole."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", README.read_text(encoding="utf-8"), re.M | re.S).group(1)
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S)).replace("\\\n", " ")
    return [line.strip() for line in blocks.splitlines() if line.strip()]


def wrong_page(page):
    """What the page does not say as it must."""
    named = re.findall(r"aws \w+ ([a-z-]+)", "\n".join(page))
    yield from (f"the page has no {step}" for step in STEPS if step not in named)
    for beginning, wanted in SAID.items():
        found = [line for line in page if line.startswith(beginning)]
        if not found or any(wanted not in line for line in found):
            yield f"the page does not say {wanted} in {found or beginning}"
    for line in page:
        # Each of the two must have ended before the next begins.
        if "--deletion-protection-enabled" in line and "--stream-specification" in line:
            yield f"the page changes two things at once: {line}"
        if re.match(r"aws dynamodb wait\b", line):
            yield f"the page waits once only: {line}"


def in_use(moto, name):
    """The table that the stack uses, by its output."""
    (stack,) = moto.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return next(output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == f"{name}Table")


def restored(moto, house, name, new):
    """Restores the table in use as written. Returns the parameters that switch to the new one."""
    dynamodb = moto.client("dynamodb")
    old = in_use(moto, name)
    dynamodb.restore_table_to_point_in_time(SourceTableName=old, TargetTableName=new, UseLatestRestorableTime=True)
    dynamodb.update_time_to_live(
        TableName=new, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    dynamodb.update_continuous_backups(
        TableName=new,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": RECOVERY_DAYS},
    )
    dynamodb.update_table(TableName=new, DeletionProtectionEnabled=True)
    stream = house.of("DynamoDB::Table")[name].get("StreamSpecification")
    if stream:
        dynamodb.update_table(TableName=new, StreamSpecification={"StreamEnabled": True, **stream})
    table = dynamodb.describe_table(TableName=new)["Table"]
    parameters = {f"{name}TableName": new}
    if stream:
        parameters[f"{name}StreamArn"] = table["LatestStreamArn"]
    return parameters


def wrong_switch(moto, translated, made, name, parameters):
    """What is not as it should be once the stack uses the restored table."""
    functions, after = moto.client("lambda"), House(translated, **parameters)
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


def wrong(moto, translated, made, house):
    """What does not go as the page says."""
    yield from wrong_page(lines("Restore"))
    functions = moto.client("lambda")
    for name in STOPPED:
        functions.put_function_concurrency(FunctionName=made[f"{name}Function"], ReservedConcurrentExecutions=0)
    for name in house.of("DynamoDB::Table"):
        before = made[name]
        for new in (f"{STACK}-{name.lower()}-restored", f"{STACK}-{name.lower()}-restored-again"):
            if (old := in_use(moto, name)) != before:
                yield f"the stack says that it uses {old} as {name}, and not {before}"
            yield from wrong_switch(moto, translated, made, name, restored(moto, house, name, new))
            before = new
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
