"""HTTP/1.1 on a socket, byte by byte: for the benches, and for the end-to-end tests."""
import json
import socket


def dial(address, source="127.0.0.1", receive_bytes=0, patience_s=60):
    """`address`: host:port."""
    connection = socket.socket()
    if receive_bytes:  # Before connecting, or the window has been announced already.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(patience_s)
    if source != "127.0.0.1":
        connection.bind((source, 0))
    host, port = address.rsplit(":", 1)
    try:
        connection.connect((host, int(port)))
    except OSError:
        connection.close()
        raise
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(target, *fields, method="GET"):
    """`fields`: lines without their ends."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


def write(method, target, body=b"", *fields):
    """A request with a body: bytes, or what JSON is made of."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return request(target, f"Content-Length: {len(body)}", *fields, method=method) + body


def receive_all(connection):
    """Up to the end of the connection."""
    raw = bytearray()
    while chunk := connection.recv(65536):
        raw += chunk
    return bytes(raw)


class Response:
    """Of one response's bytes; what follows the head is its body."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            self.fields[name.lower()] = value

    def __getitem__(self, name):
        return self.fields.get(name.lower(), "")

    def json(self):
        return json.loads(self.body)


def split_response(raw):
    """The first response in `raw` and what is behind it; None, raw: it is not complete."""
    head, separator, rest = raw.partition(b"\r\n\r\n")
    if not separator:
        return None, raw
    response = Response(head + separator)
    length = int(response["Content-Length"] or 0) if response.status != 304 else 0
    if len(rest) < length:
        return None, raw
    response.body = rest[:length]
    return response, rest[length:]


class Client:
    """One connection, one request at a time. `fields`: lines of every request."""

    def __init__(self, address, *fields, wrap=lambda connection: connection, source="127.0.0.1", patience_s=60):
        self.fields = fields
        self.socket = wrap(dial(address, source, patience_s=patience_s))
        self.raw = b""

    def send(self, target, *fields):
        self.socket.sendall(request(target, *self.fields, *fields))

    def receive(self):
        while True:
            response, self.raw = split_response(self.raw)
            if response:
                return response
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("bide closed the connection")
            self.raw += chunk

    def get(self, target, *fields):
        self.send(target, *fields)
        return self.receive()

    def post(self, target, body):
        self.socket.sendall(write("POST", target, body, *self.fields))
        return self.receive()

    def body(self, target):
        response = self.get(target)
        if response.status != 200:
            raise RuntimeError(f"{target}: {response.status} {response.body[:100]!r}")
        return response.body

    def close(self):
        self.socket.close()
