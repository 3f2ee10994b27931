"""Who may read: real tokens, real curl and websockets, rotation while clients wait."""
import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import tempfile
import time
import unittest

import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness import BIDE, Bide, definition, event, wait_until

SECRET = secrets.token_hex(32)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(secret=SECRET, lasts_s=3600.0, **claims):
    """A token signed by HS256."""
    claims = {"sub": "ada", "scope": "job:read", "exp": time.time() + lasts_s, **claims}
    text = b64url(b'{"alg":"HS256"}') + "." + b64url(json.dumps(claims).encode())
    return text + "." + b64url(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


def jwk(key, name):
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url(raw), "kid": name}


def eddsa_jwt(key, name):
    claims = {"sub": "ada", "permissions": ["job:read"], "exp": time.time() + 3600}
    text = ".".join(b64url(json.dumps(part).encode()) for part in ({"alg": "EdDSA", "kid": name}, claims))
    return text + "." + b64url(key.sign(text.encode()))


def bearing(token):
    return f"Authorization: Bearer {token}"


class File:
    """A file that is replaced as a whole, as who rotates secrets does it."""

    def __init__(self, directory, name, text):
        self.path = os.path.join(directory, name)
        self.write(text)

    def write(self, text):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(self.path + ".new", self.path)


class Auth(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="bide-auth-")
        self.addCleanup(scratch.cleanup)
        self.directory = scratch.name

    def start(self, *flags):
        bide = Bide("--access-log", "all", *flags)
        self.addCleanup(bide.__exit__)
        return bide.start()

    def start_jwt(self, *flags):
        self.secret = File(self.directory, "secret", SECRET)
        bide = self.start("--auth", "jwt", "--jwt-secret-file", self.secret.path, *flags)
        bide.credentials = (bearing(jwt()),)
        bide.put(definition("a"))
        return bide

    def test_tokens_of_a_file_are_rotated_by_change_and_by_signal(self):
        old, new, newest = (secrets.token_urlsafe(24) for _ in range(3))
        tokens = File(self.directory, "tokens", f"# for tests\n{old}\n")
        bide = self.start("--auth", f"token-file={tokens.path}")
        self.assertEqual(bide.get("/job/none").status, 401)
        self.assertEqual(bide.get("/job/none", bearing(old)).status, 404)
        self.assertEqual(bide.get("/job/none", bearing(new)).status, 401)
        stream = bide.curl_later("/job/status/events", "-N", "-H", bearing(old))
        self.addCleanup(stream.wait)
        self.addCleanup(stream.kill)

        tokens.write(f"{new}\n")
        wait_until(lambda: bide.get("/job/none", bearing(new)).status == 404, "the change is noticed")
        # Looking for the change has presented a token that was not valid yet, many times.
        self.assertIn(bide.get("/job/none", bearing(old)).status, (401, 429))

        tokens.write("short\n")  # Cannot be used: what was in force stays so, and the log says why.
        wait_until(lambda: "stay in force" in bide.log_text(), "the error is told")
        self.assertEqual(bide.get("/job/none", bearing(new)).status, 404)
        self.assertNotIn("short", bide.log_text())

        tokens.write(f"{newest}\n")
        bide.process.send_signal(signal.SIGHUP)
        wait_until(lambda: bide.get("/job/none", bearing(newest)).status == 404, "SIGHUP is obeyed")
        # Its token was revoked: the next heartbeat ends the stream.
        wait_until(lambda: stream.poll() is not None, "the stream ends")
        log = bide.log_text()
        for token in (old, new, newest):
            self.assertNotIn(token, log)

    def test_keys_of_a_jwk_set_are_rotated_and_unusable_ones_told(self):
        keys = {name: Ed25519PrivateKey.generate() for name in ("old", "new")}
        token = {name: eddsa_jwt(key, name) for name, key in keys.items()}
        unusable = {"kty": "oct", "k": b64url(b"no secrets in here, please"), "kid": "odd"}
        key_set = File(self.directory, "keys", json.dumps({"keys": [jwk(keys["old"], "old"), unusable]}))
        bide = self.start("--auth", "jwt", "--jwt-key", key_set.path)
        self.assertEqual(bide.get("/job/none", bearing(token["old"])).status, 404)
        self.assertEqual(bide.get("/job/none", bearing(token["new"])).status, 401)
        self.assertIn('"level":"warn"', bide.log_text())
        self.assertNotIn(unusable["k"], bide.log_text())
        key_set.write(json.dumps({"keys": [jwk(keys["new"], "new")]}))
        wait_until(lambda: bide.get("/job/none", bearing(token["new"])).status == 404, "the change is noticed")
        self.assertEqual(bide.get("/job/none", bearing(token["old"])).status, 401)

    def test_a_wait_ends_with_its_token(self):
        bide = self.start_jwt()
        response = bide.get("/job/a?wait=20s&until=done", bearing(jwt(lasts_s=2)))
        self.assertEqual((response.status, response["Bide-Outcome"]), (200, "auth"))
        self.assertLess(float(response["Bide-Waited"]), 1.01)
        token = jwt(lasts_s=0.01)
        wait_until(lambda: bide.get("/job/a", bearing(token)).status == 401, "the token expires")
        self.assertIn('error="invalid_token"', bide.get("/job/a", bearing(token))["WWW-Authenticate"])
        self.assertEqual(bide.get("/job/a", bearing(jwt(scope="job:write"))).status, 403)
        self.assertNotIn(token, bide.log_text())

    def test_curl_tells_of_the_end_of_a_streams_token(self):
        bide = self.start_jwt()
        # curl's own bearer option.
        stream = bide.curl_later("/job/a/events", "-N", "--oauth2-bearer", jwt(lasts_s=1))
        out = Bide.finish(stream).body.decode()
        self.assertTrue(out.endswith("event: auth-expired\ndata: {}\n\n"), out)

    def test_a_web_socket_lives_on_with_a_fresh_token(self):
        bide = self.start_jwt()

        async def talk():
            url = f"ws://127.0.0.1:{bide.port}/job/a/ws"
            protocols = ["bide.v1", "bearer." + jwt(lasts_s=1)]
            async with websockets.connect(url, subprotocols=protocols) as socket:
                self.assertEqual(socket.subprotocol, "bide.v1")
                await socket.send(json.dumps({"auth": jwt(lasts_s=3600)}))
                await asyncio.sleep(1.2)  # The first token's whole life.
                bide.put(event("a", "started"))
                told = ""
                while "processing" not in told:
                    told = await asyncio.wait_for(socket.recv(), 10)
                await socket.send(json.dumps({"auth": jwt(secret="0" * 64)}))
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(socket.recv(), 10)
                self.assertEqual(socket.close_code, 1008)

        asyncio.run(talk())

    def test_the_clients_are_told_that_they_may_not(self):
        bide = self.start_jwt()
        environment = {**bide.env, "BIDE_SERVER": bide.url}
        run = lambda token: subprocess.run([BIDE, "get", "a"], env={**environment, "BIDE_TOKEN": token},
                                           capture_output=True, text=True, timeout=30, check=False)
        good = run(jwt())
        self.assertEqual((good.returncode, good.stdout), (8, "submitted\n"))
        for token in (jwt(secret="0" * 64), jwt(scope="")):
            refused = run(token)
            self.assertEqual(refused.returncode, 4)
            self.assertNotIn(token, refused.stderr)

    def test_browsers_of_named_origins_get_what_they_need(self):
        bide = self.start_jwt("--cors-origin", "https://app.example.com,http://localhost:5173")
        origin = "Origin: http://localhost:5173"
        response = bide.get("/job/a", origin, f"Cookie: bide_token={jwt()}")
        self.assertEqual(response.status, 200)
        self.assertEqual(response["Access-Control-Allow-Origin"], "http://localhost:5173")
        self.assertIn("ETag", response["Access-Control-Expose-Headers"])
        preflight = bide.get("/job/a", origin, "Access-Control-Request-Method: GET",
                             "Access-Control-Request-Headers: authorization,if-none-match", method="OPTIONS")
        self.assertEqual(preflight.status, 204)

    def test_wrong_settings_end_with_one_clear_line(self):
        missing = os.path.join(self.directory, "missing")
        weak = File(self.directory, "weak", "short\n").path
        for flags, code, said in (
                (["--auth", f"token-file={missing}"], 1, missing),
                (["--auth", f"token-file={weak}"], 1, "16"),
                (["--auth", "jwt"], 2, "--jwt-key"),
                (["--auth", "jwt", "--jwt-secret-file", weak], 1, "32"),
                (["--jwt-key", weak], 2, "--auth jwt"),
                (["--auth", "basic"], 2, "token-file="),
                (["--cors-origin", "*"], 2, "https://HOST"),
                (["--listen", "0.0.0.0:0"], 2, "--allow-anonymous")):
            with self.subTest(flags=flags):
                done = subprocess.run([BIDE, "serve", "--listen", "127.0.0.1:0", "--data-dir", self.directory, *flags],
                                      capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_with_tokens_it_may_listen_beyond_this_machine(self):
        tokens = File(self.directory, "tokens", secrets.token_urlsafe(24) + "\n")
        bide = self.start("--auth", f"token-file={tokens.path}", "--listen", "0.0.0.0:0")
        self.assertEqual(bide.get("/job/a").status, 401)
        # Nobody reads by a rebound name without a token, so any Host is answered.
        self.assertEqual(bide.curl("/livez", "-H", "Host: jobs.example").status, 200)

    def test_without_tokens_beyond_this_machine_an_address_is_answered_and_a_name_is_not(self):
        bide = self.start("--allow-anonymous", "--listen", "0.0.0.0:0")
        self.assertEqual(bide.curl("/livez", "-H", "Host: 192.0.2.1:8080").status, 200)
        self.assertEqual(bide.curl("/livez", "-H", "Host: jobs.example").status, 421)


class Addresses(unittest.TestCase):
    def test_bad_tokens_end_at_twenty_a_minute(self):
        with tempfile.TemporaryDirectory() as directory:
            secret = File(directory, "secret", SECRET)
            with Bide("--auth", "jwt", "--jwt-secret-file", secret.path) as bide:
                seen = jwt(sub="bob")
                bide.credentials = (bearing(seen),)
                bide.put(definition("a"))
                self.assertEqual(bide.curl("/job/a", "-H", bearing(seen)).status, 200)
                statuses = [bide.curl("/job/a", "-H", bearing(jwt(secret="x" * 32))).status for _ in range(24)]
                self.assertEqual(statuses[:20], [401] * 20)
                refused = bide.curl("/job/a", "-H", bearing("nonsense"))
                self.assertEqual((refused.status, refused["Retry-After"]), (429, "3"))
                self.assertEqual(bide.curl("/job/a", "-H", bearing(seen)).status, 200)
                elsewhere = bide.curl("/job/a", "-H", bearing(jwt()), "--interface", "127.0.0.2")
                self.assertEqual(elsewhere.status, 200)

    def test_an_ipv4_client_counts_by_its_address_on_an_ipv6_socket(self):
        with Bide("--listen", "[::]:0", "--allow-anonymous", "--max-parked-per-client", "1") as bide:
            bide.put(definition("a"))
            held = [bide.curl_later("/job/a?until=done&wait=30s", "--interface", source)
                    for source in ("127.0.0.1", "127.0.0.2")]
            held.append(subprocess.Popen(
                ["curl", "-sgi", f"http://[::1]:{bide.port}/job/a?until=done&wait=30s"], stdout=subprocess.PIPE))
            wait_until(lambda: bide.metric("bide_parked") == 3, "each is held")
            self.assertEqual(bide.curl("/job/a?until=done&wait=30s").status, 429)
            bide.put(event("a", "completed"))
            for curl in held[:2]:
                self.assertEqual(bide.finish(curl).status, 200)
            self.assertIn(b"200", held[2].communicate(timeout=20)[0].splitlines()[0])


if __name__ == "__main__":
    unittest.main()
