"""Finds free ports, and connects a driver of the simulated maker through its pages, in open mode."""

import html
import json
import re
import socket
import sys
import time

import requests


def free_ports():
    """A port that is free, and the next one with it, which the simulated maker takes."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def patiently(seconds, what):
    """The first answer that is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if found := what():
                return found
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    sys.exit("it did not come to that in time")


def enroll(url, key_file):
    browser = requests.Session()
    # It may have to be built first.
    page = patiently(900, lambda: browser.get(f"{url}/login?brand=peugeot"))
    field = lambda name: html.unescape(re.search(rf'name="{name}" value="([^"]+)"', page.text)[1])
    form = {"request": field("request"), "account": field("account"), "decision": "accept"}
    browser.post(page.url.rsplit("/", 1)[0] + "/consent", data=form).raise_for_status()

    key = open(key_file).read().strip()
    api = lambda path: requests.get(f"{url}/v1{path}", headers={"Authorization": f"Bearer {key}"}).json()
    enrollment = patiently(30, lambda: api("/enrollments?status=active")["items"])[0]["id"]
    vin = patiently(90, lambda: api(f"/enrollments/{enrollment}/vehicles")["items"])[0]["vin"]
    return {"enrollment": enrollment, "vin": vin}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["port"]:
            print(free_ports())
        case ["enroll", url, key_file]:
            print(json.dumps(enroll(url, key_file)))
