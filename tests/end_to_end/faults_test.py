"""What happens to many held clients when things die."""
import os
import signal
import time
import unittest

from harness import Bide, Crowd, definition, event, wait_until

MANY = 1000


def jobs(count):
    return [f"job-{n}" for n in range(count)]


def held(names):
    return [f"/job/{name}?until=done&wait=55s" for name in names]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Faults(unittest.TestCase):
    def park(self, bide, names):
        crowd = Crowd(bide.port, held(names))
        self.addCleanup(crowd.close)
        bide.wait_metric("bide_parked", len(names), patience_s=60)
        return crowd

    def check_completed(self, crowd, names):
        for name, response in zip(names, crowd.collect()):
            self.assertEqual(response.status, 200)
            self.assertEqual(response["Bide-Outcome"], "done")
            body = response.json()
            self.assertEqual((body["id"], body["status"]), (name, "completed"))

    def test_nats_killed_with_a_thousand_parked(self):
        names = jobs(MANY)
        with Bide("--access-log", "off") as bide:
            bide.put(*[definition(name) for name in names])
            crowd = self.park(bide, names)
            bide.restart_nats()
            self.assertEqual(bide.metric("bide_parked"), MANY)
            bide.put(*[event(name, "completed") for name in names])
            self.check_completed(crowd, names)

    def test_killed_bide_leaves_no_orphan_and_comes_back_with_the_same_tags(self):
        names = jobs(20)
        with Bide("--access-log", "off") as bide:
            bide.put(*[definition(name) for name in names], *[event(n, "started") for n in names])
            before = [bide.curl(f"/job/{name}")["ETag"] for name in names]
            nats = bide.nats_pid()
            self.assertTrue(is_running(nats))
            bide.kill()
            wait_until(lambda: not is_running(nats), "nats-server is gone", 10)
            bide.forget_worker()
            bide.start()
            self.assertEqual([bide.curl(f"/job/{name}")["ETag"] for name in names], before)

    def test_sigterm_answers_a_thousand_and_resets_nobody(self):
        names = jobs(MANY)
        with Bide("--access-log", "off") as bide:
            bide.put(*[definition(name) for name in names])
            crowd = self.park(bide, names)
            bide.process.send_signal(signal.SIGTERM)
            for response in crowd.collect():
                self.assertEqual(response.status, 200)
                self.assertEqual(response["Bide-Outcome"], "drain")
                self.assertEqual(response["Connection"], "close")
            for client in crowd.sockets:
                self.assertEqual(client.recv(1), b"")
                client.close()
            self.assertEqual(bide.process.wait(20), 0)

    def test_ten_thousand_on_ten_thousand_jobs(self):
        names = jobs(10_000)
        with Bide("--access-log", "off") as bide:
            bide.put(*[definition(name) for name in names])
            tasks = f"/proc/{bide.process.pid}/task"
            threads = len(os.listdir(tasks))
            crowd = self.park(bide, names)
            self.assertEqual(len(os.listdir(tasks)), threads)
            bide.put(*[event(name, "completed") for name in names])
            self.check_completed(crowd, names)

    def test_a_hundred_who_vanish_are_unparked(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            crowd = self.park(bide, ["a"] * 100)
            keeps = crowd.sockets.pop()
            settled = time.monotonic() + 0.05  # A FIN right behind the request is a half-close.
            wait_until(lambda: time.monotonic() > settled, "50 ms")
            crowd.close()
            bide.wait_metric("bide_parked", 1, patience_s=2)
            self.assertEqual(bide.metric("bide_clients_gone_total"), 99)
            bide.put(event("a", "completed"))
            self.assertTrue(keeps.recv(65536).startswith(b"HTTP/1.1 200 "))
            keeps.close()


if __name__ == "__main__":
    unittest.main()
