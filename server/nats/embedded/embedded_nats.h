// server/nats/embedded/embedded_nats.h: bide's own nats-server: started, supervised, and gone when
// bide is.
//
// Layout of the data directory:
//   lock              held (flock) by bide and by its nats-server, until both are gone
//   nats-url          0600: where workers on this machine find it, token included
//   nats/nats.conf    0600: listener on loopback, token, store; never on the command line
//   nats/nats.log     what nats-server says; begun anew when over 10 MB
//   nats/port, nats/token   so that a restart keeps the URL
//
// One thread of its own starts the child and waits for it: the kernel ends the child when the
// thread that forked it ends (PR_SET_PDEATHSIG), so that thread lives as long as the process does.
//
// Thread safety: start() and stop() from one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/base/contact.h"
#include "core/base/mutex.h"
#include "server/metrics/metrics.h"

namespace bide {

class EmbeddedNats {
 public:
  struct Settings {
    std::filesystem::path data_dir{};
    std::chrono::milliseconds start_timeout{10'000};  // For its first answer, and for the lock.
    // Tells whether it is heard from; must outlive this. Null: nobody listens to it.
    const Contact* contact = nullptr;
    std::chrono::milliseconds silence_most{30'000};  // After that it is ended and started again.
    std::string program = "nats-server";             // See find_program().
  };

  EmbeddedNats(Settings settings, Metrics& metrics);
  ~EmbeddedNats();  // As stop().
  EmbeddedNats(const EmbeddedNats&) = delete;
  EmbeddedNats& operator=(const EmbeddedNats&) = delete;

  // Blocks until the server answers. Throws StartError: no such program, the directory cannot be
  // written or is in use, the server ended or did not answer. If it dies later it is started again;
  // so is one that falls silent: nats-server 2.9 whose disk was full gives up JetStream for good.
  void start();
  // SIGTERM, after 5 s SIGKILL. Returns when the child is gone.
  void stop();
  // With its token. After start().
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  enum class State : std::uint8_t { kStarting, kAnswers, kEnded };

  void prepare();
  void supervise();
  [[nodiscard]] pid_t spawn() const;
  // Blocks until the child has ended, of itself or because it was silent: true; or stop() was
  // called: false.
  [[nodiscard]] bool outlive(pid_t pid) const;
  void await_answer();
  // Blocks for `patience`, or until stop() is called: true.
  [[nodiscard]] bool stopped_within(std::chrono::milliseconds patience) const;
  static void terminate(pid_t pid);

  const Settings settings_;
  Metrics& metrics_;
  std::string program_;
  std::vector<char*> environment_;  // This process's, without what is bide's: tokens, say.
  std::string config_path_;
  std::string log_path_;
  std::string url_;
  int lock_fd_ = -1;
  int log_fd_ = -1;
  int stop_fd_ = -1;  // eventfd: readable once stop() was called.
  Mutex mutex_;
  CondVar changed_;
  State state_ GUARDED_BY(mutex_) = State::kStarting;
  std::thread supervisor_;
};

}  // namespace bide
