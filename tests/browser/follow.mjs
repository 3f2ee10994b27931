// A road of examples/follow.mjs on one job: node follow.mjs FUNCTION URL
import { EventSource } from "eventsource";
import WebSocket from "ws";
import * as roads from "../../examples/follow.mjs";
import { say } from "./say.mjs";

Object.assign(globalThis, { EventSource, WebSocket });
const [road, url] = process.argv.slice(2);
await roads[road](url, (job) => say({ event: "job", status: job.status, revision: job.revision }), 200);
say({ said: "over" });
process.exit();
