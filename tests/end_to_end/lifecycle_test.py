"""Jobs that expire, servers that end, NATS that comes and goes."""
import collections
import concurrent.futures
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIDE, PATIENCE_S, Bide, Crowd, Nats, Response, definition, event, receive_all, request, wait_until


class Expiry(unittest.TestCase):
    def test_row_2_expired_while_parked(self):
        with Bide("--access-log", "off") as bide:
            nats = bide.worker()
            req = json.dumps({"name": "KV_short", "subjects": ["$KV.short.>"], "max_age": 4 * 10**9,
                              "max_msgs_per_subject": 1, "allow_rollup_hdrs": True, "discard": "new",
                              "deny_delete": True, "storage": "file", "num_replicas": 1,
                              "duplicate_window": 10**9}).encode()
            nats.socket.sendall(b"PUB $JS.API.STREAM.CREATE.KV_short _INBOX.e2e %d\r\n%s\r\n" % (len(req), req))
            line = nats.file.readline()
            body = nats.file.read(int(line.split()[-1]) + 2)
            self.assertNotIn(b'"error"', body)
            nats.close()
            bide.nats = None
            self.assertEqual(bide.terminate(), 0)
            bide.flags = ("--access-log", "off", "--bucket", "short")
            bide.start()
            bide.nats = Nats(bide.data_dir, "short")
            bide.put(definition("mayfly"))
            began = time.monotonic()
            response = bide.curl("/job/mayfly?until=done&wait=20s")
            self.assertEqual(response.status, 404, response.body)
            self.assertLess(time.monotonic() - began, 8)
            self.assertEqual(bide.curl("/job/mayfly").status, 404)


class Drain(unittest.TestCase):
    def test_drain_says_304_to_who_has_it_and_refuses_late_connections(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            tag = bide.curl("/job/a")["ETag"]
            one = bide.curl_later("/job/a?wait=30s", "-H", f"If-None-Match: {tag}")
            two = bide.curl_later("/job/new?until=exists&wait=30s")
            bide.wait_metric("bide_parked", 2)
            nats = bide.nats_pid()
            began = time.monotonic()
            self.assertEqual(bide.terminate(), 0)
            self.assertLess(time.monotonic() - began, 6)
            response = bide.finish(one)
            self.assertEqual((response.status, response["Bide-Outcome"], response["Connection"]), (304, "drain", "close"))
            response = bide.finish(two)
            self.assertEqual((response.status, response["Connection"]), (404, "close"))
            self.assertFalse(os.path.exists(f"/proc/{nats}"))

    def test_who_comes_meanwhile_is_answered_or_refused(self):
        for flags in ((), ("--listen", "0.0.0.0:0", "--allow-anonymous")):
            with self.subTest(flags), Bide("--access-log", "off", *flags) as bide:
                bide.put(definition("a"))
                seen, over = collections.Counter(), threading.Event()

                def come():
                    while not over.is_set():
                        try:
                            client = bide.dial()
                        except (ConnectionRefusedError, ConnectionResetError):
                            # Reset: the socket was closed between SYN and ACK. No more than refused.
                            seen["refused"] += 1
                            return
                        with client:
                            client.sendall(request("/job/a", "Connection: close"))
                            seen[Response(receive_all(client)).status] += 1

                with concurrent.futures.ThreadPoolExecutor(24) as pool:
                    coming = [pool.submit(come) for _ in range(24)]
                    wait_until(lambda: seen[200] > 200, "they are answered")
                    bide.process.send_signal(signal.SIGTERM)
                    try:
                        for one in coming:
                            one.result(PATIENCE_S)
                    finally:
                        over.set()
                self.assertEqual(seen["refused"], 24)
                self.assertEqual(set(seen), {200, "refused"})

    def test_a_request_on_a_used_connection_is_answered_when_the_drain_has_begun(self):
        with Bide("--access-log", "off") as bide, bide.dial() as client:
            bide.put(definition("a"))
            client.sendall(request("/job/a"))
            client.recv(65536)
            bide.process.send_signal(signal.SIGTERM)
            wait_until(lambda: '"msg":"draining"' in bide.log_text(), "bide drains")
            client.sendall(request("/job/a"))
            self.assertEqual(Response(receive_all(client))["Connection"], "close")

    def test_held_requests_are_answered_at_a_pace_until_a_second_signal(self):
        with Bide("--access-log", "off", "--drain-rate", "100") as bide:
            bide.put(definition("a"))
            crowd = Crowd(bide.port, ["/job/a?until=done&wait=50s"] * 600)
            self.addCleanup(crowd.close)
            bide.wait_metric("bide_parked", 600)
            poll = select.poll()
            for client in crowd.sockets:
                poll.register(client, select.POLLIN)
            began = time.monotonic()
            bide.process.send_signal(signal.SIGTERM)
            wait_until(lambda: len(poll.poll(0)) >= 80, "some are answered")
            self.assertGreater(time.monotonic() - began, 0.6)
            self.assertLess(len(poll.poll(0)), 500)
            bide.process.send_signal(signal.SIGTERM)
            answers = crowd.collect(patience_s=2)
            self.assertEqual({answer["Bide-Outcome"] for answer in answers}, {"drain"})
            crowd.close()
            self.assertEqual(bide.process.wait(PATIENCE_S), 0)

    def test_streams_are_told_to_come_back_at_different_times(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            clients = [bide.dial() for _ in range(30)]
            for client in clients:
                self.addCleanup(client.close)
                client.sendall(request("/job/a/events"))
            bide.wait_metric("bide_parked", 30)
            bide.process.send_signal(signal.SIGTERM)
            times = [list(map(int, re.findall(rb"^retry: (\d+)$", receive_all(client), re.M))) for client in clients]
            self.assertEqual({len(one) for one in times}, {2})
            self.assertEqual({first for first, _ in times}, {2000})
            self.assertGreater(len({last for _, last in times}), 20)
            self.assertTrue(all(200 <= last <= 2000 for _, last in times), times)

    def test_sigterm_at_once_after_start(self):
        for _ in range(3):
            with Bide("--access-log", "off") as bide:
                self.assertEqual(bide.terminate(), 0)

    def test_sigterm_with_nats_stopped(self):
        with Bide("--access-log", "off") as bide:
            nats = bide.nats_pid()
            os.kill(nats, signal.SIGSTOP)
            began = time.monotonic()
            bide.process.send_signal(signal.SIGTERM)
            self.assertEqual(bide.process.wait(20), 0)
            self.assertLess(time.monotonic() - began, 15)
            self.assertFalse(os.path.exists(f"/proc/{nats}"))


class Leaving(unittest.TestCase):
    def test_all_is_served_until_a_second_signal(self):
        with Bide("--access-log", "off", "--drain-delay", "1h") as bide:
            bide.put(definition("a"), definition("b"))
            told = bide.curl_later("/job/a?until=done&wait=50s")
            held = bide.curl_later("/job/b?until=done&wait=50s")
            bide.wait_metric("bide_parked", 2)
            self.assertEqual(bide.get("/readyz").status, 200)
            bide.process.send_signal(signal.SIGTERM)
            wait_until(lambda: bide.get("/readyz").status == 503, "not ready any more")
            self.assertIn("shutting down", bide.get("/readyz").body.decode())
            self.assertEqual(bide.get("/livez").status, 200)
            self.assertEqual(bide.curl("/job/c", "-X", "PUT", "--json", "{}")["Connection"], "close")
            later = bide.curl_later("/job/c?until=done&wait=50s")
            stream = bide.curl_later("/job/a/events")
            bide.wait_metric("bide_parked", 4)
            bide.put(event("a", "completed"))
            answer = bide.finish(told)
            self.assertEqual((answer["Bide-Outcome"], answer["Connection"]), ("done", "close"))
            self.assertIn(b"event: end", bide.finish(stream).body)
            bide.process.send_signal(signal.SIGTERM)
            for curl in (held, later):
                answer = bide.finish(curl)
                self.assertEqual((answer.status, answer["Bide-Outcome"], answer["Connection"]), (200, "drain", "close"))
            self.assertEqual(bide.process.wait(20), 0)

    def test_the_delay_ends(self):
        with Bide("--access-log", "off", "--drain-delay", "1500ms") as bide:
            bide.wait_ready()
            began = time.monotonic()
            bide.process.send_signal(signal.SIGINT)
            self.assertEqual(bide.process.wait(20), 0)
            self.assertGreater(time.monotonic() - began, 1.4)


class NatsAway(unittest.TestCase):
    def test_parks_while_away_and_answers_once_back(self):
        with Bide("--access-log", "off", "--max-stale", "30s") as bide:
            bide.put(definition("a"))
            nats = bide.nats_pid()
            os.kill(nats, signal.SIGSTOP)
            try:
                curl = bide.curl_later("/job/a?until=done&wait=50s")
                bide.wait_metric("bide_parked", 1)
                self.assertEqual(bide.curl("/job/a").status, 200)
            finally:
                os.kill(nats, signal.SIGCONT)
            bide.put(event("a", "completed"))
            self.assertEqual(bide.finish(curl)["Bide-Outcome"], "done")

    def test_killed_nats_updates_before_bide_reconnects(self):
        with Bide("--access-log", "off") as bide:
            names = [f"j{n}" for n in range(200)]
            bide.put(*[definition(n) for n in names])
            for turn in range(2):
                crowd = Crowd(bide.port, [f"/job/{n}?until={'done' if turn else 'processing'}&wait=50s" for n in names])
                bide.wait_metric("bide_parked", 200)
                bide.nats.close()
                bide.nats = None
                old = bide.nats_pid()
                os.kill(old, signal.SIGKILL)
                wait_until(lambda: bide.nats_pid() not in (0, old), "again")
                def up():
                    try:
                        Nats(bide.data_dir).close()
                        return True
                    except (OSError, AssertionError, ValueError):
                        return False
                wait_until(up, "nats answers")
                self.writes(bide, names, "completed" if turn else "started", turn + 1)
                self.assertEqual([answer.status for answer in crowd.collect()], [200] * 200)
                crowd.close()

    def writes(self, bide, names, kind, nano):
        # JetStream may come up a moment after the port: until the last sequence has moved.
        bide.worker().put(*[event(n, kind, nano=nano) for n in names])
        bide.put(event(names[-1], kind, nano=nano + 10))


class Silent(unittest.TestCase):
    def test_silent_nats_server_is_not_left_behind(self):
        with tempfile.TemporaryDirectory() as d:
            os.mkdir(d + "/bin")
            with open(d + "/bin/nats-server", "w") as f:
                f.write(f"#!/bin/sh\necho $$ > {d}/pid\nexec /bin/sleep 300\n")
            os.chmod(d + "/bin/nats-server", 0o755)
            env = {k: v for k, v in os.environ.items() if not k.startswith("BIDE_")}
            response = subprocess.run([BIDE, "serve", "--listen", "127.0.0.1:0", "--data-dir", d + "/data"],
                               env=dict(env, PATH=d + "/bin"), capture_output=True, text=True, timeout=40)
            self.assertEqual(response.returncode, 1, response)
            self.assertFalse(os.path.exists("/proc/" + open(d + "/pid").read().strip()))


if __name__ == "__main__":
    unittest.main()
