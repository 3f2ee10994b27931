#!/bin/sh
# Checks the order of the wings (docs/architecture.md): includes point downwards only, and no header
# includes itself by way of others.
# shellcheck disable=SC2046,SC2086  # Lists of files.
set -eu
cd "$(dirname "$0")/.."
failed=0

# A wing, and the wings it may include; `a/` is every wing of a.
allowed='
core/base
core/job       core/base
core/parking   core/base core/job
core/table     core/base core/job core/parking
server/log     core/
server/metrics core/
server/files   core/ server/log
server/http    core/
server/http1   core/ server/http server/log server/metrics server/net
server/http2   core/ server/http server/log server/metrics server/net
server/sse     core/ server/http
server/websocket      core/ server/http
server/auth           core/ server/http server/files server/log
server/nats/login     core/ server/files server/log
server/nats/embedded  core/ server/files server/log server/metrics server/nats/login
server/nats           core/ server/files server/log server/metrics server/nats/login
server/settings       core/ server/files server/http server/log server/nats/login
server/net     core/ server/files server/http server/log server/metrics
server/api     core/ server/auth server/http server/http1 server/http2 server/log server/metrics server/net server/sse server/websocket
server         core/ server/ client
client         core/ server/files server/nats/login server/settings
'

# Every include of a file of the project, as "FILE INCLUDED".
includes() {
  find core server client -name '*.h' -o -name '*.cc' | sort |
    xargs grep -H '^#include "' | sed 's/^\([^:]*\):#include "\([^"]*\)".*/\1 \2/'
}

includes | awk -v table="$allowed" '
  function wing(path) { sub(/\/[^\/]*$/, "", path); return path }
  BEGIN {
    rows = split(table, row, "\n")
    for (r = 1; r <= rows; ++r) {
      words = split(row[r], word, " ")
      if (words == 0) continue
      known[word[1]] = 1
      may[word[1], word[1]] = 1
      for (w = 2; w <= words; ++w) may[word[1], word[w]] = 1
    }
  }
  {
    if ($2 == "commit.inc") next  # Generated.
    from = wing($1); to = wing($2)
    if (!(from in known)) { print "layers: " $1 " is in no wing that tests/layers_test.sh knows"; bad = 1; next }
    if ((from, to) in may) next
    above = to
    while (sub(/\/[^\/]*$/, "", above)) if ((from, above "/") in may) next
    if ((from, to "/") in may) next
    print "layers: " $1 " includes " $2 ", but " from " must not know " to
    bad = 1
  }
  END { exit bad }' >&2 || failed=1

if ! includes | grep '^[^ ]*\.h ' | tsort >/dev/null; then
  echo "layers: the headers above include each other in a circle" >&2
  failed=1
fi

forbid() { # what it means, pattern of an include, files...
  meaning=$1
  pattern=$2
  shift 2
  if grep -nE "^#include $pattern" "$@"; then
    echo "layers: $meaning" >&2
    failed=1
  fi
}

core=$(find core -name '*.h' -o -name '*.cc')
forbid "core knows neither HTTP nor NATS" '<(httplib|nats)' $core
forbid "core's headers use the standard library only" '<xxhash' $(find core -name '*.h')
# Any other parse of a stranger's bytes can end the process (core/base/json_object.cc).
# tests/core/job/json_patch.h reads what bide wrote, and client/version.cc wants a number.
others=$(find core server client tests bench -name '*.h' -o -name '*.cc' |
  grep -vx -e core/base/json_object.cc -e tests/core/job/json_patch.h)
forbid "JSON is read by core/base/json_object and written by core/base/json_text only" \
  '[<"]rapidjson/([^r]|reader)' $others
exit "$failed"
