"""HTTPS with the real clients: curl, openssl, Python's ssl and websockets, and bide's own commands."""
import asyncio
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import websockets

from harness import BIDE, Bide, definition, event, wait_until
from rig.http import Response


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


class Certificates:
    """An authority, and what it signs, as PEM files in a folder."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.ca = self.path("ca.crt")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", "/CN=authority",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.path("ca.key"), "-out", self.ca)

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def make(self, name, common_name, kind=("-newkey", "rsa:2048"), days=2):
        """<name>.crt and <name>.key."""
        openssl("req", *kind, "-nodes", "-subj", f"/CN={common_name}", "-keyout", self.path(name + ".key"),
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", self.path(name + ".csr"))
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.ca, "-CAkey", self.path("ca.key"),
                "-CAcreateserial", "-copy_extensions", "copy", "-days", str(days), "-out", self.path(name + ".crt"))

    def list_revoked(self, *names):
        """Writes revoked.crl, which lists these and all that were listed before."""
        config = self.path("ca.cnf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca = authority\n[authority]\ndatabase = {self.path('index.txt')}\n"
                       "default_md = sha256\ndefault_crl_days = 2\n")
        with open(self.path("index.txt"), "a", encoding="ascii"):
            pass
        ca = ["ca", "-config", config, "-cert", self.ca, "-keyfile", self.path("ca.key")]
        for name in names:
            openssl(*ca, "-revoke", self.path(name + ".crt"))
        openssl(*ca, "-gencrl", "-out", self.path("new.crl"))
        os.replace(self.path("new.crl"), self.path("revoked.crl"))

    def flags(self, name="server"):
        return ["--tls-cert", self.path(name + ".crt"), "--tls-key", self.path(name + ".key")]


class TlsBide(Bide):
    """A server that speaks HTTPS, and clients that trust its authority."""

    def __init__(self, certificates, *flags, client=None):
        env = {"BIDE_CACERT": certificates.ca}
        super().__init__("--access-log", "off", *certificates.flags(), *flags, env=env)
        self.context = ssl.create_default_context(cafile=certificates.ca)
        self.curl_flags = ["--cacert", certificates.ca]
        if client:
            self.context.load_cert_chain(client + ".crt", client + ".key")
            self.curl_flags += ["--cert", client + ".crt", "--key", client + ".key"]

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def dial(self, context=None):
        return (context or self.context).wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=20),
                                                     server_hostname="localhost")

    def curl(self, target, *arguments):
        return super().curl(target, *self.curl_flags, *arguments)

    def curl_later(self, target, *arguments):
        return super().curl_later(target, *self.curl_flags, *arguments)

    def name_shown(self):
        with self.dial() as connection:
            return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]

    def reload(self, expected):
        """SIGHUP, until the log says what came of it."""
        before = self.log_text().count(expected)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log_text().count(expected) > before, f"the log says: {expected}")


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.dir.cleanup)
        cls.certificates.make("server", "first")
        cls.bide = cls.enterClassContext(TlsBide(cls.certificates))
        cls.bide.put(definition("large", operation={"blob": "x" * 900_000}))

    def test_versions_and_ciphers(self):
        for arguments in (["--tlsv1.3", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"],
                          ["--tlsv1.3", "--tls13-ciphers", "TLS_AES_256_GCM_SHA384"],
                          ["--tlsv1.3", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256", "--http2"],
                          ["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"],
                          ["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES256-GCM-SHA384"],
                          ["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-CHACHA20-POLY1305", "--curves", "P-256"]):
            with self.subTest(arguments):
                response = self.bide.curl("/job/large", *arguments)
                self.assertEqual(response.status, 200)
                self.assertEqual(len(response.json()["operation"]["blob"]), 900_000)
        for arguments in (["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
                          ["--tls-max", "1.2", "--ciphers", "AES128-SHA:ECDHE-RSA-AES128-SHA"]):
            with self.subTest(arguments), self.assertRaisesRegex(AssertionError, "alert"):
                self.bide.curl("/livez", *arguments)

    def test_held_reloaded_and_answered(self):
        for number in range(4):
            self.bide.put(definition(f"held-{number}"))
        held = [self.bide.curl_later(f"/job/held-{number}?until=done&wait=30s", "--tls-max", version)
                for number, version in enumerate(["1.2", "1.3", "1.2", "1.3"])]
        waiting = subprocess.Popen([BIDE, "wait", "held-0", "--until", "completed", "-q", "--server",
                                    f"https://localhost:{self.bide.port}"], env=self.bide.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.bide.wait_metric("bide_parked", 5)
        self.certificates.make("server", "second")
        self.bide.reload("read anew")
        self.assertEqual(self.bide.name_shown(), "second")
        with open(self.certificates.path("server.key"), "w", encoding="ascii"):
            pass
        self.bide.reload("holds no private key")
        self.assertEqual(self.bide.name_shown(), "second")
        self.assertEqual(self.bide.metric("bide_parked"), 5)
        self.bide.put(*[event(f"held-{number}", "completed") for number in range(4)])
        for curl in held:
            self.assertEqual(Bide.finish(curl)["Bide-Status"], "completed")
        out, err = waiting.communicate(timeout=20)
        self.assertEqual((out, err, waiting.returncode), ("completed\n", "", 0))

    def test_commands_verify(self):
        self.bide.put(definition("done"), event("done", "completed"))
        got = self.bide.command("get", "done")
        self.assertEqual((got.stdout, got.returncode), ("completed\n", 0))
        env = dict(self.bide.env, BIDE_SERVER=self.bide.url)
        del env["BIDE_CACERT"]
        refused = subprocess.run([BIDE, "get", "done"], env=env, capture_output=True, text=True, timeout=20,
                                 check=False)
        self.assertEqual((refused.stdout, refused.returncode), ("", 1))
        self.assertIn("does not verify", refused.stderr)
        missing = self.bide.command("get", "done", "--cacert", "/no/such")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("--cacert /no/such: cannot be read", missing.stderr)

    def test_streams(self):
        self.bide.put(definition("streamed"))
        events = subprocess.Popen(["curl", "-sSN", "--max-time", "30", *self.bide.curl_flags,
                                   self.bide.url + "/job/streamed/events"], stdout=subprocess.PIPE)

        async def talk():
            url = f"wss://localhost:{self.bide.port}/job/streamed/ws"
            async with websockets.connect(url, ssl=self.bide.context) as client:
                pong = await client.ping()
                await asyncio.wait_for(pong, 10)
                await asyncio.to_thread(self.bide.put, event("streamed", "completed"))
                said = [text async for text in client]
                return said, client.close_code

        said, code = asyncio.run(talk())
        self.assertEqual(code, 1000)
        self.assertIn('"event":"end"', said[-1])
        told = events.communicate(timeout=30)[0].decode()
        self.assertEqual(events.returncode, 0)  # The stream was ended, not cut off.
        self.assertIn("event: end\n", told)

    def test_openssl_client(self):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.bide.port}", "-CAfile",
                               self.certificates.ca, "-alpn", "http/1.1", "-ign_eof", "-verify_return_error"],
                              input=b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                              capture_output=True, timeout=20, check=True)
        out = done.stdout.decode()
        for expected in ("ALPN protocol: http/1.1", "Compression: NONE", "HTTP/1.1 200 OK", "\nclosed"):
            self.assertIn(expected, out)

    def test_plain_http_is_told(self):
        plain = subprocess.run(["curl", "-sS", "-i", f"http://127.0.0.1:{self.bide.port}/livez"],
                               capture_output=True, timeout=20, check=True)
        response = Response(plain.stdout)
        self.assertEqual(response.status, 400)
        self.assertIn("HTTPS", response.json()["detail"])


class ClientCertificates(unittest.TestCase):
    def test_demanded(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "server", kind=("-newkey", "ed25519"))
        certificates.make("client", "client")
        with TlsBide(certificates, "--tls-client-ca", certificates.ca, client=certificates.path("client")) as bide:
            for version in ("1.2", "1.3"):
                self.assertEqual(bide.curl("/livez", "--tls-max", version).status, 200)
                refused = subprocess.run(["curl", "-sS", "--cacert", certificates.ca, "--tls-max", version,
                                          bide.url + "/livez"], capture_output=True, timeout=20, check=False)
                self.assertNotEqual(refused.returncode, 0)
            wait_until(lambda: bide.metric("bide_tls_handshake_failures_total") == 2, "two are counted")
            self.assertIn("peer did not return a certificate", bide.log_text())

    def test_revoked(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        for name in ("server", "client", "stolen"):
            certificates.make(name, name)
        certificates.list_revoked()
        flags = ["--tls-client-ca", certificates.ca, "--tls-client-crl", certificates.path("revoked.crl")]
        stolen = ["--cert", certificates.path("stolen.crt"), "--key", certificates.path("stolen.key")]
        with TlsBide(certificates, *flags, client=certificates.path("client")) as bide:
            def curl_of_thief():
                return subprocess.run(["curl", "-sS", "--cacert", certificates.ca, *stolen, bide.url + "/livez"],
                                      capture_output=True, text=True, timeout=20, check=False)

            self.assertEqual(curl_of_thief().stdout, "ok\n")
            context = ssl.create_default_context(cafile=certificates.ca)
            context.load_cert_chain(certificates.path("stolen.crt"), certificates.path("stolen.key"))
            request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
            with bide.dial(context) as old, bide.dial() as good:
                for connection in (old, good):
                    connection.sendall(request)
                    self.assertTrue(connection.recv(4096).startswith(b"HTTP/1.1 200 "))
                certificates.list_revoked("stolen")
                wait_until(lambda: "read anew" in bide.log_text(), "bide notices")
                self.assertNotEqual(curl_of_thief().returncode, 0)
                old.sendall(request)
                self.assertEqual(old.recv(4096), b"")  # Ended in order, without an answer.
                good.sendall(request)
                self.assertTrue(good.recv(4096).startswith(b"HTTP/1.1 200 "))
            self.assertEqual(bide.curl("/livez").status, 200)
            self.assertIn("certificate verify failed: certificate revoked", bide.log_text())
            self.assertIn("a client's certificate is not accepted any more", bide.log_text())


class StartErrors(unittest.TestCase):
    def test_each_is_one_line(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "server")
        certificates.make("other", "other")
        with open(certificates.path("empty"), "w", encoding="ascii"):
            pass
        openssl("ec", "-in", certificates.path("ca.key"), "-aes128", "-passout", "pass:x", "-out",
                certificates.path("locked.key"))
        path = certificates.path

        def pair(certificate, key):
            return ["--tls-cert", path(certificate), "--tls-key", path(key)]

        for code, expected, flags in (
                (2, "expected --tls-key", ["--tls-cert", path("server.crt")]),
                (2, "expected --tls-cert", ["--tls-key", path("server.key")]),
                (2, "expected --tls-cert and --tls-key", ["--tls-client-ca", certificates.ca]),
                (2, "expected --tls-client-ca", [*certificates.flags(), "--tls-client-crl", path("empty")]),
                (1, "missing: cannot be read: No such file", pair("missing", "server.key")),
                (1, "cannot be read: Is a directory", pair(".", "server.key")),
                (1, "empty: holds no certificate", pair("empty", "server.key")),
                (1, "empty: holds no private key", pair("server.crt", "empty")),
                (1, "locked.key: is encrypted", pair("server.crt", "locked.key")),
                (1, "other.key: is not the key of", pair("server.crt", "other.key")),
                (1, "empty: holds no certificate", [*certificates.flags(), "--tls-client-ca", path("empty")]),
                (1, "empty: holds no list of revoked certificates",
                 [*certificates.flags(), "--tls-client-ca", certificates.ca, "--tls-client-crl", path("empty")])):
            done = subprocess.run([BIDE, "serve", "--listen", "127.0.0.1:0", "--data-dir", path("data"), *flags],
                                  env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=20,
                                  check=False)
            with self.subTest(expected):
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn(expected, done.stderr)


if __name__ == "__main__":
    unittest.main()
