// Five ways to follow a job in JavaScript, in a browser or node: each calls `told` with every state
// it hears of and resolves when the job is final or gone, and each rides out restarts of the server.
// `url` is the job's: https://…/job/build-7. docs/evaluation.md counts these lines, a road's between its two marks.

// <ask>
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Status 0: no answer.
async function ask(url, tag = "", patienceMs = 10_000) {
  try {
    const headers = tag ? { "If-None-Match": tag } : {};
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) });
    const { status } = response;
    return { status, tag: response.headers.get("ETag"), job: status === 200 ? await response.json() : null };
  } catch {
    return { status: 0 };
  }
}
// </ask>

// <poll>
export async function poll(url, told, everyMs = 2000) {
  for (;; await pause(everyMs)) {
    const { status, job } = await ask(url);
    if (status === 404) return;
    if (job) told(job);
    if (job?.final) return;
  }
}
// </poll>

// <conditional>
export async function conditionalPoll(url, told, everyMs = 2000) {
  let known = "";
  for (;; await pause(everyMs)) {
    const { status, tag, job } = await ask(url, known);
    if (status === 404) return;
    if (!job) continue;
    known = tag;
    told(job);
    if (job.final) return;
  }
}
// </conditional>

// <long-poll>
export async function longPoll(url, told) {
  let known = "";
  let backOffMs = 250;
  for (;;) {
    const began = Date.now();
    const { status, tag, job } = await ask(`${url}?wait=25s`, known, 35_000);
    if (status === 404) return;
    if (job) {
      known = tag;
      told(job);
      if (job.final) return;
    }
    // Trouble, or a server that is going away and holds nothing.
    const wellHeld = job || (status === 304 && Date.now() - began > 1000);
    backOffMs = wellHeld ? 250 : Math.min(backOffMs * 2, 8000);
    if (!wellHeld) await pause(backOffMs * (0.5 + Math.random() / 2));
  }
}
// </long-poll>

// <sse>
export function events(url, told) {
  return new Promise((resolve) => {
    let source;
    const open = (id = "") => {
      source = new EventSource(`${url}/events${id && `?last_event_id=${id}`}`);
      source.addEventListener("job", (message) => {
        id = message.lastEventId;
        told(JSON.parse(message.data));
      });
      for (const name of ["end", "gone"]) source.addEventListener(name, () => resolve(source.close()));
      // It comes back by itself, but for answers other than 200: a proxy's 502, an unknown job's 404.
      source.onerror = async () => {
        if (source.readyState !== EventSource.CLOSED) return;
        const { status, job } = await ask(url);
        if (status === 404 || job?.final) return resolve();
        setTimeout(open, 2000, id);
      };
    };
    open();
  });
}
// </sse>

// <ws>
export function socket(url, told) {
  return new Promise((resolve) => {
    let id = "";
    let backOffMs = 250;
    const open = () => {
      const resume = id && `?last_event_id=${id}`;
      const channel = new WebSocket(`${url.replace(/^http/, "ws")}/ws${resume}`, ["bide.v1"]);
      channel.onmessage = (message) => {
        const record = JSON.parse(message.data);
        backOffMs = 250;
        if (record.event !== "job") return;
        id = record.id;
        told(record.data);
      };
      channel.onerror = () => {};  // node's package ws would throw; onclose follows in any case.
      channel.onclose = async ({ code }) => {
        if (code === 1000) return resolve();
        // A refused handshake looks like a server that is not there.
        if ((await ask(url)).status === 404) return resolve();
        setTimeout(open, backOffMs * (0.5 + Math.random() / 2));
        backOffMs = Math.min(backOffMs * 2, 8000);
      };
    };
    open();
  });
}
// </ws>
