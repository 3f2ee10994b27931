// server/api/held_resource.h: What all resources have in common whose state is served at once,
// conditionally, or held until there is news.
//
// Parameters are judged before anything is looked up; then freshness, existence, If-Match, and the
// condition decide, in this order (docs/api.md). If-Match is judged once, before a request is
// parked for its condition: what comes later is what it waits for.
//
// What is known here may be older than what the client has been told elsewhere. So a request is
// held until the table has caught up (core/table/catch_up.h) where it shows a tag that is later
// than the table, where it says `no-cache`, and where it would get a 404; then it is judged from
// the start. Where the table does not catch up in time, the answer is 503. `until=exists` is no
// exception: it is caught up before it waits for the job, so its 404 at the deadline is as good as
// any.
//
// Thread safety: as Resource.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "core/parking/lot.h"
#include "server/api/catching_up.h"
#include "server/api/freshness.h"
#include "server/api/hold_query.h"
#include "server/api/hold_time.h"
#include "server/api/resource.h"
#include "server/metrics/http_metrics.h"

namespace bide {

class HeldResource : public Resource, private CatchingUp::Resumed {
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
  HeldResource(const Context& context, Lot& lot)
      : context_(context), lot_(lot), catching_up_(context.freshness.catch_up(), *this, *this) {}

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
  // How many places a request for `key` takes while it is held.
  [[nodiscard]] virtual std::uint16_t places_of(std::string_view /*key*/) const { return 1; }
  // Why a held request gets something else than the state (409); nullopt: it gets that.
  [[nodiscard]] virtual std::optional<Failure> failure(std::string_view /*key*/,
                                                       const Condition& /*condition*/,
                                                       const Snapshot& /*state*/) const {
    return std::nullopt;
  }

  // When a request is answered at the latest, as of what it asked for.
  [[nodiscard]] TimePoint deadline_of(RequestFacts& facts) const;
  // Holds the request until the table has caught up; not longer than kPatience where it did not ask
  // to wait, or where `briefly`.
  void catch_up(std::string_view key, Waiter::Terms terms, bool briefly, Exchange& exchange);
  void resume(Outcome outcome, Exchange& exchange) override;
  void refuse_behind(std::string_view key, Outcome outcome, Exchange& exchange);
  void answer_without_place(std::string_view key, const Waiter::Terms& terms, Exchange& exchange);
  void refuse_place(std::string_view key, Exchange& exchange);
  void refuse_client(std::string_view key, std::string_view why, Exchange& exchange);
  // True: the client has been refused; it has too much to read to be sent this as well.
  bool refuse_unread(std::string_view key, std::size_t body_bytes, Exchange& exchange);
  // `now`: when the request was judged. Reading the clock costs as much as finding the job, so what
  // is answered at once is judged as of when it was received.
  void answer_or_park(std::string_view key, Waiter::Terms terms, TimePoint now, Exchange& exchange);
  void answer(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
              const std::shared_ptr<const Snapshot>& snapshot, TimePoint now, Exchange& exchange);
  void send_failure(std::string_view key, Failure failure,
                    const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);
  void send_snapshot(std::string_view key, const Waiter::Terms& terms, Outcome outcome,
                     const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
                     Exchange& exchange);

  const Context context_;
  Lot& lot_;
  CatchingUp catching_up_;
};

}  // namespace bide
