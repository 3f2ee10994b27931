"""A client of bide for Python 3.8 and later: get, wait, follow, report. It needs nothing but the standard library.
README.md beside it has examples.

Every call rides out restarts of bide, NATS and proxies: it tries again, after growing random pauses and as late as
Retry-After asks, until its time is up. What ends a call at once: 401 and 403, any other refusal by bide, bide's own 404,
and a certificate that does not verify. Redirects are not followed, because the token is for this server only.
"""
import contextlib
import datetime
import http.client
import json
import math
import random
import ssl
import time
import types
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
    """Why a call has ended without a result. `kind`: "auth", "not-found", "gone" (deleted while it was waited for),
    "timeout", or "refused" (bide will not do it). `status`: of the HTTP answer. `problem`: bide's problem document."""

    def __init__(self, kind, message, status=None, problem=None, outcome=None):
        super().__init__(message)
        self.kind, self.status, self.problem, self.outcome = kind, status, problem, outcome


class Bide:
    """Thread safety: any number of threads. Each call has connections of its own."""

    def __init__(self, url, token=None, context=None):
        """`url` may have a base path: https://ci.example.com/bide. `token`: a string, or a function that returns one.
        It is called for each request, so it can renew a token that is about to expire. `context`: an
        ssl.SSLContext, for servers with a certificate authority of their own."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http or https URL: {url}")
        self._base = parts.path.rstrip("/")
        self._token = token
        if parts.scheme == "http":
            self._connection = lambda s: http.client.HTTPConnection(parts.hostname, parts.port, timeout=s)
        else:
            context = context or ssl.create_default_context()
            self._connection = lambda s: http.client.HTTPSConnection(parts.hostname, parts.port, timeout=s, context=context)

    def get(self, job_id, **options):
        """The job as it is now. All methods take `timeout_s` (of get() and report() 30, of wait() 600, of follow() none)
        and `on_trouble`, which is called with what has failed and is tried again, and with None when all is well."""
        return self.read(_path(job_id), **options)

    def read(self, path, timeout_s=30, on_trouble=None):
        """Any other resource: "/job?status=failed", "/job/status"."""
        call = _Call(timeout_s, on_trouble)
        return call.ride(lambda: self._exchange(call, "GET", path)).document

    def wait(self, job_id, until="done", missing="wait", timeout_s=600, on_trouble=None):
        """The job when it is over, however it ended, or when `until` holds. It need not exist yet. `until`: also
        "succeeded", "exists", or status words with commas between them. `missing`: or "fail"."""
        call = _Call(timeout_s, on_trouble)
        job = tag = asked = None

        def ask():
            nonlocal asked
            asked = time.monotonic()
            held_s = min(call.left_s(), HELD_S)
            # If it has been seen and is missing, it was deleted.
            query = urllib.parse.urlencode({"until": until, "wait": f"{max(1, math.ceil(held_s * 1000))}ms",
                                            "missing": "fail" if job else missing})
            fields = {"If-None-Match": tag} if tag else {}
            return self._exchange(call, "GET", f"{_path(job_id)}?{query}", fields, held_s=held_s)

        while True:
            try:
                answer = call.ride(ask)
                job = answer.document or job  # None: 304.
                tag = answer.tag or tag
                # Otherwise bide has answered because the time was up, or because it is full or going away.
                if answer.final or answer.outcome in ("done", "changed", "now"):
                    return job
            except BideError as error:
                if error.problem and error.problem["type"] == "urn:bide:problem:job-did-not-succeed":
                    return error.problem["job"]
                if error.kind != "not-found" or (missing == "fail" and not job):
                    raise
                if job or not error.outcome:  # Without an outcome it was deleted while the request was held.
                    raise _gone(job_id) from error
                answer = types.SimpleNamespace(outcome=error.outcome, retry_after_s=0)
            call.absent = not job
            # Asking again at once would be a busy loop if bide is full or going away.
            if time.monotonic() - asked > PAUSE_MIN_S:
                call.calm()
            else:
                call.take(_Trouble(f"not held: {answer.outcome}", answer.retry_after_s))

    def follow(self, job_id=None, every=None, missing="wait", timeout_s=math.inf, on_trouble=None):
        """Yields the job now and after each change, until it is final. It need not exist yet. Without an id: each job
        that changes, without an end. A slow reader skips states, but never the last one. `every`: at most one state of
        each job in this time, such as "2s"."""
        call = _Call(timeout_s, on_trouble)
        path = ("/job" if job_id is None else _path(job_id)) + "/events" + (f"?every={every}" if every else "")
        last = ""
        while True:
            try:
                call.check()
                for record in self._records(call, path, last):
                    if record["event"] == "end":
                        return
                    if record["event"] == "gone":
                        raise _gone(job_id)
                    if record["event"] == "job":
                        call.calm()
                        last = record["id"]
                        yield json.loads(record["data"])
                raise _Trouble("the stream has ended")
            except _Trouble as trouble:
                call.take(trouble)
            except BideError as error:
                if error.kind != "not-found" or (missing == "fail" and not last):
                    raise
                if last:
                    raise _gone(job_id) from error
                self.wait(job_id, "exists", timeout_s=call.left_s(), on_trouble=on_trouble)

    def report(self, job_id, event, key=None, timeout_s=30, on_trouble=None):
        """Reports an event: "started", or {"event": "failed", "agent": "web-01", "data": {"error": "no space"}}. Returns
        the job's status when the event is stored: once, however often it was sent."""
        call = _Call(timeout_s, on_trouble)
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()  # Its own time, however late it arrives.
        body = json.dumps({"timestamp": now, **({"event": event} if isinstance(event, str) else event)})
        fields = {"Content-Type": "application/json", "Idempotency-Key": key or uuid.uuid4().hex, "Prefer": "return=minimal"}
        return call.ride(lambda: self._exchange(call, "POST", _path(job_id) + "/events", fields, body)).status

    def _exchange(self, call, method, path, fields=(), body=None, held_s=0):
        """One request and its whole answer. Raises _Trouble if it is worth another one."""
        end = time.monotonic() + min(call.left_s() + 1, held_s + PATIENCE_S)
        with self._opened(method, path, fields, body, end) as (response, patience):
            return _judge(response, patience)

    def _records(self, call, path, last):
        """The records of one stream. Raises _Trouble if it cannot be opened or breaks off."""
