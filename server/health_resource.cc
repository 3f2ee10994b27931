#include "server/health_resource.h"

#include <utility>

#include "server/metrics_page.h"
#include "server/problem.h"

namespace bide {
namespace {

httplib::Response plain(std::string_view text, const char* type = "text/plain; charset=utf-8") {
  httplib::Response response;
  response.status = 200;
  response.set_content(std::string(text), type);
  response.set_header("Cache-Control", "no-store");
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

httplib::Response HealthResource::render(Page page) const {
  switch (page) {
    case Page::kLive:
      return plain("ok\n");
    case Page::kReady:
      return ready();
    case Page::kMetrics:
      return metrics();
    case Page::kNone:
      break;
  }
  return problem(404, "there is no such resource");
}

httplib::Response HealthResource::ready() const {
  if (numbers_().draining) return passing_problem(503, "the server is shutting down");
  if (!contact_.ready()) return passing_problem(503, "the jobs are still being read from NATS");
  if (clock_.now() - contact_.last_heard() > max_stale_) {
    return passing_problem(503, "NATS was not heard from for longer than --max-stale");
  }
  return plain("ok\n");
}

httplib::Response HealthResource::metrics() const {
  const Numbers numbers = numbers_();
  return plain(metrics_page({clock_.now(), table_, contact_, metrics_, http_, numbers}),
               "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace bide
