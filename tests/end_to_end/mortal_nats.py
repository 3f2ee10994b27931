"""nats-servers of the test's own, to which everything may happen that happens to servers."""
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import PATIENCE_S, wait_until
from jetstream import JetStream, Unavailable

# Below those that the kernel gives to whoever asks for any: a server that is started again finds its port
# free, and scenarios side by side do not take each other's.
PORTS = itertools.count(random.randrange(10_000, 28_000))


def next_port():
    while True:
        port = next(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class NatsServer:
    """A context manager. Outlives bide, and is killed on its own.

    `config`: more of its configuration; `login`: `user:password` of the tests where that asks for one; `domain`: of
    its JetStream.
    """

    def __init__(self, config="", login="", host="127.0.0.1", domain=""):
        self.dir = tempfile.mkdtemp(prefix="bide-nats-")
        self.store = os.path.join(self.dir, "store")
        self.login = login
        self.port = next_port()
        self.log_path = os.path.join(self.dir, "log")
        self.config_path = os.path.join(self.dir, "conf")
        self.process = None
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(f'listen: "{host}:{self.port}"\nlog_file: "{self.log_path}"\n'
                       f'jetstream {{ store_dir: "{self.store}"{", domain: " + domain if domain else ""} }}\n{config}\n')

    @property
    def url(self):
        return self.url_of(self.login)

    def url_of(self, login, host="127.0.0.1"):
        return f"nats://{login}{'@' if login else ''}{host}:{self.port}"

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        self.process = subprocess.Popen(["nats-server", "-c", self.config_path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._greets, "nats-server greets")
        return self

    def _greets(self):
        assert self.alive, f"nats-server ended ({self.port}): " + self.log_text()[-2000:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def log_text(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        """Lets it bring everything to its disk."""
        self._end(signal.SIGTERM)

    def _end(self, by):
        if self.alive:
            self.process.send_signal(by)
            self.process.wait(PATIENCE_S)

    def pause(self):
        """It keeps its sockets, which take what fits, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def wait_deleted(self, stream):
        """Until the files of a stream that was deleted are gone.

        From 2.10 on nats-server moves them aside, and removes them behind its answer. If the next stream of that name
        is deleted before that is done, its files stay, and the one after it has all its messages.
        """
        streams = os.path.join(self.store, "jetstream", "$G", "streams")
        wait_until(lambda: not any(os.path.exists(os.path.join(streams, name)) for name in (stream, "." + stream)),
                   "the stream's files are gone")

    # --- Its store, while it does not run ---

    def wipe(self):
        shutil.rmtree(self.store)

    def copy_store(self):
        """Where the copy is; for roll_back()."""
        copy = tempfile.mkdtemp(prefix="copy-", dir=self.dir)
        return shutil.copytree(self.store, os.path.join(copy, "store"))

    def roll_back(self, copy):
        self.wipe()
        shutil.copytree(copy, self.store)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.alive:
            self.resume()
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class NatsCluster:
    """Three nodes on loopback. A context manager; leaving it ends those that live."""

    def __init__(self):
        routes = [next_port() for _ in range(3)]
        peers = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        self.nodes = {}
        for n, port in enumerate(routes):
            cluster = f'cluster {{ name: c, listen: "127.0.0.1:{port}", routes: [{peers}] }}'
            self.nodes[f"n{n}"] = NatsServer(f"server_name: n{n}\n{cluster}")

    @property
    def url(self):
        """Of n0: clients hear of the others from it."""
        return self.nodes["n0"].url

    def connect(self, bucket="job-queue", patience_s=2.0):
        """To a node that lives. A request may go unanswered while the nodes elect: soon another."""
        alive = next(node for node in reversed(self.nodes.values()) if node.alive)
        return JetStream(alive.url, bucket, patience_s)

    def leader(self, bucket="job-queue"):
        """The name of the node that leads the bucket's stream; empty: none does just now."""
        try:
            with self.connect(bucket) as api:
                return api.info().get("cluster", {}).get("leader", "")
        except Unavailable:
            return ""

    def step_down(self, bucket="job-queue"):
        with self.connect(bucket) as api:
            answer = json.loads(api.request(f"$JS.API.STREAM.LEADER.STEPDOWN.{api.stream}")[1])
            assert answer.get("success"), answer

    def __enter__(self):
        return wait_until(self._start, "the nodes find each other", 90)

    def _start(self):
        """Itself, or None: on a busy machine it happens that nodes which connect to each other at the same time close both
        connections as duplicates, and one of them is left out for good."""
        for node in self.nodes.values():
            node.start()
        try:
            wait_until(self._places, "a stream has a place on each node", 10)
            return self
        except AssertionError:
            for node in self.nodes.values():
                node.kill()
                node.wipe()
            return None

    def _places(self):
        try:
            with self.connect("formed") as api:
                api.create_bucket(replicas=3)
                api.delete_bucket()
                return True
        except Unavailable:
            return False

    def __exit__(self, *_):
        for node in self.nodes.values():
            node.__exit__()
