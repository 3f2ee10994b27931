// A client of bide for browsers and node 18, which needs only fetch: get, wait, follow, report. ../README.md shows how.
// Every call rides out restarts of bide, NATS and proxies: it tries again, after growing random pauses and as late as
// Retry-After asks, until its time is up. What ends a call at once: 401 and 403, any other refusal by bide, and bide's
// own 404. Redirects are not followed, because the token is for this server only.

const HELD_MS = 25_000; // How long bide may hold a request: below the idle timeouts of common proxies.
const PATIENCE_MS = 10_000; // How long an exchange may take beyond that.
const SILENCE_MS = 45_000; // A stream has a heartbeat every 15 s.
const [PAUSE_MIN_MS, PAUSE_MAX_MS] = [100, 5_000];
const RETRY_AFTER_MAX_S = 60; // A longer pause would miss a server that is back.
const TRANSIENT = [408, 429, 500, 502, 503, 504];

// `kind`: "auth", "not-found", "gone" (deleted while it was waited for), "refused" (bide will not do it), "timeout", or
// "trouble" (worth another try, which all calls but request() make). `status`: of the answer, 0 if there was none.
// `problem`: bide's problem document. `retryAfter`: in seconds.
export class BideError extends Error {
  constructor(kind, message, { status = 0, problem = {}, retryAfter = 0, outcome } = {}) {
    super(message);
    Object.assign(this, { name: "BideError", kind, status, problem, retryAfter, outcome });
  }
}

export class Bide {
  #server;

  // `server`: its URL, with the base path if there is one. `token`: a string, or a function that returns one or
  // promises one. It is called for each request, so it can renew a token that is about to expire.
  constructor(server, { token, fetch = globalThis.fetch } = {}) {
    const base = new URL(server, globalThis.location?.href).href.replace(/\/*$/, "/");
    this.#server = { base, token, fetch };
  }

  // The job as it is now.
  get(id, options) {
    return this.read(pathOf(id), options);
  }

  // Any other resource: "job?status=failed", "job/status".
  async read(path, { headers, ...options } = {}) {
    const call = new Call(options, 30_000);
    return (await call.ride(() => this.#exchange(path, call, { headers }))).document;
  }

  // Resolves with the job when it is over, however it ended, or when `until` holds. It need not exist yet.
  async wait(id, { until = "done", missing = "wait", ...options } = {}) {
    const call = new Call(options, 600_000);
    let job, tag;
    const ask = () => {
      const heldMs = Math.max(1, Math.ceil(Math.min(call.leftMs, HELD_MS)));
      // If it has been seen and is missing, it was deleted.
      const query = new URLSearchParams({ until, wait: `${heldMs}ms`, missing: job ? "fail" : missing });
      return this.#exchange(`${pathOf(id)}?${query}`, call, { heldMs, headers: tag ? { "If-None-Match": tag } : {} });
    };
    for (;;) {
      let answer;
      try {
        answer = await call.ride(ask);
        job = answer.document ?? job; // 304: as before.
        tag = answer.tag ?? tag;
        if (answer.final || ["done", "changed", "now"].includes(answer.outcome)) return job;
      } catch (error) {
        if (error.problem?.type === "urn:bide:problem:job-did-not-succeed") return error.problem.job;
        if (error.kind !== "not-found" || error.status !== 404 || (missing === "fail" && !job)) throw error;
        // Without an outcome it was deleted while the request was held.
        if (job || !error.outcome) throw gone(id, error);
        answer = error;
      }
      call.absent = !job;
      // Without a pause, this would be a busy loop while bide is full or going away.
      if (answer.outcome === "timeout") call.calm();
      else await call.take(new BideError("trouble", `bide did not hold the request: ${answer.outcome}`, answer));
    }
  }

  // Yields the job now and after each change, until it is final. It need not exist yet. Without an id: each job that
  // changes, without an end. A slow reader skips states, but never the last one.
  async *follow(id, { every, missing = "wait", ...options } = {}) {
    const call = new Call(options, Infinity);
    const query = new URLSearchParams({ ...(every && { every }), ...(id && { patch: "json" }) });
    const path = `${id ? pathOf(id) : "job"}/events?${query}`;
    let [last, job] = [""];
    for (;;) {
      try {
        call.check();
        for await (const { event, id: tag, data } of this.#records(path, last, call)) {
          if (event === "end") return;
          if (event === "gone") throw gone(id);
          if (event !== "hello") call.calm(); // In trouble, bide says hello and ends the stream.
          if (event !== "job" && event !== "patch") continue;
          last = tag;
          job = event === "job" ? JSON.parse(data) : withPatch(job, JSON.parse(data));
          yield job;
        }
        throw new BideError("trouble", "the stream has ended");
      } catch (error) {
        if (error.kind !== "not-found" || (missing === "fail" && !last)) await call.take(error);
        else if (last) throw gone(id, error);
        else await this.wait(id, { ...options, until: "exists", timeoutMs: call.leftMs });
      }
    }
  }

  // Reports an event: "started", or { event: "failed", agent: "web-01", data: { error: "no space" } }. Resolves with
  // the job's status when the event is stored: once, however often it was sent.
  async report(id, event, { key = newKey(), ...options } = {}) {
    const call = new Call(options, 30_000);
    const now = new Date().toISOString(); // The event has its own time, however late it arrives.
    const body = JSON.stringify({ timestamp: now, ...(typeof event === "string" ? { event } : event) });
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key, Prefer: "return=minimal" };
    const send = () => this.#exchange(`${pathOf(id)}/events`, call, { method: "POST", headers, body });
    return (await call.ride(send)).jobStatus;
  }

  // One request, and never another one: bide's response, which is a state or a stream. Otherwise throws BideError.
  async request(path, { headers, signal, ...init } = {}) {
    const { base, token: given, fetch } = this.#server;
    const token = typeof given === "function" ? await given() : given;
    const fields = { Accept: "application/json", ...headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const request = { redirect: "manual", cache: "no-store", ...init, headers: fields, signal };
    const response = await got(fetch(base + path, request), signal);
    if (!isState(response)) throw refusal(response, await got(response.text(), signal));
    return response;
  }

  // A request and its whole answer.
  async #exchange(path, call, { heldMs = 0, ...init } = {}) {
    return call.within(Math.min(call.leftMs + 1000, heldMs + PATIENCE_MS), new AbortController(), async (signal) => {
      const response = await this.request(path, { ...init, signal });
      const text = await got(response.text(), signal);
      const answer = answerOf(response, text);
      if (text && !answer.document) throw new BideError("trouble", "the answer is cut");
      return answer;
    });
  }

  // The records of one stream, until it breaks off.
  async *#records(path, last, call) {
    const own = new AbortController();
    const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
    try {
      const begin = (signal) => this.request(path, { headers, signal });
      const response = await call.within(Math.min(call.leftMs, PATIENCE_MS), own, begin);
      if (response.status === 204) return yield { event: "end" }; // The job is over, and `last` was its last state.
      const records = readEvents(response);
      for (;;) {
        const { done, value } = await call.within(Math.min(call.leftMs, SILENCE_MS), own, () => records.next());
        if (done) return;
        yield value;
      }
    } finally {
      own.abort();
    }
  }
}

// The records of a stream (WHATWG HTML section 9.2): { event, id, data }, and { event: "" } for a comment (heartbeat).
export async function* readEvents(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let record = { event: "", id: "", data: "" };
  let begun = []; // A line that is not complete; joined once, because it may have 16 MiB.
  for (;;) {
    const { done, value } = await got(reader.read());
    if (done) return;
    const pieces = decoder.decode(value, { stream: true }).split("\n");
    const next = pieces.pop();
    for (const piece of pieces) {
      const line = [...begun, piece].join("").replace(/\r$/, "");
      begun = [];
      const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (Object.hasOwn(record, name)) record[name] = text; // bide's data is one line.
      if (line.startsWith(":")) yield { event: "" };
      if (line) continue;
      if (record.data) yield record;
      record = { event: "", id: record.id, data: "" };
    }
    begun.push(next);
  }
}

// `node` after an operation of a JSON Patch (RFC 6902): add, replace or remove. What does not change is shared.
function patched(node, op, value, [key, ...rest]) {
  if (rest.length) [value, op] = [patched(node[key], op, value, rest), "replace"];
  const added = op === "remove" ? [] : [value];
  if (Array.isArray(node)) return [...node.slice(0, key), ...added, ...node.slice(op === "add" ? key : +key + 1)];
  const { [key]: before, ...others } = node; // `__proto__` is a member like any other.
  return op === "remove" ? others : { ...others, [key]: value };
}

const keysOf = (path) => path.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
export const withPatch = (job, operations) =>
  operations.reduce((node, { op, path, value }) => patched(node, op, value, keysOf(path)), job);
const pathOf = (id) => `job/${encodeURIComponent(id)}`;
const gone = (id, details) => new BideError("gone", `job ${id} is gone: deleted or expired`, details);
// Without crypto, which node 18 and pages without TLS lack. A key need not be a secret.
const newKey = () => Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 10)).join("-");
const between = (low, high) => low + Math.random() * (high - low);

// What fetch promises. A failure is trouble, unless the caller has cancelled.
async function got(promise, signal) {
  try {
    return await promise;
  } catch (error) {
    signal?.throwIfAborted();
    throw new BideError("trouble", `no answer: ${error.cause?.message ?? error.message}`);
  }
}

function isState({ ok, status, headers }) {
  const isStream = status === 204 || /^text\/event-stream/.test(headers.get("Content-Type"));
  return (ok || status === 304) && (isStream || headers.has("Bide-Outcome") || headers.has("Bide-Status"));
}

function answerOf({ status, headers }, text) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {} // Not bide's, or cut, or none.
  const [outcome, tag, jobStatus] = ["Bide-Outcome", "ETag", "Bide-Status"].map((name) => headers.get(name));
  const retryAfter = Math.min(parseInt(headers.get("Retry-After")) || 0, RETRY_AFTER_MAX_S);
  return { status, document, outcome, tag, jobStatus, final: headers.get("Bide-Final") === "true", retryAfter };
}

function refusal(response, text) {
  const { document, ...facts } = answerOf(response, text);
  const problem = String(document?.type).startsWith("urn:bide:problem:") ? document : undefined;
  let kind = problem && !TRANSIENT.includes(facts.status) ? "refused" : "trouble";
  if (problem?.type === "urn:bide:problem:job-not-found") kind = "not-found";
  if ([401, 403].includes(facts.status)) kind = "auth";
  const message = `the server answered ${facts.status}: ${problem?.detail ?? "not bide's answer; is the URL right?"}`;
  return new BideError(kind, message, { ...facts, problem });
}

// The time limit of a call, its pauses, and its cancellation.
class Call {
  constructor({ timeoutMs, signal, onTrouble } = {}, timeoutDefaultMs) {
    Object.assign(this, { signal, onTrouble, trouble: null, spanMs: 2 * PAUSE_MIN_MS });
    this.endMs = performance.now() + (timeoutMs ?? timeoutDefaultMs);
    this.absent = false; // bide says that the job does not exist yet.
  }

  get leftMs() {
    return Math.max(0, this.endMs - performance.now());
  }

  // Throws if the caller has cancelled or the time is up.
  check() {
    this.signal?.throwIfAborted();
    if (this.leftMs > 0) return;
    if (this.absent) throw new BideError("not-found", "no such job in time");
    throw new BideError("timeout", `not in time${this.trouble ? `: ${this.trouble.message}` : ""}`);
  }

  // What `attempt` returns. It is repeated while it throws trouble.
  async ride(attempt) {
    for (;;) {
      this.check();
      try {
        return await attempt();
      } catch (error) {
        await this.take(error);
      }
    }
  }

  // Pauses after trouble; throws anything else. The pause is random, so that all clients of a restarted server do not
  // come back together, and takes at most half of the time that is left.
  async take(error) {
    if (error.kind !== "trouble") throw error;
    this.trouble = error;
    this.onTrouble?.(error);
    const wantedMs = Math.max(between(this.spanMs / 2, this.spanMs), error.retryAfter * between(1000, 1250));
    this.spanMs = Math.min(2 * this.spanMs, PAUSE_MAX_MS);
    const over = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve));
    await this.within(Math.min(wantedMs, Math.max(this.leftMs / 2, PAUSE_MIN_MS)), new AbortController(), over);
  }

  calm() {
    this.spanMs = 2 * PAUSE_MIN_MS;
    if (this.trouble) this.onTrouble?.(null);
    this.trouble = null;
  }

  // What `work` returns. Its signal is aborted after `ms`, and when the caller cancels.
  async within(ms, own, work) {
    this.signal?.throwIfAborted();
    const abort = () => own.abort();
    const timer = setTimeout(abort, ms);
    this.signal?.addEventListener("abort", abort);
    try {
      return await work(own.signal);
    } catch (error) {
      this.signal?.throwIfAborted();
      throw own.signal.aborted ? new BideError("trouble", "no answer in time") : error;
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener("abort", abort);
    }
  }
}
