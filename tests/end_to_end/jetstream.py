"""JetStream's API and a bucket's entries, over the NATS protocol on a socket.

A JetStream is used by one thread at a time.
"""
import collections
import datetime
import json
import re
import secrets

from harness import Nats

# `deleted`: a mark. `time_ns`: of the stream.
Stored = collections.namedtuple("Stored", "revision key value deleted time_ns")

PURGE = object()  # A value that purges its key: a mark of which nothing older is kept.
HEARTBEAT_NS = 100_000_000


class Unavailable(Exception):
    """NATS or JetStream does not answer, or refuses."""


class JetStream(Nats):
    """A context manager."""

    def __init__(self, url, bucket="job-queue", patience_s=5.0):
        # pylint: disable=super-init-not-called
        login, _, address = url.removeprefix("nats://").rpartition("@")
        host, _, port = address.rpartition(":")
        user, _, password = login.partition(":")
        identity = {"user": user, "pass": password} if password else {"auth_token": login} if login else {}
        self.number = 0
        try:
            self.connect((host, int(port)), identity, "_INBOX." + secrets.token_hex(8), bucket)
            self.socket.settimeout(patience_s)
            self.socket.sendall(b"SUB %s.* 2\r\n" % self.inbox)
        except (OSError, AssertionError, ValueError) as error:
            raise Unavailable(str(error)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- Requests ---

    def _new_inbox(self):
        self.number += 1
        return b"%s.%d" % (self.inbox, self.number)

    def _next(self):
        """(subject, reply, headers, body) of the next message."""
        try:
            while line := self.file.readline():
                words = line.split()
                if words[0] == b"PING":
                    self.socket.sendall(b"PONG\r\n")
                elif words[0] == b"-ERR":
                    raise Unavailable(line.decode())
                elif words[0] in (b"MSG", b"HMSG"):
                    with_headers = words[0] == b"HMSG"
                    head = int(words[-2]) if with_headers else 0
                    raw = self.file.read(int(words[-1]) + 2)[:-2]
                    reply = words[3] if len(words) == (6 if with_headers else 5) else b""
                    return words[1], reply, raw[:head], raw[head:]
        except OSError as error:
            raise Unavailable(str(error)) from error
        raise Unavailable("NATS closed the connection")

    def _send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Unavailable(str(error)) from error

    def request(self, subject, body=b"", headers=b""):
        """(headers, body) of the answer."""
        inbox = self._new_inbox()
        self._send(publication(subject.encode(), inbox, body, headers))
        while True:
            to, _, head, answer = self._next()
            if to == inbox:
                if head.startswith(b"NATS/1.0 503"):
                    raise Unavailable("no responders")
                return head, answer

    def api(self, verb, **body):
        """Of this bucket's stream: `api("PURGE", filter=…)`."""
        _, raw = self.request(f"$JS.API.STREAM.{verb}.{self.stream}", json.dumps(body).encode() if body else b"")
        answer = json.loads(raw)
        if "error" in answer:
            raise Unavailable(f"{verb}: {answer['error']}")
        return answer

    # --- The bucket ---

    def info(self):
        return self.api("INFO")

    def create_bucket(self, history=1, max_age_s=0.0, replicas=1):
        return self.api("CREATE", **self.config(history, max_age_s, replicas))

    def update_bucket(self, history=1, max_age_s=0.0, replicas=1):
        return self.api("UPDATE", **self.config(history, max_age_s, replicas))

    def config(self, history, max_age_s, replicas):
        """As clients' libraries create buckets."""
        window_s = min(max_age_s or 120.0, 120.0)
        return {"name": self.stream, "subjects": [self.prefix + ">"], "max_msgs_per_subject": history,
                "max_age": int(max_age_s * 1e9), "duplicate_window": int(window_s * 1e9), "storage": "file",
                "discard": "new", "num_replicas": replicas, "allow_rollup_hdrs": True, "deny_delete": True,
                "allow_direct": True, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1}

    def delete_bucket(self):
        self.api("DELETE")

    def purge(self, **what):
        """All, or by `filter` (a key), `keep` (the last so many), `seq` (below which)."""
        if "filter" in what:
            what["filter"] = self.prefix + what["filter"]
        return self.api("PURGE", **what)["purged"]

    def store(self, *entries):
        """Writes (key, value) pairs, None deletes, PURGE purges; their revisions."""
        waiting = {}
        out = bytearray()
        for key, value in entries:
            inbox = self._new_inbox()
            waiting[inbox] = len(waiting)
            headers = b"Nats-Msg-Id: %s\r\n" % secrets.token_hex(8).encode()
            data = b""
            if value is None:
                headers += b"KV-Operation: DEL\r\n"
            elif value is PURGE:
                headers += b"KV-Operation: PURGE\r\nNats-Rollup: sub\r\n"
            else:
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
            out += publication((self.prefix + key).encode(), inbox, data, headers)
        self._send(out)
        revisions = [0] * len(waiting)
        while waiting:
            to, _, head, body = self._next()
            if to not in waiting:
                continue
            answer = json.loads(body or b"{}")
            if head.startswith(b"NATS/1.0 503") or "seq" not in answer:
                raise Unavailable(f"not stored: {answer}")
            revisions[waiting.pop(to)] = answer["seq"]
        return revisions

    def read(self):
        """(the stream's creation in Unix nanoseconds, the newest entry of every key).

        By a consumer of its own, to its first heartbeat: the server sends none before it has sent all.
        """
        created = nanoseconds(self.info()["created"])
        # Subscribed to by itself: nats-server 2.9 does not see the interest of a wildcard.
        inbox = b"%s-read.%d" % (self.inbox, self.number)
        self._send(b"SUB %s 3\r\n" % inbox)
        config = {"deliver_subject": inbox.decode(), "deliver_policy": "last_per_subject", "ack_policy": "none",
                  "filter_subject": self.prefix + ">", "replay_policy": "instant", "mem_storage": True,
                  "num_replicas": 1, "idle_heartbeat": HEARTBEAT_NS}
        body = json.dumps({"stream_name": self.stream, "config": config}).encode()
        begin = self._new_inbox()
        self._send(publication(f"$JS.API.CONSUMER.CREATE.{self.stream}".encode(), begin, body, b""))
        entries = []
        name = ""
        while True:
            to, reply, head, body = self._next()
            if to == begin:
                answer = json.loads(body)
                if "error" in answer:
                    raise Unavailable(f"CONSUMER.CREATE: {answer['error']}")
                name = answer["name"]
            elif reply.startswith(b"$JS.ACK.") and not head.startswith(b"NATS/1.0 100"):
                entries.append(self._stored(to, reply, head, body))
            elif name and to == inbox and head.startswith(b"NATS/1.0 100"):
                last = re.search(rb"Nats-Last-Consumer: (\d+)", head)
                if last and int(last.group(1)) != len(entries):
                    raise Unavailable("a delivery is missing")
                break
        self._send(b"UNSUB 3\r\n")
        self.request(f"$JS.API.CONSUMER.DELETE.{self.stream}.{name}")
        if nanoseconds(self.info()["created"]) != created:
            raise Unavailable("created again meanwhile")
        return created, entries

    def _stored(self, subject, reply, head, body):
        words = reply.split(b".")
        revision, _, time_ns = words[-4:-1] if len(words) < 11 else words[7:10]
        deleted = re.search(rb"\r\nKV-Operation: (DEL|PURGE)\r\n", head) is not None
        return Stored(int(revision), subject.decode().removeprefix(self.prefix), body, deleted, int(time_ns))


def publication(subject, reply, body, headers):
    if not headers:
        return b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(body), body)
    head = b"NATS/1.0\r\n%s\r\n" % headers
    return b"HPUB %s %s %d %d\r\n%s%s\r\n" % (subject, reply, len(head), len(head) + len(body), head, body)


def nanoseconds(text):
    """Of a time as Go writes it."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int((fraction + "0" * 9)[:9])
