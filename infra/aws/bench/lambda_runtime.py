"""Lambda's runtime API on loopback: starts one built function at a time, as AWS would, and gives it work."""

import http.server
import json
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

PATIENCE = 100


class Server(http.server.ThreadingHTTPServer):
    """What the function asks for work."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.asked_at, self.asks = threading.Event(), None, lambda: None
        self.work, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        """A function that was ended hangs up: no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def parse_request(self):
        self.came = time.perf_counter()
        return super().parse_request()

    def do_GET(self):
        if not self.server.asked.is_set():
            self.server.asked_at = self.came
            self.server.asks()
            self.server.asked.set()
        event = json.dumps(self.server.work.get()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + PATIENCE) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f")
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5f000000-000000000000000000000000")
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        done = self.path.endswith("/response")
        self.server.answers.put((done, json.loads(body or b"null"), self.came))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Function:
    """A process that asks for work, with events that lie ready for it. Times are in milliseconds."""

    def __init__(self, command, environment=None, events=()):
        self.server, self.command, self.spawned = Server(), command, threading.Event()
        for event in events:
            self.server.work.put(event)
        self.server.asks = self.note_cpu
        lambda_sets = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        self.began = time.perf_counter()
        # Its logs and metrics are not what is looked at.
        self.process = subprocess.Popen(
            command, env=os.environ | (environment or {}) | lambda_sets, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.spawned.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def note_cpu(self):
        """What the start took of the processor, while the function waits for its first event."""
        # It may ask before we are told that it runs.
        self.spawned.wait(PATIENCE)
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        self.start_cpu = sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e6

    def start(self):
        """How long it took to ask for work."""
        if not self.server.asked.wait(PATIENCE):
            self.end()
            raise SystemExit(f"FAIL {self.command[-1]} never asks for work")
        return (self.server.asked_at - self.began) * 1000

    def answer(self):
        """The answer to the next event, and when it came."""
        try:
            done, answer, came = self.server.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise SystemExit(f"FAIL no answer in {PATIENCE} s") from None
        if not done:
            raise SystemExit(f"FAIL an event ends in {answer}")
        return answer, (came - self.began) * 1000

    def peak(self):
        """The most memory that it ever had, in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    def end(self):
        """Ends it. What it took of the processor in all."""
        if self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGKILL)
            _, self.process.returncode, used = os.wait4(self.process.pid, 0)
            self.cpu = (used.ru_utime + used.ru_stime) * 1000
            self.server.shutdown()
            self.server.server_close()
        return self.cpu
