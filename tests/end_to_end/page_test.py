"""bide's page in Chromium: every state, by keyboard, by axe, with hostile texts, behind proxies, over TLS, and how fast.

Screenshots of all states go to build/page-screenshots.
"""
import os
import re
import shlex
import signal
import statistics
import subprocess
import tempfile
import time
import unittest

from auth_test import jwt, SECRET
from harness import BIDE, Bide, definition, event, progress, wait_until
from proxies import Haproxy, Nginx
from streams import BROWSER_DIR
from tabs import Chromium, PATIENCE_S
from tls_test import Certificates, TlsBide

SOURCES = os.path.join(BROWSER_DIR, "..", "..", "server", "api", "page")
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ROWS = "document.querySelectorAll('.list .row')"


def stamp(ago_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


def row_of(job):
    return f"[...{ROWS}].find((row) => row.querySelector('.open').textContent === '{job}')"


def shows(job, status):
    return f"{row_of(job)}?.dataset.status === '{status}'"


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One for all classes: to start and end it takes seconds. A bide has an origin of its own.
        if not hasattr(PageTest, "chromium"):
            PageTest.chromium = unittest.enterModuleContext(Chromium())

    def setUp(self):
        self.tabs = []
        self.complained = len(self.chromium.complaints())

    def tearDown(self):
        for tab in self.tabs:
            tab.ask("close")
        self.assertEqual(self.chromium.complaints()[self.complained:], [])

    def start(self, *flags, kind=Bide):
        bide = unittest.enterModuleContext(kind("--access-log", "off", *flags))
        # bide ends while the next test runs: it waits until Chromium closes its idle connections, which takes seconds.
        unittest.addModuleCleanup(lambda: self.assertEqual(bide.process.wait(PATIENCE_S), 0))
        self.addCleanup(lambda: bide.process.send_signal(signal.SIGTERM))
        return bide

    def open(self, url, name="a", state="live"):
        tab = self.chromium.tab(name)
        self.tabs.append(tab)
        tab.open(url)
        tab.wait_state(state)
        return tab


class Lists(PageTest):
    def test_shows_filters_and_empties(self):
        bide = self.start()
        tab = self.open(bide.url)
        tab.wait_text("No jobs yet", "bide run demo -- sh -c 'sleep 5; exit 3'")
        tab.shot("empty-light")
        self.assertEqual(tab.axe(), [])
        labels = [{"team": "ci", "release": "41"}, {"team": "web", "release": "42"}]
        bide.put(*[definition(f"build-{i}", created=stamp(100 - i), labels=labels[i % 2]) for i in range(40)])
        bide.put(*[event(f"build-{i}", kind) for i, kind in ((39, "started"), (38, "failed"), (37, "failed"), (36, "completed"))])
        tab.wait(shows("build-39", "processing") + " && " + shows("build-36", "completed"))
        tab.wait(f"{ROWS}[0]?.position === 0 && [...{ROWS}].every((row) => row.querySelector('.open').textContent === "
                 "`build-${39 - row.position}`)")
        tab.wait_text("failed\n2", "completed\n1", "40 jobs")
        tab.shots("list")
        self.assertEqual(tab.axe(), [])
        tab.click(".tab[data-status=failed]")
        tab.wait(f"{ROWS}.length === 2")
        bide.put(event("build-1", "failed"))
        tab.wait(shows("build-1", "failed"))
        bide.put(event("build-38", "completed", nano=5))
        tab.wait(f"{ROWS}.length === 2 && !{row_of('build-38')}")
        tab.open(bide.url + "/#/?label=team%3Dweb&q=3")
        tab.wait_text("8 jobs match")
        self.assertEqual(tab.text(".chosen").split(), ["team=web", "×"])
        bide.put(definition("late-3", created=stamp(0), labels=labels[1]), definition("other-3", created=stamp(0), labels=labels[0]))
        tab.wait_text("9 jobs match")
        tab.open(bide.url + "/#/?status=skipped")
        tab.wait_text("No job matches", "is skipped", "Show all jobs")
        tab.shot("no-match")
        self.assertEqual(tab.axe(), [])

    def test_what_is_deleted_leaves_list_and_page(self):
        bide = self.start()
        bide.put(definition("old"), definition("new"))
        tab = self.open(bide.url)
        page = self.open(bide.url + "/#/job/old", "b")
        page.wait_text("old", selector="h1")
        tab.wait(row_of("old"))
        self.assertEqual(bide.curl("/job/old", "-X", "DELETE").status, 204)
        tab.wait(f"!{row_of('old')} && {ROWS}.length === 1")
        page.wait_text("This job is gone")
        page.shot("gone")
        self.assertEqual(page.axe(), [])

    def test_ten_thousand_jobs_and_what_of_them_is_in_the_document(self):
        bide = self.start()
        bide.put(*[definition(f"job-{i:05}", created=stamp(20_000 - i)) for i in range(10_000)])
        tab = self.open(bide.url)
        tab.wait_text("10,000 jobs")
        tab.wait(row_of("job-09999"))
        self.assertLess(tab.run("document.querySelectorAll('*').length"), 1500)
        tab.run("document.querySelector('.list .rows').scrollTop = 180000")
        tab.wait(f"{row_of('job-04995')} && !{row_of('job-09999')}")
        self.assertLess(tab.run("document.querySelectorAll('*').length"), 1500)
        bide.put(event("job-04995", "failed"), definition("newest", created=stamp(0)))
        tab.wait(shows("job-04995", "failed"))
        tab.wait_text("10,001 jobs")
        # A job that came at the top moves nothing that is read further down.
        self.assertTrue(tab.run(f"{row_of('job-04995')}.getBoundingClientRect().top > 0"))
        frames = tab.run("""new Promise((resolve) => {
            const rows = document.querySelector('.list .rows');
            const times = [];
            rows.scrollTop = 0;
            const step = (now) => {
                times.push(now);
                rows.scrollTop += 300;
                if (times.length < 50) requestAnimationFrame(step);
                else resolve(times.slice(1).map((time, i) => time - times[i]));
            };
            requestAnimationFrame(step);
        })""")
        frames.sort()
        print(f"scrolling 10,000 jobs: median {statistics.median(frames):.1f} ms a frame, "
              f"p95 {frames[int(len(frames) * .95)]:.1f} ms, longest {frames[-1]:.1f} ms")
        tab.run("document.querySelector('.list .rows').scrollTop = 1e9")
        tab.wait(row_of("job-00000"))


class Jobs(PageTest):
    def test_fails_live_and_the_lines_to_copy_work(self):
        bide = self.start()
        tab = self.open(bide.url + "/#/job/demo")
        tab.wait_text("There is no such job yet", "bide run demo -- make")
        tab.shot("absent")
        self.assertEqual(tab.axe(), [])
        bide.put(definition("demo", operation={"do": "build"}), event("demo", "started"), progress("demo", 40, message="linking"))
        tab.wait_text("processing", "40 % — linking", "Timeline")
        self.assertEqual(tab.run("document.querySelector('.progress').getAttribute('aria-valuenow')"), "40")
        tab.shot("job-processing")
        self.assertEqual(tab.axe(), [])
        bide.put(event("demo", "failed", nano=2, error="exit status 3\nno space left"))
        tab.wait_text("failed", selector=".job-head")
        tab.wait_text("no space left", selector=".failure")
        self.assertEqual(tab.run("document.title"), "demo failed · bide")
        tab.shots("job-failed")
        self.assertEqual(tab.axe(), [])
        codes = []
        for line in range(1, 4):
            tab.click(f".commands .line:nth-of-type({line}) button")
            tab.wait_text("Copied", selector=f".commands .line:nth-of-type({line})")
            command = shlex.split(tab.ask("clipboard"))
            if command[0] == "bide":
                command[0] = BIDE
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            codes.append(done.returncode)
            self.assertIn("failed", done.stdout + done.stderr)
        self.assertEqual(codes, [5, 0, 0])

    def test_a_thousand_agents(self):
        bide = self.start()
        agents = [f"node-{i:04}" for i in range(1000)]
        bide.put(definition("fleet", subject="jobs.modify._all", expected_agents=1000))
        bide.put(*[event("fleet", "started", agent) for agent in agents])
        bide.put(*[event("fleet", "failed" if i % 100 == 7 else "completed", agent, nano=2, **({"error": f"disk {i} is full"} if i % 100 == 7 else {}))
                   for i, agent in enumerate(agents[:600])])
        tab = self.open(bide.url + "/#/job/fleet")
        tab.wait_text("1,000", "started\n400", "completed\n594", "failed\n6", selector=".agents-card")
        self.assertLess(tab.run("document.querySelectorAll('*').length"), 1200)
        self.assertEqual(tab.run("document.querySelector('.agents-card .row .agent').innerText"), "node-0007")
        tab.shot("job-broadcast")
        self.assertEqual(tab.axe(), [])
        bide.put(event("fleet", "failed", agents[999], nano=2, error="the last one"))
        tab.wait_text("failed\n7", selector=".agents-card")
        tab.click(".agents-card .open[href*='0007']")
        tab.wait_text("disk 7 is full", selector=".agent-detail")
        self.assertEqual(tab.run("location.hash"), "#/job/fleet?agent=node-0007")
        tab.shot("job-agent")
        self.assertEqual(tab.axe(), [])

    def test_many_changes_of_one_job(self):
        bide = self.start()
        bide.put(definition("busy", subject="jobs._all"), event("busy", "started", "agent-0"))
        tab = self.open(bide.url + "/#/job/busy")
        tab.wait_text("processing", selector=".job-head")

        def change(numbers):
            for i in numbers:
                bide.put(event("busy", "started", f"agent-{i}"), progress("busy", i, f"agent-{i}", message=f"step {i}"))
                tab.wait_text(f"agent-{i}", f"step {i}", selector=".agents-card")
            # None is missing, and none is told twice.
            agents = [f"agent-{i}" for i in range(numbers[-1] + 1)]
            for table, column in (("Agents", "agent"), ("Timeline", "host")):
                cells = f"[...document.querySelectorAll('.table[aria-label^={table}] .row .{column}')]"
                self.assertEqual(sorted(tab.run(cells + ".map((cell) => cell.innerText)")), agents)

        change(range(1, 6))
        # These take all the room in the SharedWorker, which drops the job's state.
        bide.put(*[definition(f"large-{i}", operation={"text": "x" * 950_000}) for i in range(40)])
        change(range(6, 9))
        bide.put(event("busy", "failed", "agent-0", nano=2, error="the end"))
        tab.wait_text("the end", selector=".failure")

    def test_an_old_answer_does_not_replace_what_the_stream_has_told_since(self):
        bide = self.start()
        bide.put(definition("late"), event("late", "started"))
        tab = self.open(bide.url)
        tab.wait(row_of("late"))
        tab.ask("hold", pattern="**/job/late")
        tab.run("location.hash = '#/job/late'")
        self.chromium.wait_for(said="held", url=bide.url + "/job/late", patience_s=PATIENCE_S)
        bide.put(event("late", "failed", nano=2))
        tab.wait_text("failed", selector=".job-head")
        tab.ask("release")
        tab.wait("performance.getEntriesByType('resource').some(({name}) => name.endsWith('/job/late'))")
        tab.run("new Promise((resolve) => setTimeout(resolve, 200))")  # The page could show it in that time.
        self.assertIn("failed", tab.text(".job-head"))

    def test_a_huge_result(self):
        bide = self.start()
        data = {"lines": ["x" * 70] * 12_000}
        bide.put(definition("big"), event("big", "completed"),
                 ("responses.big.web-01.1", {"job_id": "big", "status": "completed", "hostname": "web-01", "timestamp": stamp(0), "data": data}))
        tab = self.open(bide.url + "/#/job/big")
        tab.wait_text("Show more (", selector=".job-body")
        self.assertLess(tab.run("document.body.innerText.length"), 60_000)
        tab.shot("huge-result")
        self.assertEqual(tab.axe(), [])

    def test_hostile_texts_are_texts(self):
        bide = self.start()
        agent = MARKUP + "'&\""
        bide.put(definition("bad", labels={"l": MARKUP}, operation={MARKUP: MARKUP}, subject="jobs._all"),
                 definition("__proto__", labels={"l": MARKUP}), definition("constructor"),
                 (f"status.bad.failed.{re.sub('[^A-Za-z0-9_-]', '_', agent)}.1",
                  {"job_id": "bad", "event": "failed", "hostname": agent, "timestamp": stamp(0), "unix_nano": 1, "data": {"error": MARKUP}}),
                 event("bad", "started", "__proto__"),
                 (f"responses.bad.{re.sub('[^A-Za-z0-9_-]', '_', agent)}.1",
                  {"job_id": "bad", "status": "failed", "hostname": agent, "timestamp": stamp(0), "data": MARKUP, "error": MARKUP}))
        tab = self.open(bide.url + "/#/job/bad")
        tab.wait_text(MARKUP, selector=".failure")
        tab.click(".agents-card .row .open")
        tab.wait_text(MARKUP, selector=".agent-detail")
        tab.open(bide.url + "/#/")
        tab.wait(row_of("bad") + " && " + row_of("__proto__") + " && " + row_of("constructor"))
        for fragment in ("#/job/" + MARKUP, "#/job/../../livez", "#/job/%E0%A4%A", "#/?status=" + MARKUP + "&q=" + MARKUP + "&label==&label=" + MARKUP,
                         "#javascript:alert(1)", "#//evil.example/", "#/job/bad?agent=" + MARKUP + "%", "#/job/status", "#" + "/" * 5000):
            tab.open(bide.url + "/" + fragment)
            tab.wait("document.getElementById('view').childElementCount === 1")
            self.assertEqual(tab.run("document.querySelectorAll('img, script').length"), 2, fragment)
        tab.open(bide.url + "/#/nothing")
        tab.wait_text("There is nothing here")
        tab.shot("nothing")
        self.assertEqual(tab.axe(), [])

    def test_the_sources_know_no_markup(self):
        for name in os.listdir(SOURCES):
            with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
                text = file.read()
            for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser", "createContextualFragment", "srcdoc"):
                self.assertNotIn(way, text, name)


class Trouble(PageTest):
    def test_bide_and_nats_come_back(self):
        bide = self.start("--max-stale", "2s", "--max-wait", "1s")
        bide.put(definition("a"), definition("b"), definition("c"))
        tab = self.open(bide.url)
        tab.wait(row_of("a"))
        bide.listen_port = bide.port
        self.assertEqual(bide.terminate(), 0)
        tab.wait_state("offline")
        tab.wait_text("bide does not answer", "Try now")
        tab.shot("offline")
        self.assertEqual(tab.axe(), [])
        self.assertTrue(tab.run(row_of("a") + " !== undefined"))
        bide.forget_worker()
        bide.start()
        bide.put(event("a", "started"))
        tab.wait_state("live")
        tab.wait(shows("a", "processing"))
        bide.restart_nats()
        bide.put(event("b", "completed"))
        tab.wait(shows("b", "completed"))
        tab.wait_state("live")
        os.kill(bide.nats_pid(), signal.SIGSTOP)
        try:
            tab.wait_state("stale")
            tab.wait_text("bide has lost touch with NATS")
            tab.shot("stale")
            self.assertEqual(tab.axe(), [])
            tab.click(".row .open")
            tab.wait_text("In a terminal", selector=".job-page")  # Old states are shown on request.
        finally:
            os.kill(bide.nats_pid(), signal.SIGCONT)
        tab.wait_state("live")

    def test_six_tabs_share_one_stream(self):
        bide = self.start()
        bide.put(definition("shared"))
        tabs = [self.open(bide.url, f"tab-{i}") for i in range(6)]
        for tab in tabs:
            tab.wait(row_of("shared"))
        bide.put(event("shared", "started"))
        for tab in tabs:
            tab.ask("front")
            tab.wait(shows("shared", "processing"))
        self.assertEqual(bide.metric("bide_streams_open"), 1)
        # Tabs that are open already stay live without a request of their own.
        bide.put(event("shared", "failed", nano=2))
        for tab in tabs:
            tab.ask("front")
            tab.wait(shows("shared", "failed"))

    def test_loading_is_shown(self):
        bide = self.start()
        bide.put(definition("a"))
        tab = self.chromium.tab("a")
        self.tabs.append(tab)
        tab.ask("hold", pattern="**/job?*")
        tab.open(bide.url)
        tab.wait("document.querySelector('.list')?.getAttribute('aria-busy') === 'true'")
        tab.shot("loading")
        tab.ask("release")
        tab.wait(row_of("a"))

    def test_the_last_hour(self):
        bide = self.start()
        tab = self.open(bide.url + "/#/hour")
        tab.wait_text("no job ended")
        bide.put(*[definition(f"j-{i}") for i in range(12)])
        bide.put(*[event(f"j-{i}", "started") for i in range(12)])
        bide.put(*[event(f"j-{i}", "failed" if i % 5 == 0 else "completed", nano=2) for i in range(10)])
        tab.wait_text("10 jobs ended: 8 completed, 2 failed", "all jobs\n12")
        tab.wait("new Set([...document.querySelectorAll('.chart rect')].map((bar) => bar.dataset.status)).size === 2")
        tab.shots("hour")
        self.assertEqual(tab.axe(), [])


class Keyboard(PageTest):
    def test_everything_by_keyboard(self):
        bide = self.start()
        bide.put(*[definition(f"job-{i:02}", created=stamp(100 - i)) for i in range(60)])
        tab = self.open(bide.url)
        tab.wait(row_of("job-59"))
        focused = "document.activeElement.textContent"
        for _ in range(20):
            tab.press("Tab")
            if tab.run(focused) == "job-59":
                break
        self.assertEqual(tab.run(focused), "job-59")
        tab.press("ArrowDown", "j", "j", "k")
        self.assertEqual(tab.run(focused), "job-57")
        bide.put(definition("job-60", created=stamp(0)))
        tab.wait(row_of("job-60"))
        self.assertEqual(tab.run(focused), "job-57")  # Where it was, one row lower.
        tab.press("End")
        self.assertEqual(tab.run(focused), "job-00")
        tab.wait("(() => { const box = document.activeElement.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight; })()")
        tab.press("Home", "PageDown")
        self.assertNotEqual(tab.run(focused), "job-60")
        tab.press("Home", "ArrowDown", "Enter")
        tab.wait_text("job-59", selector="h1")
        self.assertEqual(tab.run("document.activeElement.tagName"), "H1")
        tab.press("Escape")
        tab.wait(row_of("job-60"))
        tab.press("Control+k")
        tab.wait("document.activeElement.type === 'search'")
        tab.type("job-1")
        tab.wait(f"{ROWS}.length === 10 && location.hash === '#/?q=job-1'")
        tab.press("ArrowDown", "Enter")
        tab.wait_text("job-19", selector="h1")
        tab.shot("keyboard")


class Access(PageTest):
    def token_file(self, *lines):
        file = self.enterContext(tempfile.NamedTemporaryFile("w", suffix=".tokens"))
        file.write("\n".join(lines) + "\n")
        file.flush()
        return file.name

    def enter(self, tab, token, keep=False):
        tab.run("document.querySelectorAll('.other-token').forEach((one) => { one.open = true; })")
        tab.click("input[type=password]")
        tab.paste(token)
        if keep:
            tab.click(".keep input")
        tab.press("Enter")

    def test_a_token_is_asked_for_and_kept_in_the_tab(self):
        names = self.token_file("reading-token-0123456789", "limited-token-0123456789 read jobs=mine*")
        bide = self.start("--auth", f"token-file={names}")
        bide.credentials = ("Authorization: Bearer reading-token-0123456789",)
        bide.put(definition("mine-1"), definition("other"))
        tab = self.open(bide.url, state="unauthorized")
        tab.wait_text("bide asks for a token")
        tab.shot("token")
        self.assertEqual(tab.axe(), [])
        self.enter(tab, "wrong-token-0123456789")
        tab.wait_text("This token is not valid here")
        self.enter(tab, "reading-token-0123456789")
        tab.wait(row_of("other"))
        self.assertEqual(tab.run("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])"), '[{},{},""]')
        tab.ask("reload")
        tab.wait_text("bide asks for a token")
        self.enter(tab, "reading-token-0123456789", keep=True)
        tab.wait(row_of("other"))
        tab.ask("reload")
        tab.wait(row_of("other"))
        other = self.open(bide.url, "b", state="unauthorized")  # The first tab's token is its own.
        self.enter(other, "limited-token-0123456789")
        other.wait_state("forbidden")
        other.wait_text("Your token may not list jobs", "The token is for other jobs only. Open a job that it may read:")
        self.assertEqual(other.text(".list-state"), "")
        other.shot("forbidden")
        self.assertEqual(other.axe(), [])
        other.click(".panel input[type=text]")
        other.type("mine-1")
        other.press("Enter")
        other.wait_text("submitted", selector=".job-head")
        bide.put(event("mine-1", "started"))
        other.wait_text("processing", selector=".job-head")
        other.run("location.hash = '#/job/other'")
        other.wait_text("Your token may not read this job")
        tab.click("#sign-out")
        tab.wait_text("bide asks for a token")
        self.assertEqual(tab.run("sessionStorage.length"), 0)

    def test_a_jwt_expires(self):
        secret = self.enterContext(tempfile.NamedTemporaryFile("w"))
        secret.write(SECRET)
        secret.flush()
        bide = self.start("--auth", "jwt", "--jwt-secret-file", secret.name)
        bide.credentials = ("Authorization: Bearer " + jwt(),)
        bide.put(definition("a"))
        tab = self.open(bide.url, state="unauthorized")
        # How long the page needs to show the list depends on the machine.
        for lasts_s in (4, 16, 64):
            self.enter(tab, jwt(lasts_s=lasts_s))
            tab.wait(f"{row_of('a')} || document.getElementById('connection').dataset.kind === 'expired'")
            if tab.run(f"{row_of('a')} !== undefined"):
                break
        else:
            self.fail("the list was not shown")
        tab.wait_state("expired", patience_s=lasts_s + PATIENCE_S)
        tab.wait_text("Your token has expired")
        tab.shot("expired")
        self.assertEqual(tab.axe(), [])
        bide.put(event("a", "started"))
        self.enter(tab, jwt())
        tab.wait(shows("a", "processing"))


class Places(PageTest):
    def check(self, tab, bide):
        bide.put(definition("there"))
        tab.wait(row_of("there"))
        bide.put(event("there", "started"))
        tab.wait(shows("there", "processing"))
        tab.click(".row .open")
        tab.wait_text("processing", selector=".job-head")
        return tab.text(".commands")

    def test_below_a_base_path(self):
        bide = self.start("--base-path", "/api")
        for path in ("/api/", "/api"):
            tab = self.open(bide.url + path)
            self.assertIn(f"--server {bide.url}/api", self.check(tab, bide))

    def test_behind_nginx_and_haproxy(self):
        bide = self.start()
        for i, kind in enumerate((Nginx, Haproxy)):
            with kind(bide) as proxy:
                tab = self.open(proxy.url, f"proxy-{i}")
                self.assertIn(proxy.url, self.check(tab, bide))
                tab.ask("close")
                self.tabs.remove(tab)

    def test_over_tls(self):
        certificates = Certificates()
        self.addCleanup(certificates.dir.cleanup)
        certificates.make("server", "first")
        bide = self.enterContext(TlsBide(certificates))
        self.assertIn("https://", self.check(self.open(bide.url), bide))


class Modules(unittest.TestCase):
    def test_modules_without_a_browser(self):
        done = subprocess.run(["node", "--test", "page_modules.mjs"], cwd=BROWSER_DIR, capture_output=True, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
