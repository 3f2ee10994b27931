"""Just enough of NATS to write entries into a bucket: PUB, and an answer to PING."""
import contextlib
import json
import socket
import threading
from urllib.parse import urlsplit


class Writer:
    """One connection. Thread safety: put() and flush() from one thread at a time."""

    def __init__(self, url, bucket="job-queue"):
        parts = urlsplit(url)
        self.bucket = bucket
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.mutex = threading.Lock()
        self.pongs = threading.Semaphore(0)
        options = {"verbose": False, "pedantic": False, "headers": True}
        if parts.username:
            options |= {"auth_token": parts.username} if parts.password is None else {
                "user": parts.username, "pass": parts.password}
        self.send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        threading.Thread(target=self.listen, daemon=True).start()
        self.flush()

    def send(self, data):
        with self.mutex:
            self.socket.sendall(data)

    def listen(self):
        with self.socket.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"PING"):
                    self.send(b"PONG\r\n")
                elif line.startswith(b"PONG"):
                    self.pongs.release()
                elif line.startswith(b"-ERR"):
                    raise RuntimeError(f"nats-server: {line.decode().strip()}")

    def put(self, key, value):
        """`value`: bytes, or what JSON is made of."""
        if not isinstance(value, bytes):
            value = json.dumps(value).encode()
        self.send(b"PUB $KV.%s.%s %d\r\n%s\r\n" % (self.bucket.encode(), key.encode(), len(value), value))

    def flush(self):
        """Returns once nats-server has read everything that was put."""
        self.send(b"PING\r\n")
        if not self.pongs.acquire(timeout=60):
            raise RuntimeError("nats-server does not answer")

    def define(self, job, **members):
        self.put(f"jobs.{job}", {"id": job, "created": "2026-01-01T00:00:00Z", "operation": {"do": "x"}, **members})

    def event(self, job, kind, agent, nano, **data):
        value = {"job_id": job, "event": kind, "hostname": agent, "timestamp": "2026-01-01T00:00:00Z",
                 "unix_nano": nano}
        self.put(f"status.{job}.{kind}.{agent}.{nano}", value | ({"data": data} if data else {}))

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # Or listen() keeps it open.
        self.socket.close()
