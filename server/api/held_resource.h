// server/api/held_resource.h: What all resources have in common whose state is served at once,
// conditionally, or held until there is news.
//
// Parameters are judged before anything is looked up; then freshness, existence, If-Match, and the
// condition decide, in this order (docs/api.md). If-Match is judged once, before a request is
// parked for its condition: what comes later is what it waits for.
//
// A request that shows a tag later than the table, or says `no-cache`, waits in the stage kFresh;
// one that would get a 404, in kExists. `until=exists` is no exception: its absence is made certain
// before it waits for the job, so its 404 at the deadline is as good as any.
//
// Thread safety: as Resource.
#pragma once

#include <optional>
#include <string_view>

#include "core/table/job_table.h"
#include "server/api/hold_query.h"
#include "server/api/hold_time.h"
#include "server/api/table_resource.h"
#include "server/metrics/http_metrics.h"

namespace bide {

class HeldResource : public TableResource {
 public:
  // All must outlive the resource.
  struct Context {
    Clock& clock;
    JobTable& table;
    const HoldTime& hold_time;
    const Freshness& freshness;
    HttpMetrics& metrics;
  };

 protected:
  explicit HeldResource(const Context& context)
      : TableResource(context.clock, context.freshness), context_(context) {}

  // Serves the exchange's target, to a request whose parameters were found good.
  void serve(HoldQuery hold, const Condition& condition, MediaType type, Exchange& exchange);
  void refuse(httplib::Response problem, Exchange& exchange);
  [[nodiscard]] JobTable& table() const { return context_.table; }

  // A problem and the name of its last member, which is the state itself, as JSON.
  struct Failure {
    httplib::Response problem;
    std::string_view member;
  };

 private:
  // The 404: the table has nothing of the target, or not any more (kGone).
  [[nodiscard]] virtual httplib::Response absent(const Target& target, Outcome outcome) const = 0;
  // How many places a request for the target takes while it is held.
  [[nodiscard]] virtual std::uint16_t places_of(const Target& /*target*/) const { return 1; }
  // Why a held request gets something else than the state (409); nullopt: it gets that.
  [[nodiscard]] virtual std::optional<Failure> failure(const Target& /*target*/,
                                                       const Condition& /*condition*/,
                                                       const Snapshot& /*state*/) const {
    return std::nullopt;
  }

  // When a request is answered at the latest, as of what it asked for.
  [[nodiscard]] TimePoint deadline_of(RequestFacts& facts) const;
  // Not longer than kPatience where the request did not ask to wait, or where `briefly`.
  void catch_up(Stage stage, bool briefly, Exchange& exchange);
  // `now`: reading the clock costs as much as finding the job, so what is answered at once is
  // judged as of when it was received.
  void judge(TimePoint now, Exchange& exchange) override;
  void refuse_behind(Outcome outcome, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
              Exchange& exchange);
  void answer_without_place(Exchange& exchange);
  void refuse_place(Exchange& exchange);
  void refuse_client(std::string_view why, Exchange& exchange);
  // True: the client has been refused; it has too much to read to be sent this as well.
  bool refuse_unread(std::size_t body_bytes, Exchange& exchange);
  void send_failure(Failure failure, const std::shared_ptr<const Snapshot>& snapshot,
                    Exchange& exchange);
  void send_snapshot(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                     TimePoint now, Exchange& exchange);

  const Context context_;
};

}  // namespace bide
