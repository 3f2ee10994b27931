// server/job_resource.h: `GET` and `HEAD /job/{id}`: at once, conditionally, or held.
//
// Parameters are judged before anything is looked up; then freshness, existence, and the condition
// decide, in this order (README, "The API").
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string_view>

#include "core/job_table.h"
#include "server/contact.h"
#include "server/exchange.h"
#include "server/http_metrics.h"
#include "server/job_query.h"

namespace bide {

class JobResource {
 public:
  struct Settings {
    std::chrono::milliseconds max_wait{55'000};
    double wait_jitter = 0.0625;                // 0..0.5 of the wait.
    std::chrono::milliseconds max_stale{5000};  // Last contact older than this: not fresh.
  };

  JobResource(Clock& clock, const Settings& settings, JobTable& table, const Contact& contact,
              HttpMetrics& metrics);

  void handle(std::string_view id, const httplib::Request& request, Exchange& exchange);
  // See Handler::finish().
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);

 private:
  void answer_or_park(std::string_view id, Waiter::Terms terms, Exchange& exchange);
  // `now`: when the request was judged. Reading the clock costs as much as finding the job, so what
  // is answered at once is judged as of when it was received.
  void answer(std::string_view id, const Waiter::Terms& terms, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot, TimePoint now, Exchange& exchange);
  void send_snapshot(const Waiter::Terms& terms, Outcome outcome,
                     const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                     Exchange& exchange);
  void send_problem(std::string_view id, httplib::Response problem, Exchange& exchange);
  [[nodiscard]] bool stale(TimePoint now) const;
  [[nodiscard]] TimePoint deadline(const RequestFacts& facts) const;

  Clock& clock_;
  const Settings settings_;
  JobTable& table_;
  const Contact& contact_;
  HttpMetrics& metrics_;
};

}  // namespace bide
