"""examples/clients/python/bide.py as a program, with the exit codes of `bide wait`. Its argument is one JSON object:
{server, verb, id, tokenFile?, event?, options}."""
import json
import os
import sys

sys.dont_write_bytecode = True  # Beside the examples.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "clients", "python"))
from bide import Bide, BideError  # noqa: E402

CODES = {"completed": 0, "failed": 5, "partial_failure": 6, "skipped": 7, "submitted": 8, "processing": 8,
         "auth": 4, "refused": 1, "not-found": 9, "gone": 9, "timeout": 124}


def tell(job):
    print(json.dumps(job), flush=True)
    return CODES[job["status"]]


def main(server, verb, id, options, tokenFile=None, event=None):
    def token():
        with open(tokenFile, encoding="ascii") as file:
            return file.read().strip()

    bide = Bide(server, token if tokenFile else None)
    options["on_trouble"] = lambda trouble: print(trouble or "all is well", file=sys.stderr, flush=True)
    if "timeoutMs" in options:
        options["timeout"] = options.pop("timeoutMs") / 1000
    try:
        if verb == "report":
            bide.report(id, event, **options)
            return 0
        if verb == "follow":
            return [tell(job) for job in bide.follow(id, **options)][-1]
        return tell(getattr(bide, verb)(id, **options))
    except BideError as error:
        print(error, file=sys.stderr)
        return CODES[error.kind]


sys.exit(main(**json.loads(sys.argv[1])))
