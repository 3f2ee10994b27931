"""Judges every response that a test receives from bide by its OpenAPI document.

Importing this replaces socket.socket by one that watches the connections to ports that watch() names: rig.http,
http.client and websockets all use it. What curl prints is judged by judge_curl(). A test that receives a response
that is not documented fails. At exit the operations and statuses that were seen are written to the folder
$TESTED_SEEN, where api_seen_test.py looks for what nobody has seen.

Not seen: what goes through TLS in this process, and what other programs receive.
"""
import atexit
import json
import os
import re
import socket
import ssl  # noqa: F401  Before the replacement: its sockets carry bytes that nobody can read.
import sys
import threading
import unittest

from api_description import Description, Exchange

BYTES_MAX = 4 * 1024 * 1024  # Of one connection. What is longer is not judged.
STREAM_BYTES_MAX = 256 * 1024  # Of a stream.
BODILESS = (204, 304)
LAST_CHUNK = b"0\r\n\r\n"


class Judge:
    def __init__(self):
        self.lock = threading.Lock()
        self.description = None
        self.ports = {}  # With their base paths.
        self.seen = {}
        self.complaints = []

    def hear(self, exchange, base_path):
        with self.lock:
            name, complaints = self.description.judge(exchange, base_path)
            self.seen[name, exchange.status] = self.seen.get((name, exchange.status), 0) + 1
            self.complaints += [f"{exchange}\n    {complaint}" for complaint in complaints]

    def take_complaints(self):
        with self.lock:
            complaints, self.complaints = self.complaints, []
        return complaints


judge = Judge()


def watch(port, base_path=""):
    judge.description = judge.description or Description()  # Not while a test measures time.
    judge.ports[port] = base_path


def head_of(raw):
    """The start line's parts, the fields, and the length of the head; None: it cannot be read, or not yet."""
    end = raw.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = bytes(raw[:end]).decode("latin-1").split("\r\n")
    fields = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return lines[0].split(" ", 2), fields, end + 4


def find(fields, name):
    return next((value for key, value in fields if key.lower() == name), None)


def dechunked(raw):
    """The body so far, and how many bytes it took; 0: it is not complete."""
    body, at = bytearray(), 0
    while True:
        line = raw.find(b"\r\n", at)
        if line < 0:
            return body, 0
        try:
            size = int(bytes(raw[at:line]).partition(b";")[0], 16)
        except ValueError:
            return body, 0
        body += raw[line + 2:line + 2 + size]
        at = line + 2 + size + 2
        if at > len(raw):
            return body, 0
        if size == 0:
            return body, at


class Talk:
    """The requests and responses of one connection, from the bytes that pass."""

    def __init__(self, base_path):
        self.base_path = base_path
        self.sent = bytearray()
        self.received = bytearray()
        self.enough = 1  # So many bytes must be there before it is worth to look again.
        self.over = False

    def on_sent(self, data):
        if self.over:
            return
        self.sent += data
        if len(self.sent) > BYTES_MAX:
            self.stop()

    def on_received(self, data):
        if self.over:
            return
        self.received += data
        self.take_all(ended=False)
        if len(self.received) > BYTES_MAX:
            self.stop()

    def on_end(self):
        if not self.over:
            self.take_all(ended=True)
        self.stop()

    def stop(self):
        self.over = True
        self.sent = self.received = bytearray()

    def take_all(self, ended):
        while self.received and (ended or len(self.received) >= self.enough or self.received.endswith(LAST_CHUNK)):
            self.enough = 1
            if not self.take(ended):
                return

    def take(self, ended):
        """Judges the first response if all of it is there."""
        head = head_of(self.received)
        if head is None or not head[0][0].startswith("HTTP/1.") or len(head[0]) < 2 or not head[0][1].isdigit():
            return False
        status, fields, begin = int(head[0][1]), head[1], head[2]
        if 100 <= status < 200 and status != 101:
            del self.received[:begin]
            return True
        method, target, request_bytes = self.request()
        length, body, end, whole = find(fields, "content-length"), b"", begin, True
        if method == "HEAD" or status in BODILESS:
            pass
        elif length is not None:
            end = begin + int(length)
            if len(self.received) < end:
                self.enough = end
                return False
            body = self.received[begin:end]
        else:
            chunked = find(fields, "transfer-encoding") == "chunked"
            if not ended and len(self.received) < STREAM_BYTES_MAX and not (
                    chunked and self.received.endswith(LAST_CHUNK)):
                self.enough = STREAM_BYTES_MAX
                return False
            body, taken = dechunked(self.received[begin:]) if chunked else (self.received[begin:], 0)
            end = begin + taken
            whole = taken > 0 or ended and not chunked
        judge.hear(Exchange(method, target, status, fields, bytes(body), whole), self.base_path)
        if not whole or request_bytes == 0 or find(fields, "connection") == "close":
            self.stop()
            return False
        del self.received[:end]
        del self.sent[:request_bytes]
        return True

    def request(self):
        """Method, target, and length of the oldest request; None, "", 0: it cannot be read."""
        head = head_of(self.sent)
        if head is None or len(head[0]) != 3 or not head[0][2].startswith("HTTP/") or " " in head[0][2]:
            line = re.match(rb"([A-Z]+) (/[!-~]*) HTTP/", self.sent)  # Of a head that was not finished.
            return (line[1].decode(), line[2].decode(), 0) if line else (None, "", 0)
        (method, target, _), fields, taken = head
        if find(fields, "transfer-encoding"):
            body_bytes = dechunked(self.sent[taken:])[1]
            return method, target, taken + body_bytes if body_bytes else 0
        length = find(fields, "content-length") or "0"
        return method, target, taken + int(length) if length.isdigit() and len(length) < 10 else 0


class WatchedSocket(socket.socket):
    _talk = None

    def connect(self, address):
        self._watch(address)
        return super().connect(address)

    def connect_ex(self, address):
        self._watch(address)
        return super().connect_ex(address)

    def _watch(self, address):
        if isinstance(address, tuple) and address[1] in judge.ports:
            self._talk = Talk(judge.ports[address[1]])

    def send(self, data, *flags):
        sent = super().send(data, *flags)
        if self._talk:
            self._talk.on_sent(bytes(data[:sent]))
        return sent

    def sendall(self, data, *flags):
        if self._talk:  # Before the answer can come.
            self._talk.on_sent(bytes(data))
        return super().sendall(data, *flags)

    def recv(self, size, flags=0):
        data = super().recv(size, flags)
        if self._talk and not flags & socket.MSG_PEEK:
            self._heard(data)
        return data

    def recv_into(self, buffer, nbytes=0, flags=0):
        size = super().recv_into(buffer, nbytes, flags)
        if self._talk and not flags & socket.MSG_PEEK:
            self._heard(bytes(memoryview(buffer)[:size]))
        return size

    def _heard(self, data):
        if data:
            self._talk.on_received(data)
        else:
            self._talk.on_end()

    def close(self):
        if self._talk:
            self._talk.on_end()
        super().close()


socket.socket = WatchedSocket


# --- curl -----------------------------------------------------------------------------------

DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--json")


def curl_method(arguments):
    method, data = "GET", False
    for at, argument in enumerate(arguments):
        if argument in ("-X", "--request"):
            return arguments[at + 1]
        if argument in ("-I", "--head"):
            method = "HEAD"
        data = data or argument in DATA
    return "POST" if data and "-G" not in arguments else method


def judge_curl(arguments, target, port, printed):
    """`printed`: by `curl -i`."""
    if port not in judge.ports:
        return
    head = head_of(printed)
    while head and head[0][1].startswith("1") and head[0][1] != "101":
        printed = printed[head[2]:]
        head = head_of(printed)
    if not head or not head[0][0].startswith("HTTP/1."):
        return
    status, fields = int(head[0][1]), head[1]
    body = printed[head[2]:]
    length = find(fields, "content-length")
    method = curl_method(arguments)
    whole = method == "HEAD" or length is not None and len(body) == int(length)
    judge.hear(Exchange(method, target, status, fields, body, whole), judge.ports[port])


# --- What a test hears of it ------------------------------------------------------------------

def complain():
    complaints = judge.take_complaints()
    if complaints:
        raise AssertionError(f"{len(complaints)} responses are not as server/api/openapi.json says:\n" +
                             "\n".join(complaints[:10]))


run = unittest.TestCase.run


def run_and_judge(case, result=None):
    case.addCleanup(complain)
    return run(case, result)


unittest.TestCase.run = run_and_judge


@atexit.register
def report():
    folder = os.environ.get("TESTED_SEEN")
    if folder and os.path.isdir(folder):
        name = os.path.basename(sys.argv[0]).removesuffix(".py")
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(sorted([name, status] for name, status in judge.seen), file)
    complaints = judge.take_complaints()
    if complaints:
        print("Responses that are not as server/api/openapi.json says:", *complaints[:10], sep="\n", file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
