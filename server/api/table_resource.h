// server/api/table_resource.h: The base of all resources that show the job table: the stages of a
// request.
//
//   fresh      The table shows all that the client may have seen elsewhere.
//   exists     The target exists. Before a 404, its absence is made certain.
//   condition  The request's own condition holds, or its stream has news.
//
// A request passes them in this order, and each may park it. In the first two it waits for the same
// thing: that the table has applied all that the bucket's stream held when the request came
// (core/table/catch_up.h). It does so at most once (RequestFacts::caught_up); then the request is
// judged from the start. If the table does not catch up in time, the answer is 503.
//
// Thread safety: as Resource.
#pragma once

#include <chrono>
#include <memory>

#include "server/api/freshness.h"
#include "server/net/exchange.h"

namespace bide {

class TableResource : public Resource {
 public:
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) final;

 protected:
  // How long a request is held until the table has caught up, if it did not ask to wait or is about
  // to get a 404.
  static constexpr std::chrono::milliseconds kPatience{2000};

  // Both must outlive the resource.
  TableResource(Clock& clock, const Freshness& freshness) : clock_(clock), freshness_(freshness) {}

  // For kFresh and kExists: parks the request until the table has caught up, or until `deadline`.
  // Its places must have been taken.
  void wait_in(Stage stage, TimePoint deadline, Exchange& exchange);

  [[nodiscard]] TimePoint now() const { return clock_.now(); }
  [[nodiscard]] const Freshness& freshness() const { return freshness_; }

 private:
  // The table is fresh enough, as of `now`. Looks at the target; then answers, parks the request
  // for its condition, or opens the stream.
  virtual void judge(TimePoint now, Exchange& exchange) = 0;
  // The table has not caught up, and the outcome says why the request is held no longer.
  virtual void refuse_behind(Outcome outcome, Exchange& exchange) = 0;
  // The request was parked for its condition: answers it, or writes the next record of its stream.
  virtual void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                      Exchange& exchange) = 0;

  Clock& clock_;
  const Freshness& freshness_;
};

}  // namespace bide
