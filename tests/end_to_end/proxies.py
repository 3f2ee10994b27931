"""Starts nginx and HAProxy in front of bide, configured as docs/proxies.md says."""
import os
import re
import shutil
import socket
import subprocess
import tempfile

from harness import PATIENCE_S, Site, wait_until

GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "proxies.md")


def read_guide(language):
    """The one block of this language in docs/proxies.md."""
    with open(GUIDE, encoding="utf-8") as file:
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)
    assert len(blocks) == 1, f"docs/proxies.md has {len(blocks)} blocks of {language}"
    return blocks[0]


def replace(text, old, new):
    assert old in text, f"the configuration has no {old!r}"
    return text.replace(old, new)


def find_free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Proxy(Site):
    """A context manager. `changes`: (old, new) pairs of text in the guide's configuration."""

    def __init__(self, bide, language, listen, changes):
        self.port = find_free_port()
        self.dir = tempfile.mkdtemp(prefix="bide-proxy-")
        self.log_path = os.path.join(self.dir, "log")
        self.process = None
        text = replace(read_guide(language), "127.0.0.1:8080", f"127.0.0.1:{bide.port}")
        self.configuration = replace(text, listen, f"{listen.split()[0]} 127.0.0.1:{self.port}")
        for old, new in changes:
            self.configuration = replace(self.configuration, old, new)

    def write_configuration(self, text):
        path = os.path.join(self.dir, "configuration")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        wait_until(self._accepts, "the proxy accepts connections")
        return self

    def _accepts(self):
        if self.process.poll() is not None:
            with open(self.log_path, encoding="utf-8") as log:
                raise AssertionError("the proxy ended: " + log.read())
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S).close()
            return True
        except ConnectionRefusedError:
            return False

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)
        shutil.rmtree(self.dir, ignore_errors=True)


class Nginx(Proxy):
    """`http`: more lines of the http block; `server`: of the server block."""

    def __init__(self, bide, *changes, http="", server=""):
        super().__init__(bide, "nginx", "listen 80", changes)
        self.http = http
        self.configuration = replace(self.configuration, "  location /job {",
                                     server + "\n  location /job {")

    def command(self):
        temporary = "".join(f"  {name}_temp_path {self.dir}/{name};\n"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        path = self.write_configuration(
            f"{user}worker_processes 1;\npid {self.dir}/pid;\nevents {{}}\n"
            f"http {{\n  access_log off;\n{temporary}  {self.http}\n{self.configuration}}}\n")
        return ["nginx", "-c", path, "-e", "stderr", "-g", "daemon off;"]


class Haproxy(Proxy):
    def __init__(self, bide, *changes):
        super().__init__(bide, "haproxy", "bind :80", changes)

    def command(self):
        return ["haproxy", "-db", "-f", self.write_configuration(self.configuration)]
