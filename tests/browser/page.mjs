// Chromium with bide's page: node page.mjs USER_DATA_DIR
// Takes {"id": n, "tab": name, "do": command, …} and says {"id": n, "value": …} or {"id": n, "error": text}. Tabs are made when
// they are named first; they share the profile, and so the page's SharedWorker.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { onCommand, say } from "./say.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const context = await chromium.launchPersistentContext(process.argv[2], {
  executablePath: "/usr/bin/chromium",
  ignoreHTTPSErrors: true,
  viewport: { width: 1280, height: 800 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--force-color-profile=srgb"],
});
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const tabs = new Map();
const releases = new Map(); // Of tabs whose answers are held.

async function tabOf(name) {
  if (!tabs.has(name)) {
    const page = await context.newPage();
    page.on("pageerror", (error) => say({ said: "page error", message: String(error) }));
    page.on("console", (line) => line.type() === "error" && say({ said: "console", message: line.text() }));
    tabs.set(name, page);
  }
  return tabs.get(name);
}

const commands = {
  goto: async (page, { url }) => void await page.goto(url, { waitUntil: "load" }),
  eval: (page, { code }) => page.evaluate(code),
  // Until the expression is true. Not waitForFunction(), which the page's policy forbids.
  wait: async (page, { code, patience }) => {
    for (const end = Date.now() + patience; ; await page.waitForTimeout(20)) {
      const value = await page.evaluate(code).catch((error) => {
        if (!/navigation|context was destroyed/.test(error)) throw error;
      });
      if (value) return value;
      if (Date.now() > end) throw new Error("did not become true in time");
    }
  },
  press: async (page, { keys }) => { for (const key of keys) await page.keyboard.press(key); },
  type: (page, { text }) => page.keyboard.type(text),
  paste: (page, { text }) => page.keyboard.insertText(text),
  click: (page, { selector }) => page.click(selector, { timeout: 60000 }),
  media: (page, { options }) => page.emulateMedia(options),
  size: (page, { width, height }) => page.setViewportSize({ width, height }),
  shot: async (page, { path }) => void await page.screenshot({ path, animations: "disabled" }),
  front: (page) => page.bringToFront(),
  // bide's answers to such requests of the tab itself reach the tab after `release`. Both moments are said.
  hold: (page, { tab, pattern }) => {
    const released = new Promise((resolve) => releases.set(tab, resolve));
    return page.route(pattern, async (route) => {
      try {
        const response = await route.fetch();
        say({ said: "held", url: route.request().url() });
        await released;
        await route.fulfill({ response });
        say({ said: "released", url: route.request().url() });
      } catch {} // The tab was closed.
    });
  },
  release: (page, { tab }) => releases.get(tab)(),
  reload: async (page) => void await page.reload(),
  close: async (page, { tab }) => {
    tabs.delete(tab);
    await page.close();
  },
  // The page's policy forbids scripts that are written into it, and this one is. Only contrast depends on the scheme.
  axe: async (page) => {
    const session = await context.newCDPSession(page);
    const evaluated = async (expression) => (await session.send("Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true })).result.value;
    if (await evaluated("typeof axe") === "undefined") await evaluated(axe);
    const violations = [];
    for (const [colorScheme, only] of [["light", TAGS], ["dark", ["color-contrast"]]]) {
      await page.emulateMedia({ colorScheme });
      violations.push(...JSON.parse(await evaluated(
        `axe.run(document, {runOnly: ${JSON.stringify(only)}, resultTypes: ['violations']})
          .then(({violations}) => JSON.stringify(violations.map(({id, nodes}) =>
            ['${colorScheme}', id, ...nodes.slice(0, 5).map(({target, failureSummary}) => target + ': ' + failureSummary)])))`)));
    }
    await page.emulateMedia({ colorScheme: "light" });
    await session.detach();
    return violations;
  },
  clipboard: async (page) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    return page.evaluate(() => navigator.clipboard.readText());
  },
};

say({ said: "ready" });
onCommand(async ({ id, tab, do: name, ...rest }) => {
  try {
    say({ id, value: (await commands[name](await tabOf(tab), { tab, ...rest })) ?? null });
  } catch (error) {
    say({ id, error: String(error) });
  }
});
process.stdin.on("end", async () => {
  await context.close();
  process.exit();
});
