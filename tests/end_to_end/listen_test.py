"""Where bide listens: several addresses, Unix sockets, and sockets that systemd passes."""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIDE, PATIENCE_S, Bide, Crowd, outlive_half_close, wait_until
from proxies import Haproxy, Nginx
from tls_test import Certificates, TlsBide


def urls_of(bide):
    return [json.loads(line)["url"] for line in bide.log_text().splitlines() if '"msg":"listening"' in line]


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-o", "-", "-w", "%{http_code}", *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


class Addresses(unittest.TestCase):
    def setUp(self):
        self.dir = self.enterContext(tempfile.TemporaryDirectory(prefix="bide-listen-"))
        self.path = os.path.join(self.dir, "socket")

    def test_several_at_once(self):
        with Bide("--listen", "127.0.0.1:0", "--listen", f"unix:{self.path}", "--listen", "[::1]:0",
                  "--access-log", "all") as bide:
            first, local, second = urls_of(bide)
            self.assertEqual(local, f"unix:{self.path}")
            bide.curl("/job/a", "-X", "PUT", "--json", "{}")
            for arguments in ([first + "/job/a"], ["-g", second + "/job/a"],
                              ["--unix-socket", self.path, "http://localhost/job/a"]):
                self.assertRegex(curl(*arguments), r'"id":"a".*200$')
            self.assertRegex(curl("--unix-socket", self.path, "http://evil.example/job/a"), r"421$")
            # The log says so, and the limits for each client count them as this machine's.
            wait_until(lambda: '"client":"unix:"' in bide.log_text(), "the access log names the socket")
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
        self.assertFalse(os.path.exists(self.path))

    def test_who_hangs_up_is_not_held_any_more(self):
        with Bide("--listen", f"127.0.0.1:0,unix:{self.path}") as bide:
            with subprocess.Popen(["curl", "-sS", "--unix-socket", self.path, "http://localhost/job/none?until=done&wait=50s"]) as held:
                bide.wait_metric("bide_parked", 1)
                outlive_half_close()
                held.kill()
            bide.wait_metric("bide_parked", 0)

    def test_the_command_line_over_a_unix_socket(self):
        with Bide("--listen", "127.0.0.1:0", "--listen", f"unix:{self.path}", "--listen-mode", "0600") as bide:
            env = dict(bide.env, BIDE_SERVER=f"unix:{self.path}")

            def run(*arguments):
                return subprocess.run([BIDE, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False)

            self.assertEqual(run("run", "b", "--", "true").returncode, 0)
            waited = run("wait", "b", "--timeout", "10s")
            self.assertEqual(waited.returncode, 0, waited.stderr)
            self.assertIn("completed", run("get", "b").stdout)
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
            bide.kill()  # Leaves the socket behind.
            gone = run("get", "b")
            self.assertEqual(gone.returncode, 1, gone.stderr)
            self.assertIn(f"cannot connect to unix:{self.path}: connection refused (does `bide serve` run there?)",
                          gone.stderr)
            bide.start()  # And takes its place.
            self.assertIn("completed", run("get", "b").stdout)

    def test_there_is_no_tls_on_it(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "first")
        with TlsBide(certificates, "--listen", "127.0.0.1:0", "--listen", f"unix:{self.path}"):
            self.assertRegex(curl("--unix-socket", self.path, "http://localhost/livez"), r"ok\n?200$")

    def test_errors(self):
        plain = os.path.join(self.dir, "file")
        with open(plain, "w", encoding="ascii") as file:
            file.write("of somebody")
        with Bide("--listen", f"127.0.0.1:0,unix:{self.path}"):
            for listen, why in ((f"unix:{self.path}", "another program listens there"),
                                (f"unix:{plain}", "a file that is no socket is there"),
                                (f"unix:{self.dir}/none/socket", "its folder does not exist")):
                done = subprocess.run([BIDE, "serve", "--listen", listen, "--data-dir", os.path.join(self.dir, "data")],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertIn(f"cannot listen on {listen}: ", done.stderr)
                self.assertIn(why, done.stderr)

    def test_behind_proxies(self):
        with Bide("--listen", f"127.0.0.1:0,unix:{self.path}", "--trusted-proxy", "127.0.0.1", "--access-log", "all") as bide:
            address = f"127.0.0.1:{bide.port}"
            for proxy in (Nginx(bide, (f"server {address}", f"server unix:{self.path}")),
                          Haproxy(bide, (f"server bide1 {address}", f"server bide1 unix@{self.path}"))):
                job = "/job/" + type(proxy).__name__
                bide.curl(job, "-X", "PUT", "--json", "{}")
                with proxy:
                    held = proxy.curl_later(job + "?until=done&wait=20s")
                    bide.wait_metric("bide_parked", 1)
                    bide.curl(job + "/events", "-d", "completed")
                    answer = proxy.finish(held)
                    self.assertEqual((answer.status, answer.fields["bide-status"]), (200, "completed"))
            # The client is the one that the proxy names, as over TCP.
            self.assertNotIn('"client":"unix:"', bide.log_text())


class Manager:
    """What systemd does for a service: sockets passed as descriptors 3 and on, and an ear for sd_notify(3)."""

    def __init__(self, directory, sockets, watchdog_s=0):
        self.directory = directory
        self.sockets = sockets
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(os.path.join(directory, "notify"))
        self.ear.settimeout(PATIENCE_S)
        self.watchdog_s = watchdog_s
        self.process = None

    def start(self, *flags):
        env = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}
        env.update(NOTIFY_SOCKET=self.ear.getsockname(), LISTEN_FDS=str(len(self.sockets)))
        if self.watchdog_s:
            env["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        if os.geteuid() != 0:
            env["BIDE_CORE_DUMPS"] = "true"

        def pass_sockets():
            for i, one in enumerate(self.copies):
                os.dup2(one, 3 + i)

        # Out of the way of the numbers that they are to get.
        self.copies = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in self.sockets]
        numbers = range(3, 3 + len(self.sockets))
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", BIDE, "serve", "--data-dir", os.path.join(self.directory, "data"),
                 *flags], env=env, stderr=log, pass_fds=numbers, preexec_fn=pass_sockets)
        for one in self.copies:
            os.close(one)

    def hear(self, what):
        """Waits until bide says so. Returns the whole message."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            message = self.ear.recv(4096).decode()
            if what in message:
                return message
        raise AssertionError(f"bide did not say {what}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        for one in (self.ear, *self.sockets):
            one.close()


class PassedSockets(unittest.TestCase):
    def setUp(self):
        self.dir = self.enterContext(tempfile.TemporaryDirectory(prefix="bide-listen-"))

    def manage(self, *sockets, **rest):
        manager = Manager(self.dir, sockets, **rest)
        self.addCleanup(manager.close)
        return manager

    def local(self):
        one = socket.socket(socket.AF_UNIX)
        one.bind(os.path.join(self.dir, "socket"))
        one.listen(4096)
        return one

    def test_they_replace_listen_and_outlive_bide(self):
        tcp, local = socket.create_server(("127.0.0.1", 0), backlog=4096), self.local()
        path = local.getsockname()
        url = f"http://127.0.0.1:{tcp.getsockname()[1]}"
        manager = self.manage(tcp, local)
        manager.start("--listen", "127.0.0.1:1")
        self.assertIn("STATUS=", manager.hear("READY=1"))
        wait_until(lambda: curl(url + "/readyz").endswith("200"), "bide is ready")
        self.assertTrue(curl("--unix-socket", path, "http://localhost/livez").endswith("200"))
        self.assertEqual(manager.stop(), 0)
        manager.hear("STOPPING=1")
        self.assertTrue(os.path.exists(path))
        self.assertEqual(socket.create_connection(tcp.getsockname()).close(), None)

    def test_a_restart_refuses_nobody(self):
        tcp = socket.create_server(("127.0.0.1", 0), backlog=4096)
        url = f"http://127.0.0.1:{tcp.getsockname()[1]}/livez"
        manager = self.manage(tcp)
        manager.start()
        manager.hear("READY=1")
        answers, over = [], threading.Event()

        def ask():
            while not over.is_set():
                answers.append(curl("-m", "30", url))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for _ in range(3):
            before = len(answers)
            wait_until(lambda: len(answers) > before + 8, "clients are answered")
            self.assertEqual(manager.stop(), 0)
            time.sleep(0.2)  # Clients that come now wait.
            manager.start()
            manager.hear("READY=1")
        over.set()
        for asker in askers:
            asker.join()
        self.assertEqual({re.sub(r"\s", "", answer) for answer in answers}, {"ok200"})

    def test_an_upgrade_resets_none_of_1000_held_and_refuses_nobody(self):
        tcp = socket.create_server(("127.0.0.1", 0), backlog=4096)
        port = tcp.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        manager = self.manage(tcp)
        manager.start("--access-log", "off")
        manager.hear("READY=1")
        wait_until(lambda: curl(url + "/readyz").endswith("200"), "bide is ready")
        self.assertRegex(curl("-X", "PUT", "--json", "{}", url + "/job/a"), "20[01]$")
        held = Crowd(port, ["/job/a?until=done&wait=50s"] * 1000)
        self.addCleanup(held.close)
        wait_until(lambda: re.search(r"^bide_parked(\{.*\})? 1000$", curl(url + "/metrics"), re.M), "all are held")
        # What postinst does: the old process ends, the new one starts. More clients come between, and are held by it.
        manager.process.send_signal(signal.SIGTERM)
        seen = {(answer.status, answer["Bide-Outcome"], answer["Connection"]) for answer in held.collect()}
        self.assertEqual(seen, {(200, "drain", "close")})
        self.assertEqual(manager.process.wait(PATIENCE_S), 0)
        later = Crowd(port, ["/job/a?until=done&wait=50s"] * 1000)
        self.addCleanup(later.close)
        manager.start("--access-log", "off")
        manager.hear("READY=1")
        wait_until(lambda: re.search("20.$", curl("-d", "completed", url + "/job/a/events")), "the job is completed")
        # It has read the jobs when some of them ask, and not yet when others do.
        seen = {(answer.status, answer["Bide-Status"] or answer["Retry-After"]) for answer in later.collect()}
        self.assertLessEqual(seen, {(200, "completed"), (503, "1")})

    def test_the_watchdog_hears_from_it_and_the_status_is_told(self):
        tcp = socket.create_server(("127.0.0.1", 0))
        manager = self.manage(tcp, watchdog_s=2)
        manager.start()
        manager.hear("READY=1")
        manager.hear("STATUS=0 requests held")
        for _ in range(2):
            manager.hear("WATCHDOG=1")
        # A process that does not run says nothing.
        manager.process.send_signal(signal.SIGSTOP)
        manager.ear.setblocking(False)
        time.sleep(0.2)
        while True:
            try:
                manager.ear.recv(4096)
            except BlockingIOError:
                break
        time.sleep(2.2)
        with self.assertRaises(BlockingIOError):
            manager.ear.recv(4096)
        manager.ear.settimeout(PATIENCE_S)
        manager.process.send_signal(signal.SIGCONT)
        manager.hear("WATCHDOG=1")

    def test_the_drain_delay_may_take_its_time(self):
        manager = self.manage(socket.create_server(("127.0.0.1", 0)), watchdog_s=2)
        manager.start("--drain-delay", "1h")
        manager.hear("READY=1")
        manager.process.send_signal(signal.SIGTERM)
        self.assertEqual(manager.hear("STOPPING=1"), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=3630000000")
        manager.hear("STATUS=draining; 0 requests held")
        manager.hear("WATCHDOG=1")
        self.assertEqual(manager.stop(), 0)

    def test_what_cannot_be_used(self):
        for one, why in ((socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "expected a listening socket"),
                         (socket.create_server(("0.0.0.0", 0)), "--listen 0.0.0.0:")):
            manager = self.manage(one)
            manager.start()
            self.assertNotEqual(manager.process.wait(PATIENCE_S), 0)
            with open(manager.log, encoding="utf-8") as log:
                self.assertIn(why, log.read())
            manager.close()
            os.unlink(os.path.join(self.dir, "notify"))

    def test_systemd_itself_starts_it_when_a_client_comes(self):
        if not shutil.which("systemd-socket-activate"):
            self.skipTest("systemd is not installed")
        path = os.path.join(self.dir, "socket")
        activate = subprocess.Popen(["systemd-socket-activate", "-l", path, BIDE, "serve", "--data-dir",
                                     os.path.join(self.dir, "data")], stderr=subprocess.DEVNULL)
        self.addCleanup(activate.wait, PATIENCE_S)
        self.addCleanup(activate.terminate)
        wait_until(lambda: os.path.exists(path), "the socket is there")
        self.assertTrue(curl("--unix-socket", path, "http://localhost/livez").endswith("200"))


if __name__ == "__main__":
    unittest.main()
