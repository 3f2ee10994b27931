"""Keep-alive connections to a bide, blocking and not."""
import re
import socket


def dial(address, source="127.0.0.1", receive_bytes=0, patience_s=60):
    connection = socket.socket()
    if receive_bytes:  # Before connecting, or the window has been announced already.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(patience_s)
    connection.bind((source, 0))
    host, port = address.rsplit(":", 1)
    connection.connect((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Answer:
    def __init__(self, head, body):
        self.head, self.body = head, body
        self.status = int(head[9:12])

    def field(self, name):
        found = re.search(rb"\r\n" + name.encode() + rb": ([^\r]*)", self.head, re.I)
        return found.group(1).decode("latin-1") if found else ""


def split_answer(raw):
    """The first answer in `raw` and what is behind it; None, raw: it is not complete."""
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        return None, raw
    answer = Answer(head, b"")
    length = int(answer.field("Content-Length") or 0) if answer.status != 304 else 0
    if len(rest) < length:
        return None, raw
    answer.body = rest[:length]
    return answer, rest[length:]


class Client:
    """One connection, one request at a time."""

    def __init__(self, address, fields="", wrap=lambda connection: connection, source="127.0.0.1"):
        self.fields = fields  # Lines, each with its end.
        self.socket = wrap(dial(address, source))
        self.raw = b""

    def send(self, target, fields=""):
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{self.fields}{fields}\r\n".encode())

    def receive(self):
        while True:
            answer, self.raw = split_answer(self.raw)
            if answer:
                return answer
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("bide closed the connection")
            self.raw += chunk

    def get(self, target, fields=""):
        self.send(target, fields)
        return self.receive()

    def body(self, target):
        answer = self.get(target)
        if answer.status != 200:
            raise RuntimeError(f"{target}: {answer.head[:40]!r}")
        return answer.body

    def close(self):
        self.socket.close()
