// server/health_resource.h: `/livez`, `/readyz`, their aliases, and `/metrics`.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "core/job_table.h"
#include "server/contact.h"
#include "server/http_metrics.h"
#include "server/metrics.h"
#include "server/metrics_page.h"

namespace bide {

class HealthResource {
 public:
  enum class Page : std::uint8_t { kNone, kLive, kReady, kMetrics };
  using Numbers = ServerNumbers;

  // `numbers` is asked at every rendering.
  HealthResource(Clock& clock, std::chrono::milliseconds max_stale, const JobTable& table,
                 const Contact& contact, const Metrics& metrics, const HttpMetrics& http,
                 std::function<Numbers()> numbers);

  // `/livez`, `/health`: kLive. `/readyz`, `/health/ready`: kReady. `/metrics`.
  [[nodiscard]] Page find(std::string_view path) const;
  // kLive: 200 as long as the process serves. kReady: 200 once the first read is done, while NATS
  // was heard from within max-stale and the server is not draining; else 503 saying why.
  [[nodiscard]] httplib::Response render(Page page) const;

 private:
  [[nodiscard]] httplib::Response ready() const;
  [[nodiscard]] httplib::Response metrics() const;

  Clock& clock_;
  const std::chrono::milliseconds max_stale_;
  const JobTable& table_;
  const Contact& contact_;
  const Metrics& metrics_;
  const HttpMetrics& http_;
  const std::function<Numbers()> numbers_;
};

}  // namespace bide
