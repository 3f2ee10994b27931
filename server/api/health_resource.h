// server/api/health_resource.h: `/livez`, `/readyz`, their aliases, and `/metrics`.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/contact.h"
#include "core/table/job_table.h"
#include "server/api/metrics_page.h"
#include "server/http/message.h"
#include "server/metrics/http_metrics.h"
#include "server/metrics/metrics.h"

namespace bide {

class HealthResource {
 public:
  enum class Page : std::uint8_t { kNone, kLive, kReady, kMetrics };
  using Numbers = ServerNumbers;

  // `numbers` is called at every rendering.
  HealthResource(Clock& clock, std::chrono::milliseconds max_stale, const JobTable& table,
                 const Contact& contact, const Metrics& metrics, const HttpMetrics& http,
                 std::function<Numbers()> numbers);

  // `/livez`, `/health`: kLive. `/readyz`, `/health/ready`: kReady. `/metrics`.
  [[nodiscard]] Page find(std::string_view path) const;
  // kLive: 200 as long as the process serves. kReady: 200 once the first read is done, while the
  // server is not about to end, and with the parameter `fresh` while NATS was heard from within
  // max-stale; else 503 saying why. Both are plain text, or JSON if the client asks for it:
  // `{"status":"ok"}`, `{"status":"ready"}`, `{"status":"not_ready","error":"…"}`.
  //
  // kReady refuses unknown parameters (400), since a misspelt `fresh` would be a weaker check. The
  // others ignore them: a balancer or Prometheus may have some that it adds to every request.
  [[nodiscard]] http::Response render(Page page, const http::Request& request) const;

 private:
  [[nodiscard]] http::Response ready(const http::Request& request) const;
  // Why no traffic should come here. Empty: it may come.
  [[nodiscard]] std::string find_trouble(bool fresh) const;
  [[nodiscard]] http::Response metrics() const;

  Clock& clock_;
  const std::chrono::milliseconds max_stale_;
  const JobTable& table_;
  const Contact& contact_;
  const Metrics& metrics_;
  const HttpMetrics& http_;
  const std::function<Numbers()> numbers_;
};

}  // namespace bide
