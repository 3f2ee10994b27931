"""bide and its workers at a nats-server that asks who they are and allows them little."""
import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import nkeys
from harness import BIDE, Bide, definition, wait_until
from jetstream import JetStream
from nats_servers import Authority, NatsServer, Worker, documented
from stalling_link import StallingLink

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("BIDE_", "XDG_"))}
REFUSED = "NATS does not accept the credentials, still trying"


class Guest(Bide):
    """A bide that uses somebody's NATS, and may have to wait for it."""

    def __init__(self, test, url, *flags, env=None, creates=True):
        super().__init__("--access-log", "off", "--max-stale", "2s", *(("--nats", url) if url else ()), *flags,
                         *(("--create-bucket",) if creates else ()), env=env)
        self.env = {**{name: value for name, value in self.env.items() if not name.startswith("XDG_")},
                    **(env or {})}
        self.test = test
        test.addCleanup(self.leave)

    def wait_ready(self):
        """Not by itself: see ready()."""

    def ready(self):
        super().wait_ready()
        return self

    def leave(self):
        self.test.look_for_secrets(self)
        self.__exit__()

    def told(self, *words):
        """Waits until a line of the log has all the words; returns how many have."""
        def lines():
            return sum(all(word in line for word in words) for line in self.log_text().splitlines())
        return wait_until(lines, f"the log says {words}: {self.log_text()[-1500:]}")

    def lost(self):
        wait_until(lambda: self.get("/readyz?fresh").status == 503, "bide is not fresh any more")


class NatsAuth(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.secrets = []

    def secret(self, text):
        self.secrets.append(text)
        return text

    def look_for_secrets(self, bide):
        """Nowhere that others can read: not in the log, not in the list of processes."""
        pid = bide.process.pid
        seen = bide.log_text() + subprocess.run(["ps", "axww", "-o", "args"], capture_output=True,
                                                text=True, check=True).stdout
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:
                seen += file.read().decode(errors="replace")
        for secret in self.secrets:
            self.assertNotIn(secret, seen)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text):
        """Replaced at once: bide reads it whenever it likes."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def serve_nats(self, config, env=None):
        server = NatsServer(self.dir, config, env)
        self.addCleanup(server.stop)
        return server

    def guest(self, url, *flags, env=None, creates=True):
        return Guest(self, url, *flags, env=env, creates=creates).start()

    def emit(self, code, job, *flags, words=(), env=None, within_s=3):
        """`bide emit JOB started`; what it says on stderr, which is one line or nothing."""
        began = time.monotonic()
        done = subprocess.run([BIDE, "emit", job, "started", *flags], capture_output=True, text=True,
                              env={**CLEAN, "BIDE_DATA_DIR": self.path("no-bide"), **(env or {})},
                              timeout=30, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertLess(time.monotonic() - began, within_s)
        self.assertEqual(len(done.stderr.splitlines()), 0 if code == 0 else 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        for secret in self.secrets:
            self.assertNotIn(secret, done.stderr)

    def fails(self, code, *words, flags=(), env=None):
        """Neither starts nor writes: the same line from both."""
        for command in (["serve", "--listen", "127.0.0.1:0"], ["emit", "j", "started"]):
            done = subprocess.run([BIDE, *command, *flags], capture_output=True, text=True, timeout=10,
                                  env={**CLEAN, "BIDE_DATA_DIR": self.path("no-bide"), **(env or {})},
                                  check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)
            for secret in self.secrets:
                self.assertNotIn(secret, done.stderr)

    def unready(self, bide, *words):
        """/readyz says why."""
        def says():
            answer = bide.get("/readyz")
            return answer.status == 503 and all(word in answer.body.decode() for word in words)
        wait_until(says, f"/readyz says {words}")

    def sees(self, bide, job):
        wait_until(lambda: bide.get(f"/job/{job}").status == 200, f"bide sees {job}")

    # --- What docs/nats.md says ---

    def test_permissions_as_documented(self):
        passwords = {name: self.secret(f"{name}-5ecret") for name in ("BIDE_PASSWORD", "WORKER_PASSWORD")}
        files = {name: self.write(name, text + "\n") for name, text in passwords.items()}
        nats = self.serve_nats(documented("_INBOX_bide"), env=passwords)

        def flags(user, password, inbox):
            return ("--nats-user", user, "--nats-password-file", files[password], "--nats-inbox-prefix", inbox)
        as_bide = flags("bide", "BIDE_PASSWORD", "_INBOX_bide")
        as_worker = ("--nats", nats.url, *flags("worker", "WORKER_PASSWORD", "_INBOX_worker"))

        reader = self.guest(nats.url, *as_bide, creates=False)
        reader.told("the bucket does not exist; waiting for it", "not known: the account",
                    "$JS.API.STREAM.NAMES", "nats kv add job-queue --history 1")
        self.unready(reader, "the bucket job-queue does not exist", "--create-bucket")
        denied = self.guest(nats.url, *as_bide)
        denied.told("the bucket is missing and cannot be created",
                    'Permissions Violation for Publish to \\"$JS.API.STREAM.CREATE.KV_job-queue\\"')
        self.unready(denied, "the bucket job-queue cannot be created", "STREAM.CREATE.KV_job-queue")
        self.emit(1, "early", *as_worker, words=["no bucket job-queue", "--create-bucket"])
        maker = self.guest(nats.url, *flags("bide-first", "BIDE_PASSWORD", "_INBOX_bide")).ready()
        self.emit(0, "first", *as_worker)
        reader.ready()
        denied.ready()
        for bide in (maker, reader):
            self.sees(bide, "first")
        self.assertEqual(reader.log_text().count("the bucket does not exist"), 1)

        # Enough for the consumer to ask whether it may go on.
        worker = Worker(nats, "worker", passwords["WORKER_PASSWORD"], "_INBOX_worker")
        last = worker.put(*[definition(f"large-{n}", operation={"text": "x" * 20_000}) for n in range(500)])
        worker.close()
        for bide in (maker, reader):
            bide.wait_applied(last)
        late = self.guest(nats.url, *as_bide, creates=False).ready()
        self.sees(late, "large-499")

        self.emit(4, "refused", "--nats", nats.url, *as_bide,
                  words=["does not permit", "Permissions Violation for Publish", "nothing was stored"])
        self.emit(4, "refused", *as_worker[:-2], words=["--nats-inbox-prefix", "nothing was stored"])
        wrong = self.write("wrong", "not-it\n")
        self.emit(4, "refused", "--nats", nats.url, "--nats-user", "worker", "--nats-password-file", wrong,
                  words=["does not accept these credentials", "nothing was stored"])
        self.assertEqual(late.get("/job/refused").status, 404)

        violations = nats.violations()
        refused = ("INFO", "STREAM.NAMES", "STREAM.CREATE.KV_job-queue", "DIRECT.GET.KV_job-queue.$KV.job-queue.jobs.refused")
        self.assertEqual({what for user, what in violations if user == "bide"},
                         {f'Publish Violation "$JS.API.{subject}"' for subject in refused})
        self.assertEqual([what for user, what in violations if user == "bide-first"], [])
        # The one that had another's inbox prefix: so the log is understood.
        self.assertEqual(["Subscription Violation" in what for user, what in violations if user == "worker"], [True])

    def test_certificates_as_documented(self):
        authority = Authority(self.dir, "ca")
        authority.issue("server", "server")
        pairs = {name: authority.issue(name, name) for name in ("bide", "worker", "stranger")}
        stranger = Authority(self.dir, "other-ca").issue("false", "worker")
        nats = self.serve_nats(documented("verify_and_map"))
        url = "tls://" + nats.address

        def flags(pair, authority_file=authority.file):
            return ("--nats-ca", authority_file, "--nats-cert", pair[0], "--nats-key", pair[1])
        bide = self.guest(url, *flags(pairs["bide"])).ready()
        self.emit(0, "by-tls", "--nats", url, *flags(pairs["worker"]))
        self.emit(0, "by-tls", "--nats", nats.url, *flags(pairs["worker"]))
        self.sees(bide, "by-tls")
        self.emit(4, "x", "--nats", url, *flags(pairs["stranger"]), words=["does not accept"])
        self.emit(4, "x", "--nats", url, *flags(stranger), words=["see --nats-cert"])
        self.emit(4, "x", "--nats", url, "--nats-ca", authority.file, words=["see --nats-cert"])
        self.emit(1, "x", "--nats", url, *flags(pairs["worker"], self.path("other-ca.pem")),
                  words=["not trusted (see --nats-ca)"])
        self.emit(1, "x", "--nats", f"tls://localhost:{nats.port}", *flags(pairs["worker"]),
                  words=["not for this host"])

        # Everything is signed anew; the library alone would go on with the old for ever.
        nats.stop()
        successor = Authority(self.dir, "ca")
        successor.issue("server", "server")
        nats.start()
        bide.lost()
        successor.issue("bide", "bide")
        bide.ready()

    # --- Other ways to say who it is ---

    def test_password_rotated_revoked_and_given_back(self):
        def config(password, inbox="_INBOX.>"):
            deaf = f'{{ user: deaf, password: deaf, permissions: {{ publish: ">", subscribe: "{inbox}" }} }}'
            bide = f", {{ user: bide, password: {password} }}" if password else ""
            return f"authorization {{ users: [ {deaf} {bide} ] }}"
        first, second = self.secret("f1rst-secret"), self.secret("s3cond-secret")
        file = self.write("password", first)
        nats = self.serve_nats(config(first, "_OTHER.>"))
        deaf = self.guest(f"nats://deaf:deaf@{nats.address}")
        deaf.told("the account at NATS may not do this", "Permissions Violation for Subscription")
        flags = ("--nats-user", "bide", "--nats-password-file", file)
        bide = self.guest(nats.url, *flags).ready()

        nats.reload(config(second))
        deaf.ready()
        bide.told(REFUSED)
        bide.lost()
        self.write("password", second + "\r\n")
        bide.ready()
        self.emit(0, "rotated", "--nats", nats.url, *flags)
        self.sees(bide, "rotated")

        nats.reload(config(None))
        bide.lost()
        wait_until(lambda: bide.told(REFUSED) == 2, "the log says it again")
        self.emit(4, "revoked", "--nats", nats.url, *flags)
        nats.reload(config(second))
        bide.ready()
        self.assertEqual(bide.told(REFUSED), 2)
        self.assertGreaterEqual(bide.metric("bide_nats_reconnects_total"), 2)

    def test_flow_control_that_cannot_be_answered_is_told_of(self):
        """The server's heartbeats go on, and nothing else comes."""
        def config(publish):
            bide = f'{{ user: bide, password: bide, permissions: {{ publish: {{ {publish} }} }} }}'
            return f"authorization {{ users: [ {bide}, {{ user: worker, password: worker }} ] }}"
        nats = self.serve_nats(config('deny: "$JS.FC.>"'))
        url = f"nats://bide:bide@{nats.address}"
        maker = self.guest(url).ready()
        worker = Worker(nats, "worker", "worker", "_INBOX.w")
        worker.put(*[(f"jobs.big-{n}", b"x" * 900_000) for n in range(80)], definition("seen"))
        worker.close()
        bide = self.guest(url)
        bide.told("nothing more is delivered of what the stream holds")
        nats.reload(config('allow: ">"'))
        bide.ready()
        self.sees(bide, "seen")
        self.sees(maker, "seen")

    def test_token_nkey_and_jwt(self):
        token = self.secret("t0ken-secret")
        old, new = nkeys.Nkey(nkeys.USER), nkeys.Nkey(nkeys.USER)
        operator = nkeys.Operator()
        for key in (old, new):
            self.secret(key.seed)
        by_token = self.serve_nats(f"authorization {{ token: {token} }}")
        by_nkey = self.serve_nats(f"authorization {{ users: [ {{ nkey: {old.public} }} ] }}")
        by_jwt = self.serve_nats(operator.config())
        # As editors of another system write them.
        files = {"token": self.write("token", "\ufeff" + token + "\r\n"),
                 "nkey": self.write("seed", "\ufeff" + old.seed + "\r\n"),
                 "creds": self.write("user.creds", "\ufeff" + operator.user().replace("\n", "\r\n"))}
        bides = {}
        for nats, name in ((by_token, "token-file"), (by_nkey, "nkey"), (by_jwt, "creds")):
            flags = ("--nats-" + name, files[name.partition("-")[0]])
            bides[name] = self.guest(nats.url, *flags)
            bides[name].ready()
            self.emit(0, name, "--nats", nats.url, *flags)
            self.emit(0, name, env={"BIDE_NATS": nats.url, f"BIDE_NATS_{name.upper().replace('-', '_')}": flags[1]})
            self.sees(bides[name], name)
        self.emit(0, "in-url", "--nats", f"nats://{token}@{by_token.address}")

        # The file is read for the reconnect, too.
        by_jwt.stop()
        self.write("user.creds", operator.user(expires_in_s=4))
        by_jwt.start()
        wait_until(lambda: bides["creds"].told("bucket followed on"), "bide has reconnected")
        by_nkey.reload(f"authorization {{ users: [ {{ nkey: {new.public} }} ] }}")
        bides["nkey"].told(REFUSED)
        bides["creds"].told(REFUSED)  # Its time is over.
        self.emit(4, "late", "--nats", by_jwt.url, "--nats-creds", files["creds"])
        self.write("seed", f"-----BEGIN USER NKEY SEED-----\n{new.seed}\n------END USER NKEY SEED------\n")
        self.write("user.creds", operator.user())
        for name in ("nkey", "creds"):
            bides[name].ready()

    def test_credentials_that_expire_once_connected(self):
        operator = nkeys.Operator()
        nats = self.serve_nats(operator.config())
        creds = self.write("user.creds", operator.user(expires_in_s=2))
        with StallingLink(to=nats.url, stalls_at=b"$JS.API.") as link:
            timer = threading.Timer(4, link.release)
            timer.start()
            self.emit(4, "late", "--nats", link.url, "--nats-creds", creds,
                      words=("ended the connection", "xpired"), within_s=8)
            timer.join()

    def test_users_in_urls_are_percent_encoded(self):
        password = self.secret('p:s/w?d#1%,"\\')
        nats = self.serve_nats("authorization { users: [ { user: \"ci@example\", password: %s }, "
                               "{ user: plain, password: plain } ] }" % json.dumps(password))
        url = f"nats://ci%40example:{urllib.parse.quote(password, safe='')}@{nats.address}"
        bide = self.guest(url).ready()
        self.emit(0, "encoded", "--nats", url)
        self.emit(0, "needless", "--nats", f"nats://pl%61in:%70lain@{nats.address}")
        # Each server of a list has its own user.
        self.emit(0, "list", "--nats", f"nats://other:wrong@127.0.0.1:1,{url}")
        self.emit(0, "file", "--nats", nats.url, "--nats-user", "ci@example", "--nats-password-file",
                  self.write("password", password))
        self.write(".config/nats/context/ci.json", json.dumps({"url": url}))
        self.emit(0, "context", "--nats-context", "ci", env={"HOME": self.dir})
        for job in ("encoded", "needless", "list", "file", "context"):
            self.sees(bide, job)
        self.fails(2, "% is written %25", flags=["--nats", f"nats://ci:100%@{nats.address}"])
        self.write(".config/nats/context/ci.json", json.dumps({"url": "nats://ci:100%@h"}))
        self.fails(1, "% is written %25", flags=["--nats-context", "ci"], env={"HOME": self.dir})

    def test_contexts(self):
        password, token = self.secret("c0ntext-secret"), self.secret("ano7her-secret")
        nats = self.serve_nats(f"authorization {{ users: [ {{ user: ci, password: {password} }} ] }}")
        other = self.serve_nats(f"authorization {{ token: {token} }}")
        self.write(".config/nats/context/ci.json", json.dumps(
            {"description": "CI", "url": nats.url, "user": "ci", "password": password, "creds": "", "nsc": ""}))
        self.write("xdg/nats/context/other.json", json.dumps({"url": other.url, "token": token}))
        self.write("xdg/nats/context.txt", "other\n")
        home = {"HOME": self.dir}
        xdg = {"HOME": self.dir, "XDG_CONFIG_HOME": self.path("xdg")}

        by_name = self.guest("", "--nats-context", "ci", env=home).ready()
        selected = self.guest("", env={**xdg, "BIDE_NATS_CONTEXT": "selected"}).ready()
        self.emit(0, "by-name", "--nats-context", "ci", env=home)
        self.emit(0, "selected", "--nats-context", "selected", env=xdg)
        self.sees(by_name, "by-name")
        self.sees(selected, "selected")
        # Flags beat it, and a way to say who it is beats the context's.
        self.emit(0, "flags", "--nats-context", "ci", "--nats", other.url, "--nats-token-file",
                  self.write("token", token), env=home)
        self.sees(selected, "flags")
        self.fails(1, "nats/context/no.json", "No such file", "nats context ls",
                   flags=["--nats-context", "no"], env=home)
        self.fails(1, "context.txt", "nats context select", flags=["--nats-context", "selected"], env=home)
        self.write(".config/nats/context/two.json", json.dumps({"token": token, "creds": "~/x"}))
        self.fails(1, "two.json", "found several", flags=["--nats-context", "two"], env=home)

    # --- Buckets that somebody else has made ---

    def test_a_mirror_is_served_and_is_read_only(self):
        nats = self.serve_nats("")
        with JetStream(nats.url, "origin") as origin, JetStream(nats.url, "edge") as edge:
            origin.create_bucket()
            edge.api("CREATE", name=edge.stream, mirror={"name": origin.stream}, storage="file")
        bide = self.guest(nats.url, "--bucket", "edge", creates=False).ready()
        self.emit(1, "build-7", "--nats", nats.url, "--bucket", "edge",
                  words=["the bucket edge is read-only", "a mirror of origin", "--bucket origin"])
        self.emit(0, "build-7", "--nats", nats.url, "--bucket", "origin")
        self.sees(bide, "build-7")
        self.assertEqual(bide.metric("bide_entries_rejected_total"), 0)

    def test_powers_of_its_writers_are_told_once(self):
        nats = self.serve_nats("")
        with JetStream(nats.url) as api:
            api.create_bucket()
            bide = self.guest(nats.url, creates=False).ready()
            bide.told("more power than they need", "allow_rollup_hdrs", "nats stream edit")
            api.delete_bucket()
            api.create_bucket()
            wait_until(lambda: bide.told("bucket read") >= 2, "bide has read the other bucket")
        self.assertEqual(bide.told("more power than they need"), 1)

    # --- What cannot be ---

    def test_what_contradicts_itself_is_wrong_usage(self):
        url = ["--nats", "nats://127.0.0.1:1"]
        seed = self.secret(nkeys.Nkey(nkeys.USER).seed)
        self.fails(2, "--nats-nkey and --nats-creds", flags=[*url, "--nats-nkey", "a", "--nats-creds", "b"])
        self.fails(2, "--nats-token-file", "in --nats",
                   flags=["--nats", f"nats://{seed}@h", "--nats-token-file", "a"])
        self.fails(2, "--nats-cert needs --nats-key", flags=[*url, "--nats-cert", "a"])
        self.fails(2, "--nats-user needs --nats-password-file", flags=[*url, "--nats-user", "a"])
        self.fails(2, "need --nats or --nats-context", flags=["--nats-creds", "a"])
        self.fails(2, "--nats-context", flags=["--nats-context", "../a"])
        self.fails(2, "BIDE_NATS_INBOX_PREFIX", env={"BIDE_NATS_INBOX_PREFIX": "a.>"}, flags=url)

    def test_files_that_will_not_do(self):
        url = ["--nats", "nats://127.0.0.1:1"]
        seed, token = self.secret(nkeys.Nkey(nkeys.USER).seed), self.secret("t0ken-secret")
        account = self.secret(nkeys.Nkey(nkeys.ACCOUNT).seed)
        authority = Authority(self.dir, "ca")
        certificate, key = authority.issue("a", "a")
        _, others_key = authority.issue("b", "b")
        cases = [("--nats-token-file", self.path("none"), "No such file"),
                 ("--nats-token-file", self.dir, "a directory"),
                 ("--nats-token-file", self.write("empty", ""), "empty"),
                 ("--nats-token-file", self.write("lines", f"{token}\n{token}\n"), "not one line"),
                 ("--nats-nkey", self.write("account", account), "not a user's seed"),
                 ("--nats-nkey", self.write("cut", seed[:-1]), "not a user's seed"),
                 ("--nats-nkey", certificate, "not a user's seed"),
                 ("--nats-creds", self.write("seed", seed), "without a JWT"),
                 ("--nats-creds", self.write("jwt", "-----BEGIN NATS USER JWT-----\ne30\n"), "without a user's seed"),
                 ("--nats-ca", key, "not of this kind"),
                 ("--nats-ca", self.write("damaged", "-----BEGIN CERTIFICATE-----\n!\n"), "damaged")]
        for flag, file, why in cases:
            with self.subTest(flag=flag, why=why):
                self.fails(1, file, why, flag + " expects", flags=[*url, flag, file])
        self.fails(1, certificate, "not the certificate of the key",
                   flags=[*url, "--nats-cert", certificate, "--nats-key", others_key])


if __name__ == "__main__":
    unittest.main()
