"""README's lines and the scripts of examples/ against the real bide: as it should be, without bide,
without NATS, and with tokens."""
import os
import re
import signal
import subprocess
import tempfile
import unittest

from harness import BIDE, PATIENCE_S, Bide, definition, event, wait_until
from mortal_nats import NatsServer
from proxies import find_free_port

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
EXAMPLES = os.path.join(ROOT, "examples")
REPORT = os.path.join(EXAMPLES, "report.sh")
WAIT = os.path.join(EXAMPLES, "wait-for-job.sh")
SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "sh"])
TOKEN = "0123456789abcdef"
BOTH_STORED = ["started", "completed"]


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def code_of(page, heading):
    """The blocks of shell under a heading of a page in Markdown."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", read(page), re.M | re.S)[1]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)


def begin(*command, url="", stdin=subprocess.DEVNULL, **env):
    """`command` as a user runs it, with bide in the PATH."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BIDE_", "GITHUB_"))}
    return subprocess.Popen(command, text=True, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**inherited, "BIDE_SERVER": url, **env,
                                 "PATH": f"{env.get('PATH', '')}:{os.path.dirname(BIDE)}:{os.environ['PATH']}"})


def end(process, patience_s=60):
    """Its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=patience_s)
    return process.returncode, out, err


def run(*command, **options):
    return end(begin(*command, **options))


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = cls.enterClassContext(Bide("--access-log", "off"))
        cls.url = cls.bide.url
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="bide-examples-"))

    def timeline(self, job, bide=None):
        return [entry["event"] for entry in self.state(job, bide)["timeline"]]

    def state(self, job, bide=None):
        response = (bide or self.bide).get(f"/job/{job}", *(bide or self.bide).credentials)
        self.assertEqual(response.status, 200, response.body)
        return response.json()

    def command(self, name, text):
        """A folder for the PATH with a command in it."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return self.folder


class Readme(Scripts):
    def test_quick_start(self):
        """The job is waited for before it exists, as README says."""
        install, wait, work, *_ = code_of("README.md", "Quick start")
        self.assertEqual(install, "scripts/run\n")
        for code, status in ((0, "completed"), (2, "failed")):
            job = f"readme-{code}"
            lines = [block.replace("http://127.0.0.1:8080", self.url).replace("build-7", job) for block in (wait, work)]
            waiting = begin("sh", "-c", lines[0])
            self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
            result, out, err = run("sh", "-c", lines[1], PATH=self.command("make", f'[ "$1" = test ] && exit {code}'))
            self.assertEqual((result, "error" in out), (0, code != 0), err)
            told = end(waiting)[1]
            self.assertIn(f"Bide-Status: {status}\r\n", told.replace("\n", "\r\n").replace("\r\r", "\r"))
            self.assertIn("Bide-Outcome: done", told)
            self.assertEqual(self.timeline(job), ["started", status])
            self.assertEqual(self.state(job)["agent_states"]["worker"]["progress"]["percent"], 40)

    def test_how_a_worker_reports(self):
        block, = code_of("README.md", "How a worker reports")
        result, _, err = run("sh", "-ec", block, url=self.url, BIDE_DATA_DIR=self.bide.data_dir,
                             PATH=self.command("make", "exit 0"))
        self.assertEqual(result, 0, err)
        self.assertEqual(self.timeline("build-8"), BOTH_STORED)
        wait_until(lambda: self.timeline("build-9") == ["started", "failed"], "both events are there")
        self.assertEqual(self.state("build-9")["error"], "tests failed")


class Report(Scripts):
    def report(self, *arguments, shell=("sh",), url=None, **options):
        return begin(*shell, REPORT, *arguments, url=url or self.url, **options)

    def test_as_the_command_ends_in_every_shell(self):
        for number, shell in enumerate(SHELLS):
            for code, status in ((0, "completed"), (3, "failed")):
                job = f"shell-{number}-{code}"
                done = end(self.report(job, "sh", "-c", f'echo "$0 $1"; echo note >&2; exit {code}', "a  b", "*",
                                       shell=shell))
                self.assertEqual(done, (code, "a  b *\n", "note\n"), shell)
                self.assertEqual(self.timeline(job), ["started", status])
        self.assertEqual(self.state(job)["error"], "exit status 3")

    def test_stdin_is_the_commands(self):
        process = self.report("stdin", "cat", stdin=subprocess.PIPE)
        self.assertEqual(process.communicate("text\n", timeout=60)[0], "text\n")

    def test_a_command_that_does_not_exist(self):
        code, _, err = end(self.report("absent", "/no/such"))
        self.assertEqual(code, 127, err)
        self.assertEqual(self.timeline("absent"), ["started", "failed"])

    def test_progress_by_the_command(self):
        code, _, err = end(self.report("progress", "sh", "-c", '"$0" "$BIDE_JOB" -d progress=40 -d message=linking', REPORT))
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(self.state("progress")["agent_states"]["worker"]["progress"], {"percent": 40, "message": "linking"})

    def test_a_signal_to_all_of_it(self):
        for number, shell in enumerate(SHELLS):
            process = self.report(f"signal-{number}", "sh", "-c", "echo ready; exec sleep 60", shell=shell,
                                  PATH=self.folder)
            self.assertEqual(process.stdout.readline(), "ready\n")
            children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
            for pid in (process.pid, *map(int, children.stdout.split())):  # As a service manager or a runner does.
                try:
                    os.kill(pid, signal.SIGTERM)
                except ProcessLookupError:
                    pass  # It has reported the start, and ended.
            self.assertEqual(end(process)[0], 143, shell)
            self.assertEqual(self.state(f"signal-{number}")["error"], "exit status 143")
            self.assertEqual(self.timeline(f"signal-{number}"), ["started", "failed"])

    def test_usage(self):
        for arguments in ((), ("id",), ("id", "-d")):
            self.assertEqual(end(self.report(*arguments))[0], 2)

    def test_bide_comes_late(self):
        """Nothing is lost, and the command does not wait."""
        bide = Bide("--access-log", "off")
        bide.listen_port = find_free_port()
        process = self.report("late", "sh", "-c", "echo runs; read x; exit 4", url=f"http://127.0.0.1:{bide.listen_port}",
                              stdin=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), "runs\n")
        with bide:
            process.stdin.write("x\n")
            process.stdin.flush()
            self.assertEqual(process.wait(60), 4)
            self.assertEqual(process.communicate()[1], "")
            self.assertEqual(self.timeline("late", bide), ["started", "failed"])

    def test_no_bide_at_all(self):
        for form in (("sh", "-c", "exit 5"), ("-d", "started")):
            code, _, err = end(self.report("nowhere", *form, url=f"http://127.0.0.1:{find_free_port()}", BIDE_PATIENCE="0"))
            self.assertEqual(code, 1 if form[0] == "-d" else 5)
            self.assertIn("warning: nowhere: ", err)
            self.assertIn("not known to be stored (last answer: 000)", err)

    def test_503_until_nats_is_back(self):
        with NatsServer() as nats, Bide("--access-log", "all", "--nats", f"nats://127.0.0.1:{nats.port}",
                                        "--create-bucket") as bide:
            nats.kill()
            process = self.report("busy", "sh", "-c", "exit 6", url=bide.url)
            wait_until(lambda: re.search(r'"status":50[34]', bide.log_text()), "bide refuses a write")
            nats.start()
            self.assertEqual(end(process), (6, "", ""))
            self.assertEqual(self.timeline("busy", bide), ["started", "failed"])  # Each once.

    def test_tokens(self):
        with tempfile.NamedTemporaryFile("w") as tokens:
            tokens.write(f"{TOKEN} write jobs=ci-*\n")
            tokens.flush()
            bide = Bide("--access-log", "off", "--auth", f"token-file={tokens.name}")
            bide.credentials = (f"Authorization: Bearer {TOKEN}",)
            with bide:
                self.assertEqual(end(self.report("ci-1", "true", url=bide.url, BIDE_TOKEN=TOKEN)), (0, "", ""))
                self.assertEqual(self.timeline("ci-1", bide), BOTH_STORED)
                for job, token, status in (("ci-2", "", 401), ("ci-2", TOKEN[::-1], 401), ("other", TOKEN, 403)):
                    code, _, err = end(self.report(job, "sh", "-c", "exit 7", url=bide.url, BIDE_TOKEN=token))
                    self.assertEqual(code, 7)
                    self.assertIn(f"warning: {job}: exit: bide answers {status}: ", err)
                    self.assertNotIn(TOKEN, err)
                self.assertEqual(bide.get("/job/ci-2", *bide.credentials).status, 404)
                self.assertEqual(run(WAIT, "ci-1", url=bide.url, BIDE_TOKEN=TOKEN)[0], 0)
                self.assertEqual(run(WAIT, "ci-1", url=bide.url)[0], 4)


class Wait(Scripts):
    def test_in_every_shell(self):
        for number, shell in enumerate(SHELLS):
            job = f"held-{number}"
            waiting = begin(*shell, WAIT, job, url=self.url)  # It does not exist yet.
            self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
            self.bide.put(definition(job), event(job, "failed", error="boom"))
            code, out, err = end(waiting)
            self.assertEqual((code, '"error":"boom"' in out), (5, True), err)

    def test_when_the_time_is_up(self):
        self.bide.put(definition("pending"))
        self.assertEqual(run(WAIT, "pending", "1", url=self.url)[0], 124)
        self.assertEqual(run(WAIT, "nobody", "1", url=self.url)[0], 9)

    def test_a_job_that_is_deleted(self):
        self.bide.put(definition("deleted"))
        waiting = begin(WAIT, "deleted", url=self.url)
        self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
        self.bide.put(("jobs.deleted", None))
        self.assertEqual(end(waiting)[0], 9)


if __name__ == "__main__":
    unittest.main()
