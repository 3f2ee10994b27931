// Modules of bide's page that need no browser: node --test page_modules.mjs
import assert from "node:assert/strict";
import { test } from "node:test";

const at = (name) => new URL(`../../server/api/page/${name}.js`, import.meta.url);
const load = async (name) => {
  const { readFileSync } = await import("node:fs");
  return import("data:text/javascript," + encodeURIComponent(readFileSync(at(name), "utf8")));
};
const { applyPatch, PatchError } = await load("patch");
const format = await load("format");

test("patch: the examples of RFC 6902, appendix A", () => {
  for (const [document, patch, expected] of [
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], { baz: "qux", foo: "bar" }],
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], { foo: "bar" }],
    [{ foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], { foo: ["bar", "baz"] }],
    [{ baz: "qux", foo: "bar" }, [{ op: "replace", path: "/baz", value: "boo" }], { baz: "boo", foo: "bar" }],
    [{ foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } }, [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } }],
    [{ foo: ["all", "grass", "cows", "eat"] }, [{ op: "move", from: "/foo/1", path: "/foo/3" }], { foo: ["all", "cows", "eat", "grass"] }],
    [{ baz: "qux", foo: ["a", 2, "c"] }, [{ op: "test", path: "/baz", value: "qux" }, { op: "test", path: "/foo/1", value: 2 }],
      { baz: "qux", foo: ["a", 2, "c"] }],
    [{ foo: "bar" }, [{ op: "add", path: "/child", value: { grandchild: {} } }], { foo: "bar", child: { grandchild: {} } }],
    [{ foo: "bar" }, [{ op: "add", path: "/baz", value: "qux", xyz: 123 }], { foo: "bar", baz: "qux" }],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
    [{ foo: ["bar"] }, [{ op: "add", path: "/foo/-", value: ["abc", "def"] }], { foo: ["bar", ["abc", "def"]] }],
    [{ a: 1 }, [{ op: "copy", from: "/a", path: "/b" }], { a: 1, b: 1 }],
    [{ a: 1 }, [{ op: "replace", path: "", value: [2] }], [2]],
    [{ "": 1 }, [{ op: "replace", path: "/", value: 2 }], { "": 2 }],
    [{ a: { b: [1, { c: 2 }] } }, [{ op: "replace", path: "/a/b/1/c", value: null }], { a: { b: [1, { c: null }] } }],
  ]) {
    const before = JSON.stringify(document);
    assert.deepEqual(applyPatch(document, patch), expected);
    assert.equal(JSON.stringify(document), before, "the old state stays");
  }
});

test("patch: what does not fit is refused", () => {
  for (const operation of [
    { op: "add", path: "/a/b", value: 1 }, { op: "test", path: "/x", value: 10 }, { op: "remove", path: "/nothing" },
    { op: "replace", path: "/nothing", value: 1 }, { op: "add", path: "/list/9", value: 1 }, { op: "add", path: "/list/01", value: 1 },
    { op: "remove", path: "/list/-" }, { op: "add", path: "list", value: 1 }, { op: "add", path: "/~2", value: 1 }, { op: "add", path: "/x" },
    { op: "move", from: "/o", path: "/o/p" }, { op: "jump", path: "/x" }, { op: "remove", path: "" }, { op: "remove", path: "/constructor" },
    { op: "test", path: "/o", value: { p: 2 } }, { op: "copy", from: "/toString", path: "/y" }, { op: "replace", path: "/list/-", value: 1 },
  ]) {
    assert.throws(() => applyPatch({ list: [1], o: { p: 1 } }, [operation]), PatchError, JSON.stringify(operation));
  }
  assert.throws(() => applyPatch({}, {}), PatchError);
});

test("patch: __proto__ is a member like any other", () => {
  const patched = applyPatch(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), [{ op: "add", path: "/__proto__/c", value: 3 }, { op: "remove", path: "/b" }]);
  assert.equal(JSON.stringify(patched), '{"__proto__":{"a":1,"c":3}}');
  assert.equal({}.c, undefined);
});

test("format: times, and words of a shell", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  assert.deepEqual(["2026-01-01T12:00:00Z", "2026-01-01T11:59:30Z", "2026-01-01T11:00:00Z", "2025-12-30T12:00:00Z", "x", undefined].map(
    (text) => format.ago(text, now)), ["now", "30 s ago", "1 h ago", "2 d ago", "", ""]);
  assert.deepEqual([300, 12_000, 185_000, 7_620_000, NaN].map(format.duration), ["0.3 s", "12 s", "3 min 05 s", "2 h 07 min", ""]);
  assert.equal(format.shellWord("it's $HOME"), "'it'\\''s $HOME'");
  assert.equal(format.waitLine("http://a:1/b", "x"), "bide wait x --server http://a:1/b");
  assert.equal(format.curlLine("http://a", "x", { until: "done", needsToken: true }),
    'curl -H "Authorization: Bearer $BIDE_TOKEN" \'http://a/job/x?until=done&wait=55s\'');
});
