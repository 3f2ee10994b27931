// Chromium on one page: node browser.mjs URL USER_DATA_DIR
// Takes {"call": function of the page, "arguments": […]}; says what the page reports. Every name below .test is this
// machine's.
import { chromium } from "playwright-core";
import { onCommand, say } from "./say.mjs";

const [url, userDataDir] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(userDataDir, {
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP *.test 127.0.0.1"],
});
const page = await context.newPage();
page.on("pageerror", (error) => say({ said: "page error", message: String(error) }));
await page.exposeFunction("report", say);
await page.goto(url);
say({ said: "loaded" });
onCommand(({ call, arguments: list }) =>
  page.evaluate(([name, values]) => window[name](...values), [call, list]));
process.stdin.on("end", async () => {
  await context.close();
  process.exit();
});
