"""One table of scenarios against the clients of examples/clients, the command line and the scripts that need only curl:
in each, all of them must end with the same exit code."""
import concurrent.futures
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

from auth_test import SECRET, File, bearing, jwt
from faulty_proxy import FaultyProxy, answer, cut_at, cut_body, dribble, lose_answer
from harness import BIDE, Bide, definition, event, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")
JAVASCRIPT, PYTHON, COMMAND, CURL = "javascript", "python", "command line", "curl"
ALL = (JAVASCRIPT, PYTHON, COMMAND, CURL)
LIBRARIES = (JAVASCRIPT, PYTHON)  # `bide get` sends one request, and nothing else follows.
UNICODE = "naïve “日本語” 🚲 \u2028 \\ \" end"
HTML = "<html><body>Not here</body></html>"
OVERLOADED = answer("503 Service Unavailable", HTML, "Retry-After: 1")


@dataclasses.dataclass
class Scenario:
    """`before`: events of the job, written before the clients begin; None: it is not defined. `during`: what is written
    when each client's request has come; None deletes the job. `faults`: of each client's first requests. `codes`: the
    exit code, or that of each client."""
    code: int | dict
    verb: str = "wait"
    before: tuple | None = ()
    during: tuple | None = ()
    faults: tuple = ()
    requests: int = 0  # Each client makes at least so many.
    timeout_s: int = 30
    token: str = ""  # A name of Stage.tokens.
    server: str = "plain"
    restart: str = ""  # What is done to the server before `during`: kill, terminate, or start.
    clients: tuple = ALL
    report: dict = dataclasses.field(default_factory=lambda: {"event": "completed"})
    stored: int = 0  # How many events of each client's job are stored in the end.


def happened(*kinds, **data):
    return tuple((kind, "web-01", data) for kind in kinds)


DONE = happened("completed")
PARTLY = (("completed", "web-01", {}), ("failed", "web-02", {"error": "boom"}))
# report.sh has no code of its own for it.
NO_WRITE = {JAVASCRIPT: 4, PYTHON: 4, COMMAND: 4, CURL: 1}

SCENARIOS = {
    "done": Scenario(0, before=DONE),
    "failed": Scenario(5, before=happened("failed", error="boom")),
    "partly failed": Scenario(6, before=PARTLY),
    "skipped": Scenario(7, before=happened("skipped")),
    "ends while it is waited for": Scenario(5, during=happened("started", "failed")),
    "does not exist yet": Scenario(0, before=None, during=DONE, requests=1),
    "never exists": Scenario(9, server="impatient", before=None, timeout_s=5),
    "deleted while it is waited for": Scenario(9, during=None),
    "not in time": Scenario(124, timeout_s=3),
    "held to the deadline again and again": Scenario(0, server="impatient", during=DONE, requests=3),
    "not there again and again": Scenario(0, server="impatient", before=None, during=DONE, requests=3),
    "bide is killed and comes back": Scenario(5, server="killed", restart="kill", during=happened("failed")),
    "bide ends and comes back": Scenario(0, server="ended", restart="terminate", during=DONE),
    "bide comes later": Scenario(0, server="late", restart="start", during=DONE, requests=2),
    "base path": Scenario(0, server="base path", before=DONE),
    "503 with Retry-After": Scenario(0, before=DONE, faults=(OVERLOADED, OVERLOADED), requests=3),
    "a proxy's 502, 404 and 200": Scenario(0, before=DONE, requests=5, faults=(
        answer("502 Bad Gateway", HTML), answer("404 Not Found", HTML), answer("200 OK", HTML),
        answer("404 Not Found", '{"error":"not found","code":404}', "Content-Type: application/json"))),
    "a proxy's 400": Scenario(0, before=DONE, faults=(answer("400 Bad Request", HTML),), requests=2),
    "a redirect": Scenario(0, before=DONE, requests=2, faults=(
        answer("302 Found", "", "Location: http://127.0.0.1:9/elsewhere"),)),
    "no answer": Scenario(0, before=DONE, faults=(lose_answer, lose_answer), requests=3),
    "an answer that is cut": Scenario(0, before=happened("completed", note="x" * 50_000), faults=(cut_body,), requests=2),
    "an answer that comes slowly": Scenario(0, before=DONE, faults=(dribble,)),
    "a huge result": Scenario(0, before=(*happened("started", log="x" * 900_000), *DONE), faults=(cut_body,), requests=2),
    "unicode": Scenario(5, before=happened("failed", error=UNICODE)),
    "no token": Scenario(4, server="token", before=DONE),
    "wrong token": Scenario(4, server="token", token="wrong", before=DONE),
    "expired token": Scenario(4, server="token", token="expired", before=DONE),
    "a token for other jobs": Scenario(4, server="token", token="other", before=DONE),
    "a token that expires while it waits": Scenario(4, server="token", token="short"),
    "a good token": Scenario(0, server="token", token="good", before=DONE),

    "get: done": Scenario(0, "get", before=DONE, clients=ALL[:3]),
    "get: failed": Scenario(5, "get", before=happened("failed", error=UNICODE), clients=ALL[:3]),
    "get: partly failed": Scenario(6, "get", before=PARTLY, clients=ALL[:3]),
    "get: under way": Scenario(8, "get", before=happened("started"), clients=ALL[:3]),
    "get: does not exist": Scenario(9, "get", before=None, clients=ALL[:3]),
    "get: wrong token": Scenario(4, "get", server="token", token="wrong", before=DONE, clients=ALL[:3]),
    "get: troubles": Scenario(0, "get", before=DONE, clients=LIBRARIES, requests=5, faults=(
        OVERLOADED, answer("404 Not Found", HTML), lose_answer, cut_body)),
    "get: no answer in time": Scenario(124, "get", timeout_s=3, clients=LIBRARIES, faults=(OVERLOADED,) * 20),

    "report: stored": Scenario(0, "report", before=None, stored=1, report={"event": "failed", "data": {"error": UNICODE[:9]}}),
    "report: answers that are lost": Scenario(0, "report", before=None, stored=1, faults=(lose_answer, lose_answer)),
    "report: troubles": Scenario(0, "report", before=None, stored=1, requests=4, faults=(
        OVERLOADED, answer("502 Bad Gateway", HTML), answer("404 Not Found", HTML))),
    "report: bide comes later": Scenario(0, "report", server="late to write", restart="start", before=None, stored=1,
                                         requests=2),
    "report: no token": Scenario(NO_WRITE, "report", server="token", before=None),
    "report: a token that may only read": Scenario(NO_WRITE, "report", server="token", token="good", before=None),
    "report: a token that may write": Scenario(0, "report", server="token", token="writer", before=None, stored=1),
    "report: an event that does not exist": Scenario(1, "report", before=None, clients=LIBRARIES, report={"event": "ended"}),
}


class Stage:
    """The servers of the scenarios; `names`: only these."""

    def __init__(self, *names):
        self.folder = tempfile.TemporaryDirectory(prefix="bide-clients-")
        secret = File(self.folder.name, "secret", SECRET).path
        flags = {"plain": (), "impatient": ("--max-wait", "1s"), "base path": ("--base-path", "/ci"),
                 "token": ("--auth", "jwt", "--jwt-secret-file", secret),
                 "killed": (), "ended": (), "late": (), "late to write": ()}
        self.servers = {name: Bide("--access-log", "off", *flags[name]) for name in names or flags}
        if "token" in self.servers:
            self.servers["token"].credentials = (bearing(jwt()),)
        self.lock = threading.Lock()

    def start(self):
        for server in self.servers.values():
            server.start()

    def stop(self):
        for server in self.servers.values():
            server.__exit__()
        self.folder.cleanup()

    def token(self, name):
        """Made anew: one of them lives for few seconds."""
        return {"": "", "good": jwt(), "wrong": jwt(SECRET[::-1]), "expired": jwt(lasts_s=-60), "short": jwt(lasts_s=3),
                "other": jwt(bide_jobs=["other-*"]), "writer": jwt(scope="job:write")}[name]

    def end(self, server, how):
        bide = self.servers[server]
        bide.listen_port = bide.port
        bide.kill() if how == "kill" else bide.terminate()
        bide.forget_worker()

    def write(self, server, job, events):
        bide = self.servers[server]
        entries = [("jobs." + job, None)] if events is None else [
            definition(job, expected_agents=sorted({agent for _, agent, _ in events}) or ["web-01"]),
            *(event(job, kind, agent, nano=1 + place, **data) for place, (kind, agent, data) in enumerate(events))]
        with self.lock:
            bide.put(*entries)

    def state(self, server, job):
        bide = self.servers[server]
        with self.lock:
            response = bide.get(f"/job/{job}", *bide.credentials)
        return response.json() if response.status == 200 else None


class Client:
    """One client as a process, behind a proxy of its own."""

    def __init__(self, kind, scenario, job, port, token, path="", **options):
        self.kind, self.job = kind, job
        self.proxy = FaultyProxy(port, *scenario.faults).__enter__()
        self.token_file = tempfile.NamedTemporaryFile("w+", encoding="ascii")
        self.token_file.write(token)
        self.token_file.flush()
        server = self.proxy.url + path
        self.process = subprocess.Popen(
            self.command(kind, scenario, job, server, options), text=True, encoding="utf-8", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": "/nowhere", "BIDE_SERVER": server, "BIDE_PATIENCE": "30",
                 **({"BIDE_TOKEN": token} if token else {})})

    def command(self, kind, scenario, job, server, options):
        told = {"server": server, "verb": scenario.verb, "id": job, "event": scenario.report,
                "tokenFile": self.token_file.name, "options": {"timeoutMs": scenario.timeout_s * 1000, **options}}
        if kind == JAVASCRIPT:
            return ["node", os.path.join(HERE, "..", "browser", "client.mjs"), json.dumps(told)]
        if kind == PYTHON:
            return [sys.executable, os.path.join(HERE, "python_client.py"), json.dumps(told)]
        error = scenario.report.get("data", {}).get("error")
        if kind == COMMAND:
            return {"wait": [BIDE, "wait", job, "-q", "-o", "json", "--timeout", f"{scenario.timeout_s}s"],
                    "get": [BIDE, "get", job, "-o", "json"],
                    "report": [BIDE, "emit", job, scenario.report["event"], *(["--error", error] if error else [])],
                    }[scenario.verb]
        return {"wait": [os.path.join(EXAMPLES, "wait-for-job.sh"), job, str(scenario.timeout_s)],
                "report": [os.path.join(EXAMPLES, "report.sh"), job, "-d", f"event={scenario.report['event']}",
                           *(["--data-urlencode", f"error={error}"] if error else [])]}[scenario.verb]

    def came(self, held):
        """How many requests; with `held`, not the one by which `bide wait` asks whether the job exists."""
        return sum("wait=" in request.line or not held for request in self.proxy.requests)

    def stop(self):
        if self.process.returncode is None:
            self.process.kill()
            self.end()

    def end(self):
        self.out, self.err = self.process.communicate(timeout=90)
        self.proxy.__exit__()
        self.token_file.close()
        return self.process.returncode


def play(stage, name, scenario):
    """What went wrong."""
    number = list(SCENARIOS).index(name)
    shared = f"job-{number}"
    jobs = {kind: f"{shared}-{place}" if scenario.verb == "report" else shared
            for place, kind in enumerate(scenario.clients)}
    if scenario.before is not None:
        stage.write(scenario.server, shared, scenario.before)
    if scenario.restart == "start":
        stage.end(scenario.server, "terminate")
    clients = [Client(kind, scenario, jobs[kind], stage.servers[scenario.server].port, stage.token(scenario.token),
                      "/ci" if scenario.server == "base path" else "") for kind in scenario.clients]
    if scenario.during != () or scenario.restart:
        least = max(1, scenario.requests)
        held = scenario.restart != "start"
        wait_until(lambda: all(client.came(held) >= least or client.process.poll() is not None for client in clients),
                   "all requests have come", 60)
    if scenario.restart in ("kill", "terminate"):
        stage.end(scenario.server, scenario.restart)
    if scenario.restart:
        stage.servers[scenario.server].start()
    if scenario.during != ():
        stage.write(scenario.server, shared, scenario.during)
    complaints = []
    for client in clients:
        code = client.end()
        story = f"{client.kind}: {{}}\n{client.err}\n{[request.line for request in client.proxy.requests]}"
        expected = scenario.code if isinstance(scenario.code, int) else scenario.code[client.kind]
        if code != expected:
            complaints.append(story.format(f"exit code {code}, not {expected}"))
            continue
        if len(client.proxy.requests) < scenario.requests:
            complaints.append(story.format("fewer requests than expected"))
        state = stage.state(scenario.server, client.job)
        if scenario.verb != "report" and code in (0, 5, 6, 7, 8) and json.loads(client.out) != state:
            complaints.append(story.format("it shows another state: " + client.out[:300]))
        if scenario.verb == "report" and len(state["timeline"] if state else ()) != scenario.stored:
            complaints.append(story.format(f"stored: {state}"))
        if scenario.verb == "report":
            keys = [field.lower() for request in client.proxy.requests for field in request.fields
                    if field.lower().startswith("idempotency-key:")]
            if len(keys) != len(client.proxy.requests) or len(set(keys)) != 1:
                complaints.append(story.format(f"the keys of one report: {keys}"))
        if scenario.faults[:1] == (OVERLOADED,) and scenario.timeout_s > 10:
            first, second = client.proxy.requests[:2]
            if second.at - first.at < 0.95:
                complaints.append(story.format(f"Retry-After: 1, and it came back after {second.at - first.at:.3f} s"))
    return "\n".join(complaints)


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = Stage()
        cls.addClassCleanup(cls.stage.stop)
        cls.stage.start()
        pool = cls.enterClassContext(concurrent.futures.ThreadPoolExecutor(4))
        cls.played = {name: pool.submit(play, cls.stage, name, scenario) for name, scenario in SCENARIOS.items()}


def test_of(name):
    def test(self):
        complaints = self.played[name].result()
        self.assertFalse(complaints, complaints)
    return test


for key in SCENARIOS:
    setattr(Table, "test_" + key.translate(str.maketrans(" :'-,", "_____")), test_of(key))


class Streams(unittest.TestCase):
    """follow(), cancelling, and renewing a token: what the scripts do not have."""

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage("plain", "killed", "token")
        cls.addClassCleanup(cls.stage.stop)
        cls.stage.start()

    def begin(self, kind, server, job, verb="follow", faults=(), token="", **options):
        client = Client(kind, Scenario(0, verb, faults=faults, timeout_s=60), job, self.stage.servers[server].port,
                        self.stage.token(token), **options)
        self.addCleanup(client.stop)
        return client

    def test_follow_across_restarts_and_cuts_without_a_gap(self):
        """Each state is shown before the next one is written."""
        job, agents = "followed", [f"web-{number:02}" for number in range(8)]
        clients = [self.begin(kind, "killed", job, faults=(cut_at(b'"status"'), OVERLOADED)) for kind in LIBRARIES]
        bide = self.stage.servers["killed"]
        shown = {client.kind: [] for client in clients}
        bide.put(definition(job, expected_agents=agents))
        for place, agent in enumerate(agents):
            for client in clients:
                line = client.process.stdout.readline()
                self.assertTrue(line, client.process.poll() is not None and client.process.stderr.read())
                shown[client.kind].append(json.loads(line))
                self.assertEqual(len(shown[client.kind][-1].get("timeline", ())), place, shown)
            if place in (2, 4):
                self.stage.end("killed", "kill" if place == 2 else "terminate")
                bide.start()
            if place == 6:
                bide.restart_nats()
            bide.put(event(job, "completed", agent, nano=1 + place))
        for client in clients:
            self.assertEqual(client.end(), 0, client.err)
            self.assertEqual(json.loads(client.out), bide.get(f"/job/{job}").json())
            self.assertIn("all is well", client.err)
            self.assertIn(b"event: patch", client.proxy.answers)

    def test_follow_ends_as_the_job_does(self):
        for kind in LIBRARIES:
            job = f"ending-{kind}"
            client = self.begin(kind, "plain", job)  # It does not exist yet.
            wait_until(lambda c=client: any("until=exists" in request.line for request in c.proxy.requests), "it waits")
            self.stage.write("plain", job, happened("started"))
            self.assertEqual(json.loads(client.process.stdout.readline())["status"], "processing")
            self.stage.write("plain", job, None)
            self.assertEqual(client.end(), 9, client.err)
            self.assertIn("is gone", client.err)

    def test_follow_all_jobs(self):
        bide = self.stage.servers["plain"]
        clients = [self.begin(kind, "plain", None) for kind in LIBRARIES]
        bide.wait_metric('bide_streams_open{kind="feed",road="events"}', len(clients))
        for number in range(3):
            self.stage.write("plain", f"all-{number}", DONE)
            for client in clients:
                while (job := json.loads(client.process.stdout.readline()))["status"] != "completed":
                    pass  # It was defined.
                self.assertEqual(job["id"], f"all-{number}")

    def test_follow_needs_a_token(self):
        self.stage.write("token", "secret", happened("started"))
        for kind in LIBRARIES:
            for token in ("wrong", "other"):
                self.assertEqual(self.begin(kind, "token", "secret", token=token).end(), 4)

    def test_a_token_is_renewed_while_it_waits(self):
        for verb in ("wait", "follow"):
            job = f"renewed-{verb}"
            self.stage.write("token", job, happened("started"))
            clients = [self.begin(kind, "token", job, verb, token="short") for kind in LIBRARIES]
            for client in clients:
                wait_until(lambda c=client: c.proxy.requests, "the first request has come")
                with open(client.token_file.name, "w", encoding="ascii") as file:
                    file.write(self.stage.token("good"))
            for client in clients:
                wait_until(lambda c=client: len(c.proxy.requests) > 1, "it has come again")
            self.stage.write("token", job, happened("started", "completed"))
            for client in clients:
                self.assertEqual(client.end(), 0, client.err)

    def test_abort_signal(self):
        self.stage.write("plain", "aborted", happened("started"))
        for verb, job in (("wait", "aborted"), ("wait", "nobody"), ("follow", "aborted")):
            client = self.begin(JAVASCRIPT, "plain", job, verb)
            wait_until(lambda: any("wait=" in request.line or "/events" in request.line
                                   for request in client.proxy.requests), "it is held")
            client.process.stdin.write("\n")
            client.process.stdin.flush()
            self.assertEqual(client.end(), 130, client.err)


if __name__ == "__main__":
    unittest.main()
