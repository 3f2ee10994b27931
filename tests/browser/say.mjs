// What the scripts here report: one JSON object a line, on stdout; and the lines they take on stdin.
import { createInterface } from "node:readline";

export function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

export function onCommand(take) {
  createInterface({ input: process.stdin }).on("line", (line) => take(JSON.parse(line)));
}
