// The npm package eventsource on one stream: node eventsource.mjs URL
// Reconnects by itself, and ends when the package gives up: after a 204.
import { EventSource } from "eventsource";
import { say } from "./say.mjs";

const source = new EventSource(process.argv[2]);
for (const name of ["hello", "job", "status", "end", "gone"]) {
  source.addEventListener(name, (record) => {
    if (record.data === undefined) return say({ said: "connected" });
    say({ event: name, id: record.lastEventId, data: JSON.parse(record.data) });
  });
}
source.onerror = (error) => {
  const over = source.readyState === EventSource.CLOSED;
  say({ said: over ? "over" : "reconnecting", code: error.code });
};
