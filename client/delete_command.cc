// `bide delete`: removes jobs with all their events and responses.
#include <iostream>
#include <random>

#include "client/commands.h"
#include "client/http_writer.h"
#include "client/retry.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "core/base/duration.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide delete";
constexpr Setting kTimeout{
    .name = "timeout",
    .placeholder = "TIME",
    .default_text = "30s",
    .doc = "try again for this long if the server cannot be reached or cannot write",
    .expected = "a time above 0, such as 30s or 5m"};

const Command& delete_command() {
  static const Command command{.name = kCommand,
                               .settings = {&kTimeout, &kServerSetting, &kCacertSetting},
                               .help_begin = R"(bide delete ID... [--timeout 30s] [--server URL]

Deletes jobs with their events and responses, by a bide server over HTTP. Requests that wait for one
of them are answered that it is gone.

  bide delete build-7
  bide delete build-7 build-8 --server https://bide.example

)",
                               .help_end = R"(
BIDE_TOKEN holds the bearer token, if the server wants one.
Exit code: 0 deleted, 1 not deleted or not known, 2 usage, 4 not allowed, 9 not found. With several
jobs the worst, in the order 4 1 9 0.
)",
                               .takes_words = true};
  return command;
}

ExitCode report(const std::string& id, const WriteReply& reply) {
  if (const auto* const refusal = std::get_if<Refusal>(&reply)) {
    const ExitCode code = exit_code_of(*refusal);
    fail(kCommand, code, id + ": " + (refusal->no_such_job ? "not found" : refusal->detail));
    return code;
  }
  if (const auto* const trouble = std::get_if<Trouble>(&reply)) {
    fail(kCommand, ExitCode::kBideFailed, id + ": not known to be deleted: " + trouble->what);
    return ExitCode::kBideFailed;
  }
  return ExitCode::kCompleted;
}

int remove(std::span<const std::string> args) {
  const auto parsed = Arguments::parse(args, delete_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(kCommand, *end);
  const auto& arguments = std::get<Arguments>(parsed);
  if (arguments.words().empty()) return fail_usage(kCommand, Misuse{"expected a job id"});
  for (const std::string& word : arguments.words()) {
    const auto id = checked_job_id(word);
    if (const auto* error = std::get_if<Misuse>(&id)) return fail_usage(kCommand, *error);
  }
  const auto timeout = parse_duration(arguments.value("timeout"));
  if (!timeout || timeout->count() == 0) {
    return fail_usage(kCommand, arguments.unexpected("timeout"));
  }
  const auto found = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&found)) return fail_usage(kCommand, *error);
  const auto& access = std::get<ApiAccess>(found);

  end_on_signals();
  warn_of_plain_token(kCommand, access);
  HttpWriter writer(access);
  Retry retry(std::random_device{}(), std::chrono::steady_clock::now() + *timeout);
  ExitCode worst = ExitCode::kCompleted;
  for (const std::string& id : arguments.words()) {
    const std::string key = new_idempotency_key();
    const WriteReply reply = retry.run(
        [&](std::chrono::milliseconds patience) { return writer.remove(id, key, patience); });
    worst = worse_of(worst, report(id, reply));
  }
  return static_cast<int>(worst);
}

}  // namespace

int run_delete(std::span<const std::string> args) {
  try {
    return remove(args);
  } catch (const std::exception& error) {
    return fail(kCommand, ExitCode::kBideFailed, error.what());
  }
}

}  // namespace bide
