"""Times how long each built function takes from its process's start to its first request for work,
as Lambda would see it, and its memory by then. A benchmark, not a test: it judges nothing.

usage: init.py FOLDER FUNCTION…   where FOLDER/FUNCTION/bootstrap are what package.sh built
"""

import http.server
import os
import statistics
import subprocess
import sys
import threading
import time

RUNS = 20

ENVIRONMENT = {
    "PUBLIC_URL": "https://cars.example.com",
    "GRANTS_TABLE": "grants",
    "RECORDS_TABLE": "records",
    "OUTBOX_TABLE": "outbox",
    "MAKER_SECRET_ID": "maker",
    "SEAL_SECRET_ID": "seal",
    "EDGE_SECRET_ID": "edge",
    "WEBHOOKS_SECRET_ID": "webhooks",
    "RESCUE_QUEUE_URL": "http://127.0.0.1:9/queue",
    "AWS_REGION": "eu-west-3",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_LAMBDA_FUNCTION_NAME": "function",
    "AWS_LAMBDA_FUNCTION_VERSION": "1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
}


class Runtime(http.server.BaseHTTPRequestHandler):
    """Lambda's runtime API, as far as the first request for work."""

    asked = threading.Event()

    def do_GET(self):
        Runtime.asked.set()
        time.sleep(5)

    def log_message(self, *_):
        pass


def once(bootstrap, address):
    Runtime.asked.clear()
    begin = time.perf_counter()
    process = subprocess.Popen(
        [bootstrap], env=ENVIRONMENT | {"AWS_LAMBDA_RUNTIME_API": address}, stderr=subprocess.PIPE
    )
    came = Runtime.asked.wait(timeout=5)
    took = (time.perf_counter() - begin) * 1000
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        peak = next((line for line in status if line.startswith("VmHWM")), "VmHWM: 0 kB")
    process.kill()
    said = process.communicate()[1].decode()
    if not came:
        sys.exit(f"{bootstrap} never asked for work: {said}")
    return took, int(peak.split()[1]) / 1024


def main(folder, functions):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    for function in functions:
        bootstrap = os.path.join(folder, function, "bootstrap")
        runs = [once(bootstrap, address) for _ in range(RUNS)]
        times = sorted(took for took, _ in runs)
        print(
            f"{function:9} init {times[0]:5.1f} min {statistics.median(times):5.1f} median"
            f" {times[-1]:5.1f} max ms, peak {max(peak for _, peak in runs):5.1f} MiB"
        )


main(sys.argv[1], sys.argv[2:])
