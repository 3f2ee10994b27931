// `bide get`: one request for each job, one answer.
#include <iostream>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/data_out.h"
#include "client/display.h"
#include "client/http_connection.h"
#include "client/results.h"
#include "client/screen_text.h"
#include "client/terminal.h"
#include "client/usage.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide get";
constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc =
                              "text: the status word, with several jobs after the id; json: the "
                              "whole state, with several jobs an array in the order of the "
                              "arguments; jsonl: the state of each job on one line",
                          .expected = "text, json or jsonl",
                          .letter = 'o',
                          .choices = "text,json,jsonl"};

struct GetPlan {
  std::vector<std::string> ids;
  Format format;
  ApiAccess access;
};

std::variant<GetPlan, Misuse> plan_of(const Arguments& arguments) {
  auto ids = checked_job_ids(arguments.words());
  if (const auto* error = std::get_if<Misuse>(&ids)) return *error;
  auto format = format_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&format)) return *error;
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  return GetPlan{std::move(std::get<std::vector<std::string>>(ids)),
                 std::get<Format>(std::move(format)), std::move(std::get<ApiAccess>(access))};
}

// The state of `view.id`, or why there is none.
void ask(HttpConnection& connection, JobView& view) {
  auto response = connection.exchange(
      {.method = "GET", .target = "/job/" + view.id, .fields = {{"Accept", "application/json"}}});
  const Reply reply = reply_of(std::move(response));
  if (const auto* trouble = std::get_if<Trouble>(&reply)) {
    view.complaint = trouble->what;
    view.code = ExitCode::kBideFailed;
  } else if (const auto* refusal = std::get_if<ServerRefusal>(&reply)) {
    view.complaint = refusal->no_such_job ? "not found" : refusal->detail;
    view.code = exit_code_of(*refusal);
  } else {
    const auto& answer = std::get<Answer>(reply);
    view.status = answer.status;
    view.summary = summary_of(answer.body);
    view.representation = std::make_shared<const std::string>(answer.body);
    view.code = exit_code_of(answer.status);
  }
}

int get(const GetPlan& plan) {
  warn_of_plain_token(kCommand, plan.access);
  HttpConnection connection(plan.access.server, plan.access.token, plan.access.cacert);
  DataOut out(std::cout, stdout_is_terminal(), plan.format.filter);
  const Output output = plan.format.output;
  const bool several = plan.ids.size() > 1;
  std::vector<JobView> views;
  ExitCode worst = ExitCode::kCompleted;
  for (const std::string& id : plan.ids) {
    JobView& view = views.emplace_back();
    view.id = id;
    ask(connection, view);
    worst = worse_of(worst, *view.code);
    write_result(view, output, several, out);
    if (!out.flush()) return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
    const std::string& error = view.summary.error;
    if (!view.complaint.empty()) {
      const bool about_job = *view.code == ExitCode::kNotFound || several;
      fail(kCommand, *view.code, (about_job ? id + ": " : "") + view.complaint);
    } else if (output == Output::kText && !error.empty()) {
      fail(kCommand, *view.code, id + ": " + cut_error(error));
    }
    // The server cannot be asked about the other jobs either.
    if (*view.code == ExitCode::kBideFailed) break;
  }
  if (several && output == Output::kJson) write_results(views, out);
  return finish(kCommand, worst, out);
}

}  // namespace

const Command& get_command() {
  static const Command command{
      .name = kCommand,
      .summary = "print the states of jobs",
      .synopsis = {"ID... [-o text|json|jsonl] [--jq FILTER]"},
      .description = "Prints the current state of jobs, and on stderr why one failed. Asks once.",
      .examples = {"bide get build-7", "bide get build-7 build-8", "bide get build-7 -o json",
                   "bide get build-7 --jq '.timeline[].event'"},
      .settings = {&kOutput, &kJqSetting, &kServerSetting, &kCacertSetting},
      .notes = kAboutToken,
      .exit_codes = {{"0", "completed"},
                     {"1", "bide failed"},
                     {"2", "usage"},
                     {"4", "not allowed"},
                     {"5", "failed"},
                     {"6", "partial_failure"},
                     {"7", "skipped"},
                     {"8", "not over yet"},
                     {"9", "not found"},
                     {"", "with several jobs the worst, in the order 4 1 9 5 6 7 8 0"}},
      .takes_words = true,
      .words = WordKind::kJobs};
  return command;
}

int run_get(std::span<const std::string> args) {
  return carry_out_plan<GetPlan>(get_command(), args, plan_of, get);
}

}  // namespace bide
