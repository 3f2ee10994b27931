"""Which answers of server/api/openapi.json the end-to-end tests have seen; recording.py writes them down.

    seen.py begin FOLDER
    seen.py end FOLDER TEST...      exit code 77: not all of these tests have run
"""
import json
import os
import shutil
import sys

from api_description import Description


def main(action, folder, *tests):
    if action == "begin":
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        return 0
    seen, absent = set(), []
    for test in tests:
        try:
            with open(os.path.join(folder, test + "_test"), encoding="utf-8") as file:
                seen |= {(name, status) for name, status in json.load(file)}
        except FileNotFoundError:
            absent.append(test)
    unseen = sorted(Description().documented() - seen)
    for name, status in unseen:
        print(f"no test has seen {status} of {name}")
    if absent:
        print("these tests have not run:", *absent)
        return 77
    return 1 if unseen else 0


sys.exit(main(*sys.argv[1:]))
