"""A newcomer's first minute with the command line."""
import http.server
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import BIDE, Bide, definition, event, outlive_half_close, wait_until

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def ok(self, *arguments):
        done = self.bide.command(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def exists(self, job):
        wait_until(lambda: self.bide.get(f"/job/{job}").status == 200, f"{job} exists")

    def test_first_minute(self):
        self.ok("emit", "build-7", "started")
        self.exists("build-7")
        curl = self.bide.curl_later("/job/build-7?until=done&wait=30s")
        self.bide.wait_metric("bide_parked", 1)
        before = time.monotonic()
        self.ok("emit", "build-7", "completed")
        response = self.bide.finish(curl)
        self.assertLess(time.monotonic() - before, 5)
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "done"))
        self.assertEqual(self.ok("wait", "build-7"), "completed\n")
        self.assertEqual(self.ok("get", "build-7"), "completed\n")

    def test_exit_codes(self):
        self.bide.put(definition("pending"), event("pending", "started"),
                      definition("failed"), event("failed", "failed", error="boom"),
                      definition("skipped"), event("skipped", "skipped"),
                      definition("partly", expected_agents=["a", "b"]),
                      event("partly", "completed", agent="a"), event("partly", "failed", agent="b"))
        for job, code in (("failed", 5), ("partly", 6), ("skipped", 7), ("nobody", 9)):
            self.assertEqual(self.bide.command("wait", job, "--no-wait-for-creation").returncode, code, job)
            self.assertEqual(self.bide.command("get", job).returncode, code, job)
        self.assertEqual(self.bide.command("get", "pending").returncode, 8)
        self.assertEqual(self.bide.command("wait", "pending", "--timeout", "300ms").returncode, 124)
        self.assertEqual(self.bide.command("wait").returncode, 2)
        self.assertEqual(self.bide.command("emit", "x", "exploded").returncode, 2)
        self.assertEqual(self.bide.command("no-such").returncode, 2)

    def nats_url(self):
        with open(os.path.join(self.bide.data_dir, "nats-url"), encoding="ascii") as file:
            return file.read().strip()

    def test_emit_over_http_and_nats(self):
        """Both ways write the same job."""
        for way in ([], ["--nats", self.nats_url()]):
            job = f"by-{len(way)}"
            self.ok("emit", job, "define", "--operation", '{"do":"build"}', "--expected-agents", "a,b", *way)
            self.ok("emit", job, "started", "--agent", "a", *way)
            self.ok("emit", job, "failed", "--agent", "a", "--error", "no space", *way)
            self.ok("emit", job, "completed", "--agent", "b", "--data", '{"n":1e400}', *way)
            self.ok("emit", job, "submitted", *way)
            wait_until(lambda job=job: len(self.bide.get(f"/job/{job}").json()["timeline"]) == 4, "all events are there")
            state = self.bide.get(f"/job/{job}").json()
            self.assertEqual((state["status"], state["operation"]), ("partial_failure", {"do": "build"}))
            self.assertEqual(list(state["agent_states"]), ["a", "b"])
            self.assertEqual(state["agent_states"]["a"]["error"], "no space")
            self.assertIn(("submitted", "_api"), [(e["event"], e["hostname"]) for e in state["timeline"]])

    def test_emit_is_refused(self):
        self.ok("emit", "taken", "define", "--operation", '{"a":1}')
        self.ok("emit", "taken", "define", "--operation", '{"a":1}')
        done = self.bide.command("emit", "taken", "define", "--operation", '{"a":2}')
        self.assertEqual(done.returncode, 1)
        self.assertIn("the server answered 409", done.stderr)
        self.assertIn("nothing was stored", done.stderr)
        done = self.bide.command("emit", "x", "started", "--server", "http://127.0.0.1:1", "--nats", "nats://x")
        self.assertEqual(done.returncode, 2)
        done = self.bide.command("emit", "x", "started", "--server", "http://127.0.0.1:1", "--timeout", "300ms")
        self.assertEqual(done.returncode, 1)
        self.assertIn("not known to be stored after 300ms: cannot connect to http://127.0.0.1:1", done.stderr)
        done = subprocess.run([BIDE, "emit", "x", "started", "--timeout", "1ms"], text=True, capture_output=True,
                              env=dict(self.bide.env, XDG_STATE_HOME="/no/such"), timeout=60, check=False)
        if done.returncode:  # Nobody listens at the default address.
            self.assertIn("--server, BIDE_SERVER or --nats", done.stderr)

    def check_delete(self, name, *way):
        first, second = f"{name}-1", f"{name}-2"
        for job in (first, second):
            self.ok("emit", job, "started")
        waiting = subprocess.Popen([BIDE, "wait", first], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=dict(self.bide.env, BIDE_SERVER=self.bide.url))
        self.bide.wait_metric("bide_parked", 1)
        done = self.bide.command("delete", first, "never", second, *way)
        self.assertEqual((done.returncode, done.stdout), (9, ""), done.stderr)
        self.assertEqual(done.stderr, "bide delete: never: not found\n")
        _, err = waiting.communicate(timeout=30)
        self.assertEqual(waiting.returncode, 9, err)
        self.assertIn("is gone", err)
        for job in (first, second):
            wait_until(lambda job=job: self.bide.get(f"/job/{job}").status == 404, "it is gone")
        self.assertEqual(self.bide.command("delete", first, *way).returncode, 9)
        self.ok("emit", first, "completed")  # A new job of that name, without the old events.
        self.assertEqual([e["event"] for e in self.bide.get(f"/job/{first}").json()["timeline"]], ["completed"])
        self.ok("delete", first, *way)

    def test_delete(self):
        self.check_delete("gone")
        for words in ([], ["a b"], ["x", "--timeout", "0s"], ["x", "--nats", "nats://x", "--server", "http://x"]):
            self.assertEqual(self.bide.command("delete", *words).returncode, 2, words)
        for way, where in (("--server", "http://127.0.0.1:1"), ("--nats", "nats://127.0.0.1:1")):
            done = self.bide.command("delete", "x", way, where, "--timeout", "300ms")
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr.startswith("bide delete: x: not known to be deleted: "), done.stderr)
            self.assertIn(where, done.stderr)

    def test_delete_over_nats(self):
        self.check_delete("gone-from-nats", "--nats", self.nats_url())
        # The nats-server that bide has started is found without a flag.
        self.ok("emit", "found", "started")
        env = dict(self.bide.env, BIDE_DATA_DIR=self.bide.data_dir)
        done = subprocess.run([BIDE, "delete", "found"], env=env, text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wait_until(lambda: self.bide.get("/job/found").status == 404, "it is gone")

    def test_waiting_for_a_job_that_does_not_exist_yet(self):
        for quiet in (False, True):
            job = f"later-{quiet}"
            self.bide.wait_metric("bide_parked", 0)  # The requests of an earlier test may still be there.
            waiting = subprocess.Popen([BIDE, "wait", job, *(["-q"] if quiet else [])], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=dict(self.bide.env, BIDE_SERVER=self.bide.url))
            self.bide.wait_metric("bide_parked", 1)
            if not quiet:
                self.assertRegex(waiting.stderr.readline(), f"^{job}: does not exist yet ")
            self.bide.put(definition(job), event(job, "started"))
            self.bide.put(event(job, "completed", nano=2))
            out, err = waiting.communicate(timeout=30)
            self.assertEqual((waiting.returncode, out), (0, "completed\n"), err)
            self.assertNotIn("does not exist yet", err)

    def test_a_job_that_is_never_created(self):
        for quiet in ([], ["-q"]):
            begun = time.monotonic()
            done = self.bide.command("wait", "never", "--timeout", "3s", *quiet)
            self.assertEqual((done.returncode, done.stdout), (9, ""), done.stderr)
            self.assertGreaterEqual(time.monotonic() - begun, 3)
            self.assertIn("timed out after 3s: never: does not exist yet", done.stderr)
        self.assertEqual(self.bide.command("wait", "never", "--no-wait-for-creation").returncode, 9)

    def test_list_and_stats(self):
        hostile = "no \x1b[2Jspace\u202e"
        jobs = [f"page-{n:03}" for n in range(205)]
        self.bide.put(*[definition(job, labels={"release": "a=b&c"}) for job in jobs],
                      event("page-000", "failed", error=hostile))
        mine = ("--label", "release=a=b&c")
        lines = self.ok("list", *mine, "--limit", "1000").splitlines()
        self.assertEqual(sorted(line.split("\t")[0] for line in lines), jobs)
        self.assertEqual(len(self.ok("list", *mine).splitlines()), 30)
        self.assertEqual(len(self.ok("list", *mine, "--limit", "101").splitlines()), 101)
        (failed,) = self.ok("list", *mine, "--status", "failed").splitlines()
        self.assertEqual(failed.split("\t")[:2] + failed.split("\t")[3:], ["page-000", "failed", "no  [2Jspace "])
        (state,) = json.loads(self.ok("list", *mine, "--status", "failed", "-o", "json"))
        self.assertEqual((state["id"], state["error"]), ("page-000", hostile))
        states = self.ok("list", *mine, "--limit", "1000", "-o", "jsonl").splitlines()
        self.assertEqual(sorted(json.loads(state)["id"] for state in states), jobs)
        self.assertEqual(self.ok("list", "--label", "release=none", "-o", "json"), "[]\n")
        counts = dict(line.split() for line in self.ok("stats", *mine).splitlines())
        self.assertEqual((counts["failed"], counts["submitted"], counts["total"]), ("1", "204", "205"))
        self.assertEqual(json.loads(self.ok("stats", *mine, "-o", "json"))["total_jobs"], 205)
        for words in (["x"], ["--status", "done"], ["--limit", "0"], ["--limit", "1x"], ["--label", "A=b"], ["-o", "yaml"]):
            self.assertEqual(self.bide.command("list", *words).returncode, 2, words)
        self.assertEqual(self.bide.command("list", "--server", "http://127.0.0.1:1").returncode, 1)

    def test_get_many(self):
        self.bide.put(definition("many-1"), event("many-1", "completed"),
                      definition("many-2"), event("many-2", "failed", error="no space"))
        done = self.bide.command("get", "many-2", "many-0", "many-1", "many-2")
        self.assertEqual((done.returncode, done.stdout), (9, "many-2 failed\nmany-1 completed\n"))
        self.assertEqual(done.stderr, "bide get: many-2: no space\nbide get: many-0: not found\n")
        done = self.bide.command("get", "many-2", "many-0", "many-1", "-o", "json")
        states = json.loads(done.stdout)
        self.assertEqual([state and state["status"] for state in states], ["failed", None, "completed"])
        done = self.bide.command("get", "many-2", "many-1", "-o", "jsonl")
        self.assertEqual((done.returncode, len(done.stdout.splitlines()), done.stderr), (5, 2, ""))
        self.assertEqual(self.bide.command("get", *[f"j{n}" for n in range(257)]).returncode, 2)

    def test_jq(self):
        self.bide.put(definition("jq-1"), event("jq-1", "failed", error="no\x1b space"),
                      definition("jq-2"), event("jq-2", "completed"))
        done = self.bide.command("get", "jq-1", "--jq", ".id, .error, {status}")
        self.assertEqual((done.returncode, done.stdout), (5, 'jq-1\nno\x1b space\n{"status":"failed"}\n'), done.stderr)
        done = self.bide.command("get", "jq-1", "jq-2", "--jq", "length")
        self.assertEqual(done.stdout, "2\n")
        done = self.bide.command("wait", "jq-1", "jq-2", "-q", "-o", "jsonl", "--jq", ".status")
        self.assertEqual((done.returncode, sorted(done.stdout.split())), (5, ["completed", "failed"]), done.stderr)
        self.assertEqual(self.ok("stats", "--jq", ".total_jobs > 1"), "true\n")
        self.assertIn("jq-2", self.ok("list", "--limit", "1000", "--jq", ".[].id").splitlines())
        done = self.bide.command("get", "jq-1", "--jq", ".id.x")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("--jq: Cannot index string", done.stderr)
        for words in (["get", "jq-1", "--jq", ".["], ["list", "--jq", "nope"], ["get", "jq-1", "--jq", ".", "-o", "text"],
                      ["wait", "jq-1", "--jq", "import \"x\" as x; ."]):
            done = self.bide.command(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertRegex(done.stderr, "^bide [a-z]+: --jq: .+\n$")

    # The thread sanitizer delivers a signal when the program calls something that it knows.
    @unittest.skipIf(os.environ.get("TESTED_SANITIZER") == "thread", "signals do not interrupt libjq")
    def test_a_filter_without_an_end_can_be_ended(self):
        self.bide.put(definition("endless"))
        for number in (signal.SIGINT, signal.SIGTERM):
            running = subprocess.Popen([BIDE, "get", "endless", "--jq", '"begun", def f: f; f'], stdout=subprocess.PIPE,
                                       env=dict(self.bide.env, BIDE_SERVER=self.bide.url), text=True)
            # It computes, so it has the answer and runs the filter.
            wait_until(lambda running=running: processor_seconds(running.pid) > 0.2, "the filter runs")
            running.send_signal(number)
            self.assertEqual(running.wait(20), 128 + number)
            running.stdout.close()

    def test_wait_for_a_selection(self):
        labels = {"release": "w 1"}
        self.bide.put(definition("sel-1", labels=labels), definition("sel-2", labels=labels), event("sel-1", "completed"))
        command = ("wait", "--label", "release=w 1")
        done = self.bide.command(*command, "--timeout", "500ms")
        self.assertEqual(done.returncode, 124)
        self.assertIn("release=w 1: processing, 1/2 jobs done", done.stderr)
        done = self.bide.command(*command, "--any", "--timeout", "20s")
        self.assertEqual((done.returncode, done.stdout), (0, "sel-1 completed\n"), done.stderr)
        waiting = self.later(*command)
        failing = self.later(*command, "--fail-fast", "-o", "json")
        # One for each job of each.
        self.bide.wait_metric("bide_parked", 2)
        self.bide.put(definition("sel-3", labels=labels))
        self.bide.put(event("sel-2", "failed", error="no space"))
        out, err = failing.communicate(timeout=30)
        self.assertEqual(failing.returncode, 5, err)
        self.assertEqual({job["id"]: job["status"] for job in json.loads(out)},
                         {"sel-1": "completed", "sel-2": "failed", "sel-3": "submitted"})
        self.bide.put(event("sel-3", "completed"))
        out, err = waiting.communicate(timeout=30)
        self.assertEqual((waiting.returncode, sorted(out.splitlines())),
                         (5, ["sel-1 completed", "sel-2 failed", "sel-3 completed"]), err)
        self.assertIn("release=w 1: failed, 3/3 jobs done: sel-2: no space (", err)
        done = self.bide.command("wait", "--label", "release=none", "--no-wait-for-creation")
        self.assertEqual((done.returncode, done.stdout), (9, ""), done.stderr)
        self.assertEqual(self.bide.command("wait", "--label", "release=none", "--timeout", "300ms").returncode, 9)
        for words in (["x", "--label", "a=b"], ["--label", "a=b", "--until", "exists"], ["--label", "a"],
                      ["x", "--any", "--fail-fast"]):
            self.assertEqual(self.bide.command("wait", *words).returncode, 2, words)

    def test_more_jobs_than_a_selection_may_have(self):
        self.bide.put(*[definition(f"many-jobs-{n}", labels={"many": "jobs"}) for n in range(257)])
        done = self.bide.command("wait", "--label", "many=jobs", "--timeout", "20s")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn("256", done.stderr)

    def test_fail_fast(self):
        self.bide.put(definition("fast-1"), definition("fast-2"), definition("fast-3"), event("fast-1", "completed"))
        waiting = self.later("wait", "fast-1", "fast-2", "fast-3", "--fail-fast")
        self.bide.wait_metric("bide_parked", 2)
        outlive_half_close()
        self.bide.put(event("fast-2", "failed", error="no space"))
        out, err = waiting.communicate(timeout=30)
        self.assertEqual((waiting.returncode, out), (5, "fast-1 completed\nfast-2 failed\n"), err)
        self.assertIn("fast-2: failed: no space (", err)
        self.assertNotIn("timed out", err)
        self.bide.wait_metric("bide_parked", 0)

    def later(self, *arguments):
        return subprocess.Popen([BIDE, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=dict(self.bide.env, BIDE_SERVER=self.bide.url))

    def test_standard_streams_may_be_closed(self):
        self.ok("emit", "closed", "started")
        self.exists("closed")
        waiting = subprocess.Popen(
            ["sh", "-c", 'exec "$0" wait closed --timeout 20s <&- 2>&-', BIDE], text=True,
            stdout=subprocess.PIPE, env=dict(self.bide.env, BIDE_SERVER=self.bide.url))
        self.bide.wait_metric("bide_parked", 1)
        self.ok("emit", "closed", "completed")
        self.assertEqual((waiting.communicate(timeout=30)[0], waiting.returncode), ("completed\n", 0))

    def test_answers_that_are_not_bides(self):
        class Proxy(http.server.BaseHTTPRequestHandler):
            answers = [(404, b"404 page not found\n", {}), (200, b"<html>", {}),
                       (200, b"completed\n", {"Bide-Status": "completed", "Bide-Final": "true"})]

            def do_GET(self):
                status, body, fields = self.answers.pop(0)
                self.send_response(status)
                for name, value in {**fields, "Content-Length": len(body)}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            done = self.bide.command("wait", "r", "--timeout", "30s", "--server",
                                     f"http://127.0.0.1:{proxy.server_port}")
            proxy.shutdown()
        self.assertEqual((done.stdout, done.returncode), ("completed\n", 0), done.stderr)
        self.assertIn("404", done.stderr)
        done = self.bide.command("get", "r", "--server", self.bide.url + "/nowhere")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such resource", done.stderr)

    def test_any_number_and_any_encoding(self):
        numbers = ["1e309", "-1e999", "0e400", "0.0e999999999", "1" + "0" * 309]
        data = '{"n":[' + ",".join(numbers) + r'],"s":"\ud800","error":"\udc00!"}'
        self.ok("emit", "numbers", "define", "--operation", data)
        self.bide.put(("responses.numbers.a.1", ('{"status":"failed","data":%s}' % data).encode()))
        self.ok("emit", "numbers", "failed", "--data", data)
        self.exists("numbers")
        done = self.bide.command("wait", "numbers", "-o", "json")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn('"operation":' + data, done.stdout)
        self.assertIn('"result":' + data, done.stdout)
        self.assertIn("\ufffd!", done.stderr)

        done = self.bide.command("emit", "latin", "failed", "--error", b"caf\xe9")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("--error is not UTF-8", done.stderr)
        self.exists("latin")
        done = self.bide.command("wait", "latin")
        self.assertEqual(done.returncode, 5)
        self.assertIn("caf\ufffd", done.stderr)


class Unauthorized(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class NotAllowed(unittest.TestCase):
    def test_401_is_exit_code_4(self):
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unauthorized) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            env = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}
            env["BIDE_SERVER"] = f"http://127.0.0.1:{server.server_port}"
            for command in ([os.path.join(EXAMPLES, "wait-for-job.sh"), "x"], [BIDE, "wait", "x"],
                            [BIDE, "get", "x"]):
                done = subprocess.run(command, env=env, capture_output=True, timeout=30, check=False)
                self.assertEqual(done.returncode, 4, command)
            server.shutdown()


class Restart(unittest.TestCase):
    def test_wait_rides_out_a_restart(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            env = dict(bide.env, BIDE_DATA_DIR=bide.data_dir)
            url, port = bide.url, bide.port
            waiting = subprocess.Popen([BIDE, "wait", "a", "--server", url, "--timeout", "60s"],
                                       env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            wait_until(lambda: bide.metric("bide_parked") >= 1, "bide wait is held")
            parked = bide.metric("bide_parked")
            script = subprocess.Popen([os.path.join(EXAMPLES, "wait-for-job.sh"), "a", "60"],
                                      env=dict(env, BIDE_SERVER=url), stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True)
            wait_until(lambda: bide.metric("bide_parked") > parked, "wait-for-job.sh is held")
            bide.nats.close()
            bide.nats = None
            self.assertEqual(bide.terminate(), 0)
            bide.listen_port = port
            bide.start()
            bide.put(event("a", "completed"))
            out, err = waiting.communicate(timeout=60)
            self.assertEqual((waiting.returncode, out), (0, "completed\n"), err)
            out, err = script.communicate(timeout=60)
            self.assertEqual(script.returncode, 0, err)
            self.assertIn('"status":"completed"', out)


if __name__ == "__main__":
    unittest.main()
