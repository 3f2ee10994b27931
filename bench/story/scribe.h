// bench/story/scribe.h: Writes the plot into the bucket when it is due, from a thread of its own.
//
// What the store has not acknowledged two seconds after both were in touch is written once more
// under the same key, as bide-load's Writer does: a restart with an embedded nats-server loses what
// was on its way.
//
// Thread safety: the main thread's, but for what on_stored is said to be.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bench/kit/job_bucket.h"
#include "bench/story/ledger.h"
#include "bench/story/plot.h"

namespace bench::story {

class Scribe {
 public:
  // Connects; dies if it cannot.
  Scribe(const std::string& nats_url, const std::string& bucket, const Cast& cast);
  ~Scribe();
  Scribe(const Scribe&) = delete;
  Scribe& operator=(const Scribe&) = delete;

  // Blocks until all jobs are stored; dies after 30 s.
  void define_jobs();
  // Starts the thread.
  void start(TimePoint begin);
  // Everything has been written and acknowledged.
  [[nodiscard]] bool is_over() const { return over_; }
  // Ends the thread; what was written.
  [[nodiscard]] std::vector<Written> finish();
  [[nodiscard]] Quantiles& lags() { return lags_; }  // After finish().

 private:
  void run();
  void write(std::size_t token);
  void rewrite_missing();

  const Cast cast_;
  const std::vector<Happening> plot_;
  std::vector<std::atomic<std::uint64_t>> revisions_;  // By token: the plot's, then the jobs'.
  std::atomic<std::size_t> acknowledged_{0};
  JobBucket bucket_;
  TimePoint begin_{};
  Quantiles lags_;
  TimePoint away_until_{};
  std::vector<TimePoint> published_;  // By the plot's token.
  std::vector<bool> rewritten_;       // The same.
  std::size_t next_ = 0;              // To be written.
  std::size_t oldest_missing_ = 0;    // All before it are stored.
  std::atomic<bool> over_{false};
  std::atomic<bool> finishing_{false};
  std::thread thread_;
};

}  // namespace bench::story
