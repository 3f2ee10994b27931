// `bide health`: whether a server is ready, for health checks of containers and scripts.
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "client/api_access.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/http_connection.h"
#include "client/usage.h"
#include "core/base/duration.h"
#include "core/base/json_object.h"
#include "core/base/printable.h"

namespace bide {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kCommand = "bide health";
constexpr Setting kTimeout{.name = "timeout",
                           .placeholder = "TIME",
                           .default_text = "3s",
                           .doc = "the server is not ready if it has not answered by then",
                           .expected = "a time above 0, such as 500ms or 3s"};

struct HealthPlan {
  milliseconds timeout;
  ApiAccess access;
};

std::variant<HealthPlan, Misuse> plan_of(const Arguments& arguments) {
  if (!arguments.words().empty()) return Misuse{"expected no job id"};
  const auto timeout = parse_duration(arguments.value("timeout"));
  if (!timeout || timeout->count() == 0) return arguments.unexpected("timeout");
  auto access = find_api_access(arguments);
  if (const auto* error = std::get_if<Misuse>(&access)) return *error;
  return HealthPlan{*timeout, std::get<ApiAccess>(std::move(access))};
}

// Bounds all of it: the resolver has a patience of its own, and a server that answers byte by byte
// would never be late.
std::string& complaint_at_timeout() {
  static std::string text;
  return text;
}

void end_at(milliseconds timeout, std::string complaint) {
  complaint_at_timeout() = std::move(complaint);
  struct sigaction action {};
  action.sa_handler = [](int) {
    const std::string& text = complaint_at_timeout();
    // Nobody is left to be told that stderr is closed.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(static_cast<int>(ExitCode::kBideFailed));
  };
  sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_sec = timeout.count() / 1000;
  timer.it_value.tv_usec = timeout.count() % 1000 * 1000;
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// Why the server that answered is not ready. Empty: it is.
std::string trouble_in(const RawReply& raw) {
  const auto parsed = JsonObject::parse(raw.body, {"status", "error"}, kAnswerDepthMax);
  if (const auto* const object = std::get_if<JsonObject>(&parsed)) {
    const std::string_view status = (*object)["status"].text;
    if (raw.http_status == 200 && status == "ready") return {};
    if (raw.http_status == 503 && status == "not_ready") {
      return "not ready: " + printable((*object)["error"].text, " ");
    }
  }
  const DocumentReply other = interpret_document(raw);
  if (const auto* const trouble = std::get_if<Trouble>(&other)) return trouble->what;
  if (const auto* const refusal = std::get_if<ServerRefusal>(&other)) return refusal->detail;
  return "the answer is not bide's; is the URL right?";
}

int health(const HealthPlan& plan) {
  const std::string server = text_of(plan.access.server);
  end_at(plan.timeout, std::string(kCommand) + ": no answer from " + server + " within " +
                           format_duration(plan.timeout) + "\n");
  // /readyz wants no token, and health checks should not carry it around every few seconds.
  HttpConnection connection(plan.access.server, "", plan.access.cacert);
  const auto response = connection.exchange({.method = "GET",
                                             .target = "/readyz",
                                             .fields = {{"Accept", "application/json"}},
                                             .patience = plan.timeout});
  std::string why;
  if (const auto* const raw = std::get_if<RawReply>(&response)) why = trouble_in(*raw);
  if (const auto* const refusal = std::get_if<ServerRefusal>(&response)) why = refusal->detail;
  if (const auto* const trouble = std::get_if<Trouble>(&response)) why = trouble->what;
  if (!why.empty()) return fail(kCommand, ExitCode::kBideFailed, why);
  return static_cast<int>(ExitCode::kCompleted);
}

}  // namespace

const Command& health_command() {
  static const Command command{
      .name = kCommand,
      .summary = "check that a server is ready",
      .synopsis = {"[--timeout 3s] [--server URL]"},
      .description =
          R"(Asks /readyz of the server: whether it has read the jobs, and is not shutting
down. Prints nothing if it is ready, otherwise one line on stderr that says why not. For health
checks of containers, and for scripts that start a server.)",
      .examples = {"bide health", "bide health --timeout 500ms"},
      .settings = {&kTimeout, &kServerSetting, &kCacertSetting},
      .notes = "No token is sent: /readyz needs none.",
      .exit_codes = {{"0", "ready"}, {"1", "not ready, or cannot be reached"}, {"2", "usage"}},
      .takes_words = true};
  return command;
}

int run_health(std::span<const std::string> args) {
  return carry_out_plan<HealthPlan>(health_command(), args, plan_of, health);
}

}  // namespace bide
