// server/nats/embedded/embedded_nats.h: Starts and supervises bide's own nats-server, which ends
// when bide ends.
//
// Layout of the data directory:
//   lock              locked (flock) by bide and by its nats-server, until both have ended
//   nats-url          0600: the URL with the token, for workers on this machine
//   nats/nats.conf    0600: listener on loopback, token, store; nothing on the command line
//   nats/nats.log     nats-server's log; emptied when larger than 10 MB
//   nats/port, nats/token   kept, so that the URL stays the same after a restart
//   nats/name         in a cluster: the server's name, by which the others know it again
//
// A separate thread starts the child and waits for it. The kernel ends the child when the thread
// that forked it ends (PR_SET_PDEATHSIG), so that thread lives as long as the process.
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

class PrivateDir;

class EmbeddedNats {
 public:
  struct Settings {
    std::filesystem::path data_dir{};
    std::chrono::milliseconds start_timeout{10'000};  // For the first answer, and for the lock.
    // Knows when the server was last heard from; must outlive this. Null: its silence is not
    // noticed.
    const Contact* contact = nullptr;
    std::chrono::milliseconds silence_most{30'000};  // After that, or after so long without a write
                                                     // that it stores, the server is restarted.
    std::string program = "nats-server";             // See find_program().
    // Makes it one of a cluster, if there are peers.
    struct Cluster {
      std::string listen{};              // HOST:PORT, for the others.
      std::vector<std::string> peers{};  // Theirs; may contain its own.
      std::filesystem::path secret_file{};
    } cluster{};
  };

  EmbeddedNats(Settings settings, Metrics& metrics);
  ~EmbeddedNats();  // As stop().
  EmbeddedNats(const EmbeddedNats&) = delete;
  EmbeddedNats& operator=(const EmbeddedNats&) = delete;

  // Blocks until the server answers. Throws StartError: the program does not exist, the directory
  // is in use or cannot be written, the server ended or did not answer. A server that dies later is
  // started again. So is one that gives up when its disk is full: nats-server 2.9 stops JetStream
  // for good and is silent; 2.14 and later store nothing more in that stream, and say so in the
  // log.
  void start();
  // Sends SIGTERM, and after 5 s SIGKILL. Returns when the child has ended.
  void stop();
  // With the token. Valid after start().
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  enum class State : std::uint8_t { kStarting, kAnswers, kEnded };

  void prepare();
  void configure(const PrivateDir& nats);
  void supervise();
  [[nodiscard]] pid_t spawn() const;
  // Blocks until the child has ended, by itself or because it had given up (true), or until stop()
  // is called (false). `log_from`: where its lines begin in the log.
  [[nodiscard]] bool outlive(pid_t pid, std::uintmax_t log_from) const;
  // False: the child has ended. Throws StartError.
  [[nodiscard]] bool await_answer();
  // Blocks for `patience`, or until stop() is called. True: it was called.
  [[nodiscard]] bool stopped_within(std::chrono::milliseconds patience) const;
  static void terminate(pid_t pid);

  const Settings settings_;
  Metrics& metrics_;
  std::string program_;
  std::vector<char*> environment_;  // This process's, without bide's own variables and secrets.
  std::string config_path_;
  std::string log_path_;
  std::string url_;
  int lock_fd_ = -1;
  int log_fd_ = -1;
  int stop_fd_ = -1;  // eventfd, readable after stop() was called.
  Mutex mutex_;
  CondVar changed_;
  State state_ GUARDED_BY(mutex_) = State::kStarting;
  std::thread supervisor_;
};

}  // namespace bide
