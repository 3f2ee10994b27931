"""bide without a free descriptor: it serves whom it has, keeps some back for itself, and takes in
others as soon as it can."""
import os
import re
import select
import signal
import time
import unittest

from harness import PATIENCE_S, Bide, Crowd, definition, event, wait_until
from rig import http
from rig.http import request

DESCRIPTORS = 256
HELD = 20
CPU_SHARE_MAX = 0.2


class Client(http.Client):
    def __init__(self, port, source="127.0.0.1"):
        super().__init__(f"127.0.0.1:{port}", source=source, patience_s=PATIENCE_S)

    def metric(self, name):
        """The sum of all samples of that name."""
        values = re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)$", self.get("/metrics").body.decode(), re.M)
        assert values, f"no metric {name}"
        return sum(map(float, values))

    def has_answer(self, patience_s):
        return bool(select.select([self.socket], [], [], patience_s)[0])


class Busy(Client):
    """One that is never idle: its next request has always begun."""

    def __init__(self, port):
        super().__init__(port)
        self.socket.sendall(b"G")

    def send(self, target, *fields):
        self.socket.sendall(request(target, *fields)[1:] + b"G")


def cpu_seconds_by_thread(pid):
    seconds = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        seconds[thread] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def is_connection(path):
    try:
        return os.readlink(path).startswith("socket:")
    except OSError:
        return False


def sockets_of(pid):
    return sum(is_connection(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))


class Descriptors(unittest.TestCase):
    def test_out_of_descriptors(self):
        with Bide("--access-log", "off", "--max-connections-per-client", "0", descriptors=DESCRIPTORS) as bide:
            bide.put(definition("a"), definition("b"), definition("c"))
            ours = Busy(bide.port)
            first = Crowd(bide.port, ["/job/a?until=done&wait=50s"] * HELD)
            second = Crowd(bide.port, ["/job/b?until=done&wait=50s"] * HELD)
            wait_until(lambda: ours.metric("bide_parked") == 2 * HELD, "all are held")
            others = []
            for _ in range(DESCRIPTORS + 20):
                others.append(Client(bide.port))
                others[-1].send("/job/c?until=done&wait=50s")  # Or else it is idle, and makes room.
            waiting = Client(bide.port)
            waiting.send("/livez")

            self.stands_still_and_says_so(bide, ours, waiting)
            self.wakes(bide, first, "a")
            self.gets_its_nats_back(bide, ours)
            self.wakes(bide, second, "b")
            self.assertFalse(waiting.has_answer(0))

            for client in others:
                client.close()
            self.assertEqual(waiting.receive().status, 200)
            self.assertEqual(bide.get("/livez").status, 200)
            for client in [ours, first, second, waiting]:
                client.close()

    def test_idle_connections_make_room(self):
        with Bide("--access-log", "off", "--max-connections-per-client", "0", descriptors=DESCRIPTORS) as bide:
            bide.put(definition("a"))
            held = Crowd(bide.port, ["/job/a?until=done&wait=50s"] * HELD)
            wait_until(lambda: bide.metric("bide_parked") == HELD, "all are held")
            begin = time.monotonic()
            clients = [Client(bide.port) for _ in range(2 * DESCRIPTORS)]
            for client in clients[-100:]:
                self.assertEqual(client.get("/livez").status, 200)
            self.assertLess(time.monotonic() - begin, 10)
            # Those that have been idle for longest are gone, and nobody else.
            self.assertEqual(clients[0].socket.recv(1), b"")
            self.assertGreaterEqual(bide.metric("bide_connections_evicted_total"), DESCRIPTORS)
            self.wakes(bide, held, "a")
            for client in [held, *clients]:
                client.close()

    def test_one_client_leaves_some_to_others(self):
        with Bide("--access-log", "off", descriptors=DESCRIPTORS) as bide:
            bide.put(definition("a"))
            greedy = []
            for _ in range(DESCRIPTORS):
                greedy.append(Client(bide.port))
                try:
                    greedy[-1].send("/job/a?until=done&wait=50s")
                except OSError:
                    pass  # It was closed at once.
            other = Client(bide.port, "127.0.0.2")
            wait_until(lambda: other.metric("bide_connections_refused_total") > 20, "some are refused")
            self.assertEqual(other.get("/job/a").status, 200)
            self.assertEqual(other.metric("bide_connections_evicted_total"), 0)
            for client in [other, *greedy]:
                client.close()

    def stands_still_and_says_so(self, bide, ours, waiting):
        pid = bide.process.pid
        wait_until(lambda: "descriptors" in bide.log_text(), "the log says what is missing")
        before, open_before = cpu_seconds_by_thread(pid), sockets_of(pid)
        begin = time.monotonic()
        self.assertFalse(waiting.has_answer(2.0))
        took = time.monotonic() - begin
        for thread, seconds in cpu_seconds_by_thread(pid).items():
            self.assertLess((seconds - before.get(thread, 0)) / took, CPU_SHARE_MAX)
        self.assertEqual(sockets_of(pid), open_before)
        self.assertEqual(ours.get("/job/a").status, 200)
        self.assertEqual(ours.get("/readyz?fresh").status, 200)
        self.assertLessEqual(bide.log_text().count("descriptors"), 2)

    def wakes(self, bide, crowd, job):
        bide.worker().put(event(job, "completed"))
        for response in crowd.collect():
            self.assertEqual((response.status, response["Bide-Outcome"]), (200, "done"))

    def gets_its_nats_back(self, bide, ours):
        old = bide.nats_pid()
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: bide.nats_pid() not in (0, old), "nats-server was started again")
        wait_until(lambda: ours.metric("bide_nats_reconnects_total") >= 1, "bide is back at NATS")
        wait_until(lambda: ours.get("/readyz?fresh").status == 200, "bide is ready again")
        bide.forget_worker()


if __name__ == "__main__":
    unittest.main()
