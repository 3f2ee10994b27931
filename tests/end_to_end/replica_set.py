"""Several bides of one NATS behind proxies, and bide-load's clients before those. bench/cluster uses it, too."""
import json
import os
import re
import subprocess

from harness import Bide, wait_until
from proxies import Nginx

LOAD = os.path.abspath(os.environ.get("TESTED_BIDE_LOAD", "build/release/bench/load/bide-load"))
# Of bide-load's report: what its clients must not see. A request that is held and answered early, because its bide
# drains, is none of them.
ERRORS = ("connect", "reset", "timeout", "shed", "429", "other_4xx", "other_5xx", "odd")


class Replica(Bide):
    """Keeps its port when it is started again."""

    def __init__(self, nats_urls, *flags):
        super().__init__("--nats", nats_urls, "--access-log", "off", "--max-parked-per-client", "0", *flags)

    def start(self):
        super().start()
        self.listen_port = self.port
        return self


def wait_used(bide, proxies):
    """Until the proxies that look whether it is ready have seen that. They look every half second."""
    started = r"^process_start_time_seconds .*$"
    own = re.search(started, bide.get("/metrics").body.decode(), re.M)[0]
    for proxy in proxies:
        if not isinstance(proxy, Nginx):
            wait_until(lambda proxy=proxy: own in proxy.get("/metrics").body.decode(), "the proxy uses it")


class Load:
    """Clients on one road through one proxy, each with jobs of its own that change."""

    def __init__(self, proxy, road, nats_urls, clients, rate, duration):
        self.name = f"{type(proxy).__name__}, {road}"
        self.proxy, self.road = type(proxy), road
        self.process = subprocess.Popen(
            [LOAD, "--json", "--server", f"127.0.0.1:{proxy.port}", "--nats", nats_urls, "--clients", str(clients),
             "--road", road, "--every", "500ms", "--wait", "10s", "--rate", str(rate), "--duration", duration],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, patience_s=60):
        out, err = self.process.communicate(timeout=patience_s)
        assert out, f"{self.name}: no report, exit code {self.process.returncode}: {err}"
        self.report = json.loads(out.splitlines()[-1])
        return self

    def errors(self):
        found = {name: self.report[f"trouble_{name}"] for name in ERRORS}
        return {name: count for name, count in found.items() if count}
