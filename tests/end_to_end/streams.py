"""Reads streams as programs do: curl's output, and what scripts in tests/browser report.

Every wait in here is bounded, as in harness.py.
"""
import collections
import json
import os
import select
import subprocess
import time
import urllib.parse

import websockets

import recording
from harness import PATIENCE_S, Response

# python3-websockets 10 (Debian 12) and 15 (Debian 13) have different names for the same.
WEBSOCKETS_10 = websockets.__version__.startswith("10.")
SocketRefused = websockets.InvalidStatusCode if WEBSOCKETS_10 else websockets.InvalidStatus
FIELDS_OPTION = "extra_headers" if WEBSOCKETS_10 else "additional_headers"

BROWSER_DIR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "browser")

# `id`: the last event id in force, as a browser would send it; `data`: what the JSON says.
Record = collections.namedtuple("Record", "event id data")


def refused_with(refused):
    """The status of a SocketRefused."""
    return refused.status_code if WEBSOCKETS_10 else refused.response.status_code


class EventParser:
    """WHATWG HTML section 9.2.6, strictly for LF: bide promises no other line ends."""

    def __init__(self):
        self.retry = None
        self.heartbeats = 0
        self.last_id = ""
        self._rest = b""
        self._event = ""
        self._data = []

    def feed(self, chunk):
        """The records that `chunk` completes; it may be cut anywhere."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        records = []
        for line in lines:
            record = self._take(line.decode())
            if record:
                records.append(record)
        return records

    def _take(self, line):
        assert "\r" not in line, line
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.heartbeats += 1
            return None
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "retry":
            self.retry = int(value)
        elif name == "id":
            self.last_id = value
        elif name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        return None

    def _dispatch(self):
        event, data = self._event, "\n".join(self._data)
        self._event, self._data = "", []
        return Record(event, self.last_id, json.loads(data)) if data else None


class Output:
    """What a process writes to its stdout, awaited piece by piece."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, **options)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.open = True

    def read_until(self, end, what):
        """Some bytes; b"" at the end of the output."""
        left = max(0.0, end - time.monotonic())
        readable, _, _ = select.select([self.process.stdout], [], [], left)
        if not readable:
            raise AssertionError(f"not told in time: {what}")
        chunk = self.process.stdout.read(1 << 20)
        self.open = bool(chunk)
        return chunk

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
        self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class CurlStream(Output):
    """curl -N on a stream."""

    def __init__(self, url, *arguments):
        super().__init__(["curl", "-sSN", "-i", "--max-time", "100", *arguments, url])
        self.request = arguments, url
        self.printed = bytearray()
        self.parser = EventParser()
        self.records = collections.deque()
        end = time.monotonic() + PATIENCE_S
        raw = b""
        while b"\r\n\r\n" not in raw and self.open:
            raw += self.read_until(end, f"the head of {url}")
        head, separator, rest = raw.partition(b"\r\n\r\n")
        self.head = Response(head + separator)
        self.body = rest  # Of a response that is no stream.
        if self.head.status == 200:
            self.records.extend(self.parser.feed(rest))

    def read_until(self, end, what):
        chunk = super().read_until(end, what)
        if len(self.printed) < recording.STREAM_BYTES_MAX:
            self.printed += chunk
        return chunk

    def close(self):
        super().close()
        arguments, url = self.request
        recording.judge_curl(arguments, url, urllib.parse.urlsplit(url).port, bytes(self.printed))

    def next(self, event=None, patience_s=PATIENCE_S):
        """The next record, which must be of this event; None at the end of the stream."""
        end = time.monotonic() + patience_s
        while not self.records:
            if not self.open:
                assert event is None, f"the stream ended before a record {event}"
                return None
            self.records.extend(self.parser.feed(self.read_until(end, event or "a record or the end")))
        record = self.records.popleft()
        assert event in (None, record.event), f"expected {event}, got {record}"
        return record

    def wait_heartbeat(self, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while not self.parser.heartbeats:
            assert self.open, "the stream ended before a heartbeat"
            self.records.extend(self.parser.feed(self.read_until(end, "a heartbeat")))

    def rest(self):
        """All records to the end of the stream."""
        records = []
        while record := self.next():
            records.append(record)
        return records


class Script(Output):
    """A script of tests/browser: says one JSON object a line, and takes such lines."""

    def __init__(self, name, *arguments):
        super().__init__(["node", name, *arguments], stdin=subprocess.PIPE, cwd=BROWSER_DIR)
        self._rest = b""
        self._lines = collections.deque()
        self.said = []

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    def next(self, patience_s=PATIENCE_S, what="a line"):
        """The next line; None at the end."""
        end = time.monotonic() + patience_s
        while not self._lines:
            if not self.open:
                return None
            *lines, self._rest = (self._rest + self.read_until(end, what)).split(b"\n")
            self._lines.extend(json.loads(line) for line in lines)
        self.said.append(self._lines.popleft())
        return self.said[-1]

    def wait_for(self, patience_s=PATIENCE_S, **members):
        """Passes over lines up to the one that has these members."""
        end = time.monotonic() + patience_s
        while True:
            try:
                line = self.next(end - time.monotonic(), members)
            except AssertionError as error:
                raise AssertionError(f"{error}; said so far: {self.said}") from error
            assert line is not None, f"ended without saying {members}; said: {self.said}"
            if all(line.get(name) == value for name, value in members.items()):
                return line

    def records(self, event="job"):
        """The records of this event that were passed over so far."""
        return [line for line in self.said if line.get("event") == event]


def is_rising(values):
    return all(one < other for one, other in zip(values, values[1:]))
