// bench/load/book.h: Records what was written and what clients were told, and judges both: was
// every client told, how late, and never anything older than before?
//
// The rule is that of tests/end_to_end/judge.py, for revisions. If the store has given an event a
// revision, every client that follows its job must get an answer with this revision or a higher
// one. No answer may have a revision below one that the client has had. An event that the store did
// not take does not count as missed. Nor does one that it took late, when the client already knew
// the job's end.
//
// An event's latency: from the time it was *due* to be written to the receipt of the first answer
// that shows it. The due time, not the time it was written: a writer or a store that falls behind
// must not hide what that costs (coordinated omission).
//
// The store's acknowledgement, which carries the revision, may come after the answer that shows the
// event. So both are kept, and whichever comes second makes the sample.
//
// Grows with the events: about 100 bytes each, so that no quantile is an estimate.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bench/kit/quantiles.h"
#include "bench/load/job_ref.h"
#include "core/base/mutex.h"

namespace bench::load {

using Token = std::uint64_t;  // Of something written; what JobBucket hands back.

// The time at which the last client that follows the job knew of an event.
struct Told {
  TimePoint due;
  TimePoint last;
};

struct Findings {                  // Of one crowd. A sample is one event told to one client.
  std::uint64_t events = 0;        // With one client a job: samples + missed + lost_writes().
  std::uint64_t coalesced = 0;     // Samples of events that shared an answer with a later one.
  std::uint64_t missed = 0;        // Stored, but in no answer.
  std::uint64_t never_stored = 0;  // Events that the store refused or forgot (a restart).
  // Stored when a client already knew the job's end and did not follow it any more.
  std::uint64_t unfollowed = 0;
  std::uint64_t backwards = 0;  // Answers with a revision below one the client had been given.
  std::uint64_t news = 0;       // Answers with a revision above all of those.
  Quantiles latency;            // The samples.
  Quantiles finish;             // Those of completions.
  Quantiles stored;             // Due -> acknowledged by the store: the part before the server's.
  std::vector<Told> told;       // The events that all clients were told of.

  [[nodiscard]] std::uint64_t lost_writes() const { return never_stored + unfollowed; }
};

class Book {
 public:
  struct Entry {
    JobRef job;
    std::uint32_t agent = 0;
    Deed deed = Deed::kDefined;
    bool rewritten = false;
    std::uint32_t told = 0;  // Clients.
    TimePoint due{};
    TimePoint last_told{};
    std::uint64_t revision = 0;  // 0: not acknowledged yet.
  };
  enum Crowd : std::uint8_t { kClients, kDashboards };

  explicit Book(const Audience& audience);

  [[nodiscard]] const Audience& audience() const { return audience_; }

  // The writer: before it publishes. A job's kDefined comes first.
  [[nodiscard]] Token write(const Entry& entry);
  [[nodiscard]] Entry entry(Token token) const;
  [[nodiscard]] bool stored(Token token) const { return entry(token).revision != 0; }
  // The writer: before it publishes the same entry once more. Returns what it has to publish, in
  // order: the entry, and all that its agent has written later about the job. Otherwise a `started`
  // behind a `completed` would put the agent back to work, and the job would never be final.
  [[nodiscard]] std::vector<Token> rewrite(Token token);
  // The store. Only a token's first revision counts; 0 (refused) does not.
  void on_stored(Token token, std::uint64_t revision);

  // The job that the client follows in its turn, counted from 0. nullopt: it had its last one.
  [[nodiscard]] std::optional<JobRef> job_of(std::uint32_t client, std::uint32_t turn) const;
  // The client has been told of a state with this revision. `final`: of the last one, it will not
  // ask for this job again.
  void on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision, bool final,
                 TimePoint when);

  // Events and clients, times each other, that are still to meet.
  [[nodiscard]] std::uint64_t unseen() const;
  [[nodiscard]] std::uint64_t events() const;   // Written so far.
  [[nodiscard]] std::uint64_t written() const;  // The same, definitions included.
  [[nodiscard]] std::uint64_t acknowledged() const;
  // The samples since the last call.
  [[nodiscard]] Quantiles take_recent();
  // After the run.
  [[nodiscard]] Findings findings(Crowd crowd) const;

 private:
  struct Sighting {
    std::uint64_t revision;
    TimePoint when;
    bool shared;  // It has shown an event already.
  };
  struct Follower {
    std::vector<Sighting> sightings;  // Revisions and times both ascend.
    bool left = false;                // It knows the job's end.

    [[nodiscard]] std::uint64_t newest() const {
      return sightings.empty() ? 0 : sightings.back().revision;
    }
  };
  struct Job {
    std::array<Token, kEventsPerJob> events{};
    std::uint32_t event_count = 0;
    Follower follower;
  };
  struct Tally {
    Findings findings;
    std::uint64_t unseen = 0;
  };

  [[nodiscard]] bool is_broadcast(JobRef job) const { return job.client == audience_.clients; }
  Job& of(JobRef job) REQUIRES(mutex_) { return jobs_[job.client][job.turn]; }
  [[nodiscard]] Tally& tally_of(JobRef job) REQUIRES(mutex_) {
    return tallies_.at(is_broadcast(job) ? kDashboards : kClients);
  }
  std::span<const Token> events_of(JobRef job) REQUIRES(mutex_);
  std::span<Follower> followers_of(JobRef job) REQUIRES(mutex_);
  void show(Entry& event, Sighting& sighting) REQUIRES(mutex_);
  void count_unfollowed(const Entry& event) REQUIRES(mutex_);

  const Audience audience_;
  mutable bide::Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);          // By token.
  std::vector<std::vector<Job>> jobs_ GUARDED_BY(mutex_);  // By client and turn.
  std::vector<Token> broadcast_events_ GUARDED_BY(mutex_);
  std::vector<Follower> dashboards_ GUARDED_BY(mutex_);
  std::array<Tally, 2> tallies_ GUARDED_BY(mutex_);
  std::uint64_t acknowledged_ GUARDED_BY(mutex_) = 0;
  Quantiles recent_ GUARDED_BY(mutex_);
};

}  // namespace bench::load
