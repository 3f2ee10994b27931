"""Every shell line of README.md and docs/cli.md, and every example in --help, runs against a real bide.

tests/README.md says how a page can prepare what its lines need.
"""
import os
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

from harness import BIDE, PATIENCE_S, Bide, wait_until

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Lines that are not run, and why.
NOT_RUN = {
    "scripts/run": "installs packages, builds bide and runs it; CI begins with scripts/test, which does the same",
    "scripts/test            # installs what is missing, builds, runs all tests": "this test is part of it",
}

# Lines that are meant to fail, or go on after a failure; and the exit code of each.
FAILURES = {
    "bide run demo -- sh -c 'sleep 5; exit 3'": 3,
    "bide wait demo; echo $?": 0,
}

# Names of machines and folders that only stand for others.
STAND_INS = ("http://127.0.0.1:8080", "https://bide.example", "nats://nats.example:4222", "nats://host:4222", "/etc/bide")

# Shell that prepares the examples of a command's --help, which cannot say it themselves.
BEFORE_EXAMPLES = {
    "watch": "bide emit broken failed; bide run test-6 --label release=42 -- true",
    "get": "for agent in linux mac; do bide emit build-8 completed --agent $agent; done",
    "delete": "bide emit build-8 started; bide emit build-9 started",
}

# Programs that the lines take for granted.
PROGRAMS = ("make", "sleep", "deploy", "backup.sh")


class Block:
    """Lines for a shell, what prepares them, and the output that the page shows."""

    def __init__(self, where, lines, before=""):
        self.where = where
        self.lines = [line for line in lines if line.strip()]
        self.before = before
        self.shown = None

    def __str__(self):
        return self.where


def blocks_of(path):
    """The shell blocks of a Markdown page. `<!-- test: SHELL -->` above a block is run before it. A block of `text`
    right below is its output."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    found = []
    fence = re.compile(r"(?:<!-- test: (?P<before>[^\n]*) -->\n+)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.M | re.S)
    end = 0
    for match in fence.finditer(text):
        between, end = text[end:match.start()], match.end()
        if match["language"] in ("sh", "bash"):
            number = text[:match.start("body")].count("\n") + 1
            found.append(Block(f"{path}:{number}", match["body"].splitlines(), match["before"] or ""))
        elif match["language"] == "text" and found and not between.strip():
            found[-1].shown = match["body"]
    return found


def examples():
    """A block for each command: the examples of its --help."""
    help_text = subprocess.run([BIDE, "help"], capture_output=True, text=True, timeout=60, check=True).stdout
    found = []
    for word in re.findall(r"^  ([a-z]+)  ", help_text.split("Commands:\n")[1].split("\n\n")[0], re.M):
        text = subprocess.run([BIDE, word, "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
        lines = [line[2:] for line in text.split("\nExamples:\n")[1].split("\n\n")[0].splitlines()]
        found.append(Block(f"bide {word} --help", lines, BEFORE_EXAMPLES.get(word, "")))
    found.append(Block("bide help", help_text.split("\nExamples:\n")[1].split("\n\n")[0].splitlines()))
    return found


class Documentation(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="bide-e2e-")
        self.addCleanup(scratch.cleanup)
        self.home = scratch.name
        os.makedirs(self.path("bin"))
        os.makedirs(self.path("etc/bide"))
        os.symlink(BIDE, self.path("bin/bide"))
        for name in PROGRAMS:
            self.write("bin/" + name if name in ("make", "sleep") else name, "#!/bin/sh\nexit 0\n", 0o755)
        self.write("etc/bide/tokens", "a-token-that-nobody-else-knows write\n", 0o600)
        self.write("etc/bide.toml", 'max-wait = "30s"\n')
        self.write(".curlrc", "fail-with-body\nsilent\nshow-error\nmax-time = 60\n")  # A refusal is a failure.
        self.bide = Bide("--access-log", "off").start()
        self.addCleanup(self.bide.__exit__)
        with open(os.path.join(self.bide.data_dir, "nats-url"), encoding="ascii") as file:
            nats = file.read().strip()
        self.real = dict(zip(STAND_INS, (self.bide.url, self.bide.url, nats, nats, self.path("etc/bide"))))
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("BIDE_")}
        self.env.update(PATH=self.path("bin") + ":" + self.env["PATH"], HOME=self.home, CURL_HOME=self.home,
                        BIDE_SERVER=self.bide.url)

    def path(self, name):
        return os.path.join(self.home, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def with_real_names(self, text):
        for stand_in, real in self.real.items():
            text = text.replace(stand_in, real)
        return text

    def shell(self, text):
        """bash that ends with the first line that fails, and says on stderr what it runs."""
        for line, code in FAILURES.items():
            text = text.replace(line, f"set +e\n{line}\ncode=$?; set -e; test $code = {code}")
        text += "\nfor pid in $(jobs -p); do wait $pid; done"
        return subprocess.Popen(["bash", "-exo", "pipefail", "-c", self.with_real_names(text)], env=self.env, cwd=self.home,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process, where):
        try:
            out, err = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail(f"{where} does not end: {process.communicate()[1]}")
        self.assertEqual(process.returncode, 0, f"{where}\n{err}\n{out}")
        return out

    def serve(self, line, where):
        """A line that goes on for ever: it must come as far as listening, and end by SIGTERM."""
        line = re.sub(r"(--listen \S+):8080", r"\1:0", self.with_real_names(line))
        with tempfile.TemporaryDirectory(prefix="bide-e2e-") as data_dir:
            server = subprocess.Popen(["bash", "-c", "exec " + line], cwd=self.home, stdin=subprocess.DEVNULL,
                                      env=dict(self.env, BIDE_LISTEN="127.0.0.1:0", BIDE_DATA_DIR=data_dir),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            log = self.read_until(server, server.stderr, b'"msg":"listening"', where)
            server.send_signal(signal.SIGTERM)
            log += server.communicate(timeout=PATIENCE_S)[1]
            self.assertEqual(server.returncode, 0, f"{where}: {line}\n{log.decode()}")

    def watch(self, line, where):
        """It follows the jobs, and ends when all are over, or by ^C."""
        wait_until(lambda: self.bide.metric("bide_streams_open") == 0, f"{where}: those before it have left")
        watcher = subprocess.Popen(["bash", "-c", "exec " + self.with_real_names(line)], cwd=self.home, env=self.env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_until(lambda: watcher.poll() is not None or self.bide.metric("bide_streams_open") > 0, f"{where}: it follows")
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=PATIENCE_S)
        self.assertIn(watcher.returncode, (0, 130), f"{where}: {line}")

    def read_until(self, process, stream, wanted, where):
        end = time.monotonic() + PATIENCE_S
        text = b""
        while wanted not in text:
            ready = select.select([stream], [], [], max(0, end - time.monotonic()))[0]
            chunk = os.read(stream.fileno(), 65536) if ready else b""
            if not chunk:
                process.kill()
                process.communicate()
                self.fail(f"{where}: no {wanted} in {text.decode()}")
            text += chunk
        return text

    def run_blocks(self, blocks):
        """What they print."""
        printed = ""
        for block in blocks:
            if block.before:
                self.finish(self.shell(block.before), f"{block}: what is to prepare it")
            out = ""
            together = []  # Lines that share variables.
            for line in block.lines + ["bide serve: the end"]:
                endless = re.match(r"bide (serve|watch)\b", line.strip())
                if not endless:
                    together += [] if line.strip() in NOT_RUN else [line]
                    continue
                if together:
                    out += self.finish(self.shell("\n".join(together)), block)
                together = []
                if not line.endswith(": the end"):
                    (self.serve if endless[1] == "serve" else self.watch)(line.strip(), block)
            if block.shown is not None:
                pattern = ".*".join(re.escape(part) for part in self.with_real_names(block.shown).split("…"))
                self.assertRegex(out, re.compile(rf"\A{pattern}\Z", re.S), str(block))
            printed += out
        return printed

    def test_readme(self):
        self.assertIn("failed\n5\n", self.run_blocks(blocks_of("README.md")))

    def test_command_line_page(self):
        self.run_blocks(blocks_of("docs/cli.md"))

    def test_examples_in_help(self):
        self.run_blocks(examples())

    def test_the_list_of_lines_that_are_not_run(self):
        """Nothing stands there that no page has."""
        lines = {line.strip() for path in ("README.md", "docs/cli.md") for block in blocks_of(path) for line in block.lines}
        self.assertLessEqual(set(NOT_RUN) | set(FAILURES), lines)

    def test_a_line_that_fails_is_noticed(self):
        for lines in (["false; true", "bide get no-such-job"], ["curl http://127.0.0.1:8080/job/no-such-job"],
                      ["bide serve --no-such-flag"]):
            with self.assertRaises(AssertionError):
                self.run_blocks([Block("here", lines)])
        block = Block("here", ["echo two"])
        block.shown = "one\n"
        with self.assertRaises(AssertionError):
            self.run_blocks([block])


if __name__ == "__main__":
    unittest.main()
