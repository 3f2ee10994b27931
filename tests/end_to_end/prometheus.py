"""A real Prometheus that watches one bide, once a second, by the files of examples/prometheus."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE_S, wait_until
from rig.ports import free_port

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EXAMPLES = os.path.join(ROOT, "examples")
RULES = os.path.join(EXAMPLES, "prometheus", "bide-alerts.yml")
CONFIG = os.path.join(EXAMPLES, "prometheus", "prometheus.yml")


def promtool(*arguments, **more):
    """Its exit code is asserted; returns what it says."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=30,
                          check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


class Prometheus:
    """A context manager: leaving it ends the process and removes what it stored."""

    def __init__(self, bide_port):
        with open(CONFIG, encoding="utf-8") as file:
            config = file.read()
        for old, new in (("127.0.0.1:8080", f"127.0.0.1:{bide_port}"), ("15s", "1s"),
                         ("bide-alerts.yml", os.path.abspath(RULES))):
            assert old in config, old
            config = config.replace(old, new)
        self.dir = tempfile.mkdtemp(prefix="bide-prometheus-")
        self.config = os.path.join(self.dir, "prometheus.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(config)
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.config}", f"--storage.tsdb.path={self.dir}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"])
        wait_until(self.ready, "Prometheus is ready")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        shutil.rmtree(self.dir, ignore_errors=True)

    def ready(self):
        assert self.process.poll() is None, "Prometheus has ended"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        """The data of an answer of its HTTP API. An expression it does not like is a failure."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def values(self, expression):
        """The present values of all series that the expression makes."""
        return [float(series["value"][1]) for series in self.ask("query", query=expression)["result"]]
