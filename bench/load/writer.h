// bench/load/writer.h: Writes the jobs and their events when the schedule says so, from a thread of
// its own: neither the server nor the clients can delay it.
//
// A client's next job is defined right before the event that ends the present one, so it is there
// when the client looks. So the store takes one definition more for every three events of the
// schedule.
//
// Entries that the store does not acknowledge within two seconds of connection time are written
// once more, under the same key, and so are the later ones of their agent. A worker would do the
// same, and without the last event of a job its client would never move on.
//
// Thread safety: all methods from one thread, the main one.
#pragma once

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <thread>

#include "bench/kit/job_bucket.h"
#include "bench/kit/quantiles.h"
#include "bench/load/book.h"
#include "bench/load/schedule.h"
#include "core/base/mutex.h"

namespace bench::load {

class Writer {
 public:
  // Connects; dies if it cannot. `book` outlives it.
  Writer(const std::string& nats_urls, const std::string& bucket, Schedule schedule, Book& book);
  ~Writer();  // As finish().
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Blocks until the first job of each client and the broadcast are stored; dies after 30 s.
  void define_first_jobs();
  // The schedule begins at `begin`.
  void start(TimePoint begin);
  // All events that were due until its end, or until end_schedule(), have been published.
  [[nodiscard]] bool is_over() const { return over_; }
  // Ends the schedule: publishes the events that are due by now, and after that only entries that
  // the store has not got.
  void end_schedule() { cut_ = std::chrono::steady_clock::now(); }
  // Ends the thread.
  void finish();

  // After finish(): how late events were published, and how many entries once more.
  [[nodiscard]] const Quantiles& lags() const { return lags_; }
  [[nodiscard]] std::uint64_t rewritten() const { return rewritten_; }

 private:
  struct Pending {
    Token token;
    TimePoint since;
  };

  void run();
  void write_due();
  void write(const Book::Entry& entry);
  void publish(Token token);
  void rewrite_overdue();
  void wait_for_next();
  [[nodiscard]] bool finishing();

  Book& book_;
  JobBucket bucket_;
  // The thread's, once it runs.
  Schedule schedule_;
  std::optional<Planned> next_;
  TimePoint begin_{};
  std::deque<Pending> pending_;  // Not known to be stored; by the time they were published.
  TimePoint away_until_{};       // The store was not in touch then.
  Quantiles lags_;
  std::uint64_t rewritten_ = 0;

  std::atomic<TimePoint> cut_{TimePoint::max()};  // Events due later are not written.
  std::atomic<bool> over_{false};
  bide::Mutex mutex_;
  bide::CondVar changed_;
  bool finishing_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace bench::load
