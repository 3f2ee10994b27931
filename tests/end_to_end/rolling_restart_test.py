"""Three bides of one NATS behind each proxy of docs/proxies.md: restarted one after the other, killed, and without NATS.

TESTED_CLIENTS: behind each proxy, a quarter on each road. TESTED_PROXIES: some of them, `Nginx,Caddy`. 2000 clients
behind one proxy show what a busy site sees.
"""
import os
import shutil
import signal
import tempfile
import unittest

from harness import Nats, definition, event, wait_until
from nats_servers import NatsServer
from proxies import Caddy, Haproxy, HaproxyTcp, Nginx
from replica_set import Load, Replica, wait_used

CLIENTS = int(os.environ.get("TESTED_CLIENTS", "120")) // 4
PROXIES = [kind for kind in (Nginx, Haproxy, HaproxyTcp, Caddy)
           if kind.__name__ in os.environ.get("TESTED_PROXIES", kind.__name__).split(",")]
ROADS = ("poll", "long-poll", "sse", "ws")
STREAMS = ("sse", "ws")


class StreamingReplica(Replica):
    def streams(self):
        return sum(self.metric(f'bide_parked{{kind="job",road="{road}"}}') for road in ("events", "ws"))


class Worker(Nats):
    def __init__(self, server):
        # pylint: disable=super-init-not-called
        self.connect(("127.0.0.1", server.port), {}, "_INBOX")


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="bide-rolling-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.nats = NatsServer(cls.folder, "")
        cls.addClassCleanup(cls.nats.stop)
        cls.bides = [cls.enterClassContext(StreamingReplica(
            cls.nats.url, "--create-bucket", "--drain-delay", "2s", "--max-stale", "2s", "--trusted-proxy",
            "127.0.0.1")) for _ in range(3)]
        cls.proxies = [cls.enterClassContext(kind(cls.bides)) for kind in PROXIES]
        for bide in cls.bides:
            wait_used(bide, cls.proxies)

    def wait_used(self, bide):
        wait_used(bide, self.proxies)

    def load(self, duration):
        """Returns when each bide has its share of the clients, and all of them are counted."""
        loads = [Load(proxy, road, self.nats.url, CLIENTS, min(CLIENTS, 50), duration) for proxy in self.proxies for road in ROADS]
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
