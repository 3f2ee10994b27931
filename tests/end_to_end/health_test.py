"""`bide health`: ready or not, and why not, in one line."""
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIDE, PATIENCE_S, Bide, wait_until
from tls_test import Certificates, TlsBide

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}


class AnswersWith:
    """A server that sends these bytes to each client, and leaves the connection open."""

    def __init__(self, *pieces, pause_s=0.0):
        self.pieces, self.pause_s = pieces, pause_s

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self):
        with contextlib.ExitStack() as connections, contextlib.suppress(OSError):
            while True:
                connection = connections.enter_context(self.listener.accept()[0])
                connection.recv(65536)
                for piece in self.pieces:
                    connection.sendall(piece)
                    time.sleep(self.pause_s)

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def answer(status, body, fields=b""):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), fields, body)


class Health(unittest.TestCase):
    def check(self, *arguments, **env):
        """The exit code, and what was said. stdout is empty."""
        done = subprocess.run([BIDE, "health", *arguments], env=dict(CLEAN, **env), capture_output=True, text=True,
                              timeout=PATIENCE_S * 2, check=False)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), done.returncode != 0, done.stderr)
        return done.returncode, done.stderr

    def unhealthy(self, words, *arguments, **env):
        code, said = self.check(*arguments, **env)
        self.assertEqual(code, 1, said)
        for word in ("bide health: ", *words):
            self.assertIn(word, said)

    def test_ready_until_it_ends(self):
        with tempfile.TemporaryDirectory(prefix="bide-e2e-") as scratch:
            path = os.path.join(scratch, "socket")
            with Bide("--listen", "127.0.0.1:0", "--listen", f"unix:{path}") as bide:
                self.assertEqual(self.check(BIDE_SERVER=bide.url), (0, ""))
                self.assertEqual(self.check("--server", f"unix:{path}"), (0, ""))
                self.unhealthy(["answered 404"], BIDE_SERVER=bide.url + "/api")
            self.unhealthy(["connection refused", "`bide serve`"], BIDE_SERVER=bide.url)

    def test_tls(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "server")
        with TlsBide(certificates) as bide:
            self.assertEqual(self.check("--server", bide.url, "--cacert", certificates.ca), (0, ""))
            self.unhealthy(["does not verify"], "--server", bide.url)

    def test_jobs_that_cannot_be_read_yet(self):
        with tempfile.TemporaryDirectory(prefix="bide-e2e-") as scratch:
            path = os.path.join(scratch, "socket")
            with subprocess.Popen([BIDE, "serve", "--listen", f"unix:{path}", "--nats", "nats://127.0.0.1:1"], env=CLEAN,
                                  stderr=subprocess.DEVNULL) as process:
                try:
                    wait_until(lambda: os.path.exists(path), "bide listens")
                    self.unhealthy(["not ready: the jobs are still being read from NATS"], "--server", f"unix:{path}")
                finally:
                    process.terminate()

    def test_draining(self):
        with Bide("--drain-delay", "1h") as bide:
            bide.process.send_signal(signal.SIGTERM)
            wait_until(lambda: self.check(BIDE_SERVER=bide.url)[0] == 1, "not ready any more")
            self.unhealthy(["not ready: the server is shutting down"], BIDE_SERVER=bide.url)

    def test_a_reason_cannot_move_the_cursor(self):
        with AnswersWith(answer(503, b'{"status":"not_ready","error":"the server is\\u001b[31m\\nshutting down"}')) as url:
            self.unhealthy(["not ready: the server is [31m shutting down"], BIDE_SERVER=url)

    def test_others_are_not_bide(self):
        for text in (answer(200, b"ok\n"), answer(200, b'{"status":"ok"}'), answer(200, b""), answer(404, b""),
                     answer(503, b'{"status":"ready"}'), answer(302, b"", b"Location: https://bide.example/\r\n")):
            with AnswersWith(text) as url:
                self.unhealthy(["is the URL right?"], BIDE_SERVER=url)

    def test_the_time_is_bounded(self):
        for pieces in ([], [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 300]):
            with AnswersWith(*pieces, pause_s=0.1) as url:
                begun = time.monotonic()
                self.unhealthy([f"no answer from {url}", "within 300ms"], "--timeout", "300ms", BIDE_SERVER=url)
                self.assertGreater(time.monotonic() - begun, 0.29)
        for wrong in ("0", "-1s", "soon"):
            code, said = self.check("--timeout", wrong)
            self.assertEqual(code, 2)
            self.assertIn("a time above 0", said)
        self.assertEqual(self.check("a-job")[0], 2)


if __name__ == "__main__":
    unittest.main()
