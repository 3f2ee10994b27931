// `bide stats`: how many jobs there are of each status.
#include <iostream>
#include <optional>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/data_out.h"
#include "client/job_page.h"
#include "client/label_flag.h"
#include "client/results.h"
#include "client/screen_text.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "core/base/json_object.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide stats";
constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc = "text: a line for each status; json: as the server says it",
                          .expected = "text or json",
                          .letter = 'o',
                          .choices = "text,json"};

struct StatsPlan {
  std::string filter;  // `&label=…`.
  Format format;
  ApiAccess access;
};

std::variant<StatsPlan, Misuse> plan_of(const Arguments& arguments) {
  if (!arguments.words().empty()) return Misuse{"expected no job id"};
  auto labels = label_query_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  auto format = format_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&format)) return *error;
  if (std::get<Format>(format).output == Output::kJsonl) return arguments.unexpected("output");
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  return StatsPlan{std::get<std::string>(std::move(labels)), std::get<Format>(std::move(format)),
                   std::get<ApiAccess>(std::move(access))};
}

// A line for each status that the server counts, in its order, and the total.
// nullopt: these are no statistics.
std::optional<std::string> text_of(std::string_view statistics) {
  constexpr std::size_t kWordColumns = 16;
  const auto parsed =
      JsonObject::parse(statistics, {"total_jobs", "status_counts"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr || (*object)["status_counts"].kind != JsonMember::Kind::kObject) {
    return std::nullopt;
  }
  std::string text;
  for (const RawJsonMember& member : split_json_object((*object)["status_counts"].raw)) {
    text += fitted(member.name, kWordColumns) + on_screen(member.value) + "\n";
  }
  return text + fitted("total", kWordColumns) + on_screen((*object)["total_jobs"].raw) + "\n";
}

int stats(const StatsPlan& plan) {
  warn_of_plain_token(kCommand, plan.access);
  HttpConnection connection(plan.access.server, plan.access.token, plan.access.cacert);
  // In a query, the first `&` is a `?`.
  const std::string query = plan.filter.empty() ? "" : "?" + plan.filter.substr(1);
  const auto reply = fetch(connection, "/job/status" + query);
  if (const auto* trouble = std::get_if<Trouble>(&reply)) {
    return fail(kCommand, ExitCode::kBideFailed, trouble->what);
  }
  if (const auto* refusal = std::get_if<ServerRefusal>(&reply)) {
    return fail(kCommand, exit_code_of(*refusal), refusal->detail);
  }
  const std::string& body = std::get<Document>(reply).body;
  const auto text = text_of(body);
  if (!text) return fail(kCommand, ExitCode::kBideFailed, "the answer is not bide's");
  DataOut out(std::cout, stdout_is_terminal(), plan.format.filter);
  plan.format.output == Output::kText ? out.text(*text) : out.json(body);
  return finish(kCommand, ExitCode::kCompleted, out);
}

}  // namespace

const Command& stats_command() {
  static const Command command{
      .name = kCommand,
      .summary = "count jobs by status",
      .synopsis = {"[--label NAME=VALUE]... [-o text|json] [--jq FILTER]"},
      .description = "Prints how many jobs there are of each status.",
      .examples = {"bide stats", "bide stats --label release=42 --jq .status_counts.failed"},
      .settings = {&kLabelFilter, &kOutput, &kJqSetting, &kServerSetting, &kCacertSetting},
      .notes = kAboutToken,
      .exit_codes = {{"0", "also if there is no job"},
                     {"1", "bide failed"},
                     {"2", "usage"},
                     {"4", "not allowed"}},
      .takes_words = true};
  return command;
}

int run_stats(std::span<const std::string> args) {
  return carry_out_plan<StatsPlan>(stats_command(), args, plan_of, stats);
}

}  // namespace bide
