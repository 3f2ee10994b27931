#!/bin/sh
# Waits until a job is over and prints what is known of it, with nothing but curl (7.70 or later). The job need not
# exist yet.
#
#   wait-for-job.sh ID [SECONDS]        (default: 600)
#
# BIDE_SERVER   where bide is (default http://127.0.0.1:8080)
# BIDE_TOKEN    the bearer token, if the server or a proxy before it wants one
#
# Exit code: 0 completed, 1 bide refuses the request, 2 usage, 4 not allowed, 5 failed,
# 6 partial_failure, 7 skipped, 9 deleted, or still no such job when the time is up, 124 timeout.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 ID [SECONDS]" >&2
  exit 2
fi
id=$1
deadline=$(($(date +%s) + ${2:-600}))
url=${BIDE_SERVER:-http://127.0.0.1:8080}/job/$id

umask 077
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# From a file: whoever can list the machine's processes can read their arguments.
: >"$dir/auth"
[ -z "${BIDE_TOKEN:-}" ] || printf 'Authorization: Bearer %s\n' "$BIDE_TOKEN" >"$dir/auth"

# The tag of the state we have. Empty at first: curl then sends If-None-Match: "", which matches
# nothing.
: >"$dir/etag"

field() { # The value of a response's header field, named in lower case.
  tr -d '\r' <"$dir/head" |
    awk -v name="$1:" 'tolower($1) == name { $1 = ""; value = substr($0, 2) } END { print value }'
}

# Asks once; the server holds the request until the job is over, for at most 25 s. Sets `code`, 000
# where there was no answer.
ask() {
  wait=$((deadline - $(date +%s)))
  [ "$wait" -le 25 ] || wait=25
  : >"$dir/head"
  # Saved beside the old ones and not over them: curl empties the file of the tag on an answer
  # without one (503), and the body's on an answer without a body (304).
  code=$(curl -sS --connect-timeout 5 --max-time $((wait + 10)) \
    -H "@$dir/auth" -H 'Accept: application/json' \
    --etag-compare "$dir/etag" --etag-save "$dir/etag.new" \
    -D "$dir/head" -o "$dir/body.new" -w '%{http_code}' \
    "$url?until=done&wait=${wait}s") || code=000
}

# Longer each time, or for as long as the server asks.
pause() {
  retry_after=$(field retry-after)
  case $retry_after in
    [1-9] | [1-5][0-9]) sleep "$retry_after" ;;
    *) sleep "$seconds" ;;
  esac
  [ "$seconds" -ge 8 ] || seconds=$((seconds * 2))
}

ours() { # Whether the error is bide's, with a problem of this name (none: of any).
  case $(cat "$dir/body.new" 2>/dev/null) in *urn:bide:problem:"${1:-}"*) return 0 ;; *) return 1 ;; esac
}

finish() { # The job is over: say what is known, and its status as the exit code.
  cat "$dir/body"
  echo
  case $1 in
    completed) exit 0 ;;
    failed) exit 5 ;;
    partial_failure) exit 6 ;;
    skipped) exit 7 ;;
  esac
}

seconds=1
absent=
seen=
while [ "$(date +%s)" -lt "$deadline" ]; do
  ask
  outcome=$(field bide-outcome)
  case $code/$(field bide-status) in
    200/?* | 304/?*)
      seconds=1
      absent=
      seen=yes
      if [ "$code" = 200 ]; then
        mv "$dir/body.new" "$dir/body"
        [ ! -s "$dir/etag.new" ] || mv "$dir/etag.new" "$dir/etag"
      fi
      case $(field bide-status) in
        completed | failed | partial_failure | skipped)
          # Answered because the time was up or the server is going away: it may still move.
          case $outcome/$(field bide-final) in
            timeout/false | drain/false | shed/false | auth/false) ;;
            *) finish "$(field bide-status)" ;;
          esac
          ;;
      esac
      # These come at once, and would come at once again.
      case $outcome in drain | shed | auth) sleep 1 ;; esac
      ;;
    401/* | 403/*)
      echo "$url: not allowed ($code); is BIDE_TOKEN right?" >&2
      exit 4
      ;;
    408/* | 429/* | 5??/*) pause ;; # The server restarts, or is busy.
    404/*)
      if ! ours job-not-found; then
        pause # A proxy's, while bide is away.
      elif [ -n "$seen" ] || [ -z "$outcome" ]; then
        echo "$url: the job was deleted" >&2
        exit 9
      else
        seconds=1
        absent=yes
        [ "$outcome" = timeout ] || sleep 1
      fi
      ;;
    *)
      if ours; then
        echo "$url: unexpected answer $code" >&2
        exit 1
      fi
      pause # No answer, or a proxy's.
      ;;
  esac
done
if [ -n "$absent" ]; then
  echo "$url: no such job in time" >&2
  exit 9
fi
echo "$url: not over in time" >&2
exit 124
