"""Starts the real bide with its real nats-server, and talks to it as workers and clients do.

Every wait in here is bounded: what does not come is a failure with a message, not a hang.
"""
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import recording  # noqa: E402  Before sockets are made.
from rig.http import Response, dial, receive_all, request, split_response  # noqa: E402

# Not BIDE_…: bide refuses variables of that name that it does not know.
BIDE = os.path.abspath(os.environ.get("TESTED_BIDE", "build/release/server/bide"))
PATIENCE_S = 20.0


def wait_until(holds, what, patience_s=PATIENCE_S):
    """Polls `holds` until it is true; returns its value."""
    end = time.monotonic() + patience_s
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {patience_s:.0f} s: {what}")
        select.select([], [], [], 0.01)


def outlive_half_close():
    """To be called before a client hangs up whose request has just been parked: bide takes a FIN within 2 ms of
    a request for that of a client that still reads, and holds the request until its wait is over."""
    time.sleep(0.05)


class Curl(subprocess.Popen):
    """A curl whose answer is judged."""

    def __init__(self, site, target, arguments):
        self.request = (arguments, target, site.port)
        super().__init__(["curl", "-sS", "-i", "--max-time", "70", *arguments, site.url + target],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def communicate(self, *arguments, **options):
        out, err = super().communicate(*arguments, **options)
        recording.judge_curl(*self.request, out)
        return out, err


class Site:
    """What answers at `self.port`: bide itself, or a proxy in front of it."""

    port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def dial(self):
        return dial(f"127.0.0.1:{self.port}", patience_s=70)

    def get(self, target, *fields, method="GET"):
        """One request on a connection of its own."""
        with self.dial() as connection:
            connection.sendall(request(target, "Connection: close", *fields, method=method))
            return Response(receive_all(connection))

    def curl(self, target, *arguments):
        """The real curl; the response of one request."""
        return self.finish(self.curl_later(target, *arguments))

    def curl_later(self, target, *arguments):
        """A curl that is held; finish it with finish()."""
        return Curl(self, target, arguments)

    @staticmethod
    def finish(curl):
        out, err = curl.communicate(timeout=80)
        assert curl.returncode == 0, err.decode()
        return Response(out)


class Bide(Site):
    """One server. A context manager: leaving it ends the server as SIGTERM does."""

    def __init__(self, *flags, data_dir=None, env=None, descriptors=0):
        """`descriptors`: how many it may have open; 0: as many as this process."""
        self.own_dir = data_dir is None
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="bide-e2e-")
        self.flags = flags
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}
        if os.geteuid() != 0:
            self.env["BIDE_CORE_DUMPS"] = "true"  # Or we may not look at its /proc.
        self.env.update(env or {})
        self.descriptors = descriptors
        self.process = None
        self.nats = None
        self.log = None
        self.listen_port = 0
        self.credentials = ()  # Field lines that let this harness itself read.

    def start(self):
        self.log_path = os.path.join(self.data_dir, "bide.log")
        if self.log:
            self.log.close()
        self.log = open(self.log_path, "ab")
        begin = self.log.tell()
        listen = [] if "--listen" in self.flags else ["--listen", f"127.0.0.1:{self.listen_port}"]
        self.process = subprocess.Popen(
            [BIDE, "serve", *listen, "--data-dir", self.data_dir, *self.flags],
            stdout=subprocess.DEVNULL, stderr=self.log, env=self.env, preexec_fn=self._limit_descriptors)
        url = wait_until(lambda: self._listening(begin), "bide listens")
        self.port = int(re.search(r":(\d+)(/|$)", url)[1])
        recording.watch(self.port, self.base_path())
        self.wait_ready()
        return self

    def base_path(self):
        flags = [*self.flags, ""]
        return flags[flags.index("--base-path") + 1] if "--base-path" in flags else self.env.get("BIDE_BASE_PATH", "")

    def _limit_descriptors(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def _listening(self, begin):
        if self.process.poll() is not None:
            raise AssertionError("bide ended: " + self.log_text()[begin:])
        for line in self.log_text()[begin:].splitlines():
            if '"msg":"listening"' in line:
                return json.loads(line)["url"]
        return None

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_ready(self):
        wait_until(lambda: self.get("/readyz?fresh").status == 200, "bide is ready")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            if self.nats:
                self.nats.close()
            if self.process and self.process.poll() is None:
                code = self.terminate()
                assert code == 0, f"bide ended with {code}: {self.log_text()[-2000:]}"
        finally:
            self.kill()
            if self.log:
                self.log.close()
            if self.own_dir:
                shutil.rmtree(self.data_dir, ignore_errors=True)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)

    # --- Clients ---

    def metric(self, name):
        """One sample; without labels the sum of all samples of that name."""
        labels = "" if "{" in name else r"(?:\{.*\})?"
        values = re.findall(rf"^{re.escape(name)}{labels} (\S+)$", self.get("/metrics", *self.credentials).body.decode(), re.M)
        assert values, f"no metric {name}"
        return sum(map(float, values))

    def wait_metric(self, name, value, patience_s=PATIENCE_S):
        last = [None]

        def reached():
            last[0] = self.metric(name)
            return last[0] == value
        try:
            wait_until(reached, f"{name} is {value}", patience_s)
        except AssertionError as late:
            raise AssertionError(f"{late} (it is {last[0]:g})") from None

    def command(self, *arguments):
        """bide emit, get or wait against this server."""
        env = dict(self.env, BIDE_DATA_DIR=self.data_dir, BIDE_SERVER=self.url)
        return subprocess.run([BIDE, *arguments], env=env, capture_output=True, text=True,
                              timeout=60, check=False)

    # --- Workers ---

    def worker(self):
        if self.nats is None:
            self.nats = Nats(self.data_dir)
        return self.nats

    def forget_worker(self):
        """Its connection, whose nats-server is gone; the next is to the new one."""
        if self.nats:
            self.nats.close()
            self.nats = None

    def restart_nats(self):
        """Kills this bide's nats-server, and waits until bide has started another and uses it."""
        old = self.nats_pid()
        reconnects = self.metric("bide_nats_reconnects_total")
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: self.nats_pid() not in (0, old), "nats-server was started again")
        wait_until(lambda: self.metric("bide_nats_reconnects_total") > reconnects,
                   "bide is back at NATS")
        self.forget_worker()
        wait_until(lambda: self.get("/readyz?fresh").status == 200, "bide is ready again", 30)

    def put(self, *entries):
        """Writes entries and waits until bide has seen them."""
        last = self.worker().put(*entries)
        self.wait_applied(last)

    def wait_applied(self, revision):
        """Until bide has applied the stream's entry `revision`; it must be one that parses."""
        wait_until(lambda: self.metric("bide_revision_applied") >= revision,
                   f"revision {revision} is applied")

    def nats_pid(self):
        """The pid of this bide's nats-server, 0 while there is none."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if b"nats-server" in command and self.data_dir.encode() in command:
                return int(pid)
        return 0


class Nats:
    """A worker's connection: the NATS protocol on a socket, nothing more."""

    def __init__(self, data_dir, bucket="job-queue"):
        with open(os.path.join(data_dir, "nats-url"), encoding="ascii") as file:
            token, _, address = file.read().strip().removeprefix("nats://").rpartition("@")
        host, _, port = address.rpartition(":")
        self.connect((host, int(port)), {"auth_token": token}, "_INBOX", bucket)

    def connect(self, address, identity, inbox, bucket="job-queue"):
        self.prefix = f"$KV.{bucket}."
        self.stream = f"KV_{bucket}"
        self.inbox = inbox.encode() + b".e2e"
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        # Or every put() waits 40 ms for a delayed acknowledgement.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()  # INFO
        options = {"verbose": False, "pedantic": False, "headers": True, **identity}
        self.socket.sendall(b"CONNECT %s\r\nSUB %s 1\r\n" % (json.dumps(options).encode(), self.inbox))
        self.flush()

    def close(self):
        self.file.close()
        self.socket.close()

    def put(self, *entries):
        """Writes (key, value) pairs, a value of None deletes. Returns when all are stored, with the last one's
        revision."""
        out = bytearray()
        for number, (key, value) in enumerate(entries, 1):
            subject = (self.prefix + key).encode()
            # The stream stores what one connection sends in its order, and acknowledges the last.
            subject += b" " + self.inbox if number == len(entries) else b""
            if value is None:
                headers = b"NATS/1.0\r\nKV-Operation: DEL\r\n\r\n"
                out += b"HPUB %s %d %d\r\n%s\r\n" % (subject, len(headers), len(headers), headers)
            else:
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                out += b"PUB %s %d\r\n%s\r\n" % (subject, len(data), data)
        if not out:
            return self.last_seq()
        self.socket.sendall(out)
        return self._answer()["seq"]

    def flush(self):
        self.socket.sendall(b"PING\r\n")
        while True:
            line = self.file.readline()
            assert line, "NATS closed the connection"
            assert not line.startswith(b"-ERR"), line
            if line.startswith(b"PONG"):
                return
            if line.startswith(b"PING"):
                self.socket.sendall(b"PONG\r\n")

    def last_seq(self):
        return self.ask("INFO")["state"]["last_seq"]

    def ask(self, verb, **body):
        """JetStream's answer to a request about the bucket's stream. nats-server 2.15 may answer before it has
        stored what came earlier."""
        data = json.dumps(body).encode() if body else b""
        subject = f"$JS.API.STREAM.{verb}.{self.stream}".encode()
        self.socket.sendall(b"PUB %s %s %d\r\n%s\r\n" % (subject, self.inbox, len(data), data))
        return self._answer()

    def _answer(self):
        while True:
            line = self.file.readline()
            assert line, "NATS closed the connection"
            assert not line.startswith(b"-ERR"), line
            if line.startswith(b"PING"):
                self.socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                size = int(line.split()[-1])
                answer = json.loads(self.file.read(size + 2)[:size])
                assert "error" not in answer, answer
                return answer


def definition(job, **members):
    return (f"jobs.{job}", {"id": job, "created": "2026-01-01T00:00:00Z", **members})


def event(job, kind, agent="web-01", nano=1, **data):
    value = {"job_id": job, "event": kind, "hostname": agent,
             "timestamp": "2026-01-01T00:00:01Z", "unix_nano": nano}
    if data:
        value["data"] = data
    return (f"status.{job}.{kind}.{agent}.{nano}", value)


def progress(job, percent, agent="web-01", **data):
    return (f"status.{job}.progress.{agent}",
            {"job_id": job, "event": "progress", "hostname": agent, "timestamp": "2026-01-01T00:00:02Z",
             "data": {"percent": percent, **data}})


class Crowd:
    """Many clients, each a socket with one held request."""

    def __init__(self, port, targets):
        self.sockets = []
        for target in targets:
            client = dial(f"127.0.0.1:{port}", patience_s=PATIENCE_S)
            client.sendall(request(target))
            self.sockets.append(client)

    def collect(self, patience_s=60.0):
        """Every client's whole response, in the order of the targets."""
        poll = select.epoll()
        raw = {client.fileno(): bytearray() for client in self.sockets}
        by_fd = {client.fileno(): client for client in self.sockets}
        for fd in raw:
            poll.register(fd, select.EPOLLIN)
        open_fds = set(raw)
        end = time.monotonic() + patience_s
        while open_fds:
            assert time.monotonic() < end, f"{len(open_fds)} of {len(raw)} were not answered"
            for fd, _ in poll.poll(1.0):
                chunk = by_fd[fd].recv(65536)  # A reset raises: nobody may see one.
                raw[fd] += chunk
                if not chunk or split_response(bytes(raw[fd]))[0]:
                    poll.unregister(fd)
                    open_fds.discard(fd)
        poll.close()
        return [Response(bytes(raw[client.fileno()])) for client in self.sockets]

    def close(self):
        for client in self.sockets:
            client.close()
