"""What goes wrong between a command and its server is said with its cause and its cure."""
import http.server
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from auth_test import SECRET, File, jwt
from harness import BIDE, Bide, definition, event
from tls_test import Certificates, TlsBide

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}


class Cures(unittest.TestCase):
    def says(self, code, words, *arguments, **env):
        """The command ends with `code`, and says it in one line that has all `words`."""
        done = subprocess.run([BIDE, *arguments], env=dict(CLEAN, **env), capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_no_such_host(self):
        self.says(1, ["cannot connect to http://no-such-host.invalid:80", "the name no-such-host.invalid does not resolve"],
                  "get", "x", "--server", "http://no-such-host.invalid")

    def test_connection_refused(self):
        with socket.socket() as unheard:  # Bound, and does not listen.
            unheard.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
            self.says(1, [f"cannot connect to {url}: connection refused", "`bide serve`"], "get", "x", BIDE_SERVER=url)
            self.says(1, ["connection refused"], "emit", "x", "started", "--server", url, "--timeout", "1ms")

    def test_answers_that_are_not_bides(self):
        class Other(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                moved = self.path.startswith("/moved")
                body = b"{}" if self.path.startswith("/json") else b""
                self.send_response(302 if moved else 200)
                if moved:
                    self.send_header("Location", "https://bide.example/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            self.says(1, ["answered 200", "not bide's answer", "is the URL right?"], "get", "x", BIDE_SERVER=url)
            for command in (["list"], ["stats"], ["stats", "-o", "json"]):
                self.says(1, ["the answer is not bide's"], *command, BIDE_SERVER=url + "/json")
            self.says(1, ["answered 302", "https://bide.example/"], "get", "x", BIDE_SERVER=url + "/moved")
            server.shutdown()

    def test_tls(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        trust = {"BIDE_CACERT": certificates.ca}
        certificates.make("server", "server")
        with TlsBide(certificates) as bide:
            self.says(1, [f"the certificate of {bide.url} does not verify", "--cacert"], "get", "x", BIDE_SERVER=bide.url)
            # The resolver takes this for 127.0.0.1; for a certificate it is a name.
            self.says(1, ["hostname mismatch", "it is for localhost, 127.0.0.1 and not for 127.1"], "get", "x",
                      BIDE_SERVER=f"https://127.1:{bide.port}", **trust)
            self.says(1, ["this port speaks HTTPS only"], "get", "x",
                      BIDE_SERVER=bide.url.replace("https", "http"))
        certificates.make("client", "client")
        with TlsBide(certificates, "--tls-client-ca", certificates.ca, client=certificates.path("client")) as bide:
            self.says(1, ["certificate required", "wants a client certificate"], "get", "x", BIDE_SERVER=bide.url, **trust)
        certificates.make("server", "server", days=0)
        bide = TlsBide(certificates)
        bide.context = ssl._create_unverified_context()
        with bide:
            self.says(1, ["certificate has expired on ", "clock"], "get", "x", BIDE_SERVER=bide.url, **trust)

    def test_no_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def hang_up():
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    with connection:
                        connection.recv(65536)

            threading.Thread(target=hang_up, daemon=True).start()
            self.says(1, ["lost the connection", "no answer", "https://?"], "get", "x",
                      BIDE_SERVER=f"http://127.0.0.1:{server.getsockname()[1]}")
            server.shutdown(socket.SHUT_RDWR)

    def test_http_is_not_tls(self):
        with Bide("--access-log", "off") as bide:
            self.says(1, ["the TLS handshake failed: wrong version number", "http://?"], "get", "x",
                      BIDE_SERVER=bide.url.replace("http", "https"))

    def test_tokens(self):
        scratch = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(scratch.cleanup)
        secret = File(scratch.name, "secret", SECRET)
        bide = Bide("--access-log", "off", "--auth", "jwt", "--jwt-secret-file", secret.path, "--jwt-audience", "bide")
        bide.credentials = ("Authorization: Bearer " + jwt(aud="bide"),)
        with bide:
            bide.put(definition("a"), event("a", "completed"))
            env = {"BIDE_SERVER": bide.url}
            got = subprocess.run([BIDE, "get", "a"], env=dict(CLEAN, BIDE_TOKEN=jwt(aud="bide"), **env),
                                 capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((got.stdout, got.stderr, got.returncode), ("completed\n", "", 0))
            for command in (["get", "a"], ["emit", "a", "failed"], ["delete", "a"], ["wait", "a"], ["list"], ["stats"],
                            ["watch"], ["watch", "a"]):
                self.says(4, ["answered 401", "BIDE_TOKEN is not set"], *command, **env)
                self.says(4, ["the token is not valid here", "BIDE_TOKEN needs a token that is valid"], *command,
                          BIDE_TOKEN="secret", **env)
                self.says(4, ["the token has expired; get a new one", "BIDE_TOKEN"], *command,
                          BIDE_TOKEN=jwt(lasts_s=-60, aud="bide"), **env)
                self.says(4, ["answered 403", "job:", "BIDE_TOKEN"], *command,
                          BIDE_TOKEN=jwt(scope="mail:read", aud="bide"), **env)
            for command in (["emit", "a", "failed"], ["delete", "a"]):
                self.says(4, ["job:write is missing", "the token in BIDE_TOKEN must have job:write"], *command,
                          BIDE_TOKEN=jwt(aud="bide"), **env)
                self.says(4, ["the token is for other jobs only"], *command,
                          BIDE_TOKEN=jwt(aud="bide", scope="job:read job:write", bide_jobs=["b*"]), **env)

    def test_a_token_that_expires_while_jobs_are_watched(self):
        scratch = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(scratch.cleanup)
        secret = File(scratch.name, "secret", SECRET)
        bide = Bide("--access-log", "off", "--auth", "jwt", "--jwt-secret-file", secret.path)
        bide.credentials = ("Authorization: Bearer " + jwt(),)
        with bide:
            bide.put(definition("a"))
            for command in (["watch"], ["watch", "a"]):
                for lasts_s in (4, 8, 16, 32):  # On a slow machine the token may expire before the stream begins.
                    done = subprocess.run(
                        [BIDE, *command], env=dict(CLEAN, BIDE_SERVER=bide.url, BIDE_TOKEN=jwt(lasts_s=lasts_s)),
                        capture_output=True, text=True, timeout=60, check=False)
                    if "answered 401" not in done.stderr:
                        break
                self.assertEqual((done.returncode, done.stderr), (4, "bide watch: BIDE_TOKEN has expired\n"), command)

    def test_words_that_are_nearly_right(self):
        for words, arguments in ((["no command `wiat`", "did you mean wait?"], ["wiat"]),
                                 (["no command `wiat`", "did you mean wait?"], ["help", "wiat"]),
                                 (["--outptu", "did you mean --output?"], ["get", "x", "--outptu", "json"]),
                                 (["-o: expected", "did you mean json?"], ["get", "x", "-o", "jsno"]),
                                 (["did you mean succeeded?"], ["wait", "x", "--until", "suceeded"]),
                                 (["did you mean completed?"], ["emit", "x", "complete"]),
                                 (["did you mean fish?"], ["completion", "fsih"]),
                                 (["--access-log", "did you mean off?"], ["serve", "--access-log", "of"])):
            self.says(2, words, *arguments)
        # The first says what is ignored, the second what then happens.
        done = subprocess.run([BIDE, "get", "x", "--server", "http://127.0.0.1:1"], capture_output=True, text=True,
                              env=dict(CLEAN, BIDE_SERVR="x", BIDE_SERVICE_HOST="10.0.0.1"), timeout=60, check=False)
        self.assertEqual(done.stderr.splitlines()[0],
                         "bide get: warning: BIDE_SERVR: no such setting; did you mean BIDE_SERVER? it is ignored")
        self.assertNotIn("SERVICE_HOST", done.stderr)


if __name__ == "__main__":
    unittest.main()
