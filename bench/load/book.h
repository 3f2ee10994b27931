// bench/load/book.h: What was written, what the clients were told, and what follows from both.
//
// An event's latency: from the time it was *due* to be written to the receipt of the first answer
// whose revision is not below the event's. The due time, not the time it was written: a writer or a
// store that falls behind must not hide what that costs (coordinated omission).
//
// The store's acknowledgement, which carries the revision, may come after the answer that shows the
// event. So both are kept for every job, and whichever comes second makes the sample.
//
// Grows with the events: about 100 bytes each, so that no quantile is an estimate.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "bench/kit/quantiles.h"
#include "bench/load/errands.h"
#include "bench/load/job_ref.h"
#include "core/base/mutex.h"

namespace bench::load {

using Token = std::uint64_t;  // Of something written; what JobBucket hands back.

struct Findings {
  std::uint64_t events = 0;     // = samples + missed + lost_writes
  std::uint64_t coalesced = 0;  // Samples of events that shared an answer with a later one.
  std::uint64_t missed = 0;     // Stored, and in no answer.
  // The store refused or forgot them (a restart), or got them a second time only when their job had
  // been reported final and nobody followed it any more.
  std::uint64_t lost_writes = 0;
  std::uint64_t backwards = 0;  // Answers with a revision below one the client had been given.
  Quantiles latency;            // The samples.
  Quantiles stored;             // Due -> acknowledged by the store: the part before the server's.
};

class Book : public Errands {
 public:
  struct Entry {
    JobRef job;
    Deed deed = Deed::kDefined;
    TimePoint due;
    std::uint64_t revision = 0;  // 0: not acknowledged yet.
    bool seen = false;
    bool rewritten = false;
  };

  explicit Book(std::size_t clients);

  // The writer: before it publishes. A job's kDefined comes first.
  [[nodiscard]] Token write(JobRef job, Deed deed, TimePoint due);
  [[nodiscard]] Entry entry(Token token) const;
  [[nodiscard]] bool stored(Token token) const { return entry(token).revision != 0; }
  // The writer: before it publishes the same entry once more.
  void rewrite(Token token);
  // The store. Only a token's first revision counts; 0 (refused) does not.
  void on_stored(Token token, std::uint64_t revision);

  // A client has a job in each turn, without end.
  [[nodiscard]] std::optional<JobRef> job_of(std::uint32_t client,
                                             std::uint32_t turn) const override {
    return JobRef{client, turn};
  }
  void on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision, bool final,
                 TimePoint when) override;

  // Events that no client has seen so far.
  [[nodiscard]] std::uint64_t unseen() const;
  [[nodiscard]] std::uint64_t events() const;   // Written so far.
  [[nodiscard]] std::uint64_t written() const;  // The same, definitions included.
  [[nodiscard]] std::uint64_t acknowledged() const;
  // The samples since the last call.
  [[nodiscard]] Quantiles take_recent();
  // After the run.
  [[nodiscard]] Findings findings() const;

 private:
  struct Sighting {
    std::uint64_t revision;
    TimePoint when;
    bool shared;  // It has shown an event already.
  };
  struct Job {
    std::array<Token, kEventsPerJob> events{};
    std::uint32_t event_count = 0;
    bool final_seen = false;
    std::vector<Sighting> sightings;  // Revisions and times both ascend.
  };

  Job& of(JobRef job) REQUIRES(mutex_) { return jobs_[job.client][job.turn]; }
  void try_match(Token token, Job& job) REQUIRES(mutex_);
  void judge(const Entry& event, Findings& findings) const REQUIRES(mutex_);

  mutable bide::Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);          // By token.
  std::vector<std::vector<Job>> jobs_ GUARDED_BY(mutex_);  // By client and turn.
  std::uint64_t acknowledged_ GUARDED_BY(mutex_) = 0;
  std::uint64_t unseen_ GUARDED_BY(mutex_) = 0;
  Findings so_far_ GUARDED_BY(mutex_);
  Quantiles recent_ GUARDED_BY(mutex_);
};

}  // namespace bench::load
