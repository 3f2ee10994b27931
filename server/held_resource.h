// server/held_resource.h: What all resources have in common whose state is served at once,
// conditionally, or held until there is news.
//
// Parameters are judged before anything is looked up; then freshness, existence, and the condition
// decide, in this order (README, "The API").
//
// Thread safety: as Resource.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "core/lot.h"
#include "server/freshness.h"
#include "server/hold_query.h"
#include "server/hold_time.h"
#include "server/http_metrics.h"
#include "server/resource.h"

namespace bide {

class HeldResource : public Resource {
 public:
  // All must outlive the resource.
  struct Context {
    Clock& clock;
    const HoldTime& hold_time;
    const Freshness& freshness;
    HttpMetrics& metrics;
  };

  [[nodiscard]] Lot& lot() override { return lot_; }
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;

 protected:
  // `lot`: where the keys are parked.
  HeldResource(const Context& context, Lot& lot) : context_(context), lot_(lot) {}

  // Serves what the lot has under `key`, to a request whose parameters were found good.
  void serve(std::string_view key, HoldQuery hold, const Condition& condition, MediaType type,
             Exchange& exchange);
  void refuse(std::string_view key, httplib::Response problem, Exchange& exchange);

  // A problem and the name of its last member, which is the state itself, as JSON.
  struct Failure {
    httplib::Response problem;
    std::string_view member;
  };

 private:
  // The 404: the lot has nothing under `key`, or not any more (kGone).
  [[nodiscard]] virtual httplib::Response absent(std::string_view key, Outcome outcome) const = 0;
  // Why a held request gets something else than the state (409); nullopt: it gets that.
  [[nodiscard]] virtual std::optional<Failure> failure(std::string_view /*key*/,
                                                       const Condition& /*condition*/,
                                                       const Snapshot& /*state*/) const {
    return std::nullopt;
  }

  void answer_or_park(std::string_view key, Waiter::Terms terms, Exchange& exchange);
  void answer_without_place(std::string_view key, const Waiter::Terms& terms, Exchange& exchange);
  // `now`: when the request was judged. Reading the clock costs as much as finding the job, so what
  // is answered at once is judged as of when it was received.
  void answer(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot, TimePoint now, Exchange& exchange);
  void send_failure(std::string_view key, Failure failure,
                    const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);
  void send_snapshot(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                     const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                     Exchange& exchange);

  const Context context_;
  Lot& lot_;
};

}  // namespace bide
