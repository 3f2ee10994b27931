"""A nats-server of the test's own."""
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import PATIENCE_S, wait_until
from proxies import find_free_port


class NatsServer:
    """One that outlives bide, and is killed on its own."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bide-nats-")
        self.port = find_free_port()

    def __enter__(self):
        self.process = subprocess.Popen(
            ["nats-server", "-js", "-sd", self.dir, "-a", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._accepts, "nats-server accepts connections")
        return self

    def _accepts(self):
        assert self.process.poll() is None, "nats-server ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)
