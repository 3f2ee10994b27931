#include "server/nats/watcher.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <random>

#include "server/log/log.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr auto kPauseMin = 100ms;
constexpr auto kPauseMax = 2000ms;
// Reading a bucket again is often not caused by a failure, and the follower limits how often it
// does.
constexpr auto kReadPauseMax = 500ms;
// If a session lasted so long, the next failure is a new one.
constexpr auto kGoodSession = 10s;

// Growing pauses between attempts, with a random part so that several servers do not try in step.
class Pause {
 public:
  explicit Pause(std::chrono::milliseconds longest) : longest_(longest) {}
  void reset() { next_ = kPauseMin; }
  std::chrono::milliseconds next() {
    std::uniform_int_distribution<std::int64_t> jitter(next_.count() / 2, next_.count());
    const std::chrono::milliseconds pause(jitter(random_));
    next_ = std::min(next_ * 2, longest_);
    return pause;
  }

 private:
  std::minstd_rand random_{std::random_device{}()};
  std::chrono::milliseconds next_ = kPauseMin;
  const std::chrono::milliseconds longest_;
};

std::string_view message_of(natsStatus status) {
  if (status == NATS_INVALID_ARG) return "the credentials for NATS cannot be used, still trying";
  if (is_refusal(status)) return "NATS does not accept the credentials, still trying";
  return "NATS cannot be reached, still trying";
}

// Logs each reason once. `told`: the last one.
void tell(const NatsConnection::Failure& failure, std::string& told) {
  static LogLimit limit;
  if (failure.text == told) return;
  told = failure.text;
  log_warn_limited(limit, message_of(failure.status),
                   {{"url", failure.where}, {"error", failure.text}});
}

}  // namespace

Watcher::Watcher(Settings settings, JobTable& table, Contact& contact, Metrics& metrics)
    : settings_(std::move(settings)),
      contact_(contact),
      metrics_(metrics),
      follower_(settings_.follow, table, contact, metrics, stop_) {}

Watcher::~Watcher() { stop(); }

void Watcher::start() {
  thread_ = std::thread([this] { run(); });
}

void Watcher::stop() {
  stop_.request();
  if (const auto made = connection()) made->close();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<NatsConnection> Watcher::connection() {
  MutexLock lock(mutex_);
  return connection_;
}

void Watcher::run() noexcept {
  try {
    follow_until_stopped();
    follower_.save_at_end();
  } catch (const std::bad_alloc&) {
    settings_.out_of_memory();
  }
}

// Not std::exit(), because destructors would run beside the other threads. A supervisor starts bide
// again, and it reads the bucket.
void Watcher::end_for_want_of_memory() {
  log_error("out of memory: the bucket cannot be followed any more, bide ends");
  flush_log(1s);
  std::_Exit(1);
}

void Watcher::follow_until_stopped() {
  bool again = false;
  while (const std::shared_ptr<NatsConnection> connection = connect()) {
    // Made here and not by the library, but it counts as a reconnect.
    if (again) count(metrics_.nats_reconnects);
    again = true;
    follow_while_open(*connection);
    contact_.set_connected(false);
  }
}

std::shared_ptr<NatsConnection> Watcher::connect() {
  // Not by the library's RetryOnFailedConnect, which gives up in this version (nats.c issue 926).
  Pause pause(kPauseMax);
  std::string told;
  while (!stop_.requested()) {
    auto attempt = NatsConnection::connect(
        {.urls = settings_.nats_urls, .credentials = settings_.credentials});
    if (auto* made = std::get_if<std::shared_ptr<NatsConnection>>(&attempt)) {
      log_info("connected to NATS", {{"url", (*made)->where()}});
      contact_.set_connected(true);
      MutexLock lock(mutex_);
      connection_ = *made;
      return *made;
    }
    tell(std::get<NatsConnection::Failure>(attempt), told);
    stop_.wait_for(pause.next());
  }
  return nullptr;
}

void Watcher::follow_while_open(NatsConnection& connection) {
  static LogLimit limit;
  Pause pause(kReadPauseMax);
  std::uint64_t reconnects = 0;
  // The library reconnects for ever, so this ends only when the connection is closed for good: by
  // stop(), or because the server refuses us.
  while (!stop_.requested() && !connection.closed()) {
    contact_.set_connected(connection.connected());
    if (!connection.connected()) {
      // The library would reconnect with the old password or certificate.
      if (connection.outdated()) return connection.close();
      stop_.wait_for(kPauseMin);
      continue;
    }
    if (const std::uint64_t now = connection.reconnects(); now != reconnects) {
      metrics_.nats_reconnects.fetch_add(now - reconnects, std::memory_order_relaxed);
      reconnects = now;
    }
    const TimePoint began = system_clock().now();
    const std::string trouble = follower_.follow(connection);
    if (stop_.requested()) return;
    // The follower logs that itself, once.
    if (!follower_.waits_for_bucket()) {
      log_warn_limited(limit,
                       follower_.goes_on() ? "the bucket has to be followed by another consumer"
                                           : "the bucket has to be read again",
                       {{"bucket", settings_.follow.bucket}, {"reason", trouble}});
    }
    // The library subscribes to its answers only once. If that was denied, it would receive none
    // even after the account is permitted to.
    if (denies_answers(connection.denial())) return connection.close();
    if (system_clock().now() - began > kGoodSession) pause.reset();
    stop_.wait_for(follower_.goes_on() ? kPauseMin : pause.next());
  }
}

}  // namespace bide
