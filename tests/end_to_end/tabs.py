"""Chromium's tabs with bide's page, driven from here: tests/browser/page.mjs.

Every wait in here is bounded, as in harness.py.
"""
import itertools
import json
import os
import tempfile

from streams import Script

# Of every state that the tests pass by; CI keeps build/.
SHOTS_DIR = os.path.abspath(os.environ.get("PAGE_SCREENSHOTS", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "page-screenshots")))
# Chromium on a busy machine is slow. A test that passes does not wait that long.
PATIENCE_S = 60


class Chromium(Script):
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="bide-chromium-", ignore_cleanup_errors=True)
        self.ids = itertools.count(1)
        self.replies = {}
        super().__init__("page.mjs", self.profile.name)
        self.wait_for(said="ready", patience_s=PATIENCE_S)

    def ask(self, tab, do, patience_s=PATIENCE_S + 10, **rest):
        ident = next(self.ids)
        self.tell(id=ident, tab=tab, do=do, **rest)
        line = self.wait_for(id=ident, patience_s=patience_s)
        if "error" in line:
            raise AssertionError(f"{tab} {do} {rest}: {line['error']}")
        return line["value"]

    def tab(self, name):
        return Tab(self, name)

    def complaints(self):
        """What pages threw, or had to complain of; a policy that was broken is among it."""
        return [line["message"] for line in self.said
                if line.get("said") in ("page error", "console") and "Failed to load resource" not in line["message"]]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()  # Chromium is its child, and ends with it.
            self.process.wait(PATIENCE_S)
        super().close()
        self.profile.cleanup()


class Tab:
    def __init__(self, chromium, name):
        self.chromium = chromium
        self.name = name

    def ask(self, do, **rest):
        return self.chromium.ask(self.name, do, **rest)

    def open(self, url):
        self.ask("goto", url=url)
        return self

    def run(self, code):
        return self.ask("eval", code=code)

    def wait(self, code, patience_s=PATIENCE_S):
        """Until this expression is true in the page; returns its value."""
        return self.ask("wait", code=code, patience=int(patience_s * 1000), patience_s=patience_s + 10)

    def wait_text(self, *texts, selector="body", patience_s=PATIENCE_S):
        for text in texts:
            try:
                self.wait(f"document.querySelector({json.dumps(selector)})?.innerText.includes({json.dumps(text)})", patience_s)
            except AssertionError as error:
                raise AssertionError(f"no {text!r} in {selector}: {self.text(selector)!r}") from error

    def wait_state(self, kind, patience_s=PATIENCE_S):
        self.wait(f"document.getElementById('connection').dataset.kind === {json.dumps(kind)}", patience_s)

    def text(self, selector="body"):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def press(self, *keys):
        self.ask("press", keys=keys)

    def type(self, text):
        self.ask("type", text=text)

    def click(self, selector):
        self.ask("click", selector=selector)

    def shot(self, name):
        os.makedirs(SHOTS_DIR, exist_ok=True)
        self.ask("shot", path=os.path.join(SHOTS_DIR, name + ".png"))

    def shots(self, name):
        """In both schemes. Leaves the light one."""
        for scheme in ("dark", "light"):
            self.ask("media", options={"colorScheme": scheme})
            self.shot(f"{name}-{scheme}")

    def paste(self, text):
        self.ask("paste", text=text)

    def axe(self):
        """What axe finds wrong in either scheme. Leaves the light one."""
        return self.ask("axe")
