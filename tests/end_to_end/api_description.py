"""bide's OpenAPI document, and whether a response is as it says.

The document is stricter here than it is for clients: a member that it does not name is a complaint.
"""
import json
import os
import re

from jsonschema import Draft202012Validator

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server", "api", "openapi.json")
UNROUTED = "unrouted"  # What requests get that are for no operation.
METHODS = ("get", "put", "post", "delete")
# Of one operation and status so many bodies or records are validated, a large one counted for each 2 KiB, and of those
# behind them one in SAMPLE.
BODIES = 100
SAMPLE = 50


FRAME = re.compile(r'\{"event":"([a-z-]+)"(?:,"id":"[0-9a-f-]+")?,"data":(.*)\}', re.S)


class Exchange:
    """A request and its response. `method` is None if the request cannot be read, `whole` is false for a stream that
    was left, and `fields` are the response's pairs of names and values."""

    def __init__(self, method, target, status, fields, body, whole=True):
        self.method = method
        self.target = target
        self.status = status
        self.fields = fields
        self.body = body
        self.whole = whole

    def field(self, name):
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)

    def __str__(self):
        return f"{self.method or '?'} {self.target[:200]} -> {self.status}"


def closed(node, done):
    """The schema, with no members but those that it names. `done`: by id, what has been closed."""
    if isinstance(node, list):
        return [closed(one, done) for one in node]
    if not isinstance(node, dict):
        return node
    if id(node) not in done:
        copy = {key: closed(value, done) for key, value in node.items()}
        if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
            copy["additionalProperties"] = False
        done[id(node)] = copy
    return done[id(node)]


class Response:
    """One response of an operation."""

    def __init__(self, document, node, done):
        self.statuses = node.get("x-statuses", [])
        everywhere = document["x-every-response"]["headers"]
        self.fields = {name.lower(): Draft202012Validator(header["schema"])
                       for name, header in {**everywhere, **node.get("headers", {})}.items()}
        self.required = [name.lower() for name, header in {**everywhere, **node.get("headers", {})}.items()
                         if header.get("required")]
        self.valid = set()  # Names and values that were looked at.
        self.content = {}
        for media_type, content in node.get("content", {}).items():
            self.content[media_type] = Draft202012Validator(closed(content["schema"], done))
        records = node.get("x-records") or node.get("content", {}).get("text/event-stream", {}).get("x-records")
        self.records = {name: Draft202012Validator(closed(schema, done)) for name, schema in (records or {}).items()}


class Description:
    def __init__(self, path=PATH):
        with open(path, encoding="utf-8") as file:
            self.raw = json.load(file)
        self.resolved = {}
        self.document = self._resolved(self.raw, ())
        self.closed = {}
        self.parameters = {}  # By operation, resolved.
        self.operations = {UNROUTED: self._responses(self.document["x-unrouted"])}
        self.templates = []
        for template, item in self.document["paths"].items():
            self.templates.append((self._pattern_of(template, item.get("parameters", [])), template))
            for method in METHODS:
                if method in item:
                    name = f"{method.upper()} {template}"
                    self.operations[name] = self._responses(item[method])
                    self.parameters[name] = item.get("parameters", []) + item[method].get("parameters", [])
        # "/job/status" before "/job/{id}".
        self.templates.sort(key=lambda pair: pair[1].count("{"))
        self.judged = {}

    def _resolved(self, node, path):
        """The document without references. It has no circles."""
        if isinstance(node, list):
            return [self._resolved(one, path) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            reference = node["$ref"]
            assert reference.startswith("#/") and reference not in path, reference
            if reference not in self.resolved:
                target = self.raw
                for key in reference[2:].split("/"):
                    target = target[key]
                self.resolved[reference] = self._resolved(target, path + (reference,))
            resolved = self.resolved[reference]
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return {**resolved, **beside} if beside else resolved
        return {key: self._resolved(value, path) for key, value in node.items()}

    def _responses(self, operation):
        return {status: Response(self.document, node, self.closed) for status, node in operation["responses"].items()}

    @staticmethod
    def _pattern_of(template, parameters):
        pattern = re.escape(template)
        for parameter in parameters:
            inner = parameter["schema"]["pattern"].strip("^$").replace("events)$", "events)(?:/|$)")
            pattern = pattern.replace(r"\{%s\}" % parameter["name"], inner)
        return re.compile(rf"(?:{pattern})\Z")

    def operation_of(self, method, target, base_path=""):
        """`GET /job/{id}`, or UNROUTED."""
        if method is None or not target:
            return UNROUTED
        path = re.sub(r"^[a-z]+://[^/?]*", "", target).partition("?")[0].partition("#")[0]
        path = re.sub(r"%([0-9A-Fa-f]{2})",
                      lambda m: c if re.match(r"[A-Za-z0-9._~-]", c := chr(int(m[1], 16))) else m[0], path)
        if base_path and path.startswith(base_path + "/"):
            path = path[len(base_path):]
        for pattern, template in self.templates:
            if pattern.match(path):
                name = f"{'GET' if method == 'HEAD' else method} {template}"
                return name if name in self.operations else UNROUTED
        return UNROUTED

    def documented(self):
        """All pairs of an operation and a status."""
        pairs = set()
        for name, responses in self.operations.items():
            for status, response in responses.items():
                for one in response.statuses or [int(status)]:
                    pairs.add((name, one))
        return pairs

    def judge(self, exchange, base_path=""):
        """The operation, and what is wrong."""
        name = self.operation_of(exchange.method, exchange.target, base_path)
        responses = self.operations[name]
        response = responses.get(str(exchange.status))
        if response is None:
            response = responses["default"]
            if exchange.status not in response.statuses:
                return name, [f"{name}: status {exchange.status} is not documented"]
        complaints = [*self._judge_fields(response, exchange), *self._judge_body(name, response, exchange)]
        return name, [f"{name}, {exchange.status}: {complaint}" for complaint in complaints]

    @staticmethod
    def _judge_fields(response, exchange):
        seen = set()
        for name, value in exchange.fields:
            name = name.lower()
            if (name, value) == ("vary", "Origin"):  # A line of its own, beside others.
                continue
            validator = response.fields.get(name)
            if validator is None:
                yield f"field {name} is not documented"
            elif (name, value) not in response.valid:
                if not validator.is_valid(value):
                    yield f"field {name} is not documented to be {value!r}"
                elif len(response.valid) < 1000:
                    response.valid.add((name, value))
            if name in seen:
                yield f"field {name} is there twice"
            seen.add(name)
        for name in response.required:
            if name not in seen:
                yield f"field {name} is missing"

    def _judge_body(self, name, response, exchange):
        if exchange.status == 101:
            yield from self._judge_frames(name, response, exchange)
            return
        kind = (exchange.field("Content-Type") or "").partition(";")[0]
        empty = (exchange.method == "HEAD" or exchange.status in (204, 304) or
                 exchange.field("Preference-Applied") == "return=minimal" or
                 # Stored, and not shown yet.
                 exchange.status in (200, 201) and exchange.field("Cache-Control") == "no-store" and
                 exchange.field("Location") and not kind)
        if kind and kind not in response.content:
            yield f"content of type {kind} is not documented"
        if empty:
            if exchange.body:
                yield f"there is a body: {exchange.body[:100]!r}"
            return
        if not kind:
            yield "content without a type"
        elif kind == "text/event-stream":
            yield from self._judge_stream(name, response, exchange)
        elif kind in response.content and exchange.whole and self._is_due((name, exchange.status), len(exchange.body)):
            yield from self._judge_content(kind, response, exchange)

    def _is_due(self, what, size):
        count, weight = self.judged.get(what, (0, 0))
        self.judged[what] = (count + 1, weight + 1 + size // 2048)
        return weight < BODIES or count % SAMPLE == 0

    def _judge_record(self, name, response, event, data):
        validator = response.records.get(event)
        if validator is None:
            yield f"record {event} is not documented"
        elif self._is_due((name, event), len(data)):
            try:
                yield from faults(validator, json.loads(data or "null"))
            except ValueError as error:
                yield f"record {event} cannot be read: {error}"

    def _judge_stream(self, name, response, exchange):
        for record in exchange.body.decode().split("\n\n")[:-1]:
            lines = [line.partition(":") for line in record.split("\n")]
            fields = {field: value.strip() for field, _, value in lines if field}
            if "event" in fields:
                yield from self._judge_record(name, response, fields["event"], fields.get("data", ""))
            elif set(fields) - {"retry"}:
                yield f"record {record[:100]!r} is not documented"

    @staticmethod
    def _judge_content(kind, response, exchange):
        try:
            text = exchange.body.decode()
            content = json.loads(text) if kind.endswith("json") else text
        except ValueError as error:
            yield f"the body cannot be read: {error}"
            return
        yield from faults(response.content[kind], content)

    def _judge_frames(self, name, response, exchange):
        """`body`: what the server sent behind the head, RFC 6455 section 5.2. Its frames have no mask."""
        body = memoryview(exchange.body)
        while len(body) >= 2:
            kind, size, begin = body[0] & 15, body[1] & 127, 2
            if size > 125:
                begin = 4 if size == 126 else 10
                size = int.from_bytes(body[2:begin], "big")
            if len(body) < begin + size:
                return
            if kind == 1 and body[0] & 128:
                frame = FRAME.fullmatch(bytes(body[begin:begin + size]).decode())
                if frame is None:
                    yield f"frame {bytes(body[begin:begin + 100])!r} is not documented"
                else:
                    yield from self._judge_record(name, response, frame[1], frame[2])
            body = body[begin + size:]


def faults(validator, value):
    for error in validator.iter_errors(value):
        yield f"at /{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
