// server/net/parker.h: Parks exchanges in the job table by their stage and target, and counts them,
// whatever protocol they came by.
//
// Thread safety: any number of threads at once, for one exchange only its owner.
#pragma once

#include <cstdint>

#include "core/table/job_table.h"
#include "server/net/front.h"

namespace bide {

class Parker {
 public:
  // Both must outlive this.
  Parker(Front& front, JobTable& table) : front_(front), table_(table) {}

  // What the table must know of an exchange; to be taken while it is owned.
  struct Ask {
    Stage stage;
    Target target;
    TimePoint since;
  };
  [[nodiscard]] Ask ask_of(Exchange& exchange) const;
  // As JobTable::park(); throws std::bad_alloc. Not yet counted: see tally(). With HTTP/1.1 another
  // thread may claim the exchange meanwhile, so it is not looked at before the table has it.
  // kParked and kGone: it may belong to others already.
  [[nodiscard]] Parked park(const Ask& ask, Exchange& exchange, std::uint64_t ticket, Look& look);
  // Takes the exchange out of the wait queue and counts it down. The caller has claimed it.
  void unpark(Exchange& exchange);
  // Answers every parked exchange with its current state. Blocks until all are answered, or handed
  // to the executor.
  void drain() { table_.drain(); }

  // The number of exchanges parked as this one. The protocol counts up when it has parked one, and
  // down when that one is answered or lost.
  [[nodiscard]] Tally& tally(const Exchange& exchange) const;
  // Measures how long the exchange was held, and how long its news took.
  void note_answer(const Exchange& exchange, bool was_stream, TimePoint now) const;

  // For a request that was parked and need not be parked again: the outcome that a notifier would
  // give.
  [[nodiscard]] static Outcome outcome_of(const Waiter::Terms& terms, const Look& look);

 private:
  Front& front_;
  JobTable& table_;
};

}  // namespace bide
