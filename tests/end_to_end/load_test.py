"""bide-load against a real bide, one that restarts, one that stands still, and one that lies."""
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import Bide
from stalling_link import StallingLink

ROADS = ("long-poll", "poll", "plain-poll", "sse")
LOAD = os.path.abspath(os.environ.get("TESTED_BIDE_LOAD", "build/release/bench/load/bide-load"))


def begin(bide, *flags, port=None):
    command = [LOAD, "--json", "--server", f"127.0.0.1:{port or bide.port}", *flags]
    if "--nats" not in flags:
        command += ["--nats-url-file", os.path.join(bide.data_dir, "nats-url")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(load):
    """The report and the exit code."""
    out, err = load.communicate(timeout=60)
    assert out, f"no report, exit code {load.returncode}: {err}"
    return json.loads(out.splitlines()[-1]), load.returncode


class Liar(http.server.BaseHTTPRequestHandler):
    """Every client gets revision 2, the same once more, then an older one; and never any news."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.answers = 0

    def do_GET(self):
        self.answers += 1
        if self.answers > 1:
            # Held, or the client would take it for a server that cannot hold; until the measurement has begun.
            time.sleep(1.6)
        revision = 1 if self.answers == 3 else 2
        self.send_response(200 if self.answers <= 3 else 304)
        self.send_header("ETag", f'"1-{revision}-0000000000000000"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class LyingServer(http.server.ThreadingHTTPServer):
    request_queue_size = 50


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def assert_all_heard(self, report):
        self.assertGreater(report["events"], 0)
        self.assertEqual(report["samples"], report["events"])
        self.assertEqual((report["missed"], report["backwards"]), (0, 0))

    def begin_on_each_road(self):
        """All at once: what takes the time is that events happen for a while."""
        return {road: begin(self.bide, "--clients", "200", "--rate", "100", "--duration", "5s",
                            "--road", road, "--every", "500ms") for road in ROADS}

    def test_each_road(self):
        for road, load in self.begin_on_each_road().items():
            report, code = finish(load)
            with self.subTest(road):
                self.assertEqual((code, report["events"]), (0, 500))
                self.assert_all_heard(report)
                # Who does not say what he has is told the same again.
                self.assertEqual(report["duplicates"] > 0, road == "plain-poll")
                self.assertEqual(sum(report[key] for key in report if key.startswith("trouble")), 0)
                self.assertLess(report["latency_p50_ms"], 500)

    def test_the_story_is_told_to_everybody(self):
        loads = [begin(self.bide, "--scenario", "story", "--clients", "50", "--dashboards", "20", "--agents", "10",
                       "--duration", "2s", "--road", road) for road in ("long-poll", "sse")]
        for load in loads:
            report, code = finish(load)
            self.assertEqual(code, 0)
            self.assertEqual((report["events"], len(report["told_at"])), (2 * 50, 2 * 50))
            self.assert_all_heard(report)
            dashboards = report["dashboards"]
            self.assertEqual((dashboards["events"], len(dashboards["told_at"])), (3 * 10, 3 * 10))
            self.assertEqual((dashboards["samples"], dashboards["missed"]), (20 * 3 * 10, 0))

    def test_a_restart_is_ridden_out(self):
        applied = self.bide.metric("bide_revision_applied")
        loads = self.begin_on_each_road()
        # The definitions, a second of events.
        self.bide.wait_applied(applied + len(ROADS) * (200 + 100))
        self.bide.listen_port = self.bide.port
        self.assertEqual(self.bide.terminate(), 0)
        self.bide.start()
        for road, load in loads.items():
            report, code = finish(load)
            with self.subTest(road):
                self.assertEqual((code, report["missed"], report["backwards"]), (0, 0, 0), report)
                self.assertEqual(report["samples"] + report["lost_writes"], report["events"])
                self.assertGreater(report["trouble_connect"] + report["trouble_503"], 0)

    def nats_url(self):
        with open(os.path.join(self.bide.data_dir, "nats-url"), encoding="ascii") as file:
            return file.read().strip()

    def test_entries_written_once_more_do_not_put_an_agent_back_to_work(self):
        # A job takes 1.5 s, and is looked at every 3 s: at some time its `started` is overdue, its `completed` is
        # stored, and its client does not know yet.
        applied = self.bide.metric("bide_revision_applied")
        with StallingLink(self.bide.data_dir) as link:
            load = begin(self.bide, "--nats", link.url, "--clients", "20", "--rate", "40", "--duration", "8s", "--road",
                         "poll", "--every", "3s", "--wait", "8s")
            self.bide.wait_applied(applied + 20 + 20)
            link.stall_answers()
            time.sleep(4)
            link.release()
            report, code = finish(load)
        self.assertGreater(report["rewritten"], 0)
        self.assertEqual((code, report["missed"], report["backwards"]), (0, 0, 0), report)

    def test_when_a_nats_server_ends_another_takes_the_events(self):
        applied = self.bide.metric("bide_revision_applied")
        with StallingLink(self.bide.data_dir) as first:
            load = begin(self.bide, "--nats", f"{first.url},{self.nats_url()}", "--clients", "20", "--duration", "3s")
            self.bide.wait_applied(applied + 20 + 20)
        report, code = finish(load)
        self.assertEqual((code, report["events"], report["missed"]), (0, 300, 0), report)
        self.assertGreater(first.connections, 0)

    def test_a_server_that_stands_still_is_charged_for_all_events_of_that_time(self):
        applied = self.bide.metric("bide_revision_applied")
        load = begin(self.bide, "--clients", "20", "--rate", "100", "--duration", "3s")
        self.bide.wait_applied(applied + 20 + 20)
        os.kill(self.bide.process.pid, signal.SIGSTOP)
        try:
            time.sleep(2.5)
        finally:
            os.kill(self.bide.process.pid, signal.SIGCONT)
        report, code = finish(load)
        self.assertEqual(code, 0)
        self.assert_all_heard(report)
        self.assertEqual(report["duplicates"], 0)
        # Most events were due meanwhile. A closed loop would have written one for each client.
        self.assertGreater(report["latency_p50_ms"], 200)
        self.assertGreater(report["latency_p99_ms"], 1500)

    def test_a_server_that_lies_is_found_out(self):
        with LyingServer(("127.0.0.1", 0), Liar) as liar:
            threading.Thread(target=liar.serve_forever, daemon=True).start()
            report, code = finish(begin(self.bide, "--clients", "10", "--rate", "50", "--duration",
                                        "2s", "--wait", "1s", port=liar.server_address[1]))
            liar.shutdown()
        self.assertEqual(code, 3)
        self.assertGreater(report["events"], 0)
        self.assertEqual((report["missed"], report["samples"]), (report["events"], 0))
        self.assertEqual((report["duplicates"], report["backwards"]), (10, 10))

    def test_an_interrupt_ends_with_what_there_is(self):
        applied = self.bide.metric("bide_revision_applied")
        load = begin(self.bide, "--clients", "20", "--duration", "1h")
        self.bide.wait_applied(applied + 20 + 20)
        load.send_signal(signal.SIGINT)
        report, code = finish(load)
        self.assertEqual((code, report["interrupted"], report["missed"]), (0, True, 0))
        self.assertGreater(report["samples"], 0)


class Usage(unittest.TestCase):
    def call(self, *flags):
        return subprocess.run([LOAD, *flags], capture_output=True, text=True, timeout=20, check=False)

    def test_misuse_says_what_was_expected(self):
        for flags, expected in (
                (["--clients", "0"], "from 1 to 100000"),
                (["--clients"], "needs a value"),
                (["--road", "pigeon"], "long-poll or poll or plain-poll or sse or sse-patches or sse-every or ws"),
                (["--every=-1s"], "a duration"),
                (["--server", "localhost"], "a numeric address"),
                (["--token-env", "NO_SUCH_VARIABLE"], "an environment variable"),
                (["--nats", "a", "--nats-url-file", "b"], "one of"),
                (["--rate", "100000", "--duration", "1h"], "10 million"),
                (["--rate", "1", "--rate", "2"], "twice"),
                (["--dashboards", "1"], "--scenario story"),
                (["--no-such-flag"], "no option"),
                (["word"], "no option")):
            with self.subTest(flags):
                done = self.call(*flags)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(expected, done.stderr)

    def test_help(self):
        done = self.call("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--road", done.stdout)

    def test_what_cannot_run_exits_with_1(self):
        for flags, reason in ((["--nats-url-file", "/nowhere"], "/nowhere"),
                              (["--nats", "x", "--server", "127.0.0.1:1"], "cannot connect")):
            with self.subTest(flags):
                done = self.call(*flags)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    unittest.main()
