"""Prints what the built functions take: zip, memory, and from the start of a process to its first
answer. A benchmark: it judges nothing but that each function answers as it should.

    moto_house.py TRANSLATED.json python figures.py FOLDER [NODE_SCRIPT]

FOLDER/FUNCTION/bootstrap are what package.sh built. moto stands in for tables, secrets and the bus,
and nobody for the maker: what is measured is each function's work but for its calls to the maker.
NODE_SCRIPT does the job of `login`, and is measured beside it.

First each function does its part of a story against moto, which gives its memory and the answers of AWS
to its first event. Then fresh processes of all functions take turns, each with its first event, against
those answers: every ratio is of times taken side by side.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import standin
from lambda_runtime import Function
from story import MOTO, RETURN_TO, Story

ROUNDS = int(os.environ.get("ROUNDS", "21"))
SERVICES = ("DYNAMODB", "SECRETS_MANAGER", "SQS", "EVENTBRIDGE")


def environment(endpoint):
    """What a function is told beside what moto_house.py tells."""
    return {"RETURN_TO": RETURN_TO} | {f"AWS_ENDPOINT_URL_{service}": endpoint for service in SERVICES}


class First:
    """The first event of a function, the status of its answer, and the calls that it made."""

    def __init__(self, event, status, calls):
        self.event, self.status, self.calls = event, status, calls


def live(bootstrap, work, recorder):
    """A function's part of the story. Its first event, and its memory before and after in MiB."""
    first = None
    with Function([bootstrap], environment(recorder.endpoint)) as function:
        function.start()
        idle = function.peak()

        def ask(sent, status):
            nonlocal first
            recorder.calls = []
            function.server.work.put(sent)
            answer, _ = function.answer()
            came = answer.get("statusCode")
            if status is not None and came != status:
                raise SystemExit(f"FAIL {bootstrap} answers {came}: {answer.get('body')}")
            if first is None and (came is None or came < 400):
                first = First(sent, came, recorder.calls)
            return answer

        work(ask)
        return first, idle, function.peak()


class Fresh:
    """What one fresh process took, in milliseconds."""

    def __init__(self, command, first, port):
        with Function(command, environment(f"http://127.0.0.1:{port}"), [first.event]) as function:
            self.start = function.start()
            answer, self.total = function.answer()
            self.cpu, self.start_cpu = function.end(), function.start_cpu
        if answer.get("statusCode") != first.status:
            raise SystemExit(f"FAIL {command[-1]} answers {answer}")
        self.spans = json.loads(ask_stand_in(port, standin.SPANS))
        self.io = sum(answered - came for came, answered in self.spans) * 1000
        self.own = self.total - self.start - self.io


def ask_stand_in(port, path):
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request("GET", path)
    answer = asked.getresponse().read()
    asked.close()
    return answer


def take_turns(commands, firsts):
    """Name to what each of its fresh processes took."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as recording:
        json.dump({name: first.calls for name, first in firsts.items()}, recording)
        recording.flush()
        command = [sys.executable, standin.__file__, recording.name]
        stand_in = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            port = int(stand_in.stdout.readline())
            taken = {name: [] for name in commands}
            for _ in range(ROUNDS):
                for name, (command, of) in commands.items():
                    ask_stand_in(port, standin.BEGIN + of)
                    taken[name].append(Fresh(command, firsts[of], port))
            return taken
        finally:
            stand_in.kill()
            stand_in.wait()


def median(values):
    return statistics.median(list(values))


def size(archive):
    return f"{archive.stat().st_size / 1e6:.2f}" if archive.exists() else "none"


def print_times(taken):
    print(f"\nfresh processes, medians of {ROUNDS}, in ms; of their processor time the part before the first event in ()")
    print("            start   first event: in all  calls  their I/O   own     start to first answer       CPU")
    for name, runs in taken.items():
        event, io = (median(run.total - run.start for run in runs), median(run.io for run in runs))
        cpu = f"{median(run.cpu for run in runs):.1f} ({median(run.start_cpu for run in runs):.1f})"
        print(
            f"{name:9} {median(run.start for run in runs):>7.1f} {event:>21.1f} {len(runs[0].spans):>6} {io:>10.1f}"
            f" {median(run.own for run in runs):>6.1f} {median(run.total for run in runs):>20.1f}"
            f" (least {min(run.total for run in runs):.1f}) {cpu:>13}"
        )


def print_ratios(ours, theirs):
    for what, of in {"first answer": lambda run: run.total, "processor time": lambda run: run.cpu}.items():
        ratios = [of(node) / of(own) for own, node in zip(ours, theirs, strict=True)]
        print(f"login to Node.js, {what}: 1 to {median(ratios):.0f}, from {min(ratios):.0f} to {max(ratios):.0f}")


def main():
    folder = Path(sys.argv[1]).resolve()
    story, recorder = Story(), standin.Recorder(MOTO)
    # In the order of the story.
    parts = {"api": story.api, "login": story.login, "callback": story.callback, "notify": story.notify}
    parts |= {"digest": story.digest, "deliver": story.deliver}
    parts |= dict.fromkeys(("act", "refresh", "fetch"), story.schedule)
    firsts = {}
    print("function   zip, MB  memory before and after the story, MiB")
    for name, work in parts.items():
        firsts[name], idle, peak = live(str(folder / name / "bootstrap"), work, recorder)
        print(f"{name:9} {size(folder / name / 'bootstrap.zip'):>8} {idle:>9.1f} {peak:>6.1f}", flush=True)

    commands = {name: ([str(folder / name / "bootstrap")], name) for name in parts}
    if len(sys.argv) > 2:
        commands["node"] = (["node", sys.argv[2]], "login")
    taken = take_turns(commands, firsts)
    print_times(taken)
    if "node" in taken:
        print_ratios(taken["login"], taken["node"])


if __name__ == "__main__":
    main()
