// server/job_resource.h: `GET` and `HEAD /job/{id}`: at once, conditionally, or held.
//
// Parameters are judged before anything is looked up; then freshness, existence, and the condition
// decide, in this order (README, "The API").
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <memory>
#include <string_view>

#include "core/job_table.h"
#include "server/exchange.h"
#include "server/freshness.h"
#include "server/hold_time.h"
#include "server/http_metrics.h"

namespace bide {

class JobResource final : public Holder {
 public:
  JobResource(Clock& clock, const HoldTime& hold_time, const Freshness& freshness, JobTable& table,
              HttpMetrics& metrics);

  void handle(std::string_view id, const httplib::Request& request, Exchange& exchange);

  [[nodiscard]] Lot& lot() override { return table_; }
  [[nodiscard]] LogPath log_path(std::string_view key) const override {
    return LogPath::of_job(key);
  }
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;

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

  Clock& clock_;
  const HoldTime& hold_time_;
  const Freshness& freshness_;
  JobTable& table_;
  HttpMetrics& metrics_;
};

}  // namespace bide
