"""bide behind nginx, HAProxy and Caddy, configured as docs/proxies.md says: nothing is lost, held up or kept."""
import unittest

from harness import Bide, definition, event, outlive_half_close, request, wait_until
from proxies import Caddy, Haproxy, HaproxyTcp, Nginx
from streams import CurlStream, Script


class BehindProxy:
    """What holds behind any proxy; the subclasses say which."""

    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "all", "--wait-jitter", "0", "--trusted-proxy", "127.0.0.1").start()
        cls.bide.listen_port = cls.bide.port
        cls.proxy = cls.make_proxy().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.proxy.__exit__()
        cls.bide.__exit__()

    def open_stream(self, job):
        stream = CurlStream(f"{self.proxy.url}/job/{job}/events")
        self.addCleanup(stream.close)
        stream.next("hello")
        return stream

    def open_socket(self, job, proxy=None):
        port = (proxy or self.proxy).port
        script = Script("websocket.mjs", f"ws://127.0.0.1:{port}/job/{job}/ws",
                        f"http://127.0.0.1:{port}", "bide.v1")
        self.addCleanup(script.close)
        return script

    def hold(self, target, *arguments):
        parked = self.bide.metric("bide_requests_parked_total")
        curl = self.proxy.curl_later(target, *arguments)
        wait_until(lambda: self.bide.metric("bide_requests_parked_total") > parked, "parked")
        return curl

    def test_long_polls_with_entity_tags(self):
        self.bide.put(definition("poll"))
        first = self.proxy.curl("/job/poll")
        self.assertEqual(first["ETag"], self.bide.curl("/job/poll")["ETag"])
        known = ("-H", f"If-None-Match: {first['ETag']}")
        self.assertEqual(self.proxy.curl("/job/poll", *known).status, 304)
        self.assertEqual(self.proxy.curl("/job/poll?wait=500ms", *known)["Bide-Outcome"], "timeout")
        held = self.hold("/job/poll?wait=30s", *known)
        self.bide.put(event("poll", "started"))
        news = self.bide.finish(held)
        self.assertEqual((news.status, news["Bide-Outcome"]), (200, "changed"))

    def test_records_arrive_at_once(self):
        self.bide.put(definition("live"))
        stream = self.open_stream("live")
        stream.next("job")
        self.bide.put(event("live", "started"))
        self.assertEqual(stream.next("job", patience_s=2).data["status"], "processing")
        self.bide.put(event("live", "completed"))
        self.assertEqual([record.event for record in stream.rest()], ["job", "end"])

    def test_web_socket(self):
        self.bide.put(definition("ws"))
        script = self.open_socket("ws")
        self.assertEqual(script.wait_for(said="connected")["protocol"], "bide.v1")
        script.wait_for(event="job")
        self.bide.put(event("ws", "completed"))
        self.assertEqual(script.wait_for(event="job", patience_s=2)["data"]["status"], "completed")
        script.wait_for(said="closed", code=1000)

    def test_the_connection_to_bide_is_kept(self):
        self.bide.put(definition("kept"))
        before = self.bide.metric("bide_connections_total")
        for _ in range(20):
            self.assertEqual(self.proxy.curl("/job/kept").status, 200)
        # Some are the proxy's looks at bide's health, of which a busy machine sees more meanwhile.
        self.assertLess(self.bide.metric("bide_connections_total") - before, 15)

    def test_clients_are_told_apart(self):
        self.bide.put(definition("whose"))
        forged = ("-H", "X-Forwarded-For: 6.6.6.6")
        self.assertEqual(self.proxy.curl("/job/whose", "--interface", "127.0.0.2", *forged).status, 200)
        line = wait_until(lambda: next((line for line in self.bide.log_text().splitlines() if "/job/whose" in line), None),
                          "the access log has the request")
        self.assertIn('"client":"127.0.0.2"', line)

    def test_who_hangs_up_is_unparked(self):
        self.bide.put(definition("left"))
        held = self.hold("/job/left?wait=50s&until=done")
        outlive_half_close()
        held.kill()
        held.communicate()
        self.bide.wait_metric("bide_parked", 0, patience_s=5)
        stream = self.open_stream("left")
        stream.next("job")
        self.bide.wait_metric("bide_parked", 1)
        outlive_half_close()
        stream.close()
        self.bide.wait_metric("bide_parked", 0, patience_s=5)

    def test_who_drops_a_web_socket_is_unparked(self):
        self.bide.put(definition("dropped"))
        script = self.open_socket("dropped")
        script.wait_for(event="job")
        self.bide.wait_metric("bide_parked", 1)
        script.close()
        self.bide.wait_metric("bide_parked", 0, patience_s=5)

    def test_a_restart_of_bide(self):
        self.bide.put(definition("restart"))
        tag = self.proxy.curl("/job/restart")["ETag"]
        held = self.hold("/job/restart?wait=30s", "-H", f"If-None-Match: {tag}")
        stream = self.open_stream("restart")
        known = stream.next("job")
        self.assertEqual(self.bide.terminate(), 0)
        answer = self.bide.finish(held)
        self.assertEqual((answer.status, answer["Bide-Outcome"]), (304, "drain"))
        self.assertIsNone(stream.next())
        self.bide.forget_worker()
        self.bide.start()
        wait_until(lambda: self.proxy.curl("/job/restart").status == 200, "served again")
        self.assertEqual(self.proxy.curl("/job/restart", "-H", f"If-None-Match: {tag}").status, 304)
        again = CurlStream(f"{self.proxy.url}/job/restart/events", "-H", f"Last-Event-ID: {known.id}")
        self.addCleanup(again.close)
        again.next("hello")
        self.bide.put(event("restart", "completed"))
        self.assertEqual([record.event for record in again.rest()], ["job", "end"])


class BehindNginx(BehindProxy, unittest.TestCase):
    @classmethod
    def make_proxy(cls):
        return Nginx(cls.bide)

    def test_weak_tags_of_gzip_are_as_good(self):
        self.bide.put(definition("zipped"))
        http = "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;"
        with Nginx(self.bide, http=http) as proxy:
            zipped = ("-H", "Accept-Encoding: gzip")
            first = proxy.curl("/job/zipped", *zipped)
            self.assertEqual(first["Content-Encoding"], "gzip")
            self.assertTrue(first["ETag"].startswith('W/"'), first["ETag"])
            known = (*zipped, "-H", f"If-None-Match: {first['ETag']}")
            self.assertEqual(proxy.curl("/job/zipped?wait=300ms", *known).status, 304)

    def test_what_a_web_socket_is_refused_without(self):
        self.bide.put(definition("refused"))
        for line, status in (("proxy_http_version 1.1;", 426),
                             ("proxy_set_header Upgrade $http_upgrade;", 426),
                             ("proxy_set_header Connection $bide_connection;", 426),
                             ("proxy_set_header Host $http_host;", 421)):
            with self.subTest(without=line), Nginx(self.bide, (line, "")) as proxy:
                script = self.open_socket("refused", proxy)
                script.wait_for(said="refused", status=status)


class BehindHaproxy(BehindProxy, unittest.TestCase):
    @classmethod
    def make_proxy(cls):
        return Haproxy(cls.bide)


class BehindHaproxyByHttp2(BehindProxy, unittest.TestCase):
    @classmethod
    def make_proxy(cls):
        return Haproxy(cls.bide, ("default-server check", "default-server proto h2 ws h1 check"),
                       ("option httpchk GET /readyz",
                        "option httpchk\n  http-check send meth GET uri /readyz hdr Host localhost"))


class BehindHaproxyTcp(BehindProxy, unittest.TestCase):
    # Each client's connection is one to bide.
    test_the_connection_to_bide_is_kept = test_clients_are_told_apart = None

    @classmethod
    def make_proxy(cls):
        return HaproxyTcp(cls.bide)

    def test_connections_of_one_address_are_limited(self):
        self.bide.put(definition("limited"))
        with HaproxyTcp(self.bide, ("gt 20000", "gt 20")) as proxy:
            answered = 0
            for _ in range(40):
                try:
                    client = proxy.dial()
                    self.addCleanup(client.close)
                    client.sendall(request("/job/limited"))
                    answered += len(client.recv(1))
                except OSError:  # Reset.
                    pass
            # The first to connect was the one that waited for the proxy.
            self.assertIn(answered, (19, 20))


class BehindCaddy(BehindProxy, unittest.TestCase):
    @classmethod
    def make_proxy(cls):
        return Caddy(cls.bide)


class Time(unittest.TestCase):
    def test_a_timeout_below_max_wait_ends_held_requests_as_504(self):
        with Bide("--access-log", "off", "--max-wait", "3s") as bide:
            bide.put(definition("late"))
            for make_proxy in (Nginx, Haproxy):
                with self.subTest(make_proxy.__name__), make_proxy(bide, ("75s", "1s")) as proxy:
                    self.assertEqual(proxy.curl("/job/late?wait=55s&until=done").status, 504)
                    self.assertEqual(proxy.curl("/job/late?wait=300ms&until=done").status, 200)

    def test_a_timeout_above_the_heartbeats_lets_long_waits_and_quiet_streams_be(self):
        with (Bide("--access-log", "off", "--wait-jitter", "0", "--max-wait", "32s") as bide,
              Nginx(bide, ("75s", "34s")) as nginx, Haproxy(bide, ("75s", "34s")) as haproxy):
            bide.put(definition("long"))
            held, streams, sockets = [], [], []
            for proxy in (nginx, haproxy):
                held.append(proxy.curl_later("/job/long?wait=55s&until=done"))
                streams.append(CurlStream(f"{proxy.url}/job/long/events"))
                sockets.append(Script("websocket.mjs", f"ws://127.0.0.1:{proxy.port}/job/long/ws"))
                self.addCleanup(streams[-1].close)
                self.addCleanup(sockets[-1].close)
            for stream in streams:
                stream.wait_heartbeat()
            for script in sockets:
                script.wait_for(said="ping", patience_s=30)
            for curl in held:
                response = bide.finish(curl)
                self.assertEqual((response.status, response["Bide-Outcome"]), (200, "timeout"))
                self.assertGreater(float(response["Bide-Waited"]), 30)
            bide.put(event("long", "completed"))
            for stream in streams:
                self.assertEqual([record.event for record in stream.rest()],
                                 ["hello", "job", "job", "end"])
            for script in sockets:
                script.wait_for(said="closed", code=1000)


if __name__ == "__main__":
    unittest.main()
