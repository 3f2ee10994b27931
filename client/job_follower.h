// client/job_follower.h: Follows one job, or all jobs, by the server's stream of events.
//
// It first asks for a page of the list, or whether the job exists, and then follows the stream from
// there. After a restart of the server it sends the last tag, so it misses no latest state.
//
// Thread safety: run() on one thread; stop() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>

#include "client/api_access.h"
#include "client/back_off.h"
#include "client/exit_code.h"
#include "client/http_connection.h"
#include "core/base/mutex.h"

namespace bide {

// A report of a follower.
struct Followed {
  enum class Kind : std::uint8_t {
    kState,    // `text`: a job's JSON.
    kAbsent,   // `text`: the id of the job, which does not exist yet.
    kGone,     // `text`: the id of the job, which was deleted or has expired.
    kOver,     // `text`: the id of the job, which does not change any more. The last.
    kTrouble,  // `text`: why the server cannot be followed at the moment.
    kTouch,    // The trouble is over.
    kRefused,  // `text`: why the server refuses; `code`. The last.
  };
  Kind kind = Kind::kTouch;
  std::string text{};
  ExitCode code = ExitCode::kBideFailed;
};

class JobFollower {
 public:
  struct Target {
    std::string job_id;  // Empty: all jobs.
    std::string labels;  // With all jobs: only those that match this `&label=…`.
    std::size_t newest_jobs =
        0;  // With all jobs: reports the states of this many newest jobs first.
  };
  using Tell = std::function<void(Followed)>;

  // `tell` is called on the thread of run().
  JobFollower(const ApiAccess& access, Target target, Tell tell, std::uint32_t seed);

  // Blocks until the job is over or gone, the server refuses, or stop().
  void run();
  // Ends run() soon. It does not affect a request that is about to begin, so to end a thread, call
  // this until the thread has ended.
  void stop();

 private:
  enum class Step : std::uint8_t { kGoOn, kEnd };
  [[nodiscard]] Step begin_job();
  [[nodiscard]] Step begin_feed();
  [[nodiscard]] Step follow();
  [[nodiscard]] Step take_record(const std::string& event, const std::string& id,
                                 const std::string& data);
  [[nodiscard]] Step fail(const std::string& what, std::chrono::milliseconds retry_after);
  [[nodiscard]] Step refuse(const ServerRefusal& refusal);
  // False: stopped.
  [[nodiscard]] bool pause(std::chrono::milliseconds time);
  void touch();
  void tell(Followed::Kind kind, std::string text) {
    tell_({.kind = kind, .text = std::move(text)});
  }

  const Target target_;
  const Tell tell_;
  HttpConnection connection_;
  BackOff back_off_;
  std::atomic<bool> stopped_{false};
  // Used by run()'s thread only.
  bool begun_ = false;  // The job exists; the feed's position is known.
  bool seen_ = false;   // A state was reported.
  bool absent_ = false;
  bool troubled_ = false;
  std::string tag_;  // The entity tag of the last state.

  Mutex mutex_;
  CondVar woken_;
};

}  // namespace bide
