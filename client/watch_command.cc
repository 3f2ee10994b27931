// `bide watch`: jobs as they change. A table on a terminal, else a line for each change.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <optional>
#include <unordered_map>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/data_out.h"
#include "client/followers.h"
#include "client/job_summary.h"
#include "client/label_flag.h"
#include "client/results.h"
#include "client/screen_text.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "client/watch_screen.h"
#include "core/base/printable.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide watch";
constexpr std::size_t kJobsOnScreen = 1000;
constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc =
                              "text: a table on a terminal, else a line for each change; jsonl: "
                              "each new state on one line",
                          .expected = "text or jsonl",
                          .letter = 'o',
                          .choices = "text,jsonl"};

struct WatchPlan {
  std::vector<std::string> ids;  // Empty: all jobs of the labels.
  std::string labels;
  Format format;
  ApiAccess access;
};

std::variant<WatchPlan, Misuse> plan_of(const Arguments& arguments) {
  WatchPlan plan;
  if (!arguments.words().empty()) {
    if (arguments.given("label")) return Misuse{"expected job ids or --label, not both"};
    auto ids = checked_job_ids(arguments.words());
    if (const auto* error = std::get_if<Misuse>(&ids)) return *error;
    plan.ids = std::get<std::vector<std::string>>(std::move(ids));
  }
  auto labels = label_query_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  plan.labels = std::get<std::string>(std::move(labels));
  auto format = format_in(arguments, Output::kJsonl);
  if (const auto* error = std::get_if<Misuse>(&format)) return *error;
  plan.format = std::get<Format>(std::move(format));
  if (plan.format.output == Output::kJson) return arguments.unexpected("output");
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  plan.access = std::get<ApiAccess>(std::move(access));
  return plan;
}

std::vector<JobFollower::Target> targets_of(const WatchPlan& plan, std::size_t newest_jobs) {
  std::vector<JobFollower::Target> targets;
  for (const std::string& id : plan.ids) targets.push_back({id, {}, 0});
  if (targets.empty()) targets.push_back({{}, plan.labels, newest_jobs});
  return targets;
}

// Writes a line for each change, unless it is the same as the job's last line.
class Lines {
 public:
  Lines(const WatchPlan& plan, DataOut& out) : plan_(plan), out_(out) {}

  // The exit code, when the watch is over.
  std::optional<ExitCode> take(const Followed& report) {
    switch (report.kind) {
      case Followed::Kind::kState:
        state(report.text);
        return std::nullopt;
      case Followed::Kind::kAbsent:
        say(report.text + ": does not exist yet");
        return std::nullopt;
      case Followed::Kind::kGone:
        say(report.text + ": is gone: deleted or expired");
        return one_is_over();
      case Followed::Kind::kOver:
        return one_is_over();
      case Followed::Kind::kTrouble:
        if (report.text != trouble_) say(report.text + "; trying again");
        trouble_ = report.text;
        return std::nullopt;
      case Followed::Kind::kTouch:
        trouble_.clear();
        return std::nullopt;
      case Followed::Kind::kRefused:
        say(report.text);
        return report.code;
    }
    return std::nullopt;
  }

 private:
  static void say(const std::string& what) {
    std::cerr << std::string(kCommand) + ": " + printable(what, " ") + "\n";
  }
  std::optional<ExitCode> one_is_over() {
    if (++over_ < plan_.ids.size()) return std::nullopt;
    return ExitCode::kCompleted;
  }
  void state(const std::string& json) {
    if (plan_.format.output == Output::kJsonl) {
      out_.json(json);
      return;
    }
    constexpr std::size_t kRememberedMax = 10'000;
    const JobSummary job = summary_of(json);
    const std::string note = note_of(job);
    const std::string line =
        on_screen(job.id + ": " + std::string(word_of(job)) + (note.empty() ? "" : ", " + note));
    if (said_.size() >= kRememberedMax) said_.clear();
    std::string& said = said_[job.id];
    if (said == line) return;
    said = line;
    out_.text(line + "\n");
  }

  const WatchPlan& plan_;
  DataOut& out_;
  std::unordered_map<std::string, std::string> said_;
  std::string trouble_;
  std::size_t over_ = 0;
};

int watch_lines(const WatchPlan& plan) {
  DataOut out(std::cout, stdout_is_terminal(), plan.format.filter);
  Lines lines(plan, out);
  Followers followers(plan.access);
  for (JobFollower::Target& target : targets_of(plan, 0)) followers.follow(std::move(target));
  for (;;) {
    for (const Followers::Report& report : followers.take()) {
      const std::optional<ExitCode> code = lines.take(report.what);
      if (code) return finish(kCommand, *code, out);
    }
    if (const auto failure = out.failure()) {
      return fail(kCommand, ExitCode::kBideFailed, *failure);
    }
    // The reader may leave while there is nothing to write. If stdout is a socket or a terminal,
    // poll() then reports POLLHUP without end.
    std::array<pollfd, 2> ready = {pollfd{followers.descriptor(), POLLIN, 0},
                                   pollfd{STDOUT_FILENO, 0, 0}};
    static_cast<void>(::poll(ready.data(), ready.size(), -1));
    if ((ready[1].revents & (POLLERR | POLLHUP)) != 0) {
      return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
    }
  }
}

int watch(const WatchPlan& plan) {
  warn_of_plain_token(kCommand, plan.access);
  const bool screen = plan.format.output == Output::kText && stdout_is_terminal() &&
                      ::isatty(STDIN_FILENO) == 1 && from_environment("TERM") != "dumb";
  if (screen) {
    const auto end = watch_on_screen(plan.access, plan.ids, targets_of(plan, kJobsOnScreen),
                                     !from_environment("NO_COLOR"));
    if (end && !end->complaint.empty()) {
      return fail(kCommand, static_cast<ExitCode>(end->exit_code), end->complaint);
    }
    if (end) return end->exit_code;
    end_on_signals();
  }
  return watch_lines(plan);
}

}  // namespace

const Command& watch_command() {
  static const Command command{
      .name = kCommand,
      .summary = "show jobs as they change",
      .synopsis = {"[ID... | --label NAME=VALUE...] [-o text|jsonl] [--jq FILTER]"},
      .description =
          R"(Shows jobs as they change, fed by the server's stream: all jobs, those of some labels, or some
jobs. On a terminal it is a table: arrows scroll, / filters, Enter shows a job's timeline, q leaves.
Elsewhere it is a line for each change, and the end when all jobs that were named are over. A job
that does not exist yet is waited for. If the server restarts, goes on where it was. Without ids,
deleted jobs stay in the table.)",
      .examples = {"bide watch", "bide watch --label release=42",
                   "bide watch build-7 build-8 -o jsonl",
                   "bide watch --jq 'select(.status == \"failed\") | .id'"},
      .settings = {&kLabelFilter, &kOutput, &kJqSetting, &kServerSetting, &kCacertSetting},
      .notes = kAboutToken,
      .exit_codes = {{"0", "all jobs are over or gone, whatever their status; or the user left"},
                     {"1", "bide failed"},
                     {"2", "usage"},
                     {"4", "not allowed"},
                     {"130, 143", "ended by SIGINT or SIGTERM"}},
      .takes_words = true,
      .words = WordKind::kJobs};
  return command;
}

int run_watch(std::span<const std::string> args) {
  return carry_out_plan<WatchPlan>(watch_command(), args, plan_of, watch);
}

}  // namespace bide
