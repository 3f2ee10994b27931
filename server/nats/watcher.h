// server/nats/watcher.h: Keeps the job table in step with the bucket as long as the server runs:
// connects to NATS, reads the bucket, applies new entries, and goes on or reads again when in
// doubt.
//
// It has one thread. If NATS is away, from the start or later, the thread keeps trying, Contact
// says what that means for answers, and the log reports it.
//
// Thread safety: start() and stop() from one thread, connection() from any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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
    std::string nats_urls;  // A valid list, see nats_url.h. Empty: the context's.
    Follower::Settings follow;
    NatsCredentials credentials{};
    // Called on the watcher's thread when memory has run out, because the table may have missed an
    // entry. Must not return. The default writes a log line and ends the process.
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
  // The table is not used after this. Returns within a second, or, during an attempt to connect,
  // within its timeout (2 s for each server), or, while a snapshot of the table is loaded, when
  // that is done.
  void stop();

  // The latest connection, lost or not. Null: none yet. For other requests, from any thread.
  [[nodiscard]] std::shared_ptr<NatsConnection> connection();
  // See Follower.
  [[nodiscard]] std::optional<Follower::Mirror> mirror() const { return follower_.mirror(); }
  [[nodiscard]] std::string read_only() const { return follower_.read_only(); }

 private:
  void run() noexcept;
  void follow_until_stopped();
  // Tries until it succeeds, and reads the credentials' files for each attempt. Null: stopped.
  std::shared_ptr<NatsConnection> connect();
  void follow_while_open(NatsConnection& connection);

  const Settings settings_;
  Contact& contact_;
  Metrics& metrics_;
  StopSignal stop_;
  Follower follower_;
  std::thread thread_;
  Mutex mutex_;
  std::shared_ptr<NatsConnection> connection_ GUARDED_BY(mutex_);  // For other threads.
};

}  // namespace bide
