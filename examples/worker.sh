#!/bin/sh
# Runs a command and tells bide how it goes: acknowledged, started, then completed, or failed with
# the last thing the command said on stderr.
#
#   worker.sh ID COMMAND [ARGUMENT...]
#
# BIDE        the bide binary (default: bide)
# BIDE_NATS   the NATS server (default: the one `bide serve` started on this machine)
#
# Exit code: the command's.
set -eu

if [ $# -lt 2 ]; then
  echo "usage: $0 ID COMMAND [ARGUMENT...]" >&2
  exit 2
fi
id=$1
shift

emit() { "${BIDE:-bide}" emit "$id" "$@"; }

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
# Whoever waits for the job should not wait for ever because somebody stopped its worker.
trap 'emit failed --error "stopped by a signal"; exit 143' INT TERM

emit acknowledged
emit started

code=0
"$@" 2>"$errors" || code=$?
cat "$errors" >&2

if [ "$code" -eq 0 ]; then
  emit completed
else
  # Plain ASCII: an event must be UTF-8, and what a command prints need not be.
  last=$(tail -n 1 "$errors" | LC_ALL=C tr -cd ' -~' | cut -c 1-500)
  emit failed --error "${last:-no message} (exit code $code)"
fi
exit "$code"
