"""A proxy between one client and bide that spoils the client's first requests in ways that are told to it, and passes
the others."""
import collections
import re
import socket
import threading
import time

# `line`: the request line.
Request = collections.namedtuple("Request", "at line fields body")


def answer(status, text="", *fields):
    """A fault: the proxy answers by itself."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(text.encode())}", "Connection: close", *fields]
    return lambda link: link.send("\r\n".join([*head, "", text]).encode())


def lose_answer(link):
    """bide does what it was asked for, and the client does not hear of it."""
    link.ask()


def cut_body(link):
    head, _, body = link.ask().partition(b"\r\n\r\n")
    link.send(head + b"\r\n\r\n" + body[:len(body) // 2])


def cut_at(mark):
    """A fault: the connection ends within the first chunk that has `mark` in it."""
    def fault(link):
        for chunk in link.chunks():
            if mark in chunk:
                return link.send(chunk[:chunk.index(mark)])
            link.send(chunk)
    return fault


def dribble(link):
    for byte in link.ask():
        link.send(bytes([byte]))
        time.sleep(0.002)


def forward(link):
    for chunk in link.chunks():
        link.send(chunk)


class Link:
    """One request of the client: read whole, and not yet passed on."""

    def __init__(self, client, proxy):
        self.client, self.proxy = client, proxy
        self.raw = b""
        while b"\r\n\r\n" not in self.raw:
            self.raw += self._receive()
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        self.line, *self.fields = head.decode("latin-1").split("\r\n")
        length = re.search(r"\r\ncontent-length: *(\d+)", head.decode("latin-1"), re.I)
        while length and len(self.body) < int(length[1]):
            self.body += self._receive()

    def _receive(self):
        chunk = self.client.recv(65536)
        if not chunk:
            raise ConnectionError("the client has left")
        return chunk

    def chunks(self):
        """bide's answer, as it comes. Each request has a connection of its own."""
        kept = [field for field in self.fields if not field.lower().startswith("connection:")]
        with socket.create_connection(("127.0.0.1", self.proxy.target), timeout=60) as server:
            server.sendall("\r\n".join([self.line, *kept, "Connection: close", "", ""]).encode("latin-1") + self.body)
            while chunk := server.recv(65536):
                self.proxy.answers += chunk
                yield chunk

    def ask(self):
        return b"".join(self.chunks())

    def send(self, data):
        self.client.sendall(data)


class FaultyProxy:
    """A context manager. `faults`: one for each of the first requests. `requests`: all that came."""

    def __init__(self, target, *faults):
        self.target = target
        self.faults = list(faults)
        self.requests = []
        self.answers = bytearray()  # All that bide has sent.
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.settimeout(60)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            try:
                link = Link(client, self)
                fault = self.faults.pop(0) if self.faults else forward
                self.requests.append(Request(time.monotonic(), link.line, link.fields, link.body))
                fault(link)
            except OSError:
                pass  # The client or bide has left, and so does the proxy.
