"""Starts nginx, HAProxy and Caddy in front of bide, configured as docs/proxies.md says."""
import os
import re
import shutil
import socket
import subprocess
import tempfile

from harness import PATIENCE_S, Site, wait_until
from rig.ports import free_port

GUIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "proxies.md")


def read_guide(heading):
    """The first block below this heading of docs/proxies.md."""
    with open(GUIDE, encoding="utf-8") as file:
        section = re.search(rf"^## {heading}\n(.*?)^## ", file.read(), re.M | re.S)
    return re.search(r"^```\w+\n(.*?)^```$", section[1], re.M | re.S)[1]


def name_bides(text, bides):
    """With the ports of these bides; the lines of the others are left out."""
    for number in range(3):
        documented = f"127.0.0.1:{8080 + number}"
        if number < len(bides):
            text = replace(text, documented, f"127.0.0.1:{bides[number].port}")
        else:
            text = "".join(line for line in text.splitlines(True) if documented not in line)
    return text


def replace(text, old, new, count=-1):
    assert old in text, f"the configuration has no {old!r}"
    return text.replace(old, new, count)


class Proxy(Site):
    """A context manager. `bides`: one or several. `changes`: (old, new) pairs of text in the guide's configuration."""

    def __init__(self, bides, heading, listen, changes):
        self.port = free_port()
        self.dir = tempfile.mkdtemp(prefix="bide-proxy-")
        self.log_path = os.path.join(self.dir, "log")
        self.process = None
        text = name_bides(read_guide(heading), bides if isinstance(bides, list) else [bides])
        self.configuration = replace(text, listen, re.sub(":?80", f"127.0.0.1:{self.port}", listen))
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

    def __init__(self, bides, *changes, http="", server=""):
        super().__init__(bides, "nginx", "listen 80", changes)
        self.http = http
        self.configuration = replace(self.configuration, "  location /job {",
                                     server + "\n  location /job {")

    def command(self):
        temporary = "".join(f"  {name}_temp_path {self.dir}/{name};\n"
                            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        path = self.write_configuration(
            f"{user}worker_processes 1;\npid {self.dir}/pid;\nevents {{ worker_connections 8192; }}\n"
            f"http {{\n  access_log off;\n{temporary}  {self.http}\n{self.configuration}}}\n")
        return ["nginx", "-c", path, "-e", "stderr", "-g", "daemon off;"]


class Haproxy(Proxy):
    heading = "HAProxy"

    def __init__(self, bides, *changes):
        super().__init__(bides, self.heading, "bind :80", changes)

    def command(self):
        return ["haproxy", "-db", "-f", self.write_configuration(self.configuration)]


class HaproxyTcp(Haproxy):
    heading = "HAProxy, TCP"


class Caddy(Proxy):
    def __init__(self, bides, *changes):
        super().__init__(bides, "Caddy", ":80 {", changes)

    def command(self):
        # With a host, it would serve no other.
        site = replace(self.configuration, "127.0.0.1:", "http://:", 1)
        path = self.write_configuration("{\n\tadmin off\n}\n" + site)
        return ["env", f"XDG_DATA_HOME={self.dir}", f"XDG_CONFIG_HOME={self.dir}",
                "caddy", "run", "--adapter", "caddyfile", "--config", path]
