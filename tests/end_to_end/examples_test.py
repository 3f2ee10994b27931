"""README's lines, and every script and pipeline of examples/, against the real bide: as it should be, without bide,
without NATS, and with tokens."""
import http.client
import http.server
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import yaml

from harness import BIDE, PATIENCE_S, Bide, definition, event, wait_until
from mortal_nats import NatsServer
from rig.ports import free_port

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


class LosingProxy(http.server.BaseHTTPRequestHandler):
    """Passes each request on, and loses the first answer to it. The server has the attributes `target` and `known`."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target)
        connection.request(self.command, self.path, body, {name: self.headers[name] for name in (
            "Content-Type", "Idempotency-Key") if name in self.headers})
        response = connection.getresponse()
        told = response.read()
        connection.close()
        request = (self.command, self.path, body)
        self.server.known.append(request)
        if self.server.known.count(request) == 1:
            self.close_connection = True
            return
        self.send_response(response.status)
        self.send_header("Bide-Status", response.getheader("Bide-Status"))
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bide = cls.enterClassContext(Bide("--access-log", "off"))
        cls.url = cls.bide.url
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="bide-examples-"))

    def timeline(self, job, bide=None):
        return [entry["event"] for entry in self.state(job, bide)["timeline"]]

    def losing_proxy(self):
        server = self.enterContext(http.server.ThreadingHTTPServer(("127.0.0.1", 0), LosingProxy))
        server.target, server.known = self.bide.port, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return server

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
        install, run_and_wait, curl_alone, *_ = code_of("README.md", "Quick start")
        self.assertEqual(install, "scripts/run\n")
        self.assertIn("sleep 5", run_and_wait)
        code, out, err = run("sh", "-c", run_and_wait.replace("sleep 5", "sleep 0.1"), url=self.url)
        self.assertEqual((code, out), (0, "failed\n5\n"), err)
        self.assertTrue(self.state("demo")["error"].startswith("exit status 3"))
        for code, status in ((0, "completed"), (2, "failed")):
            job = f"readme-{code}"
            wait, *work = curl_alone.replace("http://127.0.0.1:8080", self.url).replace("build-7", job).splitlines()
            waiting = begin("sh", "-c", wait + "\nwait")
            self.bide.wait_metric('bide_parked{kind="job",road="request"}', 1)
            result, out, err = run("sh", "-c", "\n".join(work), PATH=self.command("make", f'[ "$1" = test ] && exit {code}'))
            self.assertEqual((result, "error" in out), (0, code != 0), err)
            told = end(waiting)[1]
            self.assertIn(f"Bide-Status: {status}\n", told)
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


class Demo(unittest.TestCase):
    def test_demo(self):
        """scripts/demo checks what it shows; here with the bide that is built already."""
        with tempfile.TemporaryDirectory(prefix="bide-demo-") as folder:
            shutil.copy(os.path.join(ROOT, "scripts", "demo"), folder)
            with open(os.path.join(folder, "build"), "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho {shlex.quote(BIDE)}\n")
            os.chmod(file.name, 0o755)
            code, out, err = end(begin(os.path.join(folder, "demo")), 120)
        self.assertEqual(code, 0, out + err)
        self.assertIn("\nexit code 5\n", out)
        self.assertTrue(out.endswith("\ndone\n"), out)


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
        bide.listen_port = free_port()
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
            code, _, err = end(self.report("nowhere", *form, url=f"http://127.0.0.1:{free_port()}", BIDE_PATIENCE="0"))
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

    def test_answers_that_are_lost(self):
        proxy = self.losing_proxy()
        code, _, err = end(self.report("lost", "sh", "-c", "exit 8", url=f"http://127.0.0.1:{proxy.server_port}"))
        self.assertEqual((code, err, len(proxy.known)), (8, "", 6))
        self.assertEqual(self.timeline("lost"), ["started", "failed"])

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

    def test_asks_again_for_a_job_that_is_not_there_yet(self):
        with Bide("--access-log", "all", "--max-wait", "1s") as bide:
            waiting = begin(WAIT, "later", url=bide.url)
            wait_until(lambda: bide.log_text().count('"status":404') >= 2, "two requests have come to their deadline")
            bide.put(definition("later"), event("later", "completed"))
            code, _, err = end(waiting)
            self.assertEqual((code, err), (0, ""))

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


class Runner:
    """What runs a step of a composite action: its inputs, and files for its environment, as GitHub documents them."""

    def __init__(self, folder, url, **inputs):
        self.action = yaml.safe_load(read("examples/github-action/action.yml"))
        step, = self.action["runs"]["steps"]
        inputs = {name: inputs.get(name, url if name == "server" else of.get("default"))
                  for name, of in self.action["inputs"].items()}
        env = {name: re.sub(r"\${{ inputs\.(\w+) }}", lambda match: inputs[match[1]], value)
               for name, value in step["env"].items()}
        self.files = {name: os.path.join(folder, name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in self.files.values():
            with open(path, "w", encoding="utf-8"):
                pass
        with open(os.path.join(folder, "step.sh"), "w", encoding="utf-8") as file:
            file.write(step["run"])
        self.code, self.out, self.err = run(
            "bash", "--noprofile", "--norc", "-eo", "pipefail", file.name, **env, **self.files,
            GITHUB_ACTION_PATH=os.path.join(EXAMPLES, "github-action"))
        self.step_outputs = dict(line.split("=", 1) for line in self.read("GITHUB_OUTPUT").splitlines())
        self.outputs = {name: self.step_outputs[re.fullmatch(r"\${{ steps\.bide\.outputs\.(\w+) }}", of["value"])[1]]
                        for name, of in self.action["outputs"].items()} if self.step_outputs else {}

    def read(self, name):
        with open(self.files[name], encoding="utf-8") as file:
            return file.read()

    @property
    def commands(self):
        return [line for line in self.out.splitlines() if line.startswith("::")]


class GithubAction(Scripts):
    def act(self, **inputs):
        return Runner(self.folder, self.url, **inputs)

    def outputs(self, job, status):
        return {"job": job, "status": status, "url": f"{self.url}/job/{job}"}

    def test_a_command(self):
        done = self.act(job="act-1", command='echo "built: $((1 + 1))"\ntrue | cat', token=TOKEN)
        self.assertEqual((done.code, done.out), (0, f"::add-mask::{TOKEN}\nbuilt: 2\n"), done.err)
        self.assertEqual(done.outputs, self.outputs("act-1", "completed"))
        self.assertEqual(done.read("GITHUB_STEP_SUMMARY"),
                         f"### bide: `act-1` is completed\n\n<{self.url}/job/act-1>\n\n")
        self.assertEqual(self.timeline("act-1"), BOTH_STORED)

    def test_a_command_that_fails(self):
        done = self.act(job="act-2", command="false\necho not reached")
        self.assertEqual((done.code, done.commands), (1, ["::error title=bide::act-2 is failed: exit status 1"]))
        self.assertEqual(done.outputs, self.outputs("act-2", "failed"))
        self.assertNotIn("not reached", done.out)

    def test_waiting(self):
        self.bide.put(definition("act-3", operation={"error": "not this"}), event("act-3", "completed"),
                      definition("act-4"), event("act-4", "failed", error='100% of "it"\n::error::x'),
                      definition("act-5"), event("act-5", "skipped"), definition("act-6"))
        self.assertEqual(self.act(job="act-3").outputs, self.outputs("act-3", "completed"))
        failed = self.act(job="act-4")
        self.assertEqual((failed.code, failed.outputs), (5, self.outputs("act-4", "failed")))
        self.assertEqual(failed.commands, [r'::error title=bide::act-4 is failed: 100%25 of \"it\"\n::error::x'])
        self.assertIn('    100% of \\"it\\"', failed.read("GITHUB_STEP_SUMMARY"))
        self.assertEqual(self.act(job="act-5").outputs["status"], "skipped")
        self.assertEqual(self.act(job="act-6", timeout="1").outputs["status"], "timeout")
        self.assertEqual(self.act(job="nobody", timeout="1").outputs["status"], "gone")

    def test_inputs_that_are_not_an_id_or_not_shell(self):
        for job in ("", "a\nstatus=completed", "a/b", "$(id)"):
            done = self.act(job=job)
            self.assertEqual((done.code, done.step_outputs), (2, {}), job)

    def test_without_bide(self):
        url, self.url = self.url, f"http://127.0.0.1:{free_port()}"
        try:
            self.assertEqual(self.act(job="act-7", timeout="1").outputs["status"], "timeout")
        finally:
            self.url = url

    def test_the_workflow_uses_what_the_action_has(self):
        action = yaml.safe_load(read("examples/github-action/action.yml"))
        workflow = yaml.safe_load(read("examples/github-actions.yml"))
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        uses = [step for step in steps if "github-action" in step.get("uses", "")]
        self.assertEqual(len(uses), 2)
        for step in uses:
            self.assertLessEqual(set(step["with"]), set(action["inputs"]))
            required = {name for name, of in action["inputs"].items() if of.get("required")}
            self.assertLessEqual(required, set(step["with"]))
        for name in re.findall(r"outputs\.(\w+)", read("examples/github-actions.yml")):
            self.assertIn(name, action["outputs"])
        line, = [step["run"] for step in steps if "bide run" in step.get("run", "")]
        code, _, err = run("bash", "-e", "-c", line, url=self.url, GITHUB_RUN_ID="1", GITHUB_RUN_ATTEMPT="2",
                           PATH=self.command("make", "exit 0"))
        self.assertEqual((code, self.timeline("build-1-2")), (0, BOTH_STORED), err)


class Gitlab(Scripts):
    def component(self, name, **inputs):
        """The jobs of a component, after its inputs and their defaults."""
        spec, jobs = read("examples/gitlab-component/templates", name + ".yml").split("\n---\n")
        known = yaml.safe_load(spec)["spec"]["inputs"]
        self.assertLessEqual(set(inputs), set(known))

        def value(match):
            return str(inputs[match[1]] if match[1] in inputs else known[match[1]]["default"])
        return yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", value, jobs))

    def shell(self, lines, job, **env):
        variables = {name: os.path.expandvars(value) for name, value in job["variables"].items()}
        return run("busybox", "sh", "-ec", "\n".join(lines), **{**variables, **env})

    def test_report(self):
        for ended, status in (("success", "completed"), ("failed", "failed"), ("canceled", "failed")):
            job = self.component("report", server=self.url, job=f"gitlab-{ended}")[".bide-report"]
            self.assertEqual(self.shell(job["before_script"], job, CI_JOB_ID="5"), (0, "", ""))
            env = {"CI_JOB_ID": "5", "CI_JOB_STATUS": ended, "CI_JOB_URL": "https://gitlab.example/a?b=1&c=2"}
            for _ in range(2):  # The second is a repetition.
                self.assertEqual(self.shell(job["after_script"], job, **env), (0, "", ""))
            self.assertEqual(self.timeline(f"gitlab-{ended}"), ["started", status])
        self.assertEqual(self.state("gitlab-canceled")["error"], "canceled: https://gitlab.example/a?b=1&c=2")

    def test_answers_that_are_lost(self):
        proxy = self.losing_proxy()
        job = self.component("report", server=f"http://127.0.0.1:{proxy.server_port}", job="gitlab-lost")[".bide-report"]
        for lines in (job["before_script"], job["after_script"]):
            code, _, err = self.shell(lines, job, CI_JOB_ID="5", CI_JOB_STATUS="success")
            self.assertEqual(code, 0, err)
        self.assertEqual(len(proxy.known), 4)
        self.assertEqual(self.timeline("gitlab-lost"), BOTH_STORED)

    def test_report_without_bide(self):
        job = self.component("report", server=f"http://127.0.0.1:{free_port()}", job="a")[".bide-report"]
        code, _, err = self.shell(job["before_script"], job, CI_JOB_ID="5")
        self.assertEqual(code, 0)
        self.assertIn("curl: (7)", err)

    def wait(self, name, **env):
        job = self.component("wait", server=self.url, job=name, timeout=env.pop("timeout", 600))["wait-for-job"]
        return self.shell(job["script"], job, **env)

    def test_wait(self):
        self.bide.put(definition("good"), event("good", "completed"), definition("bad"), event("bad", "failed"),
                      definition("pending"))
        self.assertEqual(self.wait("good"), (0, "", ""))
        self.assertEqual(self.wait("bad"), (1, f"{self.url}/job/bad: 200 now failed\n", ""))
        self.assertEqual(self.wait("pending", timeout=1), (1, f"{self.url}/job/pending: not over in time\n", ""))

    def test_the_pipeline(self):
        pipeline = yaml.safe_load(read("examples/gitlab-ci.yml"))
        for component in pipeline["include"]:
            name = re.fullmatch(r".*/bide/(\w+)@1\.0\.0", component["component"])[1]
            self.component(name, **component["inputs"])
        code, _, err = run("sh", "-ec", "\n".join(pipeline["build"]["script"]), url=self.url, CI_PIPELINE_ID="3",
                           PATH=self.command("make", "exit 0"))
        self.assertEqual((code, self.timeline("build-3")), (0, BOTH_STORED), err)


class Others(Scripts):
    def test_jenkins(self):
        text = read("examples/Jenkinsfile")
        report, = re.findall(r"sh '(.*)'", text)
        wait, = re.findall(r"script: '(.*)'", text)
        code, _, err = run("sh", "-ec", report, url=self.url, JOB_BASE_NAME="nightly", BUILD_NUMBER="4",
                           PATH=self.command("make", "exit 2"))
        self.assertEqual((code, self.timeline("nightly-4")), (2, ["started", "failed"]), err)
        self.bide.put(definition("packages-abc"), event("packages-abc", "skipped"))
        self.assertEqual(run("sh", "-ec", wait.replace("packages.json", os.devnull), url=self.url, GIT_COMMIT="abc")[0], 7)

    def unit_line(self, name):
        """As systemd.service(5) unquotes it: without variables of systemd's own."""
        line, = re.findall(rf"^{name}=(.*)$", read("examples/backup.service"), re.M)
        self.assertTrue(line.startswith("-"))
        command = [word.replace("$$", "$") for word in shlex.split(line[1:])]
        self.assertNotRegex(line.replace("$$", ""), r"[$%]")
        return command

    def test_systemd(self):
        """With the variables of systemd.exec(5)."""
        for result, code, status, ended in (("success", "exited", "0", "completed"), ("exit-code", "exited", "203", "failed"),
                                            ("timeout", "killed", "TERM", "failed"), ("core-dump", "dumped", "ABRT", "failed")):
            run_id = f"0123-{result}"
            env = {"url": self.url, "INVOCATION_ID": run_id}
            self.assertEqual(run(*self.unit_line("ExecStartPre"), **env), (0, "", ""))
            self.assertEqual(run(*self.unit_line("ExecStopPost"), **env, SERVICE_RESULT=result, EXIT_CODE=code,
                                 EXIT_STATUS=status), (0, "", ""))
            self.assertEqual(self.timeline(f"backup-{run_id}"), ["started", ended])
        self.assertEqual(self.state("backup-0123-timeout")["error"], "timeout: killed by signal TERM")

    def test_cron(self):
        lines = re.findall(r"^\d+ \d+ \* \* \* (.*)$", read("examples/crontab"), re.M)
        self.assertEqual(len(lines), 4)
        folder = self.command("backup", "exit 1")
        self.command("date", "echo 2026-01-31")
        for report, check in (lines[0:2], lines[2:4]):
            for code in (1, 0):  # A job that has completed stays so.
                self.command("backup", f"exit {code}")
                for line, expected in ((report, (code, "")), (check, (0, "the backup has not completed\n" if code else ""))):
                    self.assertNotRegex(line, r"(?<!\\)%")
                    line = line.replace("\\%", "%").replace("/usr/local/bin/", "").replace("/usr/local/lib/bide", EXAMPLES)
                    told = run("sh", "-c", line, url=self.url, PATH=folder)
                    self.assertEqual(told[:2], expected, (line, told))
            self.bide.curl("/job/backup-2026-01-31", "-X", "DELETE")


if __name__ == "__main__":
    unittest.main()
