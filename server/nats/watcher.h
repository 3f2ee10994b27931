// server/nats/watcher.h: Keeps the job table in step with the bucket, for as long as the server
// lives: connects to NATS, reads the bucket, applies what is written, and starts over when in
// doubt.
//
// It has one thread. NATS being away, then or from the start, ends nothing: the thread goes on
// trying, Contact tells what that means for answers, and the log says so.
//
// Thread safety: start() and stop() from one thread, connection() from any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/base/contact.h"
#include "core/base/mutex.h"
#include "core/base/stop_signal.h"
#include "core/table/job_table.h"
#include "server/metrics/metrics.h"
#include "server/nats/follower.h"
#include "server/nats/login/nats_connection.h"

namespace bide {

class Watcher {
 public:
  struct Settings {
    std::string nats_urls;  // A valid list, see nats_url.h; empty: a context's.
    Follower::Settings follow;
    NatsCredentials credentials{};
    // Called on the watcher's thread when there is no memory to go on: what the table holds cannot
    // be trusted any more. Does not return; by default it says so in the log and ends the process.
    std::function<void()> out_of_memory = end_for_want_of_memory;
  };
  [[noreturn]] static void end_for_want_of_memory();

  // `table`, `contact` and `metrics` must outlive the watcher.
  Watcher(Settings settings, JobTable& table, Contact& contact, Metrics& metrics);
  // As stop().
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Returns at once.
  void start();
  // The table is not touched after this. Returns within a second; while an attempt to connect is
  // under way, within its timeout (2 s a server).
  void stop();

  // The latest made, lost or not; null: none yet. From any thread, for requests besides its own.
  [[nodiscard]] std::shared_ptr<NatsConnection> connection();

 private:
  void run() noexcept;
  void follow_until_stopped();
  // Tries until it succeeds, with what the credentials' files say at each attempt. Null: stopped.
  std::shared_ptr<NatsConnection> connect();
  void follow_while_open(NatsConnection& connection);

  const Settings settings_;
  Contact& contact_;
  Metrics& metrics_;
  StopSignal stop_;
  Follower follower_;
  std::thread thread_;
  Mutex mutex_;
  std::shared_ptr<NatsConnection> connection_ GUARDED_BY(mutex_);  // For others.
};

}  // namespace bide
