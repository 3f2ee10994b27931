#!/bin/sh
# Runs a command and reports it to bide as a job, with nothing but curl.
#
#   report.sh ID COMMAND [ARGUMENT...]     defines the job, reports `started`, runs the command, reports its exit status
#   report.sh ID -d FORM [-d FORM...]      reports one event, such as -d progress=40 -d message=linking
#
# The command finds the id in BIDE_JOB, so it can call the second form.
#
# BIDE_SERVER    where bide is (default http://127.0.0.1:8080)
# BIDE_TOKEN     the bearer token, if bide wants one
# BIDE_PATIENCE  how many seconds after the command's end the reports are tried for (default 30)
#
# Exit code: the command's. Trouble with bide is a warning on stderr and never affects the command. The second form
# exits with 0 if the event is stored, else with 1.
set -u

if [ $# -lt 2 ] || { [ "$2" = -d ] && [ $# -lt 3 ]; }; then
  echo "usage: $0 ID COMMAND [ARGUMENT...]" >&2
  echo "       $0 ID -d FORM [-d FORM...]" >&2
  exit 2
fi
id=$1
shift
url=${BIDE_SERVER:-http://127.0.0.1:8080}/job/$id

warn() { echo "report.sh: warning: $id: $*" >&2; }

if [ "$1" = -d ]; then
  dir=$(mktemp -d) || exit 1
else
  dir=$(mktemp -d) || {
    warn "no room for a folder; nothing is reported"
    exec "$@"
  }
fi
trap 'rm -rf "$dir"' EXIT

# From a file, because other users can read a process's arguments.
[ -z "${BIDE_TOKEN:-}" ] || printf 'Authorization: Bearer %s\n' "$BIDE_TOKEN" >"$dir/auth"
: >>"$dir/auth"

# Of this run and no other: a repeated request with the same key is stored once.
run=$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')

# send KEY CURL-ARGUMENT...: repeats the request until it is answered for good. Gives up when the time in the file
# `deadline` has passed; while the command runs there is no such file.
send() {
  key=$1
  shift
  pause=1
  while :; do
    : >"$dir/head"
    : >"$dir/body"
    answer=$(curl -s --connect-timeout 5 --max-time 15 -D "$dir/head" -o "$dir/body" -w '%{http_code}' \
      -H "@$dir/auth" -H "Idempotency-Key: $run-$key" -H 'Prefer: return=minimal' "$@") || answer=000
    # What is not bide's is a proxy's, while bide is away.
    case $answer/$(cat "$dir/head" "$dir/body") in
      2??/*[Bb]ide-[Ss]tatus:*) return 0 ;;
      408/* | 429/* | 5??/*) ;;
      401/* | 403/* | *urn:bide:problem:*)
        [ "$key/$answer" != define/409 ] || return 0 # Somebody else has defined it.
        warn "$key: bide answers $answer: $(sed -n 's/.*"detail":"\([^"]*\)".*/\1/p' "$dir/body")"
        return 1
        ;;
    esac
    if [ -s "$dir/deadline" ] && [ "$(date +%s)" -ge "$(cat "$dir/deadline")" ]; then
      warn "$key: not known to be stored (last answer: $answer)"
      return 1
    fi
    retry_after=$(tr -d '\r' <"$dir/head" | sed -n 's/^[Rr]etry-[Aa]fter: *\([1-9]\)$/\1/p')
    sleep "${retry_after:-$pause}"
    [ "$pause" -ge 8 ] || pause=$((pause * 2))
  done
}

give_up_after() { echo $(($(date +%s) + $1)) >"$dir/deadline"; }

if [ "$1" = -d ]; then
  # The next progress is worth more than this one.
  case " $*" in *" progress="*) give_up_after 0 ;; *) give_up_after "${BIDE_PATIENCE:-30}" ;; esac
  send event "$@" "$url/events"
  exit
fi

# Beside the command, which does not wait for bide. A signal to the process group ends the command, and the end is
# still reported.
trap '' HUP INT TERM
(
  send define -X PUT "$url"
  send started -d started "$url/events"
) &
beginning=$!
trap : HUP INT TERM

env BIDE_JOB="$id" "$@"
code=$?

give_up_after "${BIDE_PATIENCE:-30}"
wait "$beginning"
send exit -d "exit=$code" "$url/events"
exit "$code"
