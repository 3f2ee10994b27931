"""Clients that are held while something happens to the bucket, and remember what they were told.

Each is a thread of its own that asks until it is stopped. What it was told is judged afterwards, see
resync_stage.py.
"""
import json
import socket
import threading
import time

from harness import Response, dial, receive_all, request
from judge import Told
from streams import EventParser

WAIT_S = 4
PAUSE_S = 0.15

class Client(threading.Thread):
    kind = "client"

    def __init__(self, port, job, stop):
        super().__init__(daemon=True)
        self.port, self.job, self.stopping = port, job, stop
        self.told = []
        self.known, self.tag = None, ""  # The newest that it was told; None: that there is no such job.
        self.failure = ""

    def run(self):
        try:
            while not self.stopping.is_set():
                self.turn()
        except Exception as error:  # pylint: disable=broad-except
            if not self.stopping.is_set():
                self.failure = f"{self.kind} {self.job}: {error!r}"

    def turn(self):
        """Asks once, and pauses where it would be answered at once again."""
        raise NotImplementedError

    def ask(self, target, *fields):
        asked = time.monotonic()
        with dial(f"127.0.0.1:{self.port}", patience_s=90) as connection:
            connection.sendall(request(target, "Connection: close", *fields))
            return self.note(asked, Response(receive_all(connection)))

    def note(self, asked, answer):
        state = json.loads(answer.body) if answer.status in (200, 409) and answer.body.startswith(b"{") else None
        told = Told(self.kind, self.job, asked, answer.status, state, answer.fields, self.known)
        self.told.append(told)
        if answer.status == 200:
            self.known, self.tag = state, answer["ETag"]
        elif answer.status == 404:
            self.known, self.tag = None, ""
        return told

    def pause(self):
        self.stopping.wait(PAUSE_S)


class Held(Client):
    """Is held until something changes, and while there is no job until there is."""

    kind = "held"

    def turn(self):
        if self.tag:
            told = self.ask(f"/job/{self.job}?wait={WAIT_S}s", f"If-None-Match: {self.tag}")
        else:
            told = self.ask(f"/job/{self.job}?wait={WAIT_S}s&until=exists")
        if told.status not in (200, 304) or told.fields.get("bide-final") == "true":
            self.pause()


class Until(Client):
    """Is held until a condition, at times with what it knows."""

    def __init__(self, port, job, stop, until):
        super().__init__(port, job, stop)
        self.kind = until
        self.turns = 0

    def turn(self):
        self.turns += 1
        fields = [f"If-None-Match: {self.tag}"] if self.tag and self.turns % 2 else []
        told = self.ask(f"/job/{self.job}?wait={WAIT_S}s&until={self.kind}", *fields)
        if told.answered - told.asked < PAUSE_S:
            self.pause()


class Look(Client):
    """Looks at the job, or at /readyz?fresh, every now and then; without being held."""

    def __init__(self, port, job, stop, kind):
        super().__init__(port, job, stop)
        self.kind = kind

    def turn(self):
        if self.kind == "readyz":
            self.ask("/readyz?fresh")
        else:
            self.ask(f"/job/{self.job}", *(["Cache-Control: max-stale"] if self.kind == "max-stale" else []))
        self.pause()


class Stream(Client):
    """Server-sent events, taken up again where they ended."""

    kind = "stream"

    def turn(self):
        asked = time.monotonic()
        with dial(f"127.0.0.1:{self.port}", patience_s=90) as connection:
            connection.settimeout(0.25)
            cursor = [f"Last-Event-ID: {self.tag}"] if self.tag else []
            connection.sendall(request(f"/job/{self.job}/events", *cursor))
            raw = b""
            while b"\r\n\r\n" not in raw:
                raw += self.receive(connection)
            head, _, rest = raw.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                self.note(asked, Response(head + b"\r\n\r\n"))
                return self.pause()
            parser = EventParser()
            while True:
                *chunks, rest = take_chunks(rest)
                for chunk in chunks:
                    if not chunk:
                        return self.pause()
                    for record in parser.feed(chunk):
                        if record.event == "job":
                            self.told.append(Told(self.kind, self.job, time.monotonic(), 200, record.data))
                            self.known, self.tag = record.data, record.id
                rest += self.receive(connection)

    def receive(self, connection):
        while True:
            try:
                chunk = connection.recv(65536)
            except socket.timeout:
                if self.stopping.is_set():
                    raise
                continue
            if not chunk:
                raise EOFError("the connection was closed in the middle")
            return chunk


def take_chunks(raw):
    """The bodies of all chunks that are complete, and what is left."""
    chunks = []
    while True:
        size, line_end, rest = raw.partition(b"\r\n")
        if not line_end or len(rest) < int(size, 16) + 2:
            return [*chunks, raw]
        chunks.append(rest[:int(size, 16)])
        raw = rest[int(size, 16) + 2:]
