#!/bin/sh
# The shortest way to wait: one request, which the server holds until the job is over (for up to
# 55 s), and one word as the answer. Exit code 0 if that word is `completed`.
#
#   wait-one-liner.sh ID
set -eu

word=$(curl -fsS --retry 5 --retry-connrefused -H 'Accept: text/plain' \
  "${BIDE_SERVER:-http://127.0.0.1:8080}/job/$1?until=done&wait=55s")

echo "$word"
[ "$word" = completed ]
