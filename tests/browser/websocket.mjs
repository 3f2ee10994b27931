// The npm package ws on one WebSocket: node websocket.mjs URL [ORIGIN [SUBPROTOCOL]...]
// Takes {"send": text}, {"bytes": count} (a message of that size), {"ping": text}, {"close": code}.
import WebSocket from "ws";
import { onCommand, say } from "./say.mjs";

const [url, origin, ...protocols] = process.argv.slice(2);
const socket = new WebSocket(url, protocols, { origin, perMessageDeflate: false });
socket.on("open", () => say({ said: "connected", protocol: socket.protocol }));
socket.on("message", (text, binary) => say({ binary, ...JSON.parse(text) }));
socket.on("ping", () => say({ said: "ping" }));
socket.on("pong", (text) => say({ said: "pong", text: text.toString() }));
socket.on("unexpected-response", (_, response) => {
  say({ said: "refused", status: response.statusCode });
  process.exit();
});
socket.on("error", (error) => say({ said: "error", message: error.message }));
socket.on("close", (code, reason) => {
  say({ said: "closed", code, reason: reason.toString() });
  process.exit();
});
onCommand(({ send, bytes, ping, close }) => {
  if (send !== undefined) socket.send(send);
  if (bytes !== undefined) socket.send("x".repeat(bytes));
  if (ping !== undefined) socket.ping(ping);
  if (close !== undefined) socket.close(close);
});
