"""A client of bide for Python 3.8 and later: get, wait, follow, report. It needs nothing but the standard library.
../README.md has examples.

Every call rides out restarts of bide, NATS and proxies: it tries again, after growing random pauses and as late as
Retry-After asks, until its time is up. What ends a call at once: 401 and 403, any other refusal by bide, bide's own
404, and a certificate that does not verify. Redirects are not followed, because the token is for this server only.
"""
import collections
import contextlib
import datetime
import http.client
import json
import math
import random
import re
import ssl
import time
import urllib.parse
import uuid

HELD_S = 25  # How long bide may hold a request: below the idle timeouts of common proxies.
PATIENCE_S = 10  # How long an exchange may take beyond that.
SILENCE_S = 45  # A stream has a heartbeat every 15 s.
PAUSE_MIN_S = 0.1
PAUSE_MAX_S = 5
RETRY_AFTER_MAX_S = 60  # A longer pause would miss a server that is back.
TRANSIENT = (408, 429, 500, 502, 503, 504)


class BideError(Exception):
    """`kind`: "auth", "not-found", "gone" (deleted while it was waited for), "refused" (bide will not do it),
    "timeout", or for `on_trouble` "trouble" (worth another try). `status`: of the answer, 0 if there was none.
    `problem`: bide's problem document. `retry_after`: in seconds."""

    def __init__(self, kind, message, status=0, problem=None, retry_after=0, outcome=None):
        super().__init__(message)
        self.kind, self.status, self.problem = kind, status, problem or {}
        self.retry_after, self.outcome = retry_after, outcome


class Bide:
    """Any number of threads may use one: each request has a connection of its own."""

    def __init__(self, server, token=None, context=None):
        """`server`: its URL, with the base path if there is one. `token`: a string, or a function that returns one. It
        is called for each request, so it can renew a token that is about to expire. `context`: an ssl.SSLContext, for
        a server with a certificate authority of its own."""
        url = urllib.parse.urlsplit(server)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"not the URL of a server: {server}")
        self._base = url.path.rstrip("/") + "/"
        self._token = token
        self._connection = lambda: (
            http.client.HTTPConnection(url.hostname, url.port, timeout=PATIENCE_S) if url.scheme == "http" else
            http.client.HTTPSConnection(url.hostname, url.port, timeout=PATIENCE_S, context=context))

    def get(self, job_id, **options):
        """The job as it is now. Like all calls it takes `timeout` in seconds, and `on_trouble`, which is called with
        each error that is tried again, and with None when all is well."""
        return self.read(_path(job_id), **options)

    def read(self, path, timeout=30, on_trouble=None):
        """Any other resource: "job?status=failed", "job/status"."""
        call = _Call(timeout, on_trouble)
        return call.ride(lambda: self._exchange(call, path)).document

    def wait(self, job_id, until="done", missing="wait", timeout=600, on_trouble=None):
        """The job when it is over, however it ended, or when `until` holds. It need not exist yet."""
        call = _Call(timeout, on_trouble)
        job = tag = None

        def ask():
            held = min(call.left(), HELD_S)
            # If it has been seen and is missing, it was deleted.
            query = urllib.parse.urlencode({"until": until, "wait": f"{max(1, math.ceil(held * 1000))}ms",
                                            "missing": "fail" if job else missing})
            return self._exchange(call, f"{_path(job_id)}?{query}", {"If-None-Match": tag} if tag else {}, held=held)

        while True:
            try:
                answer = call.ride(ask)
                job = answer.document or job  # None: 304.
                tag = answer.tag or tag
                if answer.final or answer.outcome in ("done", "changed", "now"):
                    return job
            except BideError as error:
                if error.problem.get("type") == "urn:bide:problem:job-did-not-succeed":
                    return error.problem["job"]
                if error.kind != "not-found" or error.status != 404 or (missing == "fail" and not job):
                    raise
                if job or not error.outcome:  # Without an outcome it was deleted while the request was held.
                    raise _gone(job_id) from error
                answer = error
            call.absent = not job
            if answer.outcome == "timeout":
                call.calm()
            else:  # Without a pause, this would be a busy loop while bide is full or going away.
                why = f"bide did not hold the request: {answer.outcome}"
                call.take(BideError("trouble", why, retry_after=answer.retry_after))

    def follow(self, job_id=None, every=None, missing="wait", timeout=math.inf, on_trouble=None):
        """Yields the job now and after each change, until it is final. It need not exist yet. Without an id: each job
        that changes, without an end. A slow reader skips states, but never the last one."""
        call = _Call(timeout, on_trouble)
        query = urllib.parse.urlencode({**({"every": every} if every else {}), **({"patch": "json"} if job_id else {})})
        path = f"{_path(job_id) if job_id else 'job'}/events?{query}"
        last, job = "", None
        while True:
            try:
                call.check()
                for record in self._records(call, path, last):
                    if record.event == "end":
                        return
                    if record.event == "gone":
                        raise _gone(job_id)
                    if record.event != "hello":  # In trouble, bide says hello and ends the stream.
                        call.calm()
                    if record.event in ("job", "patch"):
                        last = record.id
                        document = json.loads(record.data)
                        job = document if record.event == "job" else _with_patch(job, document)
                        yield job
                raise BideError("trouble", "the stream has ended")
            except BideError as error:
                if error.kind != "not-found" or (missing == "fail" and not last):
                    call.take(error)
                elif last:
                    raise _gone(job_id) from error
                else:
                    self.wait(job_id, "exists", timeout=call.left(), on_trouble=on_trouble)

    def report(self, job_id, event, key=None, timeout=30, on_trouble=None):
        """Reports an event: "started", or {"event": "failed", "agent": "web-01", "data": {"error": "no space"}}.
        Returns the job's status when the event is stored: once, however often it was sent."""
        call = _Call(timeout, on_trouble)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()  # Its own time, however late it arrives.
        body = json.dumps({"timestamp": now, **({"event": event} if isinstance(event, str) else event)})
        fields = {"Content-Type": "application/json", "Idempotency-Key": key or uuid.uuid4().hex,
                  "Prefer": "return=minimal"}
        return call.ride(lambda: self._exchange(call, _path(job_id) + "/events", fields, body)).job_status

    def _exchange(self, call, path, fields=(), body=None, held=0):
        """A request and its whole answer."""
        end = time.monotonic() + min(call.left() + 1, held + PATIENCE_S)
        with self._response(path, fields, body, end) as (response, limit):
            return _answer(response, limit, end)

    def _records(self, call, path, last):
        """The records of one stream (WHATWG HTML section 9.2), until it breaks off."""
        fields = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        end = time.monotonic() + min(call.left(), PATIENCE_S)
        with self._response(path, fields, None, end) as (response, limit):
            if response.status == 204:  # The job is over, and `last` was its last state.
                yield _Record("end", "", "")
                return
            if not response.getheader("Content-Type", "").startswith("text/event-stream"):
                _answer(response, limit, end)
                raise BideError("trouble", "the answer is not a stream")
            record = _Record("", "", "")
            while line := limit(time.monotonic() + min(call.left(), SILENCE_S)) or response.readline():
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name in record._fields:  # bide's data is one line.
                    record = record._replace(**{name: value})
                elif not name and (value or record.event):  # A comment, or the end of a record.
                    yield _Record("", "", "") if value else record
                    record = record if value else _Record("", "", "")

    @contextlib.contextmanager
    def _response(self, path, fields, body, end):
        """The response to one request, and a function that sets the time until which it may be read."""
        token = self._token() if callable(self._token) else self._token
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        fields = {"Accept": "application/json", **dict(fields), **bearer}
        connection = self._connection()

        def limit(end):
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("not in time")
            if sock.fileno() >= 0:  # Python 3.13 closes it with the last byte of the response.
                sock.settimeout(left)

        try:
            connection.timeout = max(0.001, end - time.monotonic())
            connection.connect()
            sock = connection.sock  # The connection drops it with the last response.
            limit(end)
            connection.request("GET" if body is None else "POST", self._base + path, body, fields)
            limit(end)
            yield connection.getresponse(), limit
        except ssl.SSLCertVerificationError as error:
            raise BideError("refused", f"the certificate does not verify: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise BideError("trouble", f"no answer: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()


_Answer = collections.namedtuple("_Answer", "document outcome job_status final tag retry_after")
_Record = collections.namedtuple("_Record", "event id data")


def _patched(node, op, value, keys):
    """`node` after an operation of a JSON Patch (RFC 6902): add, replace or remove. What does not change is shared."""
    at = int(keys[0]) if isinstance(node, list) else keys[0]
    if len(keys) > 1:
        value, op = _patched(node[at], op, value, keys[1:]), "replace"
    if isinstance(node, list):
        return node[:at] + ([] if op == "remove" else [value]) + node[at if op == "add" else at + 1:]
    return {**{name: old for name, old in node.items() if name != at}, **({} if op == "remove" else {at: value})}


def _with_patch(job, operations):
    for each in operations:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in each["path"].split("/")[1:]]
        job = _patched(job, each["op"], each.get("value"), keys)
    return job


def _path(job_id):
    return "job/" + urllib.parse.quote(job_id, safe="")


def _gone(job_id):
    return BideError("gone", f"job {job_id} is gone: deleted or expired")


def _answer(response, limit, end):
    """bide's answer, if it is a state. Otherwise raises BideError."""
    text = b""
    while chunk := limit(end) or response.read1(1 << 20):
        text += chunk
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    outcome, status = response.getheader("Bide-Outcome"), response.getheader("Bide-Status")
    seconds = re.match(r"\d+", response.getheader("Retry-After", ""))
    retry_after = min(int(seconds[0]), RETRY_AFTER_MAX_S) if seconds else 0
    if response.status in (200, 201, 304) and (outcome or status):
        if text and document is None:
            raise BideError("trouble", "the answer is cut")
        final, tag = response.getheader("Bide-Final") == "true", response.getheader("ETag")
        return _Answer(document, outcome, status, final, tag, retry_after)
    kind = str(document.get("type")) if isinstance(document, dict) else ""
    problem = document if kind.startswith("urn:bide:problem:") else {}
    detail = problem.get("detail", "not an answer of bide; is the URL right?")
    kind = ("auth" if response.status in (401, 403) else "not-found" if kind == "urn:bide:problem:job-not-found" else
            "refused" if problem and response.status not in TRANSIENT else "trouble")
    message = f"the server answered {response.status}: {detail}"
    raise BideError(kind, message, response.status, problem, retry_after, outcome)


class _Call:
    """The time limit of a call, and its pauses."""

    def __init__(self, timeout, on_trouble):
        self.end = time.monotonic() + timeout
        self.on_trouble = on_trouble or (lambda trouble: None)
        self.absent = False  # bide says that the job does not exist yet.
        self.trouble = None
        self.span = 2 * PAUSE_MIN_S

    def left(self):
        return max(0, self.end - time.monotonic())

    def check(self):
        """Raises if the time is up."""
        if self.left() == 0 and self.absent:
            raise BideError("not-found", "no such job in time")
        if self.left() == 0:
            raise BideError("timeout", f"not in time: {self.trouble}" if self.trouble else "not in time")

    def ride(self, attempt):
        """What `attempt` returns. It is repeated while it raises trouble."""
        while True:
            self.check()
            try:
                return attempt()
            except BideError as error:
                self.take(error)

    def take(self, error):
        """Pauses after trouble; raises anything else. The pause is random, so that all clients of a restarted server do
        not come back together, and takes at most half of the time that is left."""
        if error.kind != "trouble":
            raise error
        self.trouble = error
        self.on_trouble(error)
        wanted = max(random.uniform(self.span / 2, self.span), error.retry_after * random.uniform(1, 1.25))
        self.span = min(2 * self.span, PAUSE_MAX_S)
        time.sleep(min(wanted, max(self.left() / 2, PAUSE_MIN_S)))

    def calm(self):
        """All is well."""
        if self.trouble:
            self.on_trouble(None)
        self.trouble = None
        self.span = 2 * PAUSE_MIN_S
