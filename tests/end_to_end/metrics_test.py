"""Metrics: that the text is right, that counters move as they should, and that a real Prometheus can
do with them what the dashboard and the alerts of examples/ ask for."""
import json
import os
import re
import signal
import socket
import unittest

from harness import PATIENCE_S, Bide, definition, event, wait_until
from rig.http import Response, receive_all
from prometheus import CONFIG, EXAMPLES, ROOT, RULES, Prometheus, promtool
from streams import CurlStream

DASHBOARD = os.path.join(EXAMPLES, "grafana", "bide-dashboard.json")
# Counters that no test moves by looking at the page.
WATCHED = re.compile(r"bide_(job_answers|requests_\w+|streams|stream_records|clients_\w+|connections_refused)_total"
                     r"|bide_(held|event_to_answer)_seconds_count")


def samples_of(page):
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:{.*})?) (\S+)$", page, re.M)}


def samples(bide):
    return samples_of(bide.get("/metrics").body.decode())


def outcome(word):
    return f'bide_job_answers_total{{outcome="{word}"}}'


REQUEST_NEWS = 'bide_event_to_answer_seconds_count{to="request"}'
STREAM_NEWS = 'bide_event_to_answer_seconds_count{to="stream"}'
HELD = {"bide_requests_parked_total": 1, "bide_held_seconds_count": 1}


class Files(unittest.TestCase):
    def test_alerts_and_configuration_are_valid_and_every_alert_works(self):
        promtool("check", "rules", RULES)
        promtool("check", "config", CONFIG)
        promtool("test", "rules", os.path.join(ROOT, "tests", "prometheus", "alerts_test.yml"))

    def test_every_alert_is_brought_about_by_the_unit_test(self):
        with open(RULES, encoding="utf-8") as rules:
            alerts = set(re.findall(r"- alert: (\w+)", rules.read()))
        with open(os.path.join(ROOT, "tests", "prometheus", "alerts_test.yml"), encoding="utf-8") as test:
            self.assertEqual(alerts, set(re.findall(r'alertname="(\w+)"', test.read())))

    def test_every_alert_is_explained(self):
        with open(RULES, encoding="utf-8") as rules:
            alerts = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", rules.read(), re.S)
        with open(os.path.join(ROOT, "docs", "operations.md"), encoding="utf-8") as page:
            self.assertEqual(re.findall(r"^\*\*(Bide\w+)\*\* \((\w+)\)\. ", page.read(), re.M), alerts)

    def test_the_dashboard_is_whole(self):
        dashboard = load_dashboard()
        self.assertGreaterEqual(dashboard["schemaVersion"], 36)
        self.assertIsNone(dashboard["id"])
        variables = {one["name"]: one for one in dashboard["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        panels = dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        self.assertEqual([panel["title"] for panel in panels if panel["type"] == "row"],
                         ["Traffic", "Parked", "Latency", "NATS and freshness",
                          "Losses, starts and stops", "Errors and refusals", "Process"])
        taken = set()
        for panel in panels:
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                     for y in range(at["y"], at["y"] + at["h"])}
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
            targets = panel.get("targets", [])
            self.assertEqual(panel["type"] == "row", not targets)
            self.assertEqual(len({target["refId"] for target in targets}), len(targets))
            for one in targets and [panel, *targets]:
                self.assertEqual(one["datasource"], {"type": "prometheus", "uid": "${datasource}"})
            used = set(re.findall(r"\$\{?(\w+)", json.dumps(panel)))
            self.assertLessEqual(used, set(variables) | {"__rate_interval"}, panel["title"])


class Counting(unittest.TestCase):
    """Each way a request ends moves what it should, and nothing else."""

    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off", "--wait-jitter", "0", "--max-parked", "3").start()
        cls.bide.put(definition("a"), event("a", "started"), definition("over"), event("over", "completed"))

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def setUp(self):
        self.before = samples(self.bide)

    def moved(self):
        now = samples(self.bide)
        return {name: value - self.before[name] for name, value in now.items()
                if WATCHED.match(name) and value != self.before[name]}

    def expect(self, moves):
        try:
            wait_until(lambda: self.moved() == moves, "", patience_s=5)
        except AssertionError:
            self.assertEqual(self.moved(), moves)

    def raw(self, request):
        with socket.create_connection(("127.0.0.1", self.bide.port), timeout=PATIENCE_S) as client:
            client.sendall(request)
            return Response(client.recv(65536)).status

    def held(self, target, kind="job"):
        curl = self.bide.curl_later(target)
        name = f'bide_parked{{kind="{kind}",road="request"}}'
        wait_until(lambda: samples(self.bide)[name] == 1, f"{target} is parked")
        return curl

    def test_now(self):
        self.bide.get("/job/a")
        self.expect({outcome("now"): 1})

    def test_changed(self):
        tag = self.bide.get("/job/a")["ETag"]
        curl = self.bide.curl_later("/job/a?wait=30s", "-H", f"If-None-Match: {tag}")
        self.bide.wait_metric("bide_parked", 1)
        self.bide.put(event("a", "started", agent="web-02", nano=2))
        self.assertEqual(Bide.finish(curl)["Bide-Outcome"], "changed")
        self.expect({outcome("now"): 1, outcome("changed"): 1, REQUEST_NEWS: 1, **HELD})

    def test_done(self):
        self.bide.put(definition("d"))
        curl = self.held("/job/d?until=done&wait=30s")
        self.bide.put(event("d", "completed"))
        Bide.finish(curl)
        self.expect({outcome("done"): 1, REQUEST_NEWS: 1, **HELD})

    def test_done_of_a_set(self):
        self.bide.put(definition("s"))
        curl = self.held("/job?id=s&id=over&until=done&wait=30s", "set")
        self.bide.put(event("s", "completed"))
        Bide.finish(curl)
        self.expect({outcome("done"): 1, REQUEST_NEWS: 1, **HELD})

    def test_timeout_is_no_news(self):
        self.bide.get("/job/a?until=done&wait=300ms")
        self.expect({outcome("timeout"): 1, **HELD})
        after = samples(self.bide)
        for bound, count in (("0.25", 0), ("0.5", 1), ("60", 1), ("+Inf", 1)):
            name = f'bide_held_seconds_bucket{{le="{bound}"}}'
            self.assertEqual(after[name] - self.before[name], count, name)

    def test_gone(self):
        self.bide.put(definition("g"))
        curl = self.held("/job/g?until=done&wait=30s")
        self.bide.put(("jobs.g", None))
        self.assertEqual(Bide.finish(curl).status, 404)
        self.expect({outcome("gone"): 1, REQUEST_NEWS: 1, **HELD})

    def test_shed_and_left(self):
        held = [self.bide.curl_later("/job/a?until=done&wait=30s") for _ in range(3)]
        self.bide.wait_metric("bide_parked", 3)
        self.assertEqual(self.bide.get("/job/a?until=done&wait=30s")["Bide-Outcome"], "shed")
        self.assertEqual(self.bide.metric("bide_parked_max"), 3)
        for curl in held:
            curl.kill()
            curl.communicate()
        self.expect({outcome("shed"): 1, 'bide_requests_refused_total{reason="shed"}': 1,
                     "bide_requests_parked_total": 3, "bide_clients_gone_total": 3})

    def test_the_parser_refuses(self):
        for request, status in (
                (b"GET / HTTP/1.1\r\n\r\n", 400),
                (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n", 413),
                (b"GET /" + b"a" * 13000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
                (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n", 417),
                (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
                (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505)):
            self.before = samples(self.bide)
            self.assertEqual(self.raw(request), status)
            self.expect({f'bide_requests_rejected_total{{status="{status}"}}': 1})

    def test_streams(self):
        self.bide.put(definition("told"))
        stream = CurlStream(self.bide.url + "/job/told/events")
        stream.next("hello")
        stream.next("job")
        wait_until(lambda: samples(self.bide)['bide_parked{kind="job",road="events"}'] == 1, "parked")
        self.assertEqual(samples(self.bide)['bide_streams_open{kind="job",road="events"}'], 1)
        self.bide.put(event("told", "completed"))
        stream.next("job")
        stream.next("end")
        stream.close()
        self.expect({'bide_streams_total{road="events"}': 1, "bide_stream_records_total": 2, STREAM_NEWS: 1})
        self.assertEqual(self.bide.metric("bide_streams_open"), 0)

    def test_what_is_always_true(self):
        page = self.bide.get("/metrics")
        self.assertEqual(page["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        promtool("check", "metrics", input=page.body.decode())
        now = samples_of(page.body.decode())
        for name in ("bide_held_seconds", "bide_service_seconds"):
            self.assertEqual(now[f'{name}_bucket{{le="+Inf"}}'], now[f"{name}_count"])
        self.assertEqual(now["bide_nats_connected"], 1)
        self.assertLess(now["bide_nats_contact_age_seconds"], 5)
        self.assertEqual(now["bide_revision_known"], now["bide_revision_applied"])
        self.assertEqual((now["bide_revision_lag"], now["bide_log_lines_dropped_total"]), (0, 0))
        with open(f"/proc/{self.bide.process.pid}/stat", encoding="ascii") as stat:
            resident_pages = int(stat.read().rpartition(")")[2].split()[21])
        resident = resident_pages * os.sysconf("SC_PAGE_SIZE")
        self.assertAlmostEqual(now["process_resident_memory_bytes"] / resident, 1, delta=0.1)
        self.assertEqual(now["process_threads"], len(os.listdir(f"/proc/{self.bide.process.pid}/task")))


class Drain(unittest.TestCase):
    @staticmethod
    def client(bide):
        return socket.create_connection(("127.0.0.1", bide.port), timeout=PATIENCE_S)

    def test_drained_requests_are_counted(self):
        with Bide("--access-log", "off") as bide:
            bide.put(definition("a"))
            # A request that is under way is still answered.
            with self.client(bide) as held, self.client(bide) as asking:
                held.sendall(b"GET /job/a?until=done&wait=30s HTTP/1.1\r\nHost: localhost\r\n\r\n")
                asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
                bide.wait_metric("bide_parked", 1)
                bide.wait_metric("bide_connections", 3)  # They have come; the third asks for this.
                bide.process.send_signal(signal.SIGTERM)
                # To its end: that comes when the answer has been counted.
                self.assertEqual(Response(receive_all(held))["Bide-Outcome"], "drain")
                asking.sendall(b"\r\n")
                page = receive_all(asking)
            now = samples_of(page.decode())
            self.assertEqual(now[outcome("drain")], 1)
            self.assertEqual(now["bide_held_seconds_count"], now["bide_requests_parked_total"])
            self.assertEqual((now["bide_parked{kind=\"job\",road=\"request\"}"], now[REQUEST_NEWS]), (0, 0))
            self.assertEqual(bide.process.wait(PATIENCE_S), 0)

    def test_a_server_that_leaves_says_so_and_how_many_it_holds(self):
        with Bide("--access-log", "off", "--drain-delay", "60s") as bide:
            bide.put(definition("a"))
            held = bide.curl_later("/job/a?until=done&wait=30s")
            bide.wait_metric("bide_parked", 1)
            self.assertEqual(bide.metric("bide_leaving"), 0)
            bide.process.send_signal(signal.SIGTERM)
            bide.wait_metric("bide_leaving", 1)
            self.assertEqual(bide.metric("bide_parked"), 1)
            self.assertEqual(bide.terminate(), 0)  # The second signal.
            self.assertEqual(bide.finish(held)["Bide-Outcome"], "drain")


def load_dashboard():
    with open(DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def dashboard_expressions():
    """As Grafana would send them, for a scrape a second."""
    for panel in load_dashboard()["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in (("$job", "bide"), ("$instance", ".*"), ("$__rate_interval", "10s")):
                expression = expression.replace(name, value)
            yield panel["title"], expression


class Watching(unittest.TestCase):
    def test_prometheus_gets_what_the_dashboard_and_the_alerts_ask_for(self):
        with Bide("--access-log", "off", "--wait-jitter", "0") as bide, Prometheus(bide.port) as prometheus:
            wait_until(lambda: prometheus.values("bide_ready") == [1], "Prometheus has scraped")
            self.traffic(bide)
            for title, expression in dashboard_expressions():
                with self.subTest(panel=title, expression=expression):
                    wait_until(lambda e=expression: numbers(prometheus.values(e)), f"{title} shows something")
            self.alerts(prometheus)
            self.names(prometheus, samples(bide))

    @staticmethod
    def traffic(bide):
        """Something for every histogram, after the first scrape."""
        bide.put(definition("a"), event("a", "acknowledged"))
        stream = CurlStream(bide.url + "/job/a/events")
        stream.next("hello")
        stream.next("job")
        curl = bide.curl_later("/job/a?until=processing,completed&wait=30s",
                               "-H", f"If-None-Match: {bide.get('/job/a')['ETag']}")
        held = bide.curl_later("/job/a?until=done&wait=30s")
        wait_until(lambda: samples(bide)['bide_parked{kind="job",road="events"}'] == 1, "the stream is parked")
        wait_until(lambda: samples(bide)['bide_parked{kind="job",road="request"}'] == 1, "a request is parked")
        bide.put(event("a", "completed", nano=2))
        Bide.finish(curl)
        Bide.finish(held)
        stream.close()

    def alerts(self, prometheus):
        """All are evaluated without an error, and a healthy server raises none."""
        def evaluated():
            rules = prometheus.ask("rules")["groups"][0]["rules"]
            return all(rule["health"] != "unknown" for rule in rules) and rules
        rules = wait_until(evaluated, "the alerts were evaluated")
        self.assertGreater(len(rules), 10)
        for rule in rules:
            self.assertEqual((rule["health"], rule["state"]), ("ok", "inactive"), rule)
            self.assertGreater(rule["duration"], 0, rule["name"])
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
            self.assertEqual(set(rule["annotations"]), {"summary", "description"})
            prometheus.ask("query", query=rule["query"])

    def names(self, prometheus, now):
        """Each metric that is asked for exists, and each that exists is described."""
        exposed = {name.partition("{")[0] for name in now}
        asked = "\n".join([expression for _, expression in dashboard_expressions()]
                          + [rule["query"] for rule in prometheus.ask("rules")["groups"][0]["rules"]])
        self.assertLessEqual(set(re.findall(r"\b(?:bide|process)_\w+", asked)), exposed)
        with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
            described = set(re.findall(r"`((?:bide|process)_\w+)", file.read()))
        self.assertEqual(families(described), families(exposed))


def families(names):
    return {re.sub("_(bucket|sum|count)$", "", name) for name in names}


def numbers(values):
    """A quantile of nothing is NaN, which equals nothing."""
    return [value for value in values if value == value]


if __name__ == "__main__":
    unittest.main()
