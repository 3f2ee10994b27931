"""server/api/openapi.json, docs/api.md and bide say the same.

That each response is as documented is judged by recording.py, in this test as in all others.
"""
import base64
import json
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
from re import _parser as regex  # What `re` compiles patterns with.
from urllib.parse import quote

from api_description import METHODS, UNROUTED, Description
from harness import Bide, definition, event, wait_until
from nats_servers import NatsServer, Worker
from rig.http import Response, receive_all, request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
REDOCLY = os.path.join(HERE, "..", "browser", "node_modules", "@redocly", "cli", "bin", "cli.js")

API = Description()
OPERATIONS = sorted(set(API.operations) - {UNROUTED})
WRITES = [name for name in OPERATIONS if not name.startswith("GET")]
FILES = ["GET /", "GET /assets/{hash}/{file}", "GET /openapi.json"]
OPEN_TO_ALL = [*FILES, *(f"GET {path}" for path in ("/livez", "/health", "/readyz", "/health/ready"))]
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
           f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}")


def documents(name, status):
    return any(status in (response.statuses or [int(code)]) if code == "default" else int(code) == status
               for code, response in API.operations[name].items())


class UnreadyBide(Bide):
    """Without NATS there is no readiness to wait for."""

    def wait_ready(self):
        wait_until(lambda: self.get("/livez").status == 200, "bide lives")


class Client:
    """Asks for operations, each on a connection of its own."""

    def __init__(self, bide, *fields):
        self.bide = bide
        self.fields = fields
        page = bide.get("/").body.decode()
        self.hash, self.file = re.search(r'"assets/([0-9a-f]+)/([^"/]+)"', page).groups()

    def send(self, name, *fields, job="a", query="", body=b"", raw=None):
        method, _, path = name.partition(" ")
        target = path.replace("{id}", job).replace("{hash}", self.hash).replace("{file}", self.file) + query
        if path.endswith("/ws"):
            fields = (*UPGRADE, *fields)
        else:
            fields = ("Connection: close", *fields)
        if body:
            fields = (*fields, f"Content-Length: {len(body)}")
        connection = self.bide.dial()
        head = raw(method, target) if raw else request(target, *self.fields, *fields, method=method)
        try:
            connection.sendall(head + body)
        except OSError:
            pass  # It has answered already.
        return connection

    def ask(self, name, *fields, **options):
        with self.send(name, *fields, **options) as connection:
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = connection.recv(65536)
                assert chunk, f"{name}: no answer"
                head += chunk
            response = Response(head)
            if response["Content-Type"].startswith("text/event-stream") or response.status == 101:
                return response  # It would have no end.
            if response["Content-Length"]:
                while len(response.body) < int(response["Content-Length"]):
                    chunk = connection.recv(65536)
                    assert chunk, f"{name}: half an answer"
                    response.body += chunk
            return response


def unfinished(method, target):
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n".encode()


def states_of(pid):
    """Of its threads."""
    states = set()
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as file:
            states.add(file.read().rpartition(") ")[2][0])
    return states


def event_body(name):
    return b"started" if name == "POST /job/{id}/events" else b""


class Statuses(unittest.TestCase):
    """Every operation gets the statuses that are the same for all of them."""

    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--max-stale", "60s").start()
        cls.bide.put(definition("a"))
        # They get 408 after 10 s, while the other tests run.
        cls.slow = {name: Client(cls.bide).send(name, raw=unfinished) for name in OPERATIONS}
        cls.slow[UNROUTED] = Client(cls.bide).send("GET /nowhere", raw=unfinished)

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def test_who_comes_too_slowly(self):
        for name, connection in self.slow.items():
            with connection:
                self.assertEqual(Response(receive_all(connection)).status, 408, name)

    def expect(self, status, ask, names):
        """`ask(name)` is answered with this status, by each of these operations that documents it."""
        names = [name for name in names if documents(name, status)]
        self.assertTrue(names)
        for name in names:
            with self.subTest(name=name):
                response = ask(name)
                self.assertEqual(response.status, status, response.body)

    def test_what_no_operation_takes(self):
        client = Client(self.bide)
        faults = {
            400: lambda name: client.ask(name, "No space : here"),
            413: lambda name: client.ask(name, "Content-Length: 2000000"),
            414: lambda name: client.ask(name, query="?_=" + "x" * 13000),
            417: lambda name: client.ask(name, "Expect: the unexpected"),
            421: lambda name: client.ask(name, raw=lambda method, target:
                                         f"{method} {target} HTTP/1.1\r\nHost: rebound.example\r\n\r\n".encode()),
            431: lambda name: client.ask(name, *[f"X-{n}: y" for n in range(120)]),
            501: lambda name: client.ask(name, "Transfer-Encoding: gzip"),
            505: lambda name: client.ask(name, raw=lambda method, target:
                                         f"{method} {target} HTTP/2.0\r\nHost: localhost\r\n\r\n".encode()),
        }
        for status, ask in faults.items():
            self.expect(status, ask, OPERATIONS)
            self.expect(status, lambda _, ask=ask: ask("GET /nowhere"), [UNROUTED])
        self.assertEqual(client.ask("GET /nowhere").status, 404)
        client.hash = "0" * 16
        self.assertEqual(client.ask("GET /assets/{hash}/{file}").status, 404)
        for name in ("POST /job/{id}", "DELETE /job", "PUT /job/{id}/events", "POST /livez", "PATCH /job/{id}"):
            self.assertEqual(client.ask(name).status, 405)

    def test_who_may_not(self):
        with tempfile.TemporaryDirectory(prefix="bide-api-") as folder:
            tokens = os.path.join(folder, "tokens")
            with open(tokens, "w", encoding="ascii") as file:
                file.write(f"{'r' * 24} read jobs=other*\n{'w' * 24} write\n")
            with Bide("--access-log", "off", "--auth", f"token-file={tokens}") as bide:
                self.expect(401, Client(bide).ask, OPERATIONS)
                self.expect(403, Client(bide, f"Authorization: Bearer {'r' * 24}").ask, OPERATIONS)
                several = Client(bide, "Authorization: Bearer one", "Authorization: Bearer two")
                self.expect(400, several.ask, [name for name in OPERATIONS if name not in OPEN_TO_ALL])
                for n in range(20):
                    Client(bide, f"Authorization: Bearer {n:030}").ask("GET /job/{id}")
                self.expect(429, Client(bide, "Authorization: Bearer " + "x" * 30).ask,
                            [name for name in OPERATIONS if name not in OPEN_TO_ALL])
            with Bide("--access-log", "off", "--max-rate-per-client", "1", "--base-path", "/api") as bide:
                self.assertEqual(bide.get("/api").status, 308)
                client = Client(bide)
                self.expect(429, lambda name: [client.ask(name) for _ in range(2)][1], FILES)
            with UnreadyBide("--access-log", "off", "--read-only", "--nats", "nats://127.0.0.1:1") as bide:
                self.expect(405, Client(bide).ask, WRITES)
            with UnreadyBide("--access-log", "off", "--nats", "nats://127.0.0.1:1", "--cors-origin", "https://a.example") as bide:
                client = Client(bide, "Accept: application/json")
                self.expect(503, lambda name: client.ask(name, body=event_body(name)), OPERATIONS)
                preflight = client.ask("OPTIONS /job/{id}", "Origin: https://a.example",
                                       "Access-Control-Request-Method: GET")
                self.assertEqual(preflight.status, 204)

    def test_what_is_written(self):
        bide = self.bide
        client = Client(bide)

        def written(name):
            return client.ask(name, body=event_body(name))

        self.assertEqual([written("PUT /job/{id}").status, client.ask("PUT /job/{id}", job="new").status], [409, 201])
        self.assertEqual([client.ask("PUT /job/{id}", job="new").status, written("POST /job").status], [200, 201])
        self.assertEqual(written("POST /job/{id}/events").status, 201)
        self.expect(406, lambda name: client.ask(name, "Accept: image/png", body=event_body(name)), OPERATIONS)
        for name in FILES:
            tag = client.ask(name)["ETag"]
            self.assertEqual(client.ask(name, f"If-None-Match: {tag}").status, 304)
        self.expect(412, lambda name: client.ask(name, 'If-Match: "other"', body=event_body(name)), OPERATIONS)
        self.expect(415, lambda name: client.ask(name, "Content-Type: image/png", body=b"x"), OPERATIONS)
        self.expect(422, lambda name: client.ask(name, body=b"nonsense"), ["POST /job/{id}/events"])
        self.expect(404, lambda name: client.ask(name, job="nobody"), ["DELETE /job/{id}", "GET /job/{id}/ws"])
        self.expect(426, lambda name: client.ask(name, raw=lambda method, target: request(target)), OPERATIONS)
        client.ask("POST /job/{id}/events", job="over", query="?until=done&wait=9s", body=b"completed")
        over = client.ask("GET /job/{id}", job="over")["ETag"].strip('"')
        self.assertEqual(client.ask("GET /job/{id}/events", f"Last-Event-ID: {over}", job="over").status, 204)
        self.held_and_removed(bide, client)
        self.held_and_failed(bide, client)
        self.repeated_behind_its_time(client)
        # Nobody acknowledges a write.
        nats = bide.nats_pid()
        os.kill(nats, signal.SIGSTOP)
        try:
            wait_until(lambda: states_of(nats) == {"T"}, "nats-server has stopped")
            # DELETE, and PUT of a job that exists, have to look first what there is; then nothing is stored (503).
            waiting = {name: client.send(name, job="silent", body=event_body(name))
                       for name in WRITES if not name.startswith("DELETE")}
            for name, connection in waiting.items():
                with connection:
                    self.assertEqual(Response(receive_all(connection)).status, 504, name)
        finally:
            os.kill(nats, signal.SIGCONT)

    def test_what_is_half_removed(self):
        """The definition is, and NATS does not let bide remove the events."""
        with tempfile.TemporaryDirectory(prefix="bide-api-") as folder:
            password = os.path.join(folder, "password")
            with open(password, "w", encoding="ascii") as file:
                file.write("half-5ecret\n")
            nats = NatsServer(folder, """authorization { users: [
              { user: all, password: all-5ecret }
              { user: half, password: half-5ecret, permissions: { publish: { deny: "$KV.job-queue.status.>" } } }
            ] }""")
            self.addCleanup(nats.stop)
            with Bide("--access-log", "off", "--nats", nats.url, "--nats-user", "half", "--nats-password-file", password,
                      "--create-bucket") as bide:
                worker = Worker(nats, "all", "all-5ecret", "_INBOX")
                bide.wait_applied(worker.put(definition("a"), event("a", "started")))
                worker.close()
                self.assertEqual(Client(bide).ask("DELETE /job/{id}").status, 504)

    def holding(self, bide, client, until):
        """A held request of each operation that writes and waits."""
        held = {name: client.send(name, job=f"held-{until}", query=f"?until={until}&wait=30s", body=event_body(name))
                for name in WRITES if not name.startswith("DELETE")}
        bide.wait_metric('bide_parked{kind="job",road="request"}', len(held))
        page = client.ask("GET /job").json()["items"]
        chosen = next(job["id"] for job in page if len(job["id"]) == 36)
        return held, [f"held-{until}", chosen]

    def held_and_removed(self, bide, client):
        held, jobs = self.holding(bide, client, "done")
        for job in jobs:
            self.assertEqual(client.ask("DELETE /job/{id}", job=job).status, 204)
        for name, connection in held.items():
            with connection:
                self.assertEqual(Response(receive_all(connection)).status, 404, name)

    def held_and_failed(self, bide, client):
        held, jobs = self.holding(bide, client, "succeeded")
        for job in jobs:
            self.assertEqual(client.ask("POST /job/{id}/events", job=job, body=b"failed").status, 201)
        for name, connection in held.items():
            with connection:
                response = Response(receive_all(connection))
                # 200: the event that was reported at the same time has defined the job.
                self.assertIn((response.status, response["Bide-Status"]), ((200, "failed"), (201, "failed")), name)

    def repeated_behind_its_time(self, client):
        """The key's write was stored, but its job is gone."""
        for name, status in (("POST /job", 409), ("POST /job/{id}/events", 404)):
            first, second = (client.ask(name, "Idempotency-Key: once", job="repeated", body=event_body(name)) for _ in range(2))
            self.assertEqual([first.status, second["Location"]], [201, first["Location"]])
            job = first["Location"].rpartition("/")[2]
            self.assertEqual(client.ask("DELETE /job/{id}", job=job).status, 204)
            again = client.ask(name, "Idempotency-Key: once", job="repeated", body=event_body(name))
            self.assertEqual(again.status, status, name)


# --- Requests that are made from the document ---------------------------------------------------

def text_of(pattern, dice):
    """A text that the pattern matches: of literals, classes, groups, alternatives and repetitions."""
    def walk(items):
        out = ""
        for kind, value in items:
            kind = str(kind)
            if kind == "LITERAL":
                out += chr(value)
            elif kind == "NOT_LITERAL":
                out += dice.choice("abc +=&%\u00fc")
            elif kind == "IN":
                out += one_of(value)
            elif kind in ("MAX_REPEAT", "MIN_REPEAT"):
                low, high, inner = value
                out += "".join(walk(inner) for _ in range(dice.randint(low, min(int(high), low + 4))))
            elif kind == "SUBPATTERN":
                out += walk(value[3])
            elif kind == "BRANCH":
                out += walk(dice.choice(value[1]))
            else:
                assert kind in ("AT", "ASSERT", "ASSERT_NOT"), kind
        return out

    def one_of(members):
        kind, value = dice.choice(members)
        return chr(value) if str(kind) == "LITERAL" else chr(dice.randint(*value))

    while True:
        text = walk(regex.parse(pattern))
        if re.search(pattern, text):
            return text


# The schema cannot say what is too short or too long.
EVERY = ["100ms", "0.5s", "60s", "1m", "1s500ms"]


def value_of(schema, dice):
    """A value that the schema allows."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if "oneOf" in schema:
        return value_of(dice.choice(schema["oneOf"]), dice)
    kind = schema.get("type")
    if kind == "string":
        if schema.get("maxLength") == 0:
            return ""
        if schema.get("format") == "date-time":
            return f"2026-0{dice.randint(1, 9)}-1{dice.randint(0, 9)}T12:00:0{dice.randint(0, 9)}Z"
        if schema.get("contentMediaType"):
            return json.dumps({"note": dice.randint(0, 9)})
        return text_of(schema.get("pattern", r"[A-Za-z0-9 ./-]{1,9}"), dice)
    if kind in ("integer", "number"):
        low = schema.get("minimum", 0)
        return dice.choice([low, schema.get("maximum", low + 1000), dice.randint(low, schema.get("maximum", low + 1000))])
    if kind == "array":
        return [value_of(schema["items"], dice) for _ in range(dice.randint(schema.get("minItems", 0), 3))]
    if kind == "object":
        if "properties" not in schema:
            names = schema.get("propertyNames", {}).get("pattern", "[a-z]{1,5}")
            return {text_of(names, dice): value_of(schema.get("additionalProperties", {}), dice)
                    for _ in range(dice.randint(0, 3))}
        return {name: value_of(member, dice) for name, member in schema["properties"].items()
                if name in schema.get("required", []) or dice.random() < 0.5}
    return dice.choice([None, True, 1e300, "text", [1, {"a": "b"}], {"do": "build"}])


def spoilt_value(schema, dice):
    """A value that the schema does not allow; None: it allows every text."""
    if schema.get("type") == "array":
        inner = spoilt_value(schema["items"], dice)
        return None if inner is None else [inner]
    if schema.get("type") == "integer":
        return dice.choice([schema["minimum"] - 1, schema["maximum"] + 1, "", "1x", "1.5", "99999999999999999999"])
    if "pattern" in schema or "enum" in schema or schema.get("maxLength") == 0:
        allowed = schema.get("pattern") or "^(" + "|".join(map(re.escape, schema.get("enum", [""]))) + ")$"
        for _ in range(20):
            value = dice.choice(["", "!", "change,", ",", "s", "\u00fc" * 200, value_of(schema, dice) + "~"])
            if not re.search(allowed, value):
                return value
    return None


# What these parameters of GET /job need beside them; see there.
COMPANY = {"match": "&id=a&until=done", "missing": "&id=a&until=done", "until": "&id=a", "expect": "&until=done"}


class Generated(unittest.TestCase):
    """Requests that are made from the document are answered as documented."""

    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--max-wait", "1s").start()
        cls.bide.put(definition("a"), event("a", "completed"), definition("b", labels={"team": "ci"}))
        cls.client = Client(cls.bide)
        cls.dice = random.Random(int(os.environ.get("TESTED_SEED", "1")))

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def parameters_of(self, name, where):
        return [parameter for parameter in API.parameters[name] if parameter["in"] == where]

    @staticmethod
    def in_query(parameter, value):
        values = value if isinstance(value, list) else [value]
        return "&".join(f"{parameter['name']}={quote(str(one), safe='')}" for one in values)

    def ask(self, name, *fields, **options):
        response = self.client.ask(name, *fields, **options)
        self.assertNotEqual(response.status, 500, f"{name} {fields} {options}: {response.body}")
        return response

    def test_each_parameter_alone(self):
        for name in OPERATIONS:
            for parameter in self.parameters_of(name, "query"):
                company = COMPANY.get(parameter["name"], "") if name == "GET /job" or parameter["name"] == "expect" else ""
                for _ in range(4):
                    value = self.dice.choice(EVERY) if parameter["name"] == "every" else value_of(parameter["schema"], self.dice)
                    query = "?" + self.in_query(parameter, value) + company
                    with self.subTest(name=name, query=query):
                        response = self.ask(name, query=query, body=event_body(name))
                        self.assertNotEqual(response.status, 400, response.body)
                    value = spoilt_value(parameter["schema"], self.dice)
                    if parameter["name"] == "every":
                        value = self.dice.choice([value, "99ms", "60.001s", "0"])
                    if value is None:
                        continue
                    query = "?" + self.in_query(parameter, value) + company
                    with self.subTest(name=name, query=query):
                        self.assertEqual(self.ask(name, query=query, body=event_body(name)).status, 400)
                if parameter["schema"].get("type") != "array":
                    twice = self.in_query(parameter, value_of(parameter["schema"], self.dice))
                    self.assertEqual(self.ask(name, query=f"?{twice}&{twice}{company}").status, 400, f"{name} {twice}")

    def test_unknown_parameters(self):
        for name in OPERATIONS:
            known = [parameter["name"] for parameter in self.parameters_of(name, "query")]
            if not known and name != "DELETE /job/{id}":
                continue  # Probes and metrics ignore all.
            for query in ("?untill=done", *(f"?x{one}=1" for one in known)):
                self.assertEqual(self.ask(name, query=query).status, 400, f"{name}{query}")
            ignored = self.ask(name, query="?_x=1", job="b" if name.startswith("DELETE") else "a", body=event_body(name))
            self.assertNotEqual(ignored.status, 400, name)

    def test_each_field_alone(self):
        for name in OPERATIONS:
            for parameter in self.parameters_of(name, "header"):
                for _ in range(4):
                    field = f"{parameter['name']}: {value_of(parameter['schema'], self.dice)}"
                    with self.subTest(name=name, field=field):
                        self.assertNotEqual(self.ask(name, field, body=event_body(name)).status, 400)
                    value = spoilt_value(parameter["schema"], self.dice)
                    if value is None or not value.isascii():
                        continue
                    field = f"{parameter['name']}: {value}"
                    with self.subTest(name=name, field=field):
                        self.assertEqual(self.ask(name, field, body=event_body(name)).status, 400)

    def test_bodies(self):
        for name in WRITES:
            method, _, path = name.partition(" ")
            content = API.document["paths"][path][method.lower()].get("requestBody", {"content": {}})["content"]
            for kind, described in content.items():
                schema = described["schema"]
                form = name.endswith("events") and kind.endswith("urlencoded")
                for n in range(12):
                    job = f"body-{OPERATIONS.index(name)}-{kind[-4:]}-{n}"
                    value = value_of(schema, self.dice)
                    if form:  # One of the three, and `data` in place of others.
                        said = self.dice.choice(["event", "exit", "progress"])
                        value = {said: value_of(schema["properties"][said], self.dice),
                                 **{key: text for key, text in value.items() if key in ("agent", "timestamp")}}
                        if value.get("event") == "progress":
                            value = {"progress": 40}
                    elif value.get("event") == "progress":
                        value["data"] = {"percent": 40}
                    with self.subTest(name=name, kind=kind, value=value):
                        response = self.send_body(name, kind, value, form, job)
                        self.assertIn(response.status, (200, 201), response.body)
                    for spoilt in self.spoilt_bodies(value, schema):
                        with self.subTest(name=name, kind=kind, spoilt=spoilt):
                            self.assertIn(self.send_body(name, kind, spoilt, form, job).status, (400, 422))

    def send_body(self, name, kind, value, form, job):
        if form:
            body = "&".join(f"{quote(key)}={quote(str(one))}" for key, one in value.items())
        else:
            body = value if isinstance(value, str) else json.dumps(value)
        return self.ask(name, f"Content-Type: {kind}", job=job, body=body.encode())

    def spoilt_bodies(self, value, schema):
        yield {**value, "x" + self.dice.choice(sorted(schema["properties"])): 1}
        text = json.dumps(value)
        if schema.get("required"):  # Not the form, which may be a word.
            yield text[:-1]
            yield {key: one for key, one in value.items() if key not in schema["required"]}
        if "event" in value:
            yield {**value, "event": "nonsense"}
        if "labels" in value:
            yield {**value, "labels": {"Capital": "x"}}

    def test_together(self):
        """Any parameters and fields at once: the status is documented, which recording.py judges."""
        for n in range(400):
            name = self.dice.choice(OPERATIONS)
            queries, fields = [], []
            for parameter in API.parameters[name]:
                if self.dice.random() < 0.7:
                    continue
                value = value_of(parameter["schema"], self.dice)
                if parameter["name"] == "wait":
                    value = self.dice.choice(["0", "10ms", "0.02", "0h0m0.01s"])  # It has to be waited for.
                if self.dice.random() < 0.1:
                    value = spoilt_value(parameter["schema"], self.dice) or value
                if parameter["in"] == "query":
                    queries.append(self.in_query(parameter, value))
                elif parameter["in"] == "header" and str(value).isascii():
                    fields.append(f"{parameter['name']}: {value}")
            self.ask(name, *fields, query="?" + "&".join(queries), job=f"any-{n % 7}",
                     body=self.dice.choice([b"", b"started", b"{}", b'{"event":"failed"}']))


# --- The documents ------------------------------------------------------------------------------

def tables_of(text):
    """The tables of a Markdown page: their header cells and rows of cells."""
    tables = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]] if line.startswith("|") else None
        if cells is None:
            tables.append(None)
        elif tables and tables[-1]:
            tables[-1][1].append(cells)
        else:
            tables.append((cells, []))
    return [(header, rows[1:]) for header, rows in filter(None, tables)]


def codes(cell):
    return re.findall(r"`([^`]+)`", cell)


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "docs", "api.md"), encoding="utf-8") as file:
            cls.page = file.read()
        cls.tables = tables_of(cls.page)

    def first_cells(self, *headers):
        return [cell for header, rows in self.tables if header[0] in headers for cell in [row[0] for row in rows]]

    def test_parameters(self):
        told = {code.partition("=")[0] for cell in self.first_cells("parameter") for code in codes(cell)}
        told |= set(re.findall(r"`(id|label|match|missing|fresh|until)[`=]", self.page)) | set(re.findall(r"\?(fresh)\b", self.page))
        documented = {parameter["name"] for parameters in API.parameters.values() for parameter in parameters
                      if parameter["in"] == "query"}
        self.assertEqual(told, documented)

    def test_statuses(self):
        told = {int(number) for cell in self.first_cells("status") for number in re.findall(r"\b[1-5]\d\d\b", cell)}
        told |= {int(number) for header, rows in self.tables if header[0] == "route"
                 for row in rows for number in re.findall(r"\b[1-5]\d\d\b", row[-1]) if number != "256"}
        documented = {status for _, status in API.documented()}
        self.assertEqual(told, documented)

    def test_fields(self):
        told = {name for cell in self.first_cells("field") for name in re.findall(r"`([A-Z][A-Za-z-]+)", cell)}
        documented = {field for responses in API.operations.values() for response in responses.values()
                      for field in response.fields}
        for name in told:
            self.assertIn(name.lower(), documented)
        framing = {"date", "connection", "content-length", "content-type", "transfer-encoding", "sec-websocket-accept"}
        for name in documented - framing:
            self.assertRegex(self.page, f"(?i)\\b{name}\\b")
        requested = {name for cell in self.first_cells("request field") for name in re.findall(r"`([A-Z][A-Za-z-]+)", cell)}
        parameters = {parameter["name"] for all_of in API.parameters.values() for parameter in all_of
                      if parameter["in"] == "header"}
        self.assertLessEqual(requested, parameters)
        for name in parameters:
            self.assertIn(f"`{name}", self.page)

    def test_routes(self):
        told = set()
        for cell in self.first_cells("route"):
            method = "GET"
            for code in codes(cell):
                method, path = code.split(" ") if " " in code else (method, code)
                told.add(f"{method} {path.partition('?')[0]}")
        for name in told:
            method, _, path = name.partition(" ")
            path = path.replace("{id}", "a").replace("{hash}", "0" * 16).replace("{file}", "app.js")
            self.assertEqual(API.operation_of(method, path), name)
        self.assertEqual(told, set(OPERATIONS))

    def test_members_and_records(self):
        schemas = API.document["components"]["schemas"]
        for name in (*schemas["Job"]["properties"], *schemas["Problem"]["properties"], *schemas["JobPage"]["properties"],
                     *schemas["Definition"]["properties"], *schemas["EventForm"]["properties"]):
            self.assertRegex(self.page, rf"[`\"]{name}[`\"=]")
        records = {record for responses in API.operations.values() for response in responses.values()
                   for record in response.records}
        told = {code for header, rows in self.tables if header[0] == "record" for row in rows for code in codes(row[0])}
        self.assertEqual({record for record in told if not re.search("[ /]", record)}, records)

    def test_redocly_finds_nothing(self):
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
        if tuple(map(int, version[1:].strip().split(".")[:2])) < (20, 19):
            self.skipTest(f"@redocly/cli needs node 20.19, this is {version}")
        config = os.path.join(HERE, "..", "browser", "redocly.yaml")
        linted = subprocess.run(["node", REDOCLY, "lint", "--config", config, "--format", "json",
                                 os.path.join(ROOT, "server", "api", "openapi.json")],
                                env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
                                capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(linted.returncode, 0, linted.stderr + linted.stdout)
        self.assertEqual(json.loads(linted.stdout)["problems"], [])


if __name__ == "__main__":
    unittest.main()
