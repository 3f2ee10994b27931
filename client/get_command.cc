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
constexpr std::string_view kHelp = R"(bide get ID [-o text|json] [--server URL]

Asks once how a job stands.

  -o, --output FORMAT  text: the status word (default); json: everything known
      --server URL     bide's HTTP address (BIDE_SERVER; default http://127.0.0.1:8080)
      --cacert FILE    PEM: who signs its certificate (BIDE_CACERT; default: the system's store)

BIDE_TOKEN holds the bearer token, if the server wants one.
Exit code: 0 completed, 1 bide failed, 2 usage, 4 not allowed, 5 failed, 6 partial_failure,
7 skipped, 8 not over yet, 9 not found.
)";

constexpr OptionSpec kOptions[] = {
    {"--output", "-o", true}, kServerOption, kCacertOption, kHelpOption};

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
  const auto output = output_from_word(arguments.find("--output").value_or("text"));
  if (!output || *output == Output::kJsonl) return Misuse{"--output is text or json"};
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
    switch (refusal->http_status) {
      case 401:
      case 403:
        return fail(kCommand, ExitCode::kAuth, refusal->detail);
      default:
        return refusal->no_such_job ? fail(kCommand, ExitCode::kNotFound, plan.id + ": not found")
                                    : fail(kCommand, ExitCode::kBideFailed, refusal->detail);
    }
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
  const auto parsed = Arguments::parse(args, kOptions);
  if (const auto* error = std::get_if<Misuse>(&parsed)) return fail_usage(kCommand, *error);
  const auto& arguments = std::get<Arguments>(parsed);
  if (arguments.given("--help")) {
    std::cout << kHelp << std::flush;
    return 0;
  }
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

int run_get(std::span<const std::string> args) {
  try {
    return get(args);
  } catch (const std::exception& error) {
    return fail(kCommand, ExitCode::kBideFailed, error.what());
  }
}

}  // namespace bide
