"""Events for each function, as AWS would send them, and in an order in which each finds work."""

import base64
import hashlib
import hmac
import json
import os
import time
from urllib.parse import parse_qs, urlsplit

import boto3

from emulate import event

LOGINS = 10
BATCHES, MESSAGES = 2, 100
STREAMED = 10
RUNS = 5
RETURN_TO = "https://app.example/cars"
KEY = "ap_live_figures_secret"
# moto has all services at one address.
MOTO = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]


def request(method, url, body=None, **headers):
    """What an HTTP API sends."""
    parts = urlsplit(url)
    sent = event(parts.path)
    sent["rawQueryString"] = parts.query
    sent["requestContext"]["http"]["method"] = method
    sent["headers"] |= {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    if body is not None:
        sent["body"] = json.dumps(body)
    return sent | headers


class Story:
    """Ten drivers who begin and decline, 200 notifications, and the runs of the schedules: for each
    function its own part."""

    def __init__(self):
        service = boto3.client("secretsmanager", endpoint_url=MOTO)
        edge = json.loads(service.get_secret_value(SecretId=os.environ["EDGE_SECRET_ID"])["SecretString"])
        digest = hashlib.sha256(b"secret").hexdigest()
        edge["api_keys"] = [{"id": "figures", "name": "figures", "sha256": digest, "scopes": ["enroll", "read"]}]
        service.put_secret_value(SecretId=os.environ["EDGE_SECRET_ID"], SecretString=json.dumps(edge))
        self.ring = base64.b64decode(edge["keys"][edge["primary"]])
        self.begun, self.departed = [], []

    def api(self, ask):
        for number in range(LOGINS):
            body = {"user_ref": f"user-{number}", "brand": "peugeot", "return_to": RETURN_TO}
            answer = ask(request("POST", "https://x/v1/enrollments", body), None)
            # moto takes a slow write that the SDK sends again for another one: a conflict.
            if answer["statusCode"] == 201:
                self.begun.append(json.loads(answer["body"]))
            ask(request("GET", f"https://x/v1/enrollments?user_ref=user-{number}"), 200)
        assert self.begun, "nobody begins"

    def login(self, ask):
        for begun in self.begun:
            answer = ask(request("GET", begun["login_url"]), 302)
            state = parse_qs(urlsplit(answer["headers"]["location"]).query)["state"][0]
            self.departed.append((state, answer["cookies"][0].split(";")[0]))

    def callback(self, ask):
        for state, cookie in self.departed:
            url = f"https://x/callback/peugeot?error=access_denied&state={state}"
            answer = ask(request("GET", url, cookies=[cookie], pathParameters={"brand": "peugeot"}), 303)
            assert "outcome=declined" in answer["headers"]["location"], "the driver declined"

    def notify(self, ask):
        id = self.begun[0]["id"]
        table = boto3.resource("dynamodb", endpoint_url=MOTO).Table(os.environ["RECORDS_TABLE"])
        table.update_item(
            Key={"pk": f"ENR#{id}", "sk": "META"}, UpdateExpression="SET #s = :s",
            ExpressionAttributeNames={"#s": "status"}, ExpressionAttributeValues={":s": "active"},
        )
        address = self.address(id)
        for batch in range(BATCHES):
            body = [self.message(id, batch * MESSAGES + number) for number in range(MESSAGES)]
            url = f"https://x/notifications/{address}"
            ask(request("POST", url, body, pathParameters={"address": address}), 200)

    def address(self, id):
        """As shared/src/address.rs makes it: an HKDF-SHA256 of the ring's key."""
        day = int(time.time()) // 86400
        extracted = hmac.digest(b"accessing-party", self.ring, "sha256")
        mac = hmac.digest(extracted, f"notification-path/v1 {id} {day}".encode() + b"\x01", "sha256")[:16]
        return f"{id}.{day}.{base64.b32hexencode(mac).decode().rstrip('=').lower()}"

    @staticmethod
    def message(id, number):
        value = {"type": "string", "body": {"literalValue": str(number)}}
        return {
            "callbackId": f"cb-{id}", "type": "Monitor", "date": "2026-01-01T00:00:00Z",
            "attributes": [{"key": "vin", "value": "VR3UHZKXZPT000208"}],
            "monitorEvent": {"monitorId": "m", "refresh": False, "values": [{"data": "vehicle.energy.electric.level", "value": value}]},
        }

    def digest(self, ask):
        self.stream(ask, "RECORDS_TABLE", "MSG#")
        self.schedule(ask)

    def deliver(self, ask):
        self.stream(ask, "OUTBOX_TABLE", "EVT#")
        self.schedule(ask)

    def stream(self, ask, table, prefix):
        """What the table's stream would bring of these items, a few at a time."""
        pages = boto3.client("dynamodb", endpoint_url=MOTO).get_paginator("scan")
        pages = pages.paginate(TableName=os.environ[table], ProjectionExpression="pk, sk")
        keys = [item for page in pages for item in page["Items"] if item["sk"]["S"].startswith(prefix)]
        assert keys, f"nothing of {prefix} was written"
        # One alone comes first: the first answer is about one.
        for some in [keys[:1], *(keys[at : at + STREAMED] for at in range(1, len(keys), STREAMED))]:
            ask({"Records": [{"dynamodb": {"Keys": key}} for key in some]}, None)

    def schedule(self, ask):
        for _ in range(RUNS):
            ask({"worker": 0, "workers": 1}, None)
