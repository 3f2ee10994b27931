#include "server/api/health_resource.h"

#include <array>
#include <utility>

#include "core/base/json_text.h"
#include "server/api/known_parameters.h"
#include "server/api/metrics_page.h"
#include "server/http/media_type.h"
#include "server/http/problem.h"

namespace bide {
namespace {

http::Response plain(std::string_view text, const char* type = "text/plain; charset=utf-8") {
  http::Response response;
  response.status = 200;
  response.set_content(std::string(text), type);
  response.set_header("Cache-Control", "no-store");
  return response;
}

// The responses of both probes depend on Accept.
http::Response healthy(const http::Request& request, const char* json) {
  http::Response response =
      asks_for_json(request.headers) ? plain(json, "application/json") : plain("ok\n");
  response.set_header("Vary", "Accept");
  return response;
}

http::Response unready(const http::Request& request, const std::string& trouble) {
  http::Response response = passing_problem(503, trouble);
  if (asks_for_json(request.headers)) {
    JsonText json;
    json.begin_object();
    json.string_if("status", "not_ready");
    json.string_if("error", trouble);
    json.end_object();
    response.set_content(json.take(), "application/json");
  }
  response.set_header("Vary", "Accept");
  return response;
}

}  // namespace

HealthResource::HealthResource(Clock& clock, std::chrono::milliseconds max_stale,
                               const JobTable& table, const Contact& contact,
                               const Metrics& metrics, const HttpMetrics& http,
                               std::function<Numbers()> numbers)
    : clock_(clock),
      max_stale_(max_stale),
      table_(table),
      contact_(contact),
      metrics_(metrics),
      http_(http),
      numbers_(std::move(numbers)) {}

HealthResource::Page HealthResource::find(std::string_view path) const {
  if (path == "/livez" || path == "/health") return Page::kLive;
  if (path == "/readyz" || path == "/health/ready") return Page::kReady;
  if (path == "/metrics") return Page::kMetrics;
  return Page::kNone;
}

http::Response HealthResource::render(Page page, const http::Request& request) const {
  switch (page) {
    case Page::kLive:
      return healthy(request, R"({"status":"ok"})");
    case Page::kReady:
      return ready(request);
    case Page::kMetrics:
      return metrics();
    case Page::kNone:
      break;
  }
  return problem(404, "there is no such resource");
}

http::Response HealthResource::ready(const http::Request& request) const {
  static const std::string kFresh = "fresh";
  constexpr std::array<std::string_view, 1> kKnown = {"fresh"};
  std::optional<BadQuery> bad = refuse_unknown_parameters(request.params, kKnown);
  const std::string* fresh = nullptr;
  if (!bad) bad = find_once(request, kFresh, fresh);
  if (!bad && fresh != nullptr && !fresh->empty()) bad = BadQuery{400, "fresh has no value"};
  if (bad) return problem(bad->status, bad->detail);
  const std::string trouble = find_trouble(fresh != nullptr);
  return trouble.empty() ? healthy(request, R"({"status":"ready"})") : unready(request, trouble);
}

std::string HealthResource::find_trouble(bool fresh) const {
  if (numbers_().leaving) return "the server is shutting down";
  if (std::string obstacle = contact_.obstacle(); !obstacle.empty()) return obstacle;
  if (!contact_.ready()) return "the jobs are still being read from NATS";
  const bool stale = contact_.silence(clock_.now()) > max_stale_;
  return fresh && stale ? "NATS was not heard from for longer than --max-stale" : "";
}

http::Response HealthResource::metrics() const {
  const Numbers numbers = numbers_();
  return plain(metrics_page({clock_.now(), table_, contact_, metrics_, http_, numbers}),
               "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace bide
