"""How long a change takes from NATS to the screen of bide's page."""
import time
import unittest

from harness import definition, event, wait_until
from page_test import PageTest, ROWS, row_of

JOBS = 100
# Notes for each job that has started when it is painted.
WATCH = """window.shown = {};
    new MutationObserver(() => {
        const fresh = [...document.querySelectorAll('.list .row[data-status=processing]')]
            .map((row) => row.querySelector('.open').textContent).filter((job) => !(job in shown));
        for (const job of fresh) shown[job] = null;
        if (fresh.length) requestAnimationFrame(() => requestAnimationFrame(() => fresh.forEach((job) => { shown[job] = Date.now(); })));
    }).observe(document.querySelector('.list'), {subtree: true, childList: true, attributes: true, characterData: true})"""


class Speed(PageTest):
    def delays(self, tab, bide, jobs):
        bide.put(*[definition(job) for job in jobs])
        for job in jobs:
            tab.wait(row_of(job))
        written = {}
        for job in jobs:
            written[job] = time.time() * 1000
            bide.put(event(job, "started"))
            wait_until(lambda: tab.run(f"shown[{job!r}]"), f"{job} is shown")
        shown = tab.run("shown")
        return sorted(shown[job] - written[job] for job in jobs)

    def test_a_change_is_on_the_screen_in_a_tenth_of_a_second(self):
        bide = self.start()
        tab = self.open(bide.url)
        tab.ask("size", width=1280, height=10_000)
        tab.wait(f"document.querySelector('.list') && {ROWS}.length === 0")
        tab.run(WATCH)
        # Others may keep the machine busy in one round, but not in three.
        for attempt in range(3):
            took = self.delays(tab, bide, [f"job-{attempt}-{i:02}" for i in range(JOBS)])
            print(f"from NATS to the screen: median {took[50]:.0f} ms, p95 {took[94]:.0f} ms, longest {took[-1]:.0f} ms")
            if took[94] < 100:
                return
        self.fail("p95 is not below 100 ms")


if __name__ == "__main__":
    unittest.main()
