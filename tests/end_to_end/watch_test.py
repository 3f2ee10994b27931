"""bide watch: lines for scripts, and the table on a terminal, driven in tmux."""
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import BIDE, Bide, definition, event, wait_until


class Terminal:
    """A terminal of tmux, with a shell in it."""

    def __init__(self, bide, columns=80, lines=24, env=None):
        self.socket = tempfile.mktemp(prefix="bide-tmux-")
        self.env = {**bide.env, "BIDE_SERVER": bide.url, "LC_ALL": "C.UTF-8", "PS1": "READY> ", "SHELL": "/bin/sh",
                    **(env or {})}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "env ENV= PS1='READY> ' sh")
        self.wait_for("READY>")

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-u", "-S", self.socket, *arguments], env=self.env, capture_output=True,
                              text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self, *flags):
        return self.tmux("capture-pane", "-p", *flags)

    def run(self, *arguments, env=""):
        self.tmux("send-keys", f"{env} {shlex.join([BIDE, *arguments])}", "Enter")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def wait_for(self, *texts, absent=()):
        def there():
            screen = self.screen()
            return all(text in screen for text in texts) and not any(text in screen for text in absent)
        try:
            wait_until(there, f"the screen shows {texts} without {absent}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows:\n{self.screen()}") from None
        return self.screen()

    def is_sane(self):
        """The shell echoes and runs what is typed."""
        # Keys that come before the shell has the terminal back would go to the command that ends.
        wait_until(lambda: self.screen().rstrip().endswith("\nREADY>"), "the shell asks for a command")
        self.keys("c=$?; clear; echo sa''ne $c", "Enter")
        # Nothing else: an earlier call may have left the same words above the command that has ended.
        return wait_until(lambda: re.fullmatch(r"sane \d+\nREADY>", self.screen().strip()), "the shell echoes")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, timeout=20, check=False)


class Watch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = Bide("--access-log", "off").start()

    @classmethod
    def tearDownClass(cls):
        cls.bide.__exit__()

    def later(self, *arguments):
        return subprocess.Popen([BIDE, *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=dict(self.bide.env, BIDE_SERVER=self.bide.url))

    def test_lines_of_jobs_until_they_are_over(self):
        watching = self.later("watch", "line-1", "line-2")
        self.assertIn("does not exist yet", watching.stderr.readline() + watching.stderr.readline())
        self.bide.put(definition("line-1"), definition("line-2"))
        for job in ("line-1", "line-2"):
            self.assertEqual(watching.stdout.readline().split(": ")[1], "submitted\n", job)
        self.bide.put(event("line-1", "started"))
        self.assertEqual(watching.stdout.readline(), "line-1: processing\n")
        self.bide.put(event("line-1", "failed", nano=2, error="no \x1b[2J\u202espace"))
        self.assertEqual(watching.stdout.readline(), "line-1: failed, no  [2J space\n")
        self.bide.put(event("line-2", "completed"))
        out, err = watching.communicate(timeout=30)
        self.assertEqual((watching.returncode, out), (0, "line-2: completed\n"), err)

    def test_lines_of_a_label_across_a_restart_of_nats(self):
        labels = {"watch": "label"}
        watching = self.later("watch", "--label", "watch=label", "--jq", ".id + .status")
        wait_until(lambda: self.bide.metric("bide_parked") >= 1, "the feed is followed")
        self.bide.put(definition("other"), definition("label-1", labels=labels))
        self.assertEqual(watching.stdout.readline(), "label-1submitted\n")
        self.bide.restart_nats()
        self.bide.put(event("label-1", "completed"))
        self.assertEqual(watching.stdout.readline(), "label-1completed\n")
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=30)
        self.assertEqual(watching.returncode, 130)

    def test_a_deletion_ends_the_lines_of_a_job(self):
        self.bide.put(definition("doomed-1"))
        watching = self.later("watch", "doomed-1")
        self.assertEqual(watching.stdout.readline(), "doomed-1: submitted\n")
        self.assertEqual(self.bide.command("delete", "doomed-1").returncode, 0)
        out, err = watching.communicate(timeout=30)
        self.assertEqual((watching.returncode, out, err),
                         (0, "", "bide watch: doomed-1: is gone: deleted or expired\n"))

    def test_deletions_in_the_table(self):
        self.bide.put(*[definition(f"doomed-{n}", labels={"d": "1"}) for n in (2, 3)])
        with Terminal(self.bide) as terminal:
            terminal.run("watch", "--label", "d=1")
            terminal.wait_for("2 jobs: 2 submitted")
            self.assertEqual(self.bide.command("delete", "doomed-2", "doomed-3").returncode, 0)
            terminal.keys("Enter")
            terminal.wait_for(": does not exist", absent=("STATUS",))
            terminal.keys("q")
            screen = terminal.wait_for("2 jobs: 1 submitted", "STATUS")
            self.assertRegex(screen, r"doomed-\d +gone")
            terminal.keys("q")
            self.assertIn("sane 0", terminal.is_sane())
        with Terminal(self.bide) as terminal:
            self.bide.put(definition("doomed-4"))
            terminal.run("watch", "doomed-4")
            terminal.wait_for("1 job: 1 submitted")
            self.assertEqual(self.bide.command("delete", "doomed-4").returncode, 0)
            terminal.wait_for("doomed-4  gone")
            terminal.keys("q")
            self.assertIn("sane 0", terminal.is_sane())

    def test_a_reader_that_leaves_ends_it(self):
        pipe, socket_pair = os.pipe(), socket.socketpair()
        for ours, theirs in ((pipe[0], pipe[1]), (socket_pair[0].detach(), socket_pair[1].detach())):
            before = self.bide.metric("bide_streams_open")
            watching = subprocess.Popen([BIDE, "watch"], stdout=theirs, stderr=subprocess.PIPE, text=True,
                                        env=dict(self.bide.env, BIDE_SERVER=self.bide.url))
            os.close(theirs)
            wait_until(lambda before=before: self.bide.metric("bide_streams_open") > before, "the feed is followed")
            os.close(ours)
            _, err = watching.communicate(timeout=30)
            self.assertEqual((watching.returncode, err), (1, "bide watch: cannot write to stdout\n"))

    def test_usage(self):
        for words in (["a b"], ["x", "--label", "a=b"], ["-o", "json"], ["--jq", ".["]):
            self.assertEqual(self.bide.command("watch", *words).returncode, 2, words)

    def test_table(self):
        wide = "\u65e5\u672c"
        self.bide.put(definition("table-1", labels={"t": "1"}), definition("table-2", labels={"t": "1"}),
                      event("table-1", "failed", error=f"no {wide} \x1b[31mspace"))
        with Terminal(self.bide) as terminal:
            terminal.run("watch", "--label", "t=1")
            screen = terminal.wait_for("2 jobs: 1 submitted, 1 failed", "ID", "STATUS", "Enter timeline")
            self.assertIn(f"no {wide}  [31mspace", screen)
            self.bide.put(event("table-2", "started"))
            terminal.wait_for("1 processing")
            self.bide.put(definition("table-3", labels={"t": "1"}))
            terminal.wait_for("3 jobs", "table-3")
            terminal.keys("/")
            terminal.keys("table-1")
            terminal.wait_for("/table-1", absent=("table-2", "table-3"))
            terminal.keys("Enter")
            terminal.wait_for("1 with table-1")
            terminal.keys("Enter")
            terminal.wait_for("table-1: failed", "00:00:01  failed  web-01", absent=("STATUS",))
            terminal.keys("q")
            terminal.wait_for("STATUS")
            terminal.keys("Escape")
            terminal.wait_for("table-2", "table-3")
            terminal.tmux("resize-window", "-x", "40", "-y", "10")
            narrow = terminal.wait_for("STATUS", "table-1")
            self.assertTrue(all(len(line) <= 40 for line in narrow.splitlines()), narrow)
            terminal.keys("q")
            self.assertIn("sane 0", terminal.is_sane())

    def test_columns_replaces_the_width_of_the_terminal(self):
        self.bide.put(definition("narrow-" + "x" * 60, labels={"c": "1"}))
        with Terminal(self.bide) as terminal:
            for columns, width in (("40", 40), ("70", 70), ("none", 80)):
                terminal.run("watch", "--label", "c=1", env=f"COLUMNS={columns}")
                screen = terminal.wait_for("1 job: ", "STATUS", "narrow-x")
                widest = max(map(len, screen.splitlines()))
                self.assertLess(widest, width, (columns, screen))
                self.assertGreater(widest, min(width, 70) - 20, (columns, screen))
                terminal.keys("q")
                self.assertIn("sane 0", terminal.is_sane())

    def test_a_refusal_leaves_the_terminal_clean(self):
        tokens = tempfile.NamedTemporaryFile("w", prefix="bide-e2e-", encoding="ascii")
        self.addCleanup(tokens.close)
        tokens.write("right-token-right-token\n")
        tokens.flush()
        bide = Bide("--access-log", "off", "--auth", f"token-file={tokens.name}")
        bide.credentials = ("Authorization: Bearer right-token-right-token",)
        with bide, Terminal(bide, columns=150) as terminal:
            terminal.run("watch", env="BIDE_TOKEN=wrong")
            terminal.wait_for("bide watch: the server answered 401", "BIDE_TOKEN needs a token", absent=("Enter timeline",))
            self.assertIn("sane 4", terminal.is_sane())

    def test_scrolls(self):
        self.bide.put(*[definition(f"row-{n:02}", labels={"s": "1"}) for n in range(60)])
        with Terminal(self.bide, 40, 12) as terminal:
            terminal.run("watch", "--label", "s=1")
            terminal.wait_for("60 jobs", "row-00", absent=("row-59",))
            terminal.keys("End")
            terminal.wait_for("row-59", absent=("row-00",))
            terminal.keys("Home")
            terminal.wait_for("row-00", absent=("row-59",))
            terminal.keys("C-c")
            self.assertIn("sane 130", terminal.is_sane())

    def test_a_terminal_that_is_not_utf_8_and_no_colour(self):
        self.bide.put(definition("plain-1", labels={"p": "1"}), event("plain-1", "failed", error="caf\u00e9"))
        with Terminal(self.bide, env={"LC_ALL": "C", "NO_COLOR": "1"}) as terminal:
            terminal.run("watch", "--label", "p=1")
            terminal.wait_for("caf?", "1 failed")
            self.assertNotIn("\x1b[31m", terminal.screen("-e"))
            terminal.keys("q")
            terminal.is_sane()
            terminal.run("list", "--label", "p=1")
            terminal.wait_for("caf?", "STATUS")

    def test_stdout_and_stderr_tell_nothing_twice(self):
        self.bide.put(definition("once-1"), event("once-1", "failed", error="no space"))
        with Terminal(self.bide) as terminal:
            terminal.run("wait", "once-1")
            screen = terminal.wait_for("no space (0s)", "READY>")
            self.assertEqual(screen.count("failed"), 1, screen)
            self.assertIn("once-1: failed", screen)

    def test_a_restart_of_bide_and_a_job_that_comes_later(self):
        with Bide("--access-log", "off") as bide, Terminal(bide) as terminal:
            terminal.run("watch", "later-1")
            terminal.wait_for("later-1", "does not exist yet")
            port = bide.port
            self.assertEqual(bide.terminate(), 0)
            terminal.wait_for("trying again")
            bide.listen_port = port
            bide.start()
            bide.put(definition("later-1"), event("later-1", "completed"))
            terminal.wait_for("completed", absent=("trying again",))
            terminal.keys("q")
            self.assertIn("sane 0", terminal.is_sane())


if __name__ == "__main__":
    unittest.main()
