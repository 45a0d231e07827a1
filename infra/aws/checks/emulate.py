"""Runs one built function under cargo-lambda's emulator and asks it for a page, as the gateway would.

    moto_house.py TRANSLATED.json python emulate.py FUNCTION BOOTSTRAP

The binary is the one that would be shipped; the emulator stands in for Lambda's runtime API, moto for
the secrets. Exits 1 if the function does not answer as it should.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from house import REQUIRED, ROOT

# Path, status, and something that the answer must hold.
ASKED = [
    ("/style.css", 200, "text/css"),
    ("/icon.svg", 200, "image/svg+xml"),
    # Without a ticket and outside open mode: refused by the function, not by an error of the runtime.
    ("/login", 403, "no-store"),
]
PATIENCE = 30


def event(path):
    """What an HTTP API sends for a GET, payload 2.0."""
    host = REQUIRED["PublicUrl"].removeprefix("https://")
    return {
        "version": "2.0",
        "routeKey": f"GET {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": host, "accept": "text/html", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": host,
            "domainPrefix": "party",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "checks",
            },
            "requestId": "request",
            "routeKey": f"GET {path}",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def listen_at(port, emulator):
    """Waits until the emulator listens."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and emulator.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("FAIL the emulator does not listen")


def invoke(name, port, path):
    """One invocation. The function's answer."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as data:
        json.dump(event(path), data)
        data.flush()
        command = ["cargo-lambda", "lambda", "invoke", name, "--data-file", data.name]
        command += ["--invoke-address", "127.0.0.1", "--invoke-port", port, "--output-format", "json"]
        try:
            answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            raise SystemExit(f"FAIL {path}: no answer in {PATIENCE} s") from None
    if answer.returncode != 0:
        raise SystemExit(f"FAIL {path}: {answer.stderr.strip()}")
    return json.loads(answer.stdout)


def main():
    name, bootstrap = sys.argv[1], str(Path(sys.argv[2]).resolve())
    port = free_port()
    watch = ["cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", port]
    emulator = subprocess.Popen(watch, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    function = None
    try:
        listen_at(port, emulator)
        lambda_sets = {
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{name}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        function = subprocess.Popen([bootstrap], env=os.environ | lambda_sets)
        failed = 0
        for path, status, held in ASKED:
            answer = invoke(name, port, path)
            good = answer.get("statusCode") == status and held in json.dumps(answer)
            failed += not good
            print(f"{'ok  ' if good else 'FAIL'} {name} answers GET {path} by {answer.get('statusCode')}")
        return 1 if failed else 0
    finally:
        for process in filter(None, (function, emulator)):
            process.terminate()
            process.wait(PATIENCE)


if __name__ == "__main__":
    sys.exit(main())
