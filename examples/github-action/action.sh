#!/bin/sh
# What action.yml runs. The step fails unless the job completes.
set -u

id=$INPUT_JOB
url=$BIDE_SERVER/job/$id
folder=$(dirname "$0")/..

case $id in
  "" | *[!A-Za-z0-9_-]*)
    echo "::error title=bide::the job's id may have letters, digits, _ and -"
    exit 2
    ;;
esac
# The runner hides what it has been told so.
[ -z "$BIDE_TOKEN" ] || echo "::add-mask::$BIDE_TOKEN"

reason=
if [ -n "$INPUT_COMMAND" ]; then
  sh "$folder/report.sh" "$id" bash -e -o pipefail -c "$INPUT_COMMAND"
  code=$?
  status=completed
  if [ "$code" -ne 0 ]; then
    status=failed
    reason="exit status $code"
  fi
else
  answer=$(sh "$folder/wait-for-job.sh" "$id" "$INPUT_TIMEOUT")
  code=$?
  case $code in
    0) status=completed ;;
    5) status=failed ;;
    6) status=partial_failure ;;
    7) status=skipped ;;
    9) status=gone ;;
    124) status=timeout ;;
    *) status=unknown ;;
  esac
  # As JSON has it, so it is one line. Its place is before the first member that has members itself.
  reason=$(printf '%s\n' "$answer" | sed -nE 's/^[^{]*\{[^{[]*"error":"(([^"\\]|\\.)*)".*/\1/p')
fi

{
  echo "job=$id"
  echo "status=$status"
  echo "url=$url"
} >>"$GITHUB_OUTPUT"

{
  echo "### bide: \`$id\` is $status"
  echo
  [ -z "$reason" ] || printf '    %s\n\n' "$reason"
  echo "<$url>"
  echo
} >>"$GITHUB_STEP_SUMMARY"

# https://docs.github.com/actions/reference/workflow-commands-for-github-actions: a % begins an escape.
[ "$code" -eq 0 ] ||
  printf '::error title=bide::%s is %s%s\n' "$id" "$status" "${reason:+: $reason}" | sed 's/%/%25/g'
exit "$code"
