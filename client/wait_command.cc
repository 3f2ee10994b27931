// `bide wait`: the command line around WaitRun.
#include <iostream>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/http_source.h"
#include "client/label_flag.h"
#include "client/screen_text.h"
#include "client/selection_source.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "client/wait_run.h"
#include "core/base/duration.h"
#include "core/base/printable.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide wait";
constexpr std::string_view kGoals =
    "done, succeeded, change, exists, or a comma list of submitted, processing, completed, failed, "
    "skipped, partial_failure";
constexpr std::string_view kGoalWords =
    "done,succeeded,change,exists,submitted,processing,completed,failed,skipped,partial_failure";

constexpr Setting kSettings[] = {
    {"timeout", SettingKind::kText, "TIME", "10m", "give up after this long: 90s, 10m, 1h30m",
     "a time above 0, such as 90s, 10m or 1h30m"},
    {"until", SettingKind::kText, "GOAL", "done", kGoals, kGoals, '\0', false, false, kGoalWords},
    {"any", SettingKind::kSwitch, "", "",
     "end with the first job that is over, instead of waiting for all"},
    {"fail-fast", SettingKind::kSwitch, "", "",
     "end with the first job that is over and not completed"},
    {"no-wait-for-creation", SettingKind::kSwitch, "", "",
     "end with 9 at once if a job does not exist, instead of waiting until it is created"},
    {"output", SettingKind::kText, "FORMAT", "text",
     "text: the status word, with several jobs after the id; json: the whole state, with "
     "several jobs an array in the order of the arguments; jsonl: the state of each job on one "
     "line, as they end",
     "text, json or jsonl", 'o', false, false, "text,json,jsonl"},
    {"quiet", SettingKind::kSwitch, "", "", "only errors on stderr; also makes fewer requests", "",
     'q'}};

Display::Options display_options(bool quiet) {
  Display::Options options;
  const bool live = stderr_is_terminal() && !from_environment("CI");
  options.mode = quiet  ? Display::Mode::kQuiet
                 : live ? Display::Mode::kLive
                        : Display::Mode::kLines;
  options.colour = stderr_wants_colour();
  options.columns = stderr_columns();
  return options;
}

struct WaitCommand {
  WaitPlan plan;
  std::string labels;  // `&label=…`; empty: the words are ids.
  std::shared_ptr<JqFilter> filter;
  bool quiet = false;
  ApiAccess access;
};

// What is waited for: ids, or all jobs of some labels.
std::optional<Misuse> choose_jobs(const Arguments& arguments, WaitCommand& command) {
  if (!arguments.given("label")) {
    auto ids = checked_job_ids(arguments.words());
    if (const auto* error = std::get_if<Misuse>(&ids)) return *error;
    command.plan.ids = std::get<std::vector<std::string>>(std::move(ids));
    return std::nullopt;
  }
  if (!arguments.words().empty()) return Misuse{"expected job ids or --label, not both"};
  auto labels = label_query_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  command.labels = std::get<std::string>(std::move(labels));
  const Goal::Kind kind = command.plan.goal.kind();
  if (kind != Goal::Kind::kDone && kind != Goal::Kind::kSucceeded) {
    return Misuse{"--until: expected done or succeeded with --label"};
  }
  std::string name;
  for (const std::string& label : arguments.values("label")) {
    name += (name.empty() ? "" : ",") + label;
  }
  command.plan.ids = {printable(name, " ")};
  command.plan.selection = true;
  return std::nullopt;
}

std::variant<WaitCommand, Misuse> plan_of(const Arguments& arguments) {
  const auto timeout = parse_duration(arguments.value("timeout"));
  if (!timeout || timeout->count() == 0) return arguments.unexpected("timeout");
  const auto goal = Goal::parse(arguments.value("until"));
  if (!goal) return arguments.unexpected("until");
  auto format = format_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&format)) return *error;
  if (arguments.given("any") && arguments.given("fail-fast")) {
    return Misuse{"--any and --fail-fast: expected one of them"};
  }
  const bool quiet = arguments.given("quiet");
  WaitCommand command{
      .plan = {.ids = {},
               .goal = *goal,
               .timeout = *timeout,
               .any = arguments.given("any"),
               .fail_fast = arguments.given("fail-fast"),
               .missing = arguments.given("no-wait-for-creation") ? Pursuit::Missing::kFail
                                                                  : Pursuit::Missing::kWait,
               .output = std::get<Format>(format).output,
               .words = quiet || !stdout_is_terminal() || !stderr_is_terminal(),
               .display = display_options(quiet)},
      .labels = {},
      .filter = std::get<Format>(format).filter,
      .quiet = quiet,
      .access = {}};
  if (auto error = choose_jobs(arguments, command)) return std::move(*error);
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  command.access = std::get<ApiAccess>(std::move(access));
  return command;
}

std::unique_ptr<JobSource> source_of(const WaitCommand& command, const std::string& id) {
  const ApiAccess& access = command.access;
  const WaitPlan& plan = command.plan;
  if (plan.selection) {
    return std::make_unique<SelectionSource>(
        access, SelectionSource::Terms{
                    .labels = command.labels,
                    .succeeded = plan.fail_fast || plan.goal.kind() == Goal::Kind::kSucceeded,
                    .any = plan.any,
                    .fail_if_missing = plan.missing == Pursuit::Missing::kFail});
  }
  // The representation is needed to print it or to show agents. Otherwise the word is cheaper.
  const bool word_is_enough =
      plan.output == Output::kText && plan.display.mode == Display::Mode::kQuiet;
  return std::make_unique<HttpSource>(
      access.server, id, access.token,
      word_is_enough ? Wanted::kStatusWord : Wanted::kRepresentation, access.cacert);
}

int wait(const WaitCommand& command) {
  if (!command.quiet) warn_of_plain_token(kCommand, command.access);
  WaitRun run(command.plan, [&](const std::string& id) { return source_of(command, id); });
  DataOut out(std::cout, stdout_is_terminal(), command.filter);
  const ExitCode code = run.run(out, std::cerr);
  return finish(kCommand, code, out);
}

}  // namespace

const Command& wait_command() {
  static const Command command{
      .name = kCommand,
      .summary = "wait until jobs are over",
      .synopsis =
          {"ID... [--timeout 10m] [--until done] [--any | --fail-fast] [-o text|json|jsonl] [-q]",
           "--label NAME=VALUE... [the same flags]"},
      .description =
          R"(Waits until jobs are over. Prints their results to stdout and their progress to stderr. A
job that does not exist yet is waited for. If the server restarts or cannot be reached, tries again
until the timeout. With --label all jobs of the labels are waited for, at most 256, also those that
are defined meanwhile.)",
      .examples = {"bide wait build-7 --timeout 30m && ./deploy", "bide wait build-7 build-8 --any",
                   "bide wait build-7 build-8 --fail-fast",
                   "bide wait --label release=42 --timeout 1h", "bide wait build-7 --until exists",
                   "bide wait build-7 --jq .result", "bide wait build-7 -q -o json >build-7.json"},
      .settings = {&kSettings[0], &kSettings[1], &kSettings[2], &kSettings[3], &kSettings[4],
                   &kSettings[5], &kSettings[6], &kJqSetting, &kLabelFilter, &kServerSetting,
                   &kCacertSetting},
      .notes = kAboutToken,
      .exit_codes = {{"0", "completed; or GOAL is reached and the job is not over"},
                     {"1", "bide failed"},
                     {"2", "usage"},
                     {"4", "not allowed"},
                     {"5", "failed"},
                     {"6", "partial_failure"},
                     {"7", "skipped"},
                     {"9", "gone, or at the timeout never created"},
                     {"124", "timeout"},
                     {"130, 143", "ended by SIGINT or SIGTERM"},
                     {"", "with several jobs the worst, in the order 4 1 124 9 5 6 7 0"}},
      .takes_words = true,
      .words = WordKind::kJobs};
  return command;
}

int run_wait(std::span<const std::string> args) {
  return carry_out_plan<WaitCommand>(wait_command(), args, plan_of, wait);
}

}  // namespace bide
