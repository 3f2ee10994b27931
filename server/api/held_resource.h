// server/api/held_resource.h: The base of resources whose state is served at once, or
// conditionally, or held until there is news.
//
// Parameters are judged before anything is looked up; then freshness, existence, If-Match, and the
// condition decide, in this order (docs/api.md). If-Match is judged once, before a request is
// parked for its condition, because the request waits for later states.
//
// A request with a tag later than the table, or with `no-cache`, waits in the stage kFresh; a
// request that would get a 404 waits in kExists. That holds for a request that waits for a job to
// appear, too: it is parked for its condition only when the job's absence is certain, so its 404 at
// the deadline is certain as well.
//
// Thread safety: as Resource.
#pragma once

#include <optional>
#include <string>
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

  // Serves the exchange's target to a request with valid parameters.
  void serve(HoldQuery hold, const Condition& condition, MediaType type, Exchange& exchange);
  void refuse(http::Response problem, Exchange& exchange);
  [[nodiscard]] JobTable& table() const { return context_.table; }
  [[nodiscard]] HttpMetrics& metrics() const { return context_.metrics; }

  // `now`: reading the clock costs as much as finding the job, so a request that is answered at
  // once is judged by the time at which it was received.
  void judge(TimePoint now, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
  // Parks the request until the table has caught up, at most for kPatience if it did not ask to
  // wait or if `briefly`.
  void catch_up(Stage stage, bool briefly, Exchange& exchange);

  // A problem and the name of its last member, which is the state itself, as JSON.
  struct Failure {
    http::Response problem;
    std::string_view member;
  };

 private:
  // The 404: the target does not exist, or not any more (kGone).
  [[nodiscard]] virtual http::Response absent(const Target& target, Outcome outcome) const = 0;
  // How many places a request for the target takes while it is held.
  [[nodiscard]] virtual std::uint16_t places_of(const Target& /*target*/) const { return 1; }
  // The 409 that a held request gets instead of the state; nullopt: it gets the state.
  [[nodiscard]] virtual std::optional<Failure> failure(const Target& /*target*/,
                                                       const Condition& /*condition*/,
                                                       const Snapshot& /*state*/) const {
    return std::nullopt;
  }

  // Where a job is that the request has written.
  [[nodiscard]] virtual std::string location_of(const Target& /*target*/) const { return {}; }
  // For a page: the field that names the next one, with its line end.
  [[nodiscard]] virtual std::string link_of(const Target& /*target*/,
                                            const Snapshot& /*page*/) const {
    return {};
  }

  // When a request is answered at the latest.
  [[nodiscard]] TimePoint deadline_of(RequestFacts& facts) const;
  void refuse_behind(Outcome outcome, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot, TimePoint now,
              Exchange& exchange);
  void answer_without_place(Exchange& exchange);
  void refuse_absent(Outcome outcome, TimePoint now, Exchange& exchange);
  void refuse_place(Exchange& exchange);
  void refuse_client(std::string_view why, Exchange& exchange);
  // True: the client has been refused, because it has left too much unread.
  bool refuse_unread(std::size_t body_bytes, Exchange& exchange);
  void send_failure(Failure failure, const std::shared_ptr<const Snapshot>& snapshot,
                    Exchange& exchange);
  void send_snapshot(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                     TimePoint now, Exchange& exchange);

  const Context context_;
};

// The 404 of a job. kGone: the request was parked for it.
[[nodiscard]] http::Response job_not_found(Outcome outcome);

}  // namespace bide
