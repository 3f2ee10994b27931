#include "bench/load/writer.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "bench/kit/address.h"

namespace bench::load {
namespace {

using namespace std::chrono_literals;
using bide::MutexLock;

constexpr auto kDefinePatience = 30s;
constexpr std::uint64_t kUnacknowledgedMax = 1'000;  // Of the first definitions.
constexpr auto kAckPatience = 2s;
constexpr std::chrono::milliseconds kLook = 100ms;  // For what is overdue.

// An entry's key holds its time, and writing it again must find the same key.
std::chrono::system_clock::time_point wall_time_of(TimePoint due) {
  static const auto wall = std::chrono::system_clock::now();
  static const TimePoint steady = std::chrono::steady_clock::now();
  return wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(due - steady);
}

std::string agent_name(std::uint32_t agent) {
  std::array<char, 16> name{};
  std::snprintf(name.data(), name.size(), "agent-%03u", agent);
  return name.data();
}

}  // namespace

Writer::Writer(const std::string& nats_urls, const std::string& bucket, Schedule schedule,
               Book& book)
    : book_(book),
      bucket_(nats_urls, bucket,
              [&book](Token token, std::uint64_t revision) { book.on_stored(token, revision); }),
      schedule_(std::move(schedule)) {}

Writer::~Writer() { finish(); }

// Not on a schedule, so it waits for the store instead of burying it.
void Writer::define_first_jobs() {
  const TimePoint deadline = std::chrono::steady_clock::now() + kDefinePatience;
  const auto wait_until_missing = [&](std::uint64_t missing_max) {
    while (book_.written() - book_.acknowledged() > missing_max) {
      if (std::chrono::steady_clock::now() > deadline) {
        die("the bucket took only " + std::to_string(book_.acknowledged()) + " of " +
            std::to_string(book_.written()) + " definitions within 30 s");
      }
      std::this_thread::sleep_for(1ms);
    }
  };
  const Audience& audience = book_.audience();
  const std::uint32_t jobs = audience.clients + (audience.dashboards > 0 ? 1 : 0);
  for (std::uint32_t client = 0; client < jobs; ++client) {
    publish(book_.write({.job = {client, 0}, .due = std::chrono::steady_clock::now()}));
    wait_until_missing(kUnacknowledgedMax);
  }
  wait_until_missing(0);
}

void Writer::start(TimePoint begin) {
  begin_ = begin;
  next_ = schedule_();
  thread_ = std::thread([this] { run(); });
}

void Writer::finish() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(mutex_);
    finishing_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool Writer::finishing() {
  MutexLock lock(mutex_);
  return finishing_;
}

void Writer::run() {
  while (!finishing()) {
    write_due();
    rewrite_overdue();
    wait_for_next();
  }
}

void Writer::write_due() {
  while (next_) {
    const TimePoint due = begin_ + next_->at;
    if (due > cut_.load()) break;
    const TimePoint now = std::chrono::steady_clock::now();
    if (due > now) return;
    lags_.add(now - due);
    const JobRef job = next_->job;
    if (next_->deed == Deed::kCompleted && book_.audience().endless) {
      write({.job = {job.client, job.turn + 1}, .due = due});
    }
    write({.job = job, .agent = next_->agent, .deed = next_->deed, .due = due});
    next_ = schedule_();
  }
  over_ = true;
}

void Writer::write(const Book::Entry& entry) {
  const Token token = book_.write(entry);
  publish(token);
  pending_.push_back({token, std::chrono::steady_clock::now()});
}

void Writer::publish(Token token) {
  const Book::Entry entry = book_.entry(token);
  const std::string job = job_name(entry.job);
  const Audience& audience = book_.audience();
  if (entry.deed != Deed::kDefined) {
    bucket_.event(job, word_of(entry.deed), agent_name(entry.agent), wall_time_of(entry.due),
                  token);
  } else if (entry.job.client == audience.clients) {
    bucket_.define_broadcast(job, audience.agents, token);
  } else {
    bucket_.define(job, token);
  }
}

// While the store is away nats.c keeps published entries, and sends them when it is back: that is
// not overdue, however long it takes.
void Writer::rewrite_overdue() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (natsConnection_Status(bucket_.connection()) != NATS_CONN_STATUS_CONNECTED) away_until_ = now;
  while (!pending_.empty()) {
    const Pending oldest = pending_.front();
    const bool stored = book_.stored(oldest.token);
    if (!stored && now - std::max(oldest.since, away_until_) < kAckPatience) return;
    pending_.pop_front();
    if (stored) continue;
    for (const Token token : book_.rewrite(oldest.token)) {
      publish(token);
      ++rewritten_;
    }
    pending_.push_back({oldest.token, now});
  }
}

void Writer::wait_for_next() {
  TimePoint until = std::chrono::steady_clock::now() + kLook;
  if (!over_) until = std::min(until, begin_ + next_->at);
  MutexLock lock(mutex_);
  while (!finishing_ && std::chrono::steady_clock::now() < until) {
    changed_.wait_until(mutex_, until);
  }
}

}  // namespace bench::load
