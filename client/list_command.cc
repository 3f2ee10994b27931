// `bide list`: pages of the list, one after the other, newest job first.
#include <algorithm>
#include <charconv>
#include <iostream>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/data_out.h"
#include "client/job_page.h"
#include "client/job_summary.h"
#include "client/label_flag.h"
#include "client/results.h"
#include "client/screen_text.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "core/base/json_text.h"
#include "core/base/printable.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide list";
constexpr std::size_t kLimitMax = 1'000'000;
constexpr Setting kStatus{
    .name = "status",
    .placeholder = "STATUS",
    .doc = "only jobs of this status",
    .expected = "submitted, processing, completed, failed, skipped or partial_failure",
    .choices = "submitted,processing,completed,failed,skipped,partial_failure"};
constexpr Setting kLimit{.name = "limit",
                         .placeholder = "N",
                         .default_text = "30",
                         .doc = "at most so many jobs",
                         .expected = "a number from 1 to 1000000"};
constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc =
                              "text: a table on a terminal, else a line with tabs for each job; "
                              "json: an array of whole states; jsonl: one state on each line",
                          .expected = "text, json or jsonl",
                          .letter = 'o',
                          .choices = "text,json,jsonl"};

struct ListPlan {
  std::string filter;  // `&status=failed&label=…`.
  std::size_t limit = 0;
  Format format;
  ApiAccess access;
};

std::variant<ListPlan, Misuse> plan_of(const Arguments& arguments) {
  ListPlan plan;
  if (!arguments.words().empty()) {
    return Misuse{"expected no job id; `bide get` takes some"};
  }
  auto labels = label_query_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  plan.filter = std::get<std::string>(std::move(labels));
  if (const std::string word = arguments.value("status"); !word.empty()) {
    if (!status_from_word(word)) return arguments.unexpected("status");
    plan.filter += "&status=" + word;
  }
  const std::string limit = arguments.value("limit");
  const char* const end = limit.data() + limit.size();
  const auto [rest, error] = std::from_chars(limit.data(), end, plan.limit);
  if (error != std::errc() || rest != end || plan.limit == 0 || plan.limit > kLimitMax) {
    return arguments.unexpected("limit");
  }
  auto format = format_in(arguments);
  if (const auto* misuse = std::get_if<Misuse>(&format)) return *misuse;
  plan.format = std::get<Format>(std::move(format));
  auto access = find_api_access(arguments);
  if (const auto* misuse = std::get_if<Misuse>(&access)) return *misuse;
  plan.access = std::get<ApiAccess>(std::move(access));
  return plan;
}

// Writes the jobs as they come, page by page. A page of the table has its own widths.
class Listing {
 public:
  Listing(const ListPlan& plan, DataOut& out) : plan_(plan), out_(out) {
    if (plan_.format.output == Output::kJson) array_.begin_array();
  }

  void add(const JobPage& page) {
    if (plan_.format.output == Output::kText) {
      out_.terminal() ? table(page) : lines(page);
    }
    for (const std::string_view item : page.items) {
      if (plan_.format.output == Output::kJson) array_.raw(item);
      if (plan_.format.output == Output::kJsonl) out_.json(item);
    }
    count_ += page.items.size();
  }
  void end() {
    if (plan_.format.output != Output::kJson) return;
    array_.end_array();
    out_.json(array_.take());
  }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  void lines(const JobPage& page) {
    for (const std::string_view item : page.items) {
      const JobSummary job = summary_of(item);
      out_.text(printable(job.id, " ") + "\t" + std::string(word_of(job)) + "\t" +
                printable(job.created, " ") + "\t" + printable(note_of(job), " ") + "\n");
    }
  }
  void table(const JobPage& page) {
    constexpr std::size_t kIdMin = 8;
    constexpr std::size_t kWordColumns = 15;
    constexpr std::size_t kAgeColumns = 5;
    const std::size_t columns = stdout_columns();
    const std::size_t fixed = kWordColumns + kAgeColumns + 6;  // Two blanks behind each column.
    std::vector<JobSummary> jobs;
    std::size_t id_columns = kIdMin;
    for (const std::string_view item : page.items) {
      jobs.push_back(summary_of(item));
      id_columns = std::max(id_columns, width_of(jobs.back().id));
    }
    id_columns = std::min(id_columns, columns > fixed + kIdMin ? columns - fixed : kIdMin);
    const auto row = [&](std::string_view id, std::string_view status, std::string_view age,
                         std::string_view note) {
      const std::string line = fitted(id, id_columns) + "  " + fitted(status, kWordColumns) + "  " +
                               fitted(age, kAgeColumns) + "  " + on_screen(note);
      std::string cut = cut_to(line, columns);
      cut.erase(cut.find_last_not_of(' ') + 1);
      out_.text(cut + "\n");
    };
    if (count_ == 0 && !jobs.empty()) row("ID", "STATUS", "AGE", "");
    const WallTime now = std::chrono::system_clock::now();
    for (const JobSummary& job : jobs)
      row(job.id, word_of(job), age_of(job.created, now), note_of(job));
  }

  const ListPlan& plan_;
  DataOut& out_;
  JsonText array_;
  std::size_t count_ = 0;
};

int list(const ListPlan& plan) {
  warn_of_plain_token(kCommand, plan.access);
  HttpConnection connection(plan.access.server, plan.access.token, plan.access.cacert);
  DataOut out(std::cout, stdout_is_terminal(), plan.format.filter);
  Listing listing(plan, out);
  for (std::string cursor;;) {
    const std::size_t wanted = std::min(plan.limit - listing.count(), kJobsPerPageMax);
    std::string target = "/job?limit=" + std::to_string(wanted) + plan.filter;
    if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
    auto reply = fetch(connection, target);
    if (const auto* trouble = std::get_if<Trouble>(&reply)) {
      return fail(kCommand, ExitCode::kBideFailed, trouble->what);
    }
    if (const auto* refusal = std::get_if<ServerRefusal>(&reply)) {
      return fail(kCommand, exit_code_of(*refusal), refusal->detail);
    }
    const auto page = page_of(std::get<Document>(std::move(reply)).body);
    if (!page) return fail(kCommand, ExitCode::kBideFailed, "the answer is not bide's");
    listing.add(*page);
    if (!out.flush()) return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
    const bool more = !page->next.empty() && page->next != cursor;
    if (more && listing.count() < plan.limit) {
      cursor = page->next;
      continue;
    }
    listing.end();
    const int code = finish(kCommand, ExitCode::kCompleted, out);
    if (code != 0) return code;
    if (plan.format.output == Output::kText && stdout_is_terminal() && stderr_is_terminal()) {
      if (listing.count() == 0) std::cerr << "no jobs\n";
      if (more && page->total_exact) {
        std::cerr << std::to_string(listing.count()) + " of " + on_screen(page->total) +
                         " jobs; --limit shows more\n";
      }
    }
    return 0;
  }
}

}  // namespace

const Command& list_command() {
  static const Command command{
      .name = kCommand,
      .summary = "list jobs",
      .synopsis = {"[--status STATUS] [--label NAME=VALUE]... [--limit N] "
                   "[-o text|json|jsonl] [--jq FILTER]"},
      .description = "Lists jobs, the newest first.",
      .examples = {"bide list --status failed",
                   "bide list --label release=42 --limit 1000 -o jsonl", "bide list | cut -f1",
                   R"(bide list --jq '.[] | .id + " " + .status')"},
      .settings = {&kStatus, &kLabelFilter, &kLimit, &kOutput, &kJqSetting, &kServerSetting,
                   &kCacertSetting},
      .notes = kAboutToken,
      .exit_codes = {{"0", "also if there is no job"},
                     {"1", "bide failed"},
                     {"2", "usage"},
                     {"4", "not allowed"}},
      .takes_words = true};
  return command;
}

int run_list(std::span<const std::string> args) {
  return carry_out_plan<ListPlan>(list_command(), args, plan_of, list);
}

}  // namespace bide
