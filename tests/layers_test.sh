#!/bin/sh
# Holds the rooms to their order (docs/architecture.md): includes point downwards only.
set -eu
cd "$(dirname "$0")/.."
failed=0

forbid() { # what it means, pattern of an include, files...
  meaning=$1
  pattern=$2
  shift 2
  if grep -nE "^#include $pattern" "$@"; then
    echo "layers: $meaning" >&2
    failed=1
  fi
}

forbid "core must not know the rooms above it" '"(server|client|tests|bench)/' core/*.h core/*.cc
forbid "core knows neither HTTP nor NATS" '<(httplib|nats|openssl)' core/*.h core/*.cc
forbid "core's headers use the standard library only" '<xxhash' core/*.h
# Any other parse of a stranger's bytes can end the process (core/base/json_object.cc).
others=$(find core server client tests bench -name '*.h' -o -name '*.cc' | grep -vx core/base/json_object.cc)
forbid "JSON is read by core/json_object and written by core/json_text only" '[<"]rapidjson' $others
forbid "the client must not know the server's inside" \
  '"server/(front|connection|pool|router|job_|watcher|follower|embedded)' client/*.h client/*.cc
for file in server/*.h server/*.cc; do
  [ "$file" = server/main.cc ] || forbid "the server must not know the client" '"client/' "$file"
done
exit "$failed"
