"""Stands in for AWS on loopback: writes down what moto answers, and then answers the same, at once.

    standin.py RECORDING.json

The first event of a function makes the same calls in every process, so what moto answered once can be
given again, without the milliseconds that moto takes. As a program this gives the answers, and
notes when each call was complete and when its answer was written: that is a function's I/O.
"""

import asyncio
import http.client
import http.server
import json
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

KEPT_HEADERS = ("content-type", "x-amz-crc32", "x-amzn-errortype", "x-amzn-requestid")
# Paths of our own: which function's calls come now, and what came.
BEGIN, SPANS = "/stand-in/begin/", "/stand-in/spans"


class Recorder(http.server.ThreadingHTTPServer):
    """Hands every call on to moto. `calls` is what came since it was emptied last."""

    daemon_threads = True

    def __init__(self, moto):
        super().__init__(("127.0.0.1", 0), Recording)
        self.moto, self.calls = urlsplit(moto).netloc, []
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """A function that was ended hangs up: no news."""


class Recording(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(self.server.moto)
        upstream.request("POST", self.path, asked, dict(self.headers))
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        headers = {name: value for name, value in answer.getheaders() if name.lower() in KEPT_HEADERS}
        target = self.headers.get("X-Amz-Target", "")
        self.server.calls.append(
            {"target": target, "asked": asked.decode(), "status": answer.status, "headers": headers, "body": body.decode()}
        )
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def leaves(node, path=""):
    """Every value of a JSON document, with where it stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from leaves(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value, f"{path}[]")
    else:
        yield path, node


def leaves_of(text):
    return set(leaves(json.loads(text or "null")))


class Answers:
    """The recorded answers of one function, each given once, to the call most like the recorded one:
    times and random identifiers differ from run to run."""

    def __init__(self, calls):
        self.left = [(call["target"], leaves_of(call["asked"]), wire(call)) for call in calls]

    def to(self, target, asked):
        likely = [at for at, (recorded, _, _) in enumerate(self.left) if recorded == target]
        if not likely:
            return b"HTTP/1.1 501 Not Recorded\r\nContent-Length: 0\r\n\r\n"
        if len(likely) > 1:
            asked = leaves_of(asked)
            likely.sort(key=lambda at: -len(self.left[at][1] & asked))
        return self.left.pop(likely[0])[2]


def wire(call):
    """An answer as its bytes."""
    body = call["body"].encode()
    lines = [f"HTTP/1.1 {call['status']} Recorded", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in call["headers"].items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class StandIn:
    """What is answered now, and when calls came and were answered."""

    def __init__(self, recording):
        self.recording = recording
        self.answers, self.spans = Answers([]), []

    def answer(self, head, body, came):
        line, *fields = head.decode("latin-1").split("\r\n")
        path = line.split(" ")[1]
        if path.startswith(BEGIN):
            self.answers, self.spans = Answers(self.recording[path.removeprefix(BEGIN)]), []
            return b"HTTP/1.1 204 Begun\r\n\r\n"
        if path == SPANS:
            return wire({"status": 200, "headers": {}, "body": json.dumps(self.spans)})
        named = (field.partition(":") for field in fields)
        target = next((value.strip() for name, _, value in named if name.lower() == "x-amz-target"), "")
        answer = self.answers.to(target, body)
        self.spans.append([came, time.perf_counter()])
        return answer


class Connection(asyncio.Protocol):
    def __init__(self, stand_in):
        self.stand_in, self.buffer = stand_in, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        came = time.perf_counter()
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            fields = (field.partition(b":") for field in head.split(b"\r\n"))
            length = next((int(value) for name, _, value in fields if name.lower() == b"content-length"), 0)
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.transport.write(self.stand_in.answer(head, rest[:length], came))


async def main():
    stand_in = StandIn(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stand_in), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
