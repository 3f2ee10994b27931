// Tries to write jobs in every way that a page has. Each attempt's job has the attempt's name. `report`, a function
// that takes one object, is given by the test.
"use strict";

const FORM = "application/x-www-form-urlencoded";

// Resolves when the browser has an answer, whether or not the page may see it.
function load(element, attributes = {}) {
  document.documentElement.append(Object.assign(element, attributes));
  return new Promise((resolve) => {
    for (const event of ["load", "error"]) element.addEventListener(event, () => resolve(event), { once: true });
  });
}

function submit(action, name, value, enctype, target = "_self") {
  const form = Object.assign(document.createElement("form"), { method: "post", action, enctype, target });
  form.append(Object.assign(document.createElement("input"), { name, value }));
  document.documentElement.append(form);
  form.submit();
}

function submitInFrame(action, name, value, enctype) {
  const target = `frame-${Math.random()}`;
  const done = load(frame(), { name: target });
  submit(action, name, value, enctype, target);
  return done;
}

// A sandboxed frame's origin is "null".
function inSandbox(script) {
  return new Promise((resolve) => {
    addEventListener("message", ({ data }) => resolve(data), { once: true });
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-forms";
    frame.srcdoc = `<script>${script}.then((answer) => answer.type, String).then((told) => parent.postMessage(told, "*"))</` +
      "script>";
    document.documentElement.append(frame);
  });
}

function xhr(url) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", "application/json");
    request.onloadend = () => resolve(request.status);
    request.send('{"event":"started"}');
  });
}

const blob = (text, type) => new Blob([text], { type });
const frame = () => document.createElement("iframe");
const beacon = (url, body) => navigator.sendBeacon(url, body);

// What browsers send without asking the server first.
const SIMPLE = {
  "fetch-text": (url) => fetch(url, { method: "POST", mode: "no-cors", body: "started" }),
  "fetch-form": (url) => fetch(url, { method: "POST", mode: "no-cors", body: new URLSearchParams("event=started") }),
  "fetch-untyped": (url) => fetch(url, { method: "POST", mode: "no-cors", body: new Uint8Array([115]) }),
  "fetch-cors": (url) => fetch(url, { method: "POST", body: new URLSearchParams("event=started") }),
  "fetch-credentials": (url) => fetch(url, { method: "POST", mode: "no-cors", credentials: "include",
    body: new URLSearchParams("event=started") }),
  "fetch-no-referrer": (url) => fetch(url, { method: "POST", mode: "no-cors", referrerPolicy: "no-referrer",
    body: new URLSearchParams("event=started") }),
  "fetch-keepalive": (url) => fetch(url, { method: "POST", mode: "no-cors", keepalive: true,
    body: new URLSearchParams("event=started") }),
  "beacon-text": (url) => beacon(url, "started"),
  "beacon-form": (url) => beacon(url, blob("event=started", FORM)),
  "form": (url) => submitInFrame(url, "event", "started", FORM),
  "form-text": (url) => submitInFrame(url, "started", "", "text/plain"),
  "sandbox-fetch": (url) => inSandbox(
    `fetch(${JSON.stringify(url)}, { method: "POST", mode: "no-cors", body: new URLSearchParams("event=started") })`),
};

// What they ask for first, or send as a GET.
const OTHERS = {
  "put": (url) => fetch(url.replace("/events", ""), { method: "PUT" }),
  "delete": (url) => fetch(url.replace("/events", ""), { method: "DELETE" }),
  "fetch-json": (url) => fetch(url, { method: "POST", headers: { "Content-Type": "application/json" },
    body: '{"event":"started"}' }),
  "fetch-key": (url) => fetch(url, { method: "POST", headers: { "Idempotency-Key": "a" },
    body: new URLSearchParams("event=started") }),
  "xhr-json": xhr,
  "beacon-json": (url) => beacon(url, blob('{"event":"started"}', "application/json")),
  "image": (url) => load(new Image(), { src: `${url}?event=started` }),
  "script": (url) => load(document.createElement("script"), { src: url.replace("/events", "?_method=PUT") }),
  "frame": (url) => load(frame(), { src: url.replace("/events", "?event=started") }),
};

async function attempt(attempts, bide) {
  for (const [name, run] of Object.entries(attempts)) {
    let told;
    try {
      const answer = await run(`${bide}/job/${name}/events`);
      told = answer instanceof Response ? answer.status || answer.type : answer;
    } catch (error) {
      told = String(error);
    }
    await report({ name, told });
  }
}

// `bide`: its origin, or nothing if it is this page's.
async function write(bide) {
  await attempt(SIMPLE, bide);
  if (bide) {
    await attempt({ "redirect": (url) => fetch(`/redirect?${url}`, { method: "POST", mode: "no-cors", body: "started" }) },
      bide);
  }
  await attempt(OTHERS, bide);
  await report({ said: "over", simple: Object.keys(SIMPLE) });
}

function submitAsPage(bide) {
  submit(`${bide}/job/page/events`, "event", "started", FORM);
}
