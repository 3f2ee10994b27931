"""HTTP/2 with the real clients: curl, nghttp, h2load, Node's http2, Go's net/http, Python's h2, Chromium."""
import json
import os
import re
import socket
import subprocess
import tempfile
import unittest

import h2.connection
import h2.events

from harness import PATIENCE_S, Bide, definition, event, wait_until
from streams import Script
from tls_test import Certificates, TlsBide

PLAIN = ["--http2-prior-knowledge"]


def run(*command, timeout=30, **more):
    return subprocess.run(command, capture_output=True, timeout=timeout, check=True, **more).stdout.decode()


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.dir.cleanup)
        cls.certificates.make("server", "server")
        cls.plain = cls.enterClassContext(Bide("--access-log", "all"))
        cls.tls = cls.enterClassContext(TlsBide(cls.certificates))

    def url(self, bide, target):
        return f"{'https' if bide is self.tls else 'http'}://127.0.0.1:{bide.port}{target}"

    def curl(self, bide, target, *flags):
        mode = ["--http2", *self.tls.curl_flags] if bide is self.tls else PLAIN
        return run("curl", "-sS", "-m", "20", *mode, *flags, self.url(bide, target))

    def test_curl(self):
        for bide in (self.plain, self.tls):
            with self.subTest(bide.port):
                bide.put(definition("curled"))
                first = self.curl(bide, "/job/curled", "-D", "-", "-o", "/dev/null", "-w", "%{http_version}")
                self.assertTrue(first.startswith("HTTP/2 200"), first)
                self.assertTrue(first.endswith("2"), first)
                tag = re.search(r"^etag: (.*?)\r$", first, re.MULTILINE)[1]
                same = self.curl(bide, "/job/curled", "-H", f"If-None-Match: {tag}", "-w", "%{http_code}")
                self.assertEqual(same, "304")
                held = subprocess.Popen(["curl", "-sS", "-m", "20", *(self.tls.curl_flags if bide is self.tls else PLAIN),
                                         self.url(bide, "/job/curled?until=done&wait=20s")], stdout=subprocess.PIPE)
                bide.wait_metric("bide_parked", 1)
                bide.put(event("curled", "completed"))
                self.assertEqual(json.loads(held.communicate(timeout=20)[0])["status"], "completed")

    def test_reports(self):
        for bide in (self.plain, self.tls):
            with self.subTest(bide.port):
                made = self.curl(bide, "/job/reported", "-X", "PUT", "-H", "content-type: application/json", "-d", "{}",
                                 "-o", "/dev/null", "-w", "%{http_code}")
                self.assertEqual(made, "201")
                told = self.curl(bide, "/job/reported/events", "-d", "exit=0", "-o", "/dev/null", "-w", "%{http_code}")
                self.assertEqual(told, "201")
                self.assertEqual(json.loads(self.curl(bide, "/job/reported"))["status"], "completed")

    def test_events(self):
        for bide in (self.plain, self.tls):
            with self.subTest(bide.port):
                bide.put(definition("followed"))
                bide.put(event("followed", "completed"))
                told = self.curl(bide, "/job/followed/events", "-N")
                self.assertTrue(told.startswith("retry: 2000\nevent: hello\n"), told[:80])
                self.assertIn("event: end\n", told)

    def test_a_web_socket_stays_on_http_1_1(self):
        answer = self.curl(self.plain, "/job/any/ws", "-i")
        self.assertTrue(answer.startswith("HTTP/2 426"), answer)
        self.assertNotIn("\nupgrade:", answer)

    def test_nghttp(self):
        said = run("nghttp", "-nv", self.url(self.plain, "/livez"))
        self.assertIn("recv (stream_id=13) :status: 200", said)
        self.assertNotIn("RST_STREAM", said)

    def test_h2load(self):
        self.plain.put(definition("loaded"))
        for bide, count in ((self.plain, 20_000), (self.tls, 5_000)):
            bide.put(definition("loaded"))
            said = run("h2load", "-n", str(count), "-c", "8", "-m", "32", self.url(bide, "/job/loaded"))
            self.assertIn(f"{count} done, {count} succeeded, 0 failed, 0 errored, 0 timeout", said)

    def test_node(self):
        self.tls.put(definition("nodes"))
        script = """
          import http2 from "node:http2";
          import fs from "node:fs";
          const session = http2.connect(process.argv[1], {ca: fs.readFileSync(process.argv[2])});
          const ask = (path) => new Promise((resolve, reject) => {
            const request = session.request({":path": path});
            let body = "", status;
            request.on("response", (fields) => { status = fields[":status"]; });
            request.on("data", (bytes) => { body += bytes; });
            request.on("end", () => resolve([status, body]));
            request.on("error", reject);
            request.end();
          });
          const all = await Promise.all(Array.from({length: 50}, (_, i) => ask(i % 2 ? "/job/nodes" : "/job/nobody")));
          console.log(all.map(([status]) => status).join(","));
          session.close();
        """
        said = run("node", "--input-type=module", "-e", script, "--", self.url(self.tls, ""), self.certificates.ca)
        self.assertEqual(said.strip(), ",".join(["404", "200"] * 25))

    def test_go(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="bide-e2e-"))
        program = os.path.join(folder, "client")
        subprocess.run(["go", "build", "-o", program, os.path.join(os.path.dirname(__file__), "http2_client.go")],
                       check=True, timeout=200,
                       env={**os.environ, "GOPROXY": "off", "GO111MODULE": "off", "CGO_ENABLED": "0"})
        self.tls.put(definition("gone"))
        client = subprocess.Popen([program, self.url(self.tls, "/job/gone"), self.certificates.ca], stdout=subprocess.PIPE)
        self.tls.wait_metric("bide_parked", 100)
        self.tls.put(event("gone", "completed"))
        self.assertEqual(client.communicate(timeout=60)[0].decode(), "map[HTTP/2.0 200:100] 1\n")

    def test_python_h2(self):
        """A hundred held on one connection, and one of them taken back."""
        self.plain.put(definition("pythons"))
        link = socket.create_connection(("127.0.0.1", self.plain.port), timeout=20)
        self.addCleanup(link.close)
        client = h2.connection.H2Connection()
        client.initiate_connection()
        streams = []
        for _ in range(100):
            streams.append(client.get_next_available_stream_id())
            client.send_headers(streams[-1], [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"),
                                              (":path", "/job/pythons?until=done&wait=30s")], end_stream=True)
        link.sendall(client.data_to_send())
        self.plain.wait_metric("bide_parked", 100)
        client.reset_stream(streams[0])
        link.sendall(client.data_to_send())
        self.plain.wait_metric("bide_parked", 99)
        self.plain.put(event("pythons", "completed"))
        ended = set()
        while len(ended) < 99:
            bytes_read = link.recv(65_536)
            self.assertTrue(bytes_read)
            for one in client.receive_data(bytes_read):
                if isinstance(one, h2.events.StreamEnded):
                    ended.add(one.stream_id)
                if isinstance(one, h2.events.DataReceived):
                    client.acknowledge_received_data(one.flow_controlled_length, one.stream_id)
            link.sendall(client.data_to_send())
        self.assertEqual(ended, set(streams[1:]))

    def test_twenty_tabs_of_a_browser(self):
        """Over HTTP/1.1 a browser opens six connections to a host, and the seventh stream waits for ever."""
        self.tls.put(definition("tabs"))
        tabs = Script("tabs.mjs", f"https://127.0.0.1:{self.tls.port}", "tabs", "20")
        self.addCleanup(tabs.close)
        tabs.wait_for(said="open", patience_s=60)
        self.assertEqual(self.tls.metric('bide_parked{kind="job",road="events"}'), 20)
        self.tls.put(event("tabs", "completed"))
        tabs.wait_for(said="ended")
        tabs.process.stdin.close()
        self.assertEqual(tabs.process.wait(PATIENCE_S), 0)

    def test_metrics_and_log_name_the_protocol(self):
        self.curl(self.plain, "/version")
        self.assertGreater(self.plain.metric('bide_responses_total{class="4xx",protocol="http2"}'), 0)
        wait_until(lambda: '"protocol":"HTTP/2","method":"GET","path":"-","status":404' in self.plain.log_text(),
                   "the access log names the protocol")


if __name__ == "__main__":
    unittest.main()
