// bench/story/ledger.h: What a crowd was told, set against what was written.
//
// A happening's latency, for each client that follows its job: from the time it was due to be
// written to the first answer whose revision is not below its own. The due time, not the store's
// acknowledgement: what a store that is away costs is part of the story. What was written once more
// behind the end of its job, nobody waits for: who knows the end has left. (It was lost with a
// store; or the end itself was stored, and its acknowledgement lost.)
//
// Thread safety: on_answer() and the counts belong to the crowd's thread; the rest to the main
// thread, before that thread starts and after it has ended. everybody_left() may be asked by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/kit/quantiles.h"
#include "bench/load/errands.h"
#include "bench/story/plot.h"

namespace bench::story {

using load::TimePoint;

struct Written {
  Happening happening;
  TimePoint due;
  std::uint64_t revision = 0;  // 0: the store never acknowledged it.
  bool rewritten = false;      // It may have had an earlier revision, which was not acknowledged.
};

// From when the last who follows its job knows of a happening.
struct Told {
  TimePoint due;
  TimePoint last;
};

struct Knowledge {
  Quantiles latency;               // Of every happening for everybody who follows its job.
  Quantiles finish;                // Of the completions among them.
  std::uint64_t never_told = 0;    // Of the same, those that are in no answer.
  std::uint64_t never_stored = 0;  // Happenings that the store did not take.
  std::uint64_t backwards = 0;     // Answers older than the one before.
  std::uint64_t answers = 0;       // Those that told something new.
  std::vector<Told> told;          // Of the happenings that all were told of.
};

class Ledger : public load::Errands {
 public:
  // A job each, or `shared`, for all of them.
  static Ledger own_jobs(std::uint32_t clients) { return Ledger(clients, 0, false); }
  static Ledger one_job(std::uint32_t clients, std::uint32_t job) {
    return Ledger(clients, job, true);
  }

  [[nodiscard]] std::optional<load::JobRef> job_of(std::uint32_t client,
                                                   std::uint32_t turn) const override;
  void on_answer(std::uint32_t client, std::uint32_t turn, std::uint64_t revision, bool final,
                 TimePoint when) override;
  // Every client knows that its job is over.
  [[nodiscard]] bool everybody_left() const { return left_ == clients_.size(); }

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }
  [[nodiscard]] Knowledge judge(const std::vector<Written>& written) const;

 private:
  struct Sighting {
    std::uint64_t revision;
    TimePoint when;
  };
  struct Client {
    std::vector<Sighting> sightings;  // Revisions and times both ascend.
    bool left = false;                // It was told that its job is over.
  };

  Ledger(std::uint32_t clients, std::uint32_t first_job, bool shared)
      : first_job_(first_job), shared_(shared), clients_(clients) {}
  // When the happening was shown to the client; adds it. nullopt: never.
  static std::optional<TimePoint> judge(const Written& written, const Client& client,
                                        Knowledge& knowledge);
  // As the other, of all who follow the happening's job.
  void judge(const Written& written, Knowledge& knowledge) const;

  const std::uint32_t first_job_;
  const bool shared_;
  std::vector<Client> clients_;
  std::uint64_t backwards_ = 0;
  std::atomic<std::size_t> left_{0};
};

}  // namespace bench::story
