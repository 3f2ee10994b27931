// Modules of bide's page that need no browser: node --test page_modules.mjs
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

// As they are served: bide.js among the modules.
const modules = mkdtempSync(join(tmpdir(), "bide-page-"));
process.on("exit", () => rmSync(modules, { recursive: true }));
const sources = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
cpSync(sources("server/api/page"), modules, { recursive: true });
cpSync(sources("examples/clients/javascript"), modules, { recursive: true });
const load = (name) => import(pathToFileURL(join(modules, `${name}.js`)));
const { withPatch } = await load("bide");
const { serve } = await load("hub");
const { Rows } = await load("rows");
const format = await load("format");

test("patch: bide's operations", () => {
  for (const [document, operations, expected] of [
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/1", value: ["abc"] }], { foo: ["bar", ["abc"]] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [{ foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "add", path: "/baz", value: "boo" }], { baz: "boo", foo: "bar" }],
    [{ "/": 9, "~1": 10 }, [{ op: "add", path: "/~01", value: 11 }, { op: "remove", path: "/~1" }], { "~1": 11 }],
    [{ "": 1 }, [{ op: "add", path: "/", value: 2 }], { "": 2 }],
    [{ id: "a", b: 1 }, [{ op: "test", path: "/id", value: "a" }], { id: "a", b: 1 }],
    [{ a: { b: [1, { c: 2 }] } }, [{ op: "add", path: "/a/b/1/c", value: null }], { a: { b: [1, { c: null }] } }],
  ]) {
    const before = JSON.stringify(document);
    assert.deepEqual(withPatch(document, operations), expected);
    assert.equal(JSON.stringify(document), before, "the old state stays");
  }
});

test("patch: __proto__ is a member like any other", () => {
  const patched = withPatch(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), [{ op: "add", path: "/__proto__/c", value: 3 }, { op: "remove", path: "/b" }]);
  assert.equal(JSON.stringify(patched), '{"__proto__":{"a":1,"c":3}}');
  assert.equal({}.c, undefined);
});

async function until(holds, what) {
  for (const end = Date.now() + 60000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    assert.ok(Date.now() < end, `did not happen: ${what}`);
  }
}

// bide as the hub sees it, and one tab that watches job a.
class Rig {
  said = []; // To the tab.
  streams = []; // Those that were asked for: {headers, tell(one record), tellAtOnce(...several), end()}.
  reads = []; // Of a job: {answer(job)}.

  constructor() {
    globalThis.fetch = (url, { headers, signal }) => {
      const [, path] = /[/](job[/].*)/.exec(url);
      if (path.startsWith("job/events")) return this.#stream(headers, signal);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        const answer = (job) => resolve(new Response(JSON.stringify(job), { headers: { "Bide-Status": job.status } }));
        if (!path.startsWith("job/status")) this.reads.push({ answer });
      });
    };
    this.port = { postMessage: (message) => this.said.push(message) };
    serve(this.port);
    this.tell({ type: "hello", token: "", visible: true });
    this.tell({ type: "watch", id: "a" });
  }

  #stream(headers, signal) {
    const body = new TransformStream();
    const writer = body.writable.getWriter();
    signal.addEventListener("abort", () => writer.abort().catch(() => {}));
    const text = ([event, revision, data, epoch = "e1"]) =>
      `event: ${event}\nid: ${epoch}-${revision}-0\ndata: ${JSON.stringify(data)}\n\n`;
    const tellAtOnce = (...records) => void writer.write(new TextEncoder().encode(records.map(text).join("")));
    this.streams.push({
      headers,
      tell: (...record) => tellAtOnce(record),
      tellAtOnce,
      end: () => writer.close(),
    });
    return new Response(body.readable, { headers: { "Content-Type": "text/event-stream" } });
  }

  tell(message) {
    this.port.onmessage({ data: message });
  }

  job(revision, more) {
    return { id: "a", status: "processing", revision, timeline: Array.from({ length: revision }, (_, i) => ({ event: i + 1 })), ...more };
  }

  patch(revision) {
    return [{ op: "test", path: "/id", value: "a" }, { op: "add", path: `/timeline/${revision - 1}`, value: { event: revision } },
      { op: "add", path: "/revision", value: revision }];
  }

  // The tab is told this state of job a, and none that is not.
  async shows(revision) {
    const jobs = () => this.said.filter(({ type }) => type === "job").map(({ job }) => job);
    await until(() => jobs().at(-1)?.revision === revision, `revision ${revision} is shown`);
    for (const job of jobs()) assert.deepEqual(job.timeline, this.job(job.revision).timeline);
  }

  async begin() {
    await until(() => this.streams.length === 1, "the stream is asked for");
    const [stream] = this.streams;
    stream.tell("job", 1, this.job(1));
    await this.shows(1);
    return stream;
  }

  // Another job has come, and so has all that the stream told before.
  async other(stream, more, epoch) {
    const ended = () => this.said.reduce((sum, { seen }) => sum + (seen?.ended.completed ?? 0), 0);
    const before = ended();
    stream.tell("job", 1, { id: `other-${before}`, status: "completed", revision: 1, ...more }, epoch);
    await until(() => ended() > before, "the other job has come");
  }

  // So many other jobs that there is no room for job a.
  crowd() {
    return Array.from({ length: 2000 }, (_, i) => ["job", 1, { id: `crowd-${i}`, status: "submitted", revision: 1 }]);
  }
}

async function rigged(t) {
  const rig = new Rig();
  t.after(() => rig.tell({ type: "bye" }));
  return [rig, await rig.begin()];
}

test("hub: several changes of a job come as patches", async (t) => {
  const [rig, stream] = await rigged(t);
  for (let revision = 2; revision < 20; ++revision) stream.tell("patch", revision, rig.patch(revision));
  await rig.shows(19);
  stream.tell("job", 20, rig.job(20));
  stream.tell("patch", 21, rig.patch(21));
  await rig.shows(21);
  assert.equal(rig.reads.length, 0);
});

test("hub: a job whose state was dropped is read, once at a time, until the stream's patches lead from it", async (t) => {
  const [rig, stream] = await rigged(t);
  stream.tellAtOnce(...rig.crowd(), ["patch", 2, rig.patch(2)]);
  await until(() => rig.reads.length === 1, "the job is read");
  stream.tell("patch", 3, rig.patch(3));
  await rig.other(stream);
  assert.equal(rig.reads.length, 1);
  rig.reads[0].answer(rig.job(2)); // Older than what the stream has told.
  await until(() => rig.reads.length === 2, "the job is read again");
  await rig.other(stream);
  assert.ok(!rig.said.some(({ job }) => job?.revision === 2));
  rig.reads[1].answer(rig.job(4)); // Newer.
  await rig.shows(4);
  stream.tell("patch", 4, rig.patch(4));
  await until(() => rig.reads.length === 3, "the patch does not fit what was read");
  rig.reads[2].answer(rig.job(4));
  await rig.other(stream);
  stream.tell("patch", 5, rig.patch(5));
  await rig.shows(5);
  assert.equal(rig.reads.length, 3);
});

test("hub: what was read late does not replace the whole state that the stream has told since", async (t) => {
  const [rig, stream] = await rigged(t);
  stream.tellAtOnce(...rig.crowd(), ["patch", 2, rig.patch(2)]);
  await until(() => rig.reads.length === 1, "the job is read");
  stream.tell("job", 3, rig.job(3));
  await rig.shows(3);
  rig.reads[0].answer(rig.job(2));
  await rig.other(stream);
  stream.tell("patch", 4, rig.patch(4));
  await rig.shows(4);
});

test("hub: patches that replace much do not drop other jobs", async (t) => {
  const [rig, stream] = await rigged(t);
  stream.tell("job", 1, { id: "b", status: "processing", revision: 1 });
  for (let revision = 2; revision < 40; ++revision) {
    stream.tell("patch", revision, [{ op: "test", path: "/id", value: "b" }, { op: "add", path: "/log", value: "x".repeat(1 << 20) }]);
  }
  stream.tell("patch", 2, rig.patch(2));
  await rig.shows(2);
  assert.equal(rig.reads.length, 0);
});

test("hub: a job that was dropped while its tab was hidden is loaded by the tab", async (t) => {
  const [rig, stream] = await rigged(t);
  rig.tell({ type: "hello", token: "", visible: false });
  stream.tell("patch", 2, rig.patch(2));
  await rig.other(stream, { operation: "x".repeat(33 << 20) }); // It takes all the room.
  rig.said.length = 0;
  rig.tell({ type: "hello", token: "", visible: true });
  assert.deepEqual(rig.said.map(({ type }) => type), ["sync"]);
});

test("hub: a job that was dropped before its tab was told is loaded by the tab", async (t) => {
  const [rig, stream] = await rigged(t);
  await rig.other(stream);
  rig.said.length = 0;
  stream.tellAtOnce(["patch", 2, rig.patch(2)], ...rig.crowd());
  await until(() => rig.said.some(({ type }) => type === "sync"), "the tab is told to load it");
});

test("hub: after a break the stream is resumed, and a new bucket makes all that is known useless", async (t) => {
  const [rig, stream] = await rigged(t);
  stream.tell("patch", 2, rig.patch(2));
  await rig.shows(2);
  stream.tellAtOnce(...rig.crowd(), ["patch", 3, rig.patch(3)]);
  await until(() => rig.reads.length === 1, "the job is read");
  stream.end();
  await until(() => rig.streams.length === 2, "the stream is asked for again");
  assert.equal(rig.streams[1].headers["Last-Event-ID"], "e1-3-0");
  rig.said.length = 0;
  rig.streams[1].tell("job", 1, { id: "b", status: "submitted", revision: 1 }, "e2");
  await until(() => rig.said.some(({ jobs }) => jobs?.some(({ id }) => id === "b")), "the job of the new bucket is told");
  assert.ok(rig.said.filter(({ type }) => type === "sync").length >= 2, "once for the new stream, once for the new bucket");
  rig.reads[0].answer(rig.job(3)); // Of the old bucket.
  await rig.other(rig.streams[1], {}, "e2");
  rig.said.length = 0;
  rig.tell({ type: "watch", id: "a" });
  assert.deepEqual(rig.said, []);
});

test("rows: a job that is heard of late stands where it belongs, and the list is read again", async (t) => {
  let asked = 0;
  const list = JSON.stringify({ total_items: 0, status_counts: {}, items: [] });
  const rows = new Rows(async () => {
    asked += 1;
    return new Response(list);
  }, { status: null, labels: [], text: "" }, () => {});
  t.after(() => rows.destroy());
  await until(() => rows.total === 0, "the list is read");
  const learn = (second, events) => rows.learn({ id: `job-${second}`, status: "submitted", revision: second, agents: events, events, labels: [],
    created: `2026-01-01T00:00:0${second}Z` });
  learn(3, 0);
  learn(1, 0); // Its host's clock is slow.
  assert.deepEqual([0, 1].map((position) => rows.at(position).id), ["job-1", "job-3"]);
  learn(5, 1);
  learn(4, 1);
  assert.deepEqual([0, 1, 2, 3].map((position) => rows.at(position).id), ["job-5", "job-4", "job-1", "job-3"]);
  await until(() => asked === 2, "the list is read again");
});

test("format: times, and words of a shell", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.deepEqual(["2026-01-01T12:00:00Z", "2026-01-01T11:59:30Z", "2026-01-01T11:00:00Z", "2025-12-30T12:00:00Z", "x", undefined].map(
    (text) => format.ago(text, now)), ["now", "30 s ago", "1 h ago", "2 d ago", "", ""]);
  assert.deepEqual([300, 12_000, 185_000, 7_620_000, 273_600_000, NaN].map(format.duration),
    ["0.3 s", "12 s", "3 min 05 s", "2 h 07 min", "3 d 04 h", ""]);
  assert.equal(format.sentence("the token has expired"), "The token has expired.");
  assert.equal(format.shellWord("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(format.waitLine("http://a:1/b", "x"), "bide wait x --server http://a:1/b");
  assert.equal(format.curlLine("http://a", "x", { until: "done", needsToken: true }),
    'curl -H "Authorization: Bearer $BIDE_TOKEN" \'http://a/job/x?until=done&wait=55s\'');
});
