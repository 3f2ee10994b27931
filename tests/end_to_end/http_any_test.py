"""http_any: what conformance suites may see of bide's parser: a 200 for all that it lets in."""
import os
import signal
import socket
import subprocess
import unittest

from harness import PATIENCE_S
from rig.http import receive_all

HTTP_ANY = os.path.abspath(os.environ.get("TESTED_HTTP_ANY", "build/release/tests/http_any"))


class HttpAny(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen([HTTP_ANY, "--listen", "127.0.0.1:0"],
                                       stdout=subprocess.PIPE, text=True)
        cls.port = int(cls.process.stdout.readline().strip().rpartition(":")[2])

    @classmethod
    def tearDownClass(cls):
        cls.process.send_signal(signal.SIGTERM)
        code = cls.process.wait(PATIENCE_S)
        cls.process.stdout.close()
        assert code == 0, f"http_any ended with {code}"

    def ask(self, request):
        """All that is answered, up to the end of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return receive_all(client)

    def test_what_is_let_in_is_told(self):
        answer = self.ask(b"BREW /%61%2F?x=1+2 HTTP/1.7\r\nHost: any.example\r\nAccept: */*\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n5;a=\"b\" ;c\r\nhello\r\n0\r\n\r\n"
                          b"GET / HTTP/1.0\r\n\r\n")
        first, _, second = answer.partition(b"HTTP/1.1 200 OK\r\n")[2].partition(b"HTTP/1.1 200 OK\r\n")
        self.assertEqual(first.partition(b"\r\n\r\n")[2],
                         b"BREW /%61%2F?x=1+2 HTTP/1.1\npath /a%2F\nparameter x=1 2\nfield Accept: */*\n")
        self.assertEqual(second.partition(b"\r\n\r\n")[2], b"GET / HTTP/1.0\npath /\n")

    def test_what_is_not_is_refused(self):
        chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        for request, status in (
                *((chunked + b"5" + extension + b"\r\nhello\r\n0\r\n\r\n", 400)
                  for extension in (b";", b";=x", b";a=", b";;", b";a b", b";bad[=x")),
                (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
                (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
                (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
                (b"GET / HTTP/1.1\r\n\r\n", 400),
                (b"GET /" + b"a" * 12288 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414)):
            with self.subTest(request=request[:120]):
                answer = self.ask(request)
                self.assertEqual(answer[:13], b"HTTP/1.1 %d " % status)
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1)


if __name__ == "__main__":
    unittest.main()
