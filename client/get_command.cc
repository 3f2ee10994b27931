// `bide get`: one request, one answer.
#include <iostream>

#include "client/api_access.h"
#include "client/commands.h"
#include "client/http_source.h"
#include "client/results.h"
#include "client/terminal.h"
#include "client/usage.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide get";
constexpr Setting kOutput{.name = "output",
                          .placeholder = "FORMAT",
                          .default_text = "text",
                          .doc = "text: the status word; json: the whole state",
                          .expected = "text or json",
                          .letter = 'o',
                          .choices = "text,json"};

struct GetPlan {
  std::string id;
  Output output = Output::kText;
  ApiAccess access;
};

std::variant<GetPlan, Misuse> plan_of(const Arguments& arguments) {
  GetPlan plan;
  if (arguments.words().size() != 1) return Misuse{"expected one job id"};
  auto id = checked_job_id(arguments.words().front());
  if (const auto* error = std::get_if<Misuse>(&id)) return *error;
  const auto output = output_from_word(arguments.value("output"));
  if (!output || *output == Output::kJsonl) return arguments.unexpected("output");
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  return GetPlan{std::move(std::get<std::string>(id)), *output,
                 std::move(std::get<ApiAccess>(access))};
}

int report(const GetPlan& plan, const Reply& reply) {
  if (const auto* trouble = std::get_if<Trouble>(&reply)) {
    return fail(kCommand, ExitCode::kBideFailed, trouble->what);
  }
  if (const auto* refusal = std::get_if<Refusal>(&reply)) {
    return fail(kCommand, exit_code_of(*refusal),
                refusal->no_such_job ? plan.id + ": not found" : refusal->detail);
  }
  const auto& answer = std::get<Answer>(reply);
  JobView view;
  view.id = plan.id;
  view.status = answer.status;
  view.representation = std::make_shared<const std::string>(answer.body);
  std::cout << result_of(view, plan.output, false) << std::flush;
  if (!std::cout) return fail(kCommand, ExitCode::kBideFailed, "cannot write to stdout");
  return static_cast<int>(exit_code_of(answer.status));
}

int get(std::span<const std::string> args) {
  const auto parsed = Arguments::parse(args, get_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(kCommand, *end);
  const auto& arguments = std::get<Arguments>(parsed);
  const auto planned = plan_of(arguments);
  if (const auto* error = std::get_if<Misuse>(&planned)) return fail_usage(kCommand, *error);
  const auto& plan = std::get<GetPlan>(planned);

  end_on_signals();
  warn_of_plain_token(kCommand, plan.access);
  HttpSource source(plan.access.server, plan.id, plan.access.token,
                    plan.output == Output::kText ? Wanted::kStatusWord : Wanted::kRepresentation,
                    plan.access.cacert);
  return report(plan, source.ask(Question{}));
}

}  // namespace

const Command& get_command() {
  static const Command command{.name = kCommand,
                               .summary = "print a job's state",
                               .synopsis = {"ID [-o text|json] [--server URL]"},
                               .description = "Prints the current state of a job. Asks once.",
                               .examples = {"bide get build-7", "bide get build-7 -o json"},
                               .settings = {&kOutput, &kServerSetting, &kCacertSetting},
                               .notes = kAboutToken,
                               .exit_codes = {{"0", "completed"},
                                              {"1", "bide failed"},
                                              {"2", "usage"},
                                              {"4", "not allowed"},
                                              {"5", "failed"},
                                              {"6", "partial_failure"},
                                              {"7", "skipped"},
                                              {"8", "not over yet"},
                                              {"9", "not found"}},
                               .takes_words = true,
                               .words = WordKind::kJob};
  return command;
}

int run_get(std::span<const std::string> args) {
  try {
    return get(args);
  } catch (const std::exception& error) {
    return fail(kCommand, ExitCode::kBideFailed, error.what());
  }
}

}  // namespace bide
