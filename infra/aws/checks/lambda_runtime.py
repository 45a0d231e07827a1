"""Lambda's runtime API on loopback: starts one built function at a time, as AWS would, and gives it work."""

import http.server
import json
import os
import queue
import subprocess
import threading
import time

PATIENCE = 100


class Server(http.server.ThreadingHTTPServer):
    """What the function asks for work."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = threading.Event()
        self.work, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A function that was ended hangs up: no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
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
        self.server.answers.put((done, json.loads(body or b"null")))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Function:
    """A process that has asked for work; `init` is how long that took, in milliseconds."""

    def __init__(self, command, environment=None):
        self.server = Server()
        lambda_sets = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        }
        begin = time.perf_counter()
        # Its logs and metrics are not what is looked at.
        self.process = subprocess.Popen(
            command, env=os.environ | (environment or {}) | lambda_sets, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        came = self.server.asked.wait(PATIENCE)
        self.init = (time.perf_counter() - begin) * 1000
        if not came:
            self.process.kill()
            raise SystemExit(f"FAIL {command[-1]} never asks for work")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, event):
        """Its answer to an event, and after how many milliseconds."""
        begin = time.perf_counter()
        self.server.work.put(event)
        try:
            done, answer = self.server.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise SystemExit(f"FAIL no answer in {PATIENCE} s") from None
        if not done:
            raise SystemExit(f"FAIL an event ends in {answer}")
        return answer, (time.perf_counter() - begin) * 1000

    def peak(self):
        """The most memory that it ever had, in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
