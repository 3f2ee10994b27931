"""`bide run`: the command never notices bide, whatever happens to bide, NATS or the streams.

No server is needed to show what a command gets: those tests run without any. What is reported is
shown with the real bide, and with a server that refuses on purpose.
"""
import errno
import fcntl
import hashlib
import http.server
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import BIDE, PATIENCE_S, Bide, wait_until

NOBODY = ["--server", "http://127.0.0.1:1", "--report-timeout", "0s"]
PYTHON = sys.executable
ENV = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}


def run(*command, flags=NOBODY, words=("-q",), **options):
    """`bide run` of a command, to its end."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENV, **options}
    return subprocess.run([BIDE, "run", *words, *flags, "--", *command], timeout=120, check=False, **options)


def begin(*command, flags=NOBODY, words=("-q",), **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENV, **options}
    return subprocess.Popen([BIDE, "run", *words, *flags, "--", *command], **options)


def without_warning(stderr):
    return b"".join(line for line in stderr.splitlines(True) if not line.startswith(b"bide run: warning: "))


class TheCommand(unittest.TestCase):
    """What it gets, and what its caller gets."""

    def test_exit_codes(self):
        for code in range(256):
            done = run("sh", "-c", f"exit {code}")
            self.assertEqual(done.returncode, code)
            self.assertEqual(done.stdout, b"")

    def test_ended_by_a_signal(self):
        for name in ("HUP", "INT", "KILL", "TERM", "ABRT", "SEGV", "USR1", "PIPE"):
            number = getattr(signal, "SIG" + name).value
            self.assertEqual(run("sh", "-c", f"kill -{name} $$").returncode, 128 + number, name)

    def test_commands_that_cannot_be_run(self):
        for command, code, word in ((["/no/such"], 127, b"No such file"), (["no-such-command"], 127, b"No such file"),
                                    (["/etc/passwd"], 126, b"denied"), (["/"], 126, b"denied"),
                                    ([""], 127, b"No such file")):
            done = run(*command)
            self.assertEqual(done.returncode, code, command)
            self.assertIn(word, done.stderr)

    def test_usage(self):
        for words in ([], ["build-7"], ["build-7", "true"], ["a", "b", "--", "true"], ["--"], ["a b", "--", "true"],
                      ["--report-timeout", "soon", "--", "true"], ["--no-such", "--", "true"]):
            done = subprocess.run([BIDE, "run", *words], capture_output=True, env=ENV, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, words)

    def test_what_is_wrong_with_bide_is_only_a_warning(self):
        for env in ({"BIDE_SERVER": "ftp://x"}, {"BIDE_TOKEN": "a b"}, {"BIDE_NATS": "http://x"},
                    {"BIDE_SERVER": "https://127.0.0.1:1", "BIDE_CACERT": "/no/such"}):
            done = run("sh", "-c", "echo out; exit 3", flags=["--report-timeout", "0s"], env={**ENV, **env})
            self.assertEqual((done.returncode, done.stdout), (3, b"out\n"), env)
            self.assertIn(b"bide run: warning: ", done.stderr)

    def test_the_id_is_printed_once(self):
        done = run("true", words=())
        self.assertRegex(done.stderr, rb"(?m)\Abide run: job [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f-]+\n")
        self.assertNotIn(b"bide run: job", run("true").stderr)
        self.assertNotIn(b"bide run: job", run("true", words=("build-7",)).stderr)

    def test_stdin(self):
        text = os.urandom(10 << 20)
        done = run("cat", input=text)
        self.assertEqual(done.stdout, text)
        self.assertEqual(run("cat", stdin=subprocess.DEVNULL).stdout, b"")

    def test_stdout_is_the_callers_own(self):
        with tempfile.TemporaryFile() as out:
            run(PYTHON, "-c", "import os, sys; s = os.fstat(1); print(s.st_dev, s.st_ino)", stdout=out)
            out.seek(0)
            stat = os.fstat(out.fileno())
            self.assertEqual(out.read().split(), [b"%d" % stat.st_dev, b"%d" % stat.st_ino])

    def test_stderr_can_be_left_alone(self):
        with tempfile.TemporaryFile() as err:
            run(PYTHON, "-c", "import os, sys; s = os.fstat(2); print(s.st_dev, s.st_ino, file=sys.stderr)",
                words=("-q", "--no-last-lines"), stderr=err)
            err.seek(0)
            stat = os.fstat(err.fileno())
            self.assertEqual(err.read().split()[:2], [b"%d" % stat.st_dev, b"%d" % stat.st_ino])

    def test_descriptors_dispositions_and_mask(self):
        """As if bide were not there: the same child, with and without it."""
        look = ("import os, re\n"
                "status = open('/proc/self/status').read()\n"
                "print(re.findall('Sig(?:Blk|Ign|Cgt):.*', status), sorted(os.listdir('/proc/self/fd')),\n"
                "      os.getcwd(), os.nice(0), sorted(os.environ))\n")
        inherited = os.open("/dev/null", os.O_RDONLY)

        def unusual():
            for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})

        for prepare in (None, unusual):
            seen = [subprocess.run([*words, PYTHON, "-c", look], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, pass_fds=[inherited], preexec_fn=prepare, timeout=60,
                                   env=ENV, check=False).stdout
                    for words in ([], [BIDE, "run", "-q", *NOBODY, "--"])]
            self.assertEqual(seen[0], seen[1])
        os.close(inherited)

    def test_a_parent_that_ignores_its_children(self):
        done = run("sh", "-c", "exit 7", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(done.returncode, 7)

    def test_closed_streams(self):
        self.assertEqual(subprocess.run(["sh", "-c", 'exec "$0" run -q --report-timeout 0s --server http://127.0.0.1:1 '
                                         '-- sh -c "echo x; echo y >&2; exit 5" <&- >&- 2>&-', BIDE],
                                        env=ENV, timeout=60, check=False).returncode, 5)

    def test_signals_reach_the_command(self):
        script = ("trap 'echo got $0; exit 9' {0}\n"
                  "echo ready\n"
                  "while :; do sleep 0.05; done\n")
        for name in ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2"):
            process = begin("sh", "-c", script.format(name), name)
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(getattr(signal, "SIG" + name))
            out, _ = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((out, process.returncode), (b"got %s\n" % name.encode(), 9))

    def test_a_signal_that_is_not_handled_ends_both(self):
        process = begin("sh", "-c", "echo ready; exec sleep 60")
        process.stdout.readline()
        process.terminate()
        self.assertEqual(process.wait(PATIENCE_S), 128 + signal.SIGTERM)
        process.communicate()

    def test_stopping_and_continuing(self):
        # In a session of its own, or on a terminal this test would be stopped, too.
        process = begin("sh", "-c", "echo $$; read x; exit 4", stdin=subprocess.PIPE, start_new_session=True)
        pid = int(process.stdout.readline())

        def state():
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0]

        process.send_signal(signal.SIGTSTP)
        # Its group has its parent in the same session, so it stops.
        wait_until(lambda: state() == "T", "the command has stopped")
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: state() == "S", "the command was continued")
        process.communicate(b"x\n", timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 4)

    def test_its_own_process_group(self):
        done = run(PYTHON, "-c", "import os; print(os.getpid() == os.getpgid(0), os.getsid(0))")
        self.assertEqual(done.stdout.split(), [b"True", b"%d" % os.getsid(0)])

    def test_bide_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            mark = os.path.join(folder, "mark")
            process = begin("sh", "-c", 'echo $$; read x; echo still here >&2; sync; echo done >"$0"', mark,
                            stdin=subprocess.PIPE)
            process.stdout.readline()
            process.kill()
            self.assertEqual(process.wait(PATIENCE_S), -signal.SIGKILL)
            process.stdin.write(b"x\n")
            process.stdin.flush()
            self.assertEqual(process.stderr.read(), b"still here\n")  # Until nobody has it open.
            wait_until(lambda: os.path.exists(mark), "the command went on")
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()


class Output(unittest.TestCase):
    def test_a_gigabyte_on_stderr(self):
        size = 1 << 30
        process = begin("sh", "-c", f"head -c {size} /dev/zero >&2; echo; echo the last line >&2; exit 6")
        count, last, begun = 0, b"", time.monotonic()
        while True:
            chunk = os.read(process.stderr.fileno(), 1 << 20)
            if not chunk:
                break
            count += len(chunk)
            last = (last + chunk)[-400:]
        self.assertEqual(process.wait(PATIENCE_S), 6)
        process.communicate()
        self.assertIn(b"\0the last line\nbide run: warning: ", last)
        warning = len(last) - last.index(b"bide run: ")
        self.assertEqual(count - warning, size + len("the last line\n"))
        print(f"1 GiB of stderr in {time.monotonic() - begun:.2f} s", file=sys.stderr)

    def test_every_byte_in_order(self):
        text = os.urandom(20 << 20)
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            done = run("sh", "-c", 'cat "$0" >&2', file.name)
        self.assertEqual(hashlib.sha256(done.stderr[:len(text)]).digest(), hashlib.sha256(text).digest())
        self.assertTrue(done.stderr[len(text):].startswith(b"bide run: warning: "))

    def test_order_of_both_streams(self):
        script = "for i in $(seq 2000); do echo out $i; echo err $i >&2; done"
        done = run("sh", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        expected = b"".join(b"out %d\nerr %d\n" % (i, i) for i in range(1, 2001))
        self.assertEqual(without_warning(done.stdout), expected)

    def test_a_slow_reader_slows_the_command_only(self):
        process = begin("sh", "-c", "head -c 300000 /dev/zero >&2; echo written; exit 3")
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        self.assertEqual(poll.poll(300), [])  # The pipes hold less than that.
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((out, process.returncode), (b"written\n", 3))
        self.assertEqual(without_warning(err)[:300000], b"\0" * 300000)

    def test_a_reader_that_has_gone(self):
        process = begin("sh", "-c", 'echo ready; read x; while :; do echo more >&2; done', stdin=subprocess.PIPE)
        process.stdout.readline()
        process.stderr.close()
        process.stdin.write(b"x\n")
        process.stdin.close()
        self.assertEqual(process.wait(PATIENCE_S), 128 + signal.SIGPIPE)
        process.stdout.close()

    def test_a_process_left_behind_keeps_stderr(self):
        with tempfile.TemporaryDirectory() as folder:
            gate = os.path.join(folder, "gate")
            os.mkfifo(gate)
            process = begin("sh", "-c", '(read x <"$0"; echo from the background >&2) & echo first >&2; exit 2', gate)
            self.assertEqual(process.wait(PATIENCE_S), 2)  # Not held up by it.
            with open(gate, "w", encoding="ascii") as file:
                file.write("x\n")
            err = process.stderr.read()
            self.assertIn(b"first\n", err)
            self.assertTrue(err.endswith(b"from the background\n"), err)
            process.communicate()

    def test_stderr_that_does_not_block(self):
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
        process = begin("sh", "-c", "head -c 500000 /dev/zero >&2; echo end >&2", stderr=writer)
        os.close(writer)
        got = b""
        while chunk := os.read(reader, 65536):
            got += chunk
        os.close(reader)
        process.communicate(timeout=PATIENCE_S)
        self.assertEqual(without_warning(got), b"\0" * 500000 + b"end\n")


class Terminal(unittest.TestCase):
    """A shell with job control on a pseudo-terminal, as a person has it."""

    def setUp(self):
        pid, self.master = pty.fork()
        if pid == 0:
            os.environ.clear()
            os.environ.update(ENV, PS1="PROMPT>", TERM="dumb", BIDE=BIDE)
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.pid = pid
        self.seen = ""
        self.expect("PROMPT>")

    def tearDown(self):
        os.close(self.master)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, text):
        """Reads until `text` comes; returns all up to there."""
        end = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, f"{text!r} did not come: {self.seen!r}")
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError as error:
                self.assertEqual(error.errno, errno.EIO)
                self.fail(f"{text!r} did not come: {self.seen!r}")
        before, self.seen = self.seen.split(text, 1)
        return before

    def start(self, command, after=""):
        self.type(f"$BIDE run -q --server http://127.0.0.1:1 --report-timeout 0s -- {command}{after}\n")

    def test_the_command_reads_from_the_terminal(self):
        self.start("""sh -c 'echo rea""dy; read x; echo "got [$x]"; exit 3'""")
        self.expect("ready\r\n")
        self.type("hello\n")
        self.expect("got [hello]")
        self.expect("PROMPT>")
        self.type('echo code "$?"\n')
        self.expect("code 3\r\n")
        # The shell has the terminal again.
        self.type("read y; echo again [$y]\nworld\n")
        self.expect("again [world]")

    def test_it_is_the_foreground_group_with_a_terminal_for_stderr(self):
        self.start("""python3 -c 'import os; print("state", os.tcgetpgrp(0) == os.getpgrp(), os.isatty(2))'""")
        self.expect("state True True\r\n")

    def test_interrupt(self):
        self.start("""sh -c 'echo rea""dy; exec sleep 60'""")
        self.expect("ready\r\n")
        self.type("\x03")
        self.expect("PROMPT>")
        self.type('echo code "$?"\n')
        self.expect("code 130\r\n")

    def test_interrupt_ends_a_script_around_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
            script.write('"$BIDE" run -q --server http://127.0.0.1:1 --report-timeout 0s -- '
                         'sh -c \'echo rea""dy; exec sleep 60\'\necho wrong\n')
            script.flush()
            for shell in ("bash", "sh"):
                self.type(f"{shell} {script.name}\n")
                self.expect("ready\r\n")
                self.type("\x03")
                self.assertNotIn("wrong", self.expect("PROMPT>"))
                self.type('echo code "$?"\n')
                self.expect("code 130\r\n")
                self.expect("PROMPT>")

    def test_an_interrupt_that_the_command_handles(self):
        self.start("""sh -c 'trap "echo hand""led; exit 5" INT; echo rea""dy; while :; do sleep 0.05; done'""")
        self.expect("ready\r\n")
        self.type("\x03")
        self.expect("handled\r\n")
        self.expect("PROMPT>")
        self.type('echo code "$?"\n')
        self.expect("code 5\r\n")

    def test_stop_and_continue(self):
        for goes_on in ("fg", "bg"):
            self.start("""sh -c 'echo rea""dy; read x; echo "got [$x]"; exit 4'""")
            self.expect("ready\r\n")
            self.type("\x1a")
            self.expect("Stopped")
            self.expect("PROMPT>")
            if goes_on == "bg":  # It reads from the terminal, so the terminal stops it again.
                self.type("bg\n")
                self.expect("PROMPT>")
                self.type("while ! jobs | grep -q 'Stopped'; do sleep 0.05; done; echo aga''in\n")
                self.expect("again\r\n")
            self.type("fg\n")
            self.expect("-- sh")
            self.type("hello\n")
            self.expect("got [hello]")
            self.expect("PROMPT>")
            self.type('echo code "$?"\n')
            self.expect("code 4\r\n")
            self.expect("PROMPT>")

    def test_in_a_pipe_to_a_program_that_reads_from_the_terminal(self):
        self.start("echo text", """ | sh -c 'cat; read x </dev/tty; echo "pager [$x]"'""")
        self.expect("text\r\n")
        self.type("q\n")
        self.expect("pager [q]")
        self.expect("PROMPT>")

    def test_reading_the_terminal_with_stdout_elsewhere(self):
        self.start("""sh -c 'echo rea""dy >/dev/tty; read x; echo "got [$x]"'""", " | cat")
        self.expect("ready\r\n")
        self.type("hello\n")
        self.expect("got [hello]")
        self.expect("PROMPT>")
        self.type("echo shell ali''ve\n")
        self.expect("shell alive\r\n")

    def test_in_the_background_it_does_not_take_the_terminal(self):
        self.start("""sh -c 'read x; echo "got [$x]"'""", " &")
        self.expect("PROMPT>")
        self.type("while ! jobs | grep -q Stopped; do sleep 0.05; done; echo shell ali''ve\n")
        self.expect("shell alive\r\n")
        self.type("fg\n")
        self.expect("-- sh")
        self.type("hello\n")
        self.expect("got [hello]")
        self.expect("PROMPT>")


class Receiver:
    """An HTTP server that takes events as bide does, after trouble of the test's choice."""

    def __init__(self, trouble=(), port=0):
        """`trouble`: for each request a status, or None to hang up; after them everything is stored."""
        self.requests = []
        self.stored = {}
        trouble = list(trouble)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.headers["Idempotency-Key"]
                receiver.requests.append((self.command, self.path, key, body))
                status = trouble.pop(0) if trouble else 201
                if status is None:
                    receiver.stored.setdefault(key, (self.path, body))  # And the answer is lost.
                    self.close_connection = True
                    return
                if status == 201:
                    receiver.stored.setdefault(key, (self.path, body))
                text = b"" if status == 201 else json.dumps(
                    {"type": "urn:bide:problem:x", "detail": "on purpose"}).encode()
                self.send_response(status)
                self.send_header("Bide-Status", "processing")
                if status in (429, 503):
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def stories(self):
        """What is stored, in order: the definition is None."""
        return [body.get("event") for _, body in self.stored.values()]


class Reports(unittest.TestCase):
    def story(self, *command, trouble=(), words=("build-7",), timeout="30s", **options):
        with Receiver(trouble) as receiver:
            done = run(*command, words=(*words, "--agent", "web-01"),
                       flags=["--server", receiver.url, "--report-timeout", timeout], **options)
        return done, receiver

    def test_success(self):
        done, receiver = self.story("sh", "-c", "echo note >&2")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b"note\n"))
        self.assertEqual([(method, path) for method, path, _, _ in receiver.requests],
                         [("PUT", "/job/build-7"), ("POST", "/job/build-7/events"), ("POST", "/job/build-7/events")])
        self.assertEqual(receiver.stories(), [None, "started", "completed"])
        last = receiver.requests[-1][3]
        self.assertEqual((last["agent"], last["data"]), ("web-01", {"exit_status": 0}))
        started = receiver.requests[1][3]
        self.assertLess(started["timestamp"], last["timestamp"])

    def last_data(self, *command):
        done, receiver = self.story(*command)
        self.assertEqual(receiver.stories()[-1], "failed")
        return done, receiver.requests[-1][3]["data"]

    def test_failures(self):
        done, data = self.last_data("sh", "-c", "echo first >&2; echo no space left >&2; exit 2")
        self.assertEqual((done.returncode, data),
                         (2, {"error": "exit status 2: no space left\nfirst\nno space left", "exit_status": 2}))
        _, data = self.last_data("sh", "-c", "exit 255")
        self.assertEqual(data, {"error": "exit status 255", "exit_status": 255})
        done, data = self.last_data("sh", "-c", "echo oops >&2; kill -KILL $$")
        self.assertEqual((done.returncode, data),
                         (137, {"error": "ended by signal 9 (SIGKILL): oops", "exit_status": 137}))
        done, data = self.last_data("sh", "-c", r"printf 'caf\351\033[31m\n' >&2; exit 1")
        self.assertEqual(data["error"], "exit status 1: caf\ufffd\x1b[31m")
        self.assertEqual(done.stderr, b"caf\xe9\x1b[31m\n")

    def test_a_command_that_cannot_be_run(self):
        done, receiver = self.story("/no/such")
        self.assertEqual(done.returncode, 127)
        self.assertEqual(receiver.stories(), [None, "failed"])
        self.assertEqual(receiver.requests[-1][3]["data"],
                         {"error": "the command cannot be run: No such file or directory", "exit_status": 127})

    def test_trouble_of_every_kind(self):
        trouble = [503, None, 429, 504, 201, 502, None, 500, 201, None, 503]
        done, receiver = self.story("sh", "-c", "exit 3", trouble=trouble)
        self.assertEqual((done.returncode, done.stderr), (3, b""))
        self.assertEqual(receiver.stories(), [None, "started", "failed"])  # Each once, in order.

    def test_the_server_is_away_for_the_whole_run(self):
        with Receiver() as receiver:
            port = receiver.port
        process = begin("sh", "-c", "echo runs; read x; exit 3", words=("build-7",), stdin=subprocess.PIPE,
                        flags=["--server", f"http://127.0.0.1:{port}", "--report-timeout", "1m"])
        self.assertEqual(process.stdout.readline(), b"runs\n")
        process.stdin.write(b"x\n")
        process.stdin.flush()
        # It repeats what it could not send: the definition first.
        with Receiver(port=port) as receiver:
            _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err), (3, b""))
        self.assertEqual(receiver.stories(), [None, "started", "failed"])

    def test_refused(self):
        for status, word in ((401, "BIDE_TOKEN"), (403, "own machine"), (405, "--read-only"), (422, "on purpose")):
            done, receiver = self.story("sh", "-c", "exit 4", trouble=[status] * 3)
            self.assertEqual(done.returncode, 4)
            self.assertEqual(len(receiver.requests), 3)
            self.assertIn(f"bide run: warning: build-7: the definition is not stored: the server answered {status}: on purpose",
                          done.stderr.decode())
            self.assertIn(word, done.stderr.decode())

    def test_defined_by_somebody_else(self):
        done, receiver = self.story("true", trouble=[409])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(receiver.stories(), ["started", "completed"])

    def test_giving_up(self):
        begun = time.monotonic()
        done, receiver = self.story("sh", "-c", "exit 4", trouble=[503] * 1000, timeout="1s")
        self.assertEqual(done.returncode, 4)
        self.assertGreater(time.monotonic() - begun, 1)
        self.assertEqual(receiver.stories(), [])
        self.assertIn(b"bide run: warning: build-7: the definition is not known to be stored: the server answered 503",
                      done.stderr)
        self.assertLess(len(receiver.requests), 30)

    def test_an_impatient_user(self):
        with Receiver([503] * 1000) as receiver:
            process = begin("sh", "-c", "exit 4", flags=["--server", receiver.url, "--report-timeout", "10m"])
            wait_until(lambda: len(receiver.requests) >= 3, "bide run repeats its report")
            process.terminate()
            _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual(process.returncode, 4)
        self.assertIn(b"not known to be stored", err)


class WithBide(unittest.TestCase):
    """The real server, its real nats-server, and what is stored in the end."""

    WAYS = ("http", "nats")

    def start(self):
        bide = Bide("--access-log", "off").start()
        self.addCleanup(bide.__exit__)
        return bide

    @staticmethod
    def env(bide, way):
        return {**ENV, "BIDE_DATA_DIR": bide.data_dir, **({"BIDE_SERVER": bide.url} if way == "http" else {})}

    def story(self, bide, job):
        """The events that are stored, in order of time. None while NATS is away."""
        return [entry["event"] for entry in bide.get(f"/job/{job}").json().get("timeline", [])]

    def test_a_run_is_a_job(self):
        bide = self.start()
        for way in self.WAYS:
            env = self.env(bide, way)
            self.assertEqual(run("true", flags=[], words=(way,), env=env).stderr, b"")
            wait_until(lambda way=way: bide.get(f"/job/{way}").status == 200 and self.story(bide, way) ==
                       ["started", "completed"], "the job has completed")
            done = run("sh", "-c", "echo first >&2; echo boom >&2; exit 9", flags=["--agent", "web 01"],
                       words=(way + "-2",), env=env)
            self.assertEqual((done.returncode, done.stderr), (9, b"first\nboom\n"))
            wait_until(lambda way=way: bide.get(f"/job/{way}-2").status == 200 and self.story(bide, way + "-2") ==
                       ["started", "failed"], "the job has failed")
            state = bide.get(f"/job/{way}-2").json()
            self.assertEqual((state["status"], state["final"], state["hostname"], state["error"]),
                             ("failed", True, "web 01", "exit status 9: boom\nfirst\nboom"))

    def test_labels(self):
        bide = self.start()

        def listed(label):
            return [item["id"] for item in bide.get(f"/job?label={label}").json()["items"]]

        for way in self.WAYS:
            env = self.env(bide, way)
            run("true", flags=["--label", "release=42", "--label", f"way={way}"], words=(way,), env=env)
            wait_until(lambda way=way: listed(f"way={way}") == [way], "the job is listed by its label")
        self.assertEqual(sorted(listed("release=42")), sorted(self.WAYS))
        for bad in (["--label", "release"], ["--label", "Release=42"], ["--label", "a=1", "--label", "a=2"],
                    ["--label", "a=" + "x" * 129], [f for i in range(17) for f in ("--label", f"l{i}=x")]):
            self.assertEqual(run("true", flags=bad, words=("x",), env=env).returncode, 2, bad)

    def test_made_up_ids(self):
        bide = self.start()
        done = run("true", flags=[], words=(), env=self.env(bide, "http"))
        job = done.stderr.decode().split()[-1]
        self.assertEqual(self.story(bide, job), ["started", "completed"])

    def test_restarts_in_the_middle(self):
        bide = self.start()
        bide.listen_port = bide.port
        for way in self.WAYS:
            process = begin("sh", "-c", "echo runs; read x; exit 3", flags=["--report-timeout", "1m"], words=(way,),
                            env=self.env(bide, way), stdin=subprocess.PIPE)
            self.assertEqual(process.stdout.readline(), b"runs\n")
            wait_until(lambda way=way: bide.get(f"/job/{way}").status == 200, "the start is reported")
            bide.forget_worker()
            bide.kill()  # With its nats-server.
            process.stdin.write(b"x\n")
            process.stdin.flush()
            bide.start()
            _, err = process.communicate(timeout=60)
            self.assertEqual((process.returncode, err), (3, b""))
            wait_until(lambda way=way: len(self.story(bide, way)) >= 2, "the end is stored")
            self.assertEqual(self.story(bide, way), ["started", "failed"])

    def test_nats_is_restarted_again_and_again(self):
        bide = self.start()
        for way in self.WAYS:
            env = self.env(bide, way)
            codes = []

            def work(way=way, env=env, codes=codes):
                for i in range(12):
                    codes.append(run("sh", "-c", f"exit {i}", flags=["--report-timeout", "1m"],
                                     words=(f"{way}-{i}",), env=env).returncode)

            worker = threading.Thread(target=work)
            worker.start()
            for _ in range(4):  # Some runs are over between two restarts.
                begun = len(codes)
                bide.restart_nats()
                wait_until(lambda codes=codes, begun=begun: len(codes) > begun + 1 or len(codes) == 12,
                           "runs end and are reported", 60)
            worker.join(120)
            self.assertEqual(codes, list(range(12)))
            for i in range(12):
                job = f"{way}-{i}"
                wait_until(lambda job=job: len(self.story(bide, job)) >= 2, "the end is stored")
                self.assertEqual(self.story(bide, job), ["started", "failed" if i else "completed"], job)


if __name__ == "__main__":
    unittest.main()
