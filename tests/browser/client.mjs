// examples/clients/javascript/bide.js as a program, with the exit codes of `bide wait`. Its argument is one JSON object:
// {server, verb, id, tokenFile?, event?, options}. A line on stdin cancels.
import { readFileSync } from "node:fs";
import { Bide } from "../../examples/clients/javascript/bide.js";

const CODES = {
  completed: 0, failed: 5, partial_failure: 6, skipped: 7, submitted: 8, processing: 8,
  auth: 4, refused: 1, "not-found": 9, gone: 9, timeout: 124,
};
const { server, verb, id, tokenFile, event, options } = JSON.parse(process.argv[2]);
const token = tokenFile && (() => readFileSync(tokenFile, "ascii").trim());
const bide = new Bide(server, { token });
const cancel = new AbortController();
process.stdin.once("data", () => cancel.abort());
const all = { signal: cancel.signal, onTrouble: (trouble) => console.error(trouble?.message ?? "all is well"), ...options };

try {
  if (verb === "report") {
    await bide.report(id, event, all);
    process.exitCode = 0;
  } else if (verb === "follow") {
    for await (const job of bide.follow(id ?? undefined, all)) {
      console.log(JSON.stringify(job));
      process.exitCode = CODES[job.status];
    }
  } else {
    const job = await bide[verb](id, all);
    console.log(JSON.stringify(job));
    process.exitCode = CODES[job.status];
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = error.name === "AbortError" ? 130 : CODES[error.kind];
}
process.stdin.destroy();
