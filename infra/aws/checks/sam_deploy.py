"""Builds and deploys as the README says, by the real SAM CLI, against a moto server.

    SAM=/path/to/sam sam_deploy.py FOLDER

moto takes the uploads and ends at the change set, which SAM makes of a template in a bucket: that is
where an account begins. Every question before it would be an error here, since nobody answers.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from house import HERE, source

# A line for each request.
logging.getLogger("werkzeug").setLevel(logging.ERROR)

FUNCTIONS = ("login", "callback", "refresh", "fetch", "api", "act", "notify", "digest", "deliver")
STANDIN = """#!/usr/bin/env bash
# Stands for cargo and cargo-lambda: notes how it was called, and leaves a file where the binary would be.
[ "$1" = lambda ] || exit 1
echo "$*" >> "$STANDIN_LOG"
while [ $# -gt 0 ]; do [ "$1" = --bin ] && bin="$2"; shift; done
mkdir -p "target/lambda/$bin" && echo "$bin" > "target/lambda/$bin/bootstrap"
"""
MANAGED = {
    "Resources": {"SamCliSourceBucket": {"Type": "AWS::S3::Bucket"}},
    "Outputs": {"SourceBucket": {"Value": {"Ref": "SamCliSourceBucket"}}},
}


class Copy:
    """A copy of what SAM looks at, and a shell in `infra/aws` of it."""

    def __init__(self, folder, endpoint):
        shutil.rmtree(folder, ignore_errors=True)
        self.aws, tools = folder / "infra/aws", folder / "bin"
        self.log = folder / "calls"
        for path in (self.aws, tools, *(folder / "functions" / name for name in FUNCTIONS)):
            path.mkdir(parents=True)
        for name in FUNCTIONS:
            (folder / "functions" / name / "Cargo.toml").write_text("[package]\n", encoding="utf-8")
        for name in ("cargo", "cargo-lambda"):
            (tools / name).write_text(STANDIN, encoding="utf-8")
            (tools / name).chmod(0o755)
        for name in ("template.yaml", "samconfig.example.toml"):
            shutil.copy(HERE.parent / name, self.aws)
        # No region but that of the file: an operator's shell may name none, or another.
        quiet = {name: value for name, value in os.environ.items() if "REGION" not in name}
        self.environment = quiet | {
            "PATH": f"{tools}:{Path(os.environ['SAM']).parent}:{os.environ['PATH']}",
            "STANDIN_LOG": str(self.log),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": endpoint,
            "HOME": str(folder),
        }

    def type(self, line):
        """Runs a line of the README; nobody answers a question. Its code and all that it said."""
        done = subprocess.run(
            line, shell=True, cwd=self.aws, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
        return done.returncode, done.stdout

    def edit(self, name, old, new):
        path = self.aws / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise SystemExit(f"{name} has no {old}")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def calls(self):
        """How the compiler was called since this was last asked."""
        calls = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return calls


def deployed(said):
    """What SAM says it deploys: the values, by name."""
    values = dict(re.findall(r"^\s+([A-Z][A-Za-z0-9 ]+?)\s+: (.+)$", said, re.MULTILINE))
    values["Parameter overrides"] = json.loads(values.get("Parameter overrides", "{}"))
    return values


def reached_the_change_set(said):
    """Whether all went as far as moto goes, and nothing was asked."""
    return "Failed to create changeset" in said and "[y/N]" not in said and "Aborted" not in said


def first_deployment(copy):
    """As it stands but for the operator's name."""
    code, said = copy.type("cp samconfig.example.toml samconfig.toml")
    copy.edit("samconfig.toml", "Your company", "Example SAS, Zürich & co")
    code, said = copy.type("sam build")
    if code:
        yield f"sam build fails:\n{said}"
    wanted = sorted(f"lambda build --release --bin {name}" for name in FUNCTIONS)
    calls = sorted(copy.calls())
    if calls != wanted:
        yield f"the compiler was called by {calls}"
    code, said = copy.type("sam deploy")
    values = deployed(said)
    if not reached_the_change_set(said):
        yield f"sam deploy ends before the change set:\n{said}"
    if (values.get("Region"), values.get("Stack name")) != ("eu-west-3", "accessing-party"):
        yield f"it goes to {values.get('Region')}, as {values.get('Stack name')}"
    overrides = {
        "OperatorName": "Example SAS, Zürich & co", "PublicUrl": "https://unset.invalid", "DeletionProtection": "off",
    }
    if values["Parameter overrides"] != overrides:
        yield f"the parameters are {values['Parameter overrides']}"
    for name in overrides.keys() - source()["Parameters"].keys():
        yield f"{name} is no parameter"


def later_deployments(copy):
    """PublicUrl is edited in the file; the next deployment, and the one after it, have it still."""
    copy.edit("samconfig.toml", "https://unset.invalid", "https://abc.execute-api.eu-west-3.amazonaws.com")
    copy.edit("samconfig.toml", '"DeletionProtection=off"', '"DeletionProtection=on"')
    for line in ("sam deploy", "sam build && sam deploy"):
        _, said = copy.type(line)
        url = deployed(said)["Parameter overrides"].get("PublicUrl")
        if not reached_the_change_set(said) or url != "https://abc.execute-api.eu-west-3.amazonaws.com":
            yield f"after `{line}` the public URL is {url}"
    copy.calls()


def another_architecture(copy):
    """What is written in the template is what is built: no parameter can say otherwise."""
    copy.edit("template.yaml", "Architectures: [x86_64]", "Architectures: [arm64]")
    copy.type("sam build")
    calls = copy.calls()
    if len(calls) != len(FUNCTIONS) or not all("--arm64" in call for call in calls):
        yield f"for arm64 the compiler was called by {calls}"


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    failed = 0
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        # SAM's own bucket, as in an account that has deployed before: moto forgets the outputs of a
        # stack that is made by a change set.
        boto3.client("cloudformation", region_name="eu-west-3", endpoint_url=endpoint).create_stack(
            StackName="aws-sam-cli-managed-default", TemplateBody=json.dumps(MANAGED),
            Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
        )
        copy = Copy(Path(sys.argv[1]).resolve(), endpoint)
        for step in (first_deployment, later_deployments, another_architecture):
            wrong = list(step(copy))
            failed += bool(wrong)
            print(f"{'FAIL' if wrong else 'ok  '} {step.__doc__}")
            for problem in wrong:
                print(f"       {problem}")
    finally:
        server.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
