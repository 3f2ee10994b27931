"""Attacks by one client, or by one worker with the right to write one job, on the others of a bide.

An attack comes from 127.0.0.2, so that it is one client, and from a process with the lowest priority, so that its own
work takes as little as possible from the others on the machine. run() ends when `stop` is set.
"""
import base64
import errno
import json
import os
import selectors
import ssl
import subprocess
import time

from rig.http import Client, dial, request, split_response
from rig.nats import Writer

SOURCE = "127.0.0.2"


class Attack:
    sentence = ""
    flags = ()
    descriptors = 0  # That bide may have; 0: as many as there are.

    def __init__(self, size, folder):
        self.size = size  # 1 for the full attack, less for a small one.
        self.folder = folder
        self.fields = ()  # That give a bystander access.
        self.context = None  # With TLS.

    def some(self, count):
        return max(int(count * self.size), 2)

    def wrap(self, connection):
        return self.context.wrap_socket(connection, server_hostname="localhost") if self.context else connection

    def client(self, address, source="127.0.0.1"):
        return Client(address, *self.fields, wrap=self.wrap, source=source)

    def prepare(self, writer):
        """Fills the bucket."""

    def run(self, address, nats_url, stop):
        raise NotImplementedError


class Garbage(Attack):
    sentence = "a worker writes a valid value and `{}` by turns under one key, 20 a second; 100,000 jobs"

    def prepare(self, writer):
        for number in range(self.some(100_000)):
            writer.define(f"other-{number}")
        writer.define("own")

    def run(self, address, nats_url, stop):
        writer = Writer(nats_url)
        key = "status.own.started.web-1.1"
        while not stop.wait(0.05):
            writer.event("own", "started", "web-1", 1)
            if stop.wait(0.05):
                break
            writer.put(key, b"{}")


class Agents(Attack):
    sentence = "a worker writes events of a job with 19,900 agents again, 20 a second, and waits for each change"

    def prepare(self, writer):
        self.agents = self.some(19_900)
        writer.define("own", subject="jobs.modify._all")
        for number in range(self.agents):
            writer.event("own", "started", f"web-{number}", 1)

    def run(self, address, nats_url, stop):
        writer = Writer(nats_url)
        client = Client(address, source=SOURCE)
        answer = client.get("/job/own")
        number = 0
        client.socket.setblocking(False)
        waiting = False
        while not stop.wait(0.05):
            writer.event("own", "started", f"web-{number % self.agents}", 1)
            number += 1
            if not waiting:
                client.send("/job/own?wait=20s", f"If-None-Match: {answer['ETag']}")
                waiting = True
            try:
                while chunk := client.socket.recv(1 << 20):
                    client.raw += chunk
            except BlockingIOError:
                pass
            complete, client.raw = split_response(client.raw)
            if complete:
                answer, waiting = complete, False


class Crowd:
    """Connections of one client to bide, made over time and again when they are cut."""

    def __init__(self, address, count, greet, receive_bytes=0):
        self.address, self.count, self.greet, self.receive_bytes = address, count, greet, receive_bytes
        self.selector = selectors.DefaultSelector()
        self.open = 0
        self.made = 0

    def fill(self, at_most):
        """Makes `at_most` of those that are missing. False: the machine or bide would not have more."""
        for _ in range(min(at_most, self.count - self.open)):
            try:
                connection = dial(self.address, SOURCE, self.receive_bytes, patience_s=2)
                connection.setblocking(False)
                self.greet(connection, self.made)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.EADDRNOTAVAIL):
                    return False
                time.sleep(0.05)
                return False
            self.made += 1
            self.open += 1
            self.selector.register(connection, selectors.EVENT_READ, self.made - 1)
        return True

    def drop(self, connection):
        self.selector.unregister(connection)
        connection.close()
        self.open -= 1

    def news(self, patience_s, bytes_max=65536):
        """Yields (connection, number, bytes) of those that have something to read; the closed are dropped."""
        for key, _ in self.selector.select(patience_s):
            try:
                chunk = key.fileobj.recv(bytes_max)
            except BlockingIOError:
                continue
            except OSError:
                chunk = b""
            if chunk:
                yield key.fileobj, key.data, chunk
            else:
                self.drop(key.fileobj)


class Pages(Attack):
    sentence = "a client is held for 300 pages of the list, each with its own offset"

    def prepare(self, writer):
        for number in range(self.some(3_000)):
            writer.define(f"other-{number}")

    def run(self, address, nats_url, stop):
        raw = {}

        def ask(connection, number, tag="none"):
            raw[connection] = b""
            connection.send(request(f"/job?limit=100&offset={number % 300}&wait=20s",
                                    f'If-None-Match: {tag if tag != "none" else chr(34) * 2}'))

        crowd = Crowd(address, self.some(300), ask)
        while not stop.is_set():
            crowd.fill(20)
            for connection, number, chunk in crowd.news(0.05):
                answer, raw[connection] = split_response(raw[connection] + chunk)
                if not answer:
                    continue
                if answer.status in (200, 304):
                    ask(connection, number, answer["ETag"])
                else:
                    crowd.drop(connection)


class Readers(Attack):
    sentence = "200 connections of a client read lists and sets of 4 MB slowly, while the jobs change"

    def prepare(self, writer):
        for number in range(100):
            writer.define(f"large-{number}", operation={"do": "x" * int(39_000 * self.size)})
            writer.event(f"large-{number}", "started", "web-1", 1)

    def run(self, address, nats_url, stop):
        writer = Writer(nats_url)
        ids = "&".join(f"id=large-{number}" for number in range(100))

        def ask(connection, number):
            target = "/job?limit=100" if number % 2 else f"/job?{ids}"
            connection.send(request(target))

        crowd = Crowd(address, 200, ask, receive_bytes=2048)
        count = 0
        while not stop.wait(0.02):
            count += 1
            writer.event(f"large-{count % 100}", "started", f"web-{count % 100 // 10}", 1)
            crowd.fill(1)
            if count % 50 == 0:  # A hundred bytes a second.
                for _ in crowd.news(0, bytes_max=100):
                    pass


class Sets(Attack):
    sentence = "1,000 connections of a client ask to be held for 256 jobs each"

    def prepare(self, writer):
        for number in range(256):
            writer.define(f"set-{number}")

    def run(self, address, nats_url, stop):
        ids = "&".join(f"id=set-{number}" for number in range(256))

        def ask(connection, _):
            connection.send(request(f"/job?{ids}&until=done&wait=50s"))

        crowd = Crowd(address, self.some(1_000), ask)
        while not stop.is_set():
            crowd.fill(5)
            for _ in crowd.news(0.02):
                pass


class Messages(Attack):
    sentence = "1,000 WebSockets of a client each send a message of 60 kB but for its last byte"

    def run(self, address, nats_url, stop):
        payload = b"\x81\xfe" + (60_000).to_bytes(2, "big") + b"mask" + b"x" * 59_999

        def greet(connection, _):
            connection.send(request("/job/status/ws", "Connection: Upgrade", "Upgrade: websocket",
                                    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))

        sent = {}
        crowd = Crowd(address, self.some(1_000), greet)
        while not stop.is_set():
            crowd.fill(10)
            for connection, number, chunk in crowd.news(0.02):
                if number in sent or b" 101 " not in chunk:
                    continue
                sent[number] = True
                connection.settimeout(1)
                try:
                    connection.sendall(payload)
                except OSError:
                    pass
                connection.setblocking(False)


class Handshakes(Attack):
    sentence = "3,000 connections of a client begin a TLS handshake and do not go on"

    def __init__(self, size, folder):
        super().__init__(size, folder)
        certificate, key = (os.path.join(folder, name) for name in ("server.crt", "server.key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=bide", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", certificate], check=True, capture_output=True)
        self.flags = ("--tls-cert", certificate, "--tls-key", key)
        self.context = ssl.create_default_context(cafile=certificate)

    def run(self, address, nats_url, stop):
        outgoing = ssl.MemoryBIO()
        try:
            self.context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        crowd = Crowd(address, self.some(3_000), lambda connection, _: connection.send(hello))
        while not stop.is_set():
            crowd.fill(10)
            for _ in crowd.news(0.03):
                pass


class Connections(Attack):
    sentence = "a client opens connections until there are no more descriptors, and asks nothing"
    descriptors = 2_000

    def greet(self, connection, number):
        """Once it is open."""

    def run(self, address, nats_url, stop):
        crowd = Crowd(address, 4_000, self.greet)
        while not stop.is_set():
            crowd.fill(20)
            for _ in crowd.news(0.02):
                pass


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens(Attack):
    sentence = "a client presents 2,000 forged tokens a second"

    def __init__(self, size, folder):
        super().__init__(size, folder)
        self.private = os.path.join(folder, "jwt.key")
        public = os.path.join(folder, "jwt.pem")
        subprocess.run(["openssl", "genrsa", "-out", self.private, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", self.private, "-pubout", "-out", public], check=True,
                       capture_output=True)
        self.flags = ("--auth", "jwt", "--jwt-key", public)
        self.fields = (f"Authorization: Bearer {self.token('bystander')}",)

    def token(self, subject):
        head = {"alg": "RS256", "typ": "JWT"}
        claims = {"sub": subject, "exp": int(time.time()) + 3600, "scope": "job:read job:write"}
        text = ".".join(b64url(json.dumps(part).encode()) for part in (head, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.private], input=text.encode(),
                                   check=True, capture_output=True).stdout
        return f"{text}.{b64url(signature)}"

    def ask(self, client, field):
        return client.get("/job/small", field)

    def run(self, address, nats_url, stop):
        head, claims, _ = self.token("attacker").split(".")
        client = None
        due = time.monotonic()
        while not stop.is_set():
            due += 1 / 2_000
            time.sleep(max(due - time.monotonic(), 0))
            try:
                client = client or Client(address, source=SOURCE)
                forged = b64url(os.urandom(256))
                self.ask(client, f"Authorization: Bearer {head}.{claims}.{forged}")
            except OSError:
                client = None


ATTACKS = {attack.__name__.lower(): attack for attack in
           (Garbage, Agents, Pages, Readers, Sets, Messages, Handshakes, Connections, Tokens)}
