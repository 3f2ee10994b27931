// Many tabs of Chromium, each with a stream of its own: node tabs.mjs ORIGIN JOB COUNT
// Says {"said": "open"} when every tab has its first record, and {"said": "ended"} when every tab has its last.
import { chromium } from "playwright-core";
import { say } from "./say.mjs";

const [origin, job, count] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
let ended = 0;
await context.exposeFunction("onEnd", () => { if (++ended === Number(count)) say({ said: "ended" }); });
const first = [];
for (let tab = 0; tab < Number(count); ++tab) {
  const page = await context.newPage();
  await page.goto(`${origin}/livez`);
  first.push(page.evaluate((path) => new Promise((resolve) => {
    const stream = new EventSource(path);
    stream.addEventListener("job", () => resolve());
    stream.addEventListener("end", () => { stream.close(); window.onEnd(); });
  }), `/job/${job}/events`));
}
await Promise.all(first);
say({ said: "open" });
process.stdin.resume();
process.stdin.on("end", async () => {
  await browser.close();
  process.exit();
});
