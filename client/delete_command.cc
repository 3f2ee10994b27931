// `bide delete`: removes jobs with all their events and responses.
#include <functional>
#include <random>

#include "client/bucket_reporter.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/http_writer.h"
#include "client/retry.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "client/write_access.h"
#include "core/base/duration.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide delete";
constexpr Setting kTimeout{
    .name = "timeout",
    .placeholder = "TIME",
    .default_text = "30s",
    .doc = "over HTTP, try again for this long if the server cannot be reached or cannot write",
    .expected = "a time above 0, such as 30s or 5m"};

Command make_command() {
  Command command{
      .name = kCommand,
      .summary = "delete jobs",
      .synopsis = {"ID... [--timeout 30s] [--server URL]"},
      .description = R"(Deletes jobs with their events and responses. Requests that wait for one of
them are answered that it is gone.)",
      .examples = {"bide delete build-7", "bide delete build-8 build-9 --timeout 5m"},
      .settings = {&kTimeout},
      .notes = about_writing(),
      .exit_codes = {{"0", "deleted"},
                     {"1", "not deleted, or not known"},
                     {"2", "usage"},
                     {"4", "not allowed"},
                     {"9", "not found"},
                     {"130, 143", "ended by SIGINT or SIGTERM"},
                     {"", "with several jobs the worst, in the order 4 1 9 0"}},
      .takes_words = true,
      .words = WordKind::kJobs};
  for (const Setting* const setting : write_flags()) command.settings.push_back(setting);
  return command;
}

ExitCode report(const std::string& id, const WriteReply& reply, const Arguments& arguments) {
  if (const auto* const refusal = std::get_if<ServerRefusal>(&reply)) {
    const ExitCode code = exit_code_of(*refusal);
    fail(kCommand, code, id + ": " + (refusal->no_such_job ? "not found" : refusal->detail));
    return code;
  }
  if (const auto* const trouble = std::get_if<Trouble>(&reply)) {
    fail(kCommand, ExitCode::kBideFailed,
         id + ": not known to be deleted: " + trouble->what + hint_about(trouble->what, arguments));
    return ExitCode::kBideFailed;
  }
  return ExitCode::kCompleted;
}

// Deletes one job, and another one with the next call.
using Remove = std::function<WriteReply(const std::string& id)>;

Remove over_http(const ApiAccess& access, std::chrono::milliseconds timeout) {
  warn_of_plain_token(kCommand, access);
  auto writer = std::make_shared<HttpWriter>(access);
  auto retry =
      std::make_shared<Retry>(std::random_device{}(), std::chrono::steady_clock::now() + timeout);
  return [writer, retry](const std::string& id) {
    const std::string key = new_idempotency_key();
    return retry->run(
        [&](std::chrono::milliseconds patience) { return writer->remove(id, key, patience); });
  };
}

Remove over_nats(const BucketAccess& access) {
  auto bucket = std::make_shared<BucketReporter>(access.login, access.bucket);
  return [bucket](const std::string& id) { return bucket->remove(id); };
}

int remove(const Arguments& arguments) {
  if (arguments.words().empty()) return fail_usage(kCommand, Misuse{"expected a job id"});
  for (const std::string& word : arguments.words()) {
    const auto id = checked_job_id(word);
    if (const auto* error = std::get_if<Misuse>(&id)) return fail_usage(kCommand, *error);
  }
  const auto timeout = parse_duration(arguments.value("timeout"));
  if (!timeout || timeout->count() == 0) {
    return fail_usage(kCommand, arguments.unexpected("timeout"));
  }
  const auto access = find_write_access(arguments);
  if (const auto* error = std::get_if<NoAccess>(&access)) return fail(kCommand, *error);
  end_on_signals();
  const auto* const bucket = std::get_if<BucketAccess>(&access);
  const Remove remove_one =
      bucket != nullptr ? over_nats(*bucket) : over_http(std::get<ApiAccess>(access), *timeout);
  ExitCode worst = ExitCode::kCompleted;
  for (const std::string& id : arguments.words()) {
    worst = worse_of(worst, report(id, remove_one(id), arguments));
  }
  return static_cast<int>(worst);
}

}  // namespace

const Command& delete_command() {
  static const Command command = make_command();
  return command;
}

int run_delete(std::span<const std::string> args) {
  return carry_out(delete_command(), args, remove);
}

}  // namespace bide
