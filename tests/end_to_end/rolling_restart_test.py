"""Three bides of one NATS behind each proxy of docs/proxies.md: restarted one after the other, killed, and without NATS.

TESTED_CLIENTS: behind each proxy, a quarter on each road. TESTED_PROXIES: some of them, `Nginx,Caddy`. 2000 clients
behind one proxy show what a busy site sees.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import Bide, Nats, definition, event, wait_until
from nats_servers import NatsServer
from proxies import Caddy, Haproxy, HaproxyTcp, Nginx

LOAD = os.path.abspath(os.environ.get("TESTED_BIDE_LOAD", "build/release/bench/load/bide-load"))
CLIENTS = int(os.environ.get("TESTED_CLIENTS", "120")) // 4
PROXIES = [kind for kind in (Nginx, Haproxy, HaproxyTcp, Caddy)
           if kind.__name__ in os.environ.get("TESTED_PROXIES", kind.__name__).split(",")]
ROADS = ("poll", "long-poll", "sse", "ws")
STREAMS = ("sse", "ws")
# Of bide-load's report: what its clients must not see. A request that is held and answered early, because its bide
# drains, is none of them.
ERRORS = ("connect", "reset", "timeout", "shed", "429", "other_4xx", "other_5xx", "odd")


class Replica(Bide):
    def __init__(self, nats):
        super().__init__("--nats", nats.url, "--create-bucket", "--access-log", "off", "--drain-delay", "2s", "--max-stale",
                         "2s", "--trusted-proxy", "127.0.0.1", "--max-parked-per-client", "0")

    def start(self):
        super().start()
        self.listen_port = self.port
        return self

    def streams(self):
        return sum(self.metric(f'bide_parked{{kind="job",road="{road}"}}') for road in ("events", "ws"))


class Worker(Nats):
    def __init__(self, server):
        # pylint: disable=super-init-not-called
        self.connect(("127.0.0.1", server.port), {}, "_INBOX")


class Load:
    """Clients on one road through one proxy, each with jobs of its own that change."""

    def __init__(self, proxy, road, nats, duration):
        self.name = f"{type(proxy).__name__}, {road}"
        self.proxy, self.road = type(proxy), road
        self.process = subprocess.Popen(
            [LOAD, "--json", "--server", f"127.0.0.1:{proxy.port}", "--nats", nats.url, "--clients", str(CLIENTS),
             "--road", road, "--every", "500ms", "--wait", "10s", "--rate", str(min(CLIENTS, 50)), "--duration", duration],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self):
        out, err = self.process.communicate(timeout=60)
        assert out, f"{self.name}: no report, exit code {self.process.returncode}: {err}"
        self.report = json.loads(out.splitlines()[-1])
        return self

    def errors(self):
        found = {name: self.report[f"trouble_{name}"] for name in ERRORS}
        return {name: count for name, count in found.items() if count}


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="bide-rolling-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.nats = NatsServer(cls.folder, "")
        cls.addClassCleanup(cls.nats.stop)
        cls.bides = [cls.enterClassContext(Replica(cls.nats)) for _ in range(3)]
        cls.proxies = [cls.enterClassContext(kind(cls.bides)) for kind in PROXIES]
        for bide in cls.bides:
            cls.wait_used(bide)

    @classmethod
    def wait_used(cls, bide):
        """Until the proxies that look whether it is ready have seen that. They look every half second."""
        started = r"^process_start_time_seconds .*$"
        own = re.search(started, bide.get("/metrics").body.decode(), re.M)[0]
        for proxy in cls.proxies:
            if not isinstance(proxy, Nginx):
                wait_until(lambda proxy=proxy: own in proxy.get("/metrics").body.decode(), "the proxy uses it")

    def load(self, duration):
        """Returns when each bide has its share of the clients, and all of them are counted."""
        loads = [Load(proxy, road, self.nats, duration) for proxy in self.proxies for road in ROADS]
        for one in loads:
            self.addCleanup(one.process.wait)
            self.addCleanup(one.process.kill)
        for one in loads:
            # Its first event comes when all its clients have had an answer. Before that it does not count.
            target = f"/job?status=processing&limit=1&q=load-{one.process.pid}-"
            wait_until(lambda target=target: self.bides[0].get(target).json()["total_items"] > 0, "the load begins")
        shares = len(self.proxies) * len(STREAMS) * CLIENTS // 3
        for bide in self.bides:
            wait_until(lambda bide=bide: bide.streams() > shares * 0.6, "each bide has streams")
        return loads

    def check_stories(self, one):
        """Every client was told everything, in order."""
        self.assertEqual((one.report["missed"], one.report["backwards"]), (0, 0))

    def test_restarted_one_after_the_other(self):
        loads = self.load("14s")
        for bide in self.bides:
            self.assertEqual(bide.terminate(), 0)
            bide.start()
            self.wait_used(bide)
        for one in loads:
            with self.subTest(one.finish().name):
                self.check_stories(one)
                self.assertEqual(one.errors(), {})
                cut_short = one.report["trouble_503"]  # For streams also: ended by bide, to be opened again.
                self.assertLessEqual(cut_short, 3 * CLIENTS if one.road in STREAMS else 0)

    def test_the_end_of_one_is_seen_by_its_own_clients_once(self):
        loads = self.load("7s")
        killed = self.bides[1]
        streams = killed.streams()
        tcp_requests = CLIENTS  # Those of HaproxyTcp that are held; it cannot repeat a request.
        killed.kill()
        for one in loads:
            one.finish()
        killed.start()
        self.wait_used(killed)
        noticed = 0
        for one in loads:
            with self.subTest(one.name):
                self.check_stories(one)
                counts = one.report["trouble_reset"] + one.report["trouble_503"]
                self.assertEqual(set(one.errors()) - {"reset"}, set())
                if one.road not in STREAMS and one.proxy is not HaproxyTcp:
                    self.assertEqual(counts, 0)
                self.assertLessEqual(counts, CLIENTS)
                noticed += counts
        self.assertLessEqual(noticed, streams + tcp_requests)

    def test_without_nats_what_is_final_is_served_and_the_rest_is_bides_own_503(self):
        last = Worker(self.nats).put(definition("over"), event("over", "completed"), definition("open"))
        for bide in self.bides:
            bide.wait_applied(last)
        self.nats.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.nats.process.send_signal, signal.SIGCONT)
        for bide in self.bides:
            wait_until(lambda bide=bide: bide.get("/readyz?fresh").status == 503, "bide is out of touch")
        for proxy in self.proxies:
            with self.subTest(type(proxy).__name__):
                for _ in range(4):
                    self.assertEqual(proxy.get("/job/over").status, 200)
                    answer = proxy.get("/job/open")
                    self.assertEqual((answer.status, answer["Bide-Outcome"], answer["Retry-After"]), (503, "stale", "1"))
                    self.assertEqual(proxy.get("/job/open", "Cache-Control: max-stale").status, 200)


if __name__ == "__main__":
    unittest.main()
