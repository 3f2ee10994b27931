"""The programs a comparison runs: each is started fresh, waited for, and ended by its own handle."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from rig.ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "release")
PATIENCE_S = 60.0


def wait_until(holds, what, patience_s=PATIENCE_S, pause_s=0.005):
    end = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"did not happen within {patience_s:.0f} s: {what}")
        time.sleep(pause_s)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


class Program:
    """A child with a folder of its own. Leaving the context ends it: SIGTERM, then SIGKILL."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="bide-compare-")
        self.child = None

    def spawn(self, *command):
        self.log = open(os.path.join(self.dir, "output"), "ab")
        # Nor does it leave a snapshot of its table in the folder of whoever measures.
        self.child = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=self.dir,
                                      env=dict(os.environ, XDG_STATE_HOME=self.dir))

    def output(self):
        with open(os.path.join(self.dir, "output"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for(self, holds, what, pause_s=0.005):
        def alive_and_holds():
            if self.child.poll() is not None:
                raise RuntimeError(f"{what}: the program ended: {self.output()[-500:]}")
            return holds()
        wait_until(alive_and_holds, what, pause_s=pause_s)

    def pids(self):
        """The child's and its children's (nginx has workers)."""
        with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children", encoding="ascii") as file:
            return [self.child.pid] + [int(pid) for pid in file.read().split()]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.child:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(10)
            self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Nats(Program):
    def start(self):
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.spawn("nats-server", "-js", "-sd", os.path.join(self.dir, "store"), "-a", "127.0.0.1", "-p",
                   str(self.port))
        self.wait_for(lambda: "Server is ready" in self.output(), "nats-server is ready")


class Server(Program):
    """A measured server. `kind` is what bide-probe calls it."""
    kind = ""
    needs_nats = False

    def __init__(self, nats=None):
        super().__init__()
        self.nats = nats
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"

    def url(self, path):
        return f"http://{self.address}{path}"

    def probe_options(self):
        options = ["--kind", self.kind, "--server", self.address, "--pids",
                   ",".join(str(pid) for pid in self.pids())]
        return options + (["--nats", self.nats.url] if self.needs_nats else [])

    def plain_path(self, job):
        return f"/job/{job}"


class Bide(Server):
    kind = "bide"
    needs_nats = True
    binary = os.path.join(BUILD, "server", "bide")
    flags = ("--create-bucket",)

    def start(self):
        self.spawn(self.binary, "serve", "--listen", self.address, "--nats", self.nats.url, "--access-log", "off",
                   *self.flags)
        # Asked seldom: asking takes a part of the two cores on which a cold start is measured.
        self.wait_for(lambda: answers(self.url("/readyz")), "bide is ready", pause_s=0.02)

    def start_warm(self):
        """SIGTERM, and the same command again. How long each takes."""
        told = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        if self.child.wait(60) != 0:
            raise RuntimeError(f"bide ended with {self.child.returncode}: {self.output()[-500:]}")
        ended = time.monotonic()
        self.log.close()
        self.start()
        if "bucket followed on" not in self.output():
            raise RuntimeError(f"bide read the bucket: {self.output()[-500:]}")
        return ended - told, time.monotonic() - ended


class Before(Bide):
    """An earlier build of bide. bench/compare sets `binary`; builds that create the bucket unasked refuse the flag."""
    flags = ()
    writes = True


class EmbeddedBide(Server):
    """bide as it is run by those who have no NATS: with a nats-server of its own. Its data outlive a restart."""
    kind = "bide"

    def start(self):
        self.data_dir = os.path.join(self.dir, "data")
        self.nats_url_file = os.path.join(self.data_dir, "nats-url")
        self.spawn(os.path.join(BUILD, "server", "bide"), "serve", "--listen", self.address, "--data-dir",
                   self.data_dir, "--access-log", "off")
        self.wait_for(lambda: answers(self.url("/readyz")), "bide is ready")

    def restart(self):
        """As an operator does: SIGTERM, and the same command again. Returns when it was told, and when it is ready."""
        told = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        if self.child.wait(20) != 0:
            raise RuntimeError(f"bide ended with {self.child.returncode}: {self.output()[-500:]}")
        self.log.close()
        self.start()
        return told, time.monotonic()

    def nats_pid(self):
        """0 while there is none. The thread that started it is not the main one."""
        for path in glob.glob(f"/proc/{self.child.pid}/task/*/children"):
            with open(path, encoding="ascii") as file:
                for pid in file.read().split():
                    return int(pid)
        return 0


class Echo(Server):
    kind = "echo"
    needs_nats = True

    def start(self):
        self.spawn(os.path.join(BUILD, "bench", "bench-echo"), "--listen", self.address, "--nats", self.nats.url,
                   "--bucket", "job-queue")
        self.wait_for(lambda: answers(self.url("/livez")), "echo is ready")


class Floor(Server):
    kind = "floor"
    # The sizes of bide's own responses to the probe's requests, heads included.
    sizes = ("--ok-bytes", "711", "--body-bytes", "399", "--not-modified-bytes", "244")
    options = ()

    def start(self):
        self.spawn(os.path.join(BUILD, "bench", "peers", "bench-floor"), "--listen", self.address, *self.sizes,
                   *self.options)
        self.wait_for(lambda: answers(self.url("/livez")), "floor is ready")


class WritingFloor(Floor):
    """The same, which also publishes events without waiting, and answers once they are stored."""
    def __init__(self, nats):
        super().__init__()
        self.options = ("--nats", nats.url)


class Threads(Server):
    kind = "threads"

    def start(self):
        self.spawn(os.path.join(BUILD, "bench", "peers", "bench-threads"), "--listen", self.address)
        self.wait_for(lambda: answers(self.url("/livez")), "threads is ready")


class Nchan(Server):
    kind = "nchan"

    def start(self):
        with open(os.path.join(ROOT, "bench", "peers", "nchan.conf.in"), encoding="utf-8") as file:
            text = file.read()
        for name, value in (("@PORT@", str(self.port)), ("@DIR@", self.dir), ("@WORKERS@", "2"),
                            ("@BODY@", "x" * 380)):
            text = text.replace(name, value)
        config = os.path.join(self.dir, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        self.spawn("nginx", "-c", config, "-p", self.dir)
        self.wait_for(lambda: answers(self.url("/static")), "nginx is ready")

    def plain_path(self, job):
        return "/static"


SERVERS = {server.kind: server for server in (Floor, Bide, Nchan, Echo, Threads)} | {"before": Before}
