#include "bench/story/scribe.h"

#include <algorithm>
#include <cstdio>

#include "bench/kit/address.h"

namespace bench::story {
namespace {

using namespace std::chrono_literals;

constexpr auto kDefinePatience = 30s;
constexpr std::size_t kUnacknowledgedMax = 1'000;
constexpr auto kAckPatience = 2s;
constexpr std::chrono::milliseconds kScribeLook = 20ms;  // For what is missing, and for the end.

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

Scribe::Scribe(const std::string& nats_url, const std::string& bucket, const Cast& cast)
    : cast_(cast),
      plot_(plot_of(cast)),
      revisions_(plot_.size() + cast.clients + 1),
      bucket_(nats_url, bucket,
              [this](std::uint64_t token, std::uint64_t revision) {
                if (revision == 0 || revisions_[token] != 0) return;
                revisions_[token] = revision;
                ++acknowledged_;
              }),
      published_(plot_.size()),
      rewritten_(plot_.size()) {}

Scribe::~Scribe() { (void)finish(); }

void Scribe::define_jobs() {
  const TimePoint deadline = std::chrono::steady_clock::now() + kDefinePatience;
  const auto wait_until_missing = [&](std::size_t written, std::size_t missing_max) {
    while (written - acknowledged_ > missing_max) {
      if (std::chrono::steady_clock::now() > deadline) die("the bucket does not take the jobs");
      std::this_thread::sleep_for(1ms);
    }
  };
  for (std::uint32_t job = 0; job <= cast_.clients; ++job) {
    const std::string name = load::job_name({.client = job});
    const std::uint64_t token = plot_.size() + job;
    job < cast_.clients ? bucket_.define(name, token)
                        : bucket_.define_broadcast(name, cast_.agents, token);
    wait_until_missing(job + 1, kUnacknowledgedMax);
  }
  wait_until_missing(cast_.clients + 1, 0);
}

void Scribe::start(TimePoint begin) {
  begin_ = begin;
  thread_ = std::thread([this] { run(); });
}

std::vector<Written> Scribe::finish() {
  finishing_ = true;
  if (thread_.joinable()) thread_.join();
  std::vector<Written> written;
  for (std::size_t i = 0; i < next_; ++i) {
    written.push_back({plot_[i], begin_ + plot_[i].at, revisions_[i], rewritten_[i]});
  }
  return written;
}

void Scribe::run() {
  while (!finishing_ && !over_) {
    const TimePoint now = std::chrono::steady_clock::now();
    for (; next_ < plot_.size() && begin_ + plot_[next_].at <= now; ++next_) {
      lags_.add(std::chrono::steady_clock::now() - (begin_ + plot_[next_].at));
      write(next_);
    }
    rewrite_missing();
    over_ = oldest_missing_ == plot_.size();
    const TimePoint next = next_ < plot_.size() ? begin_ + plot_[next_].at : TimePoint::max();
    std::this_thread::sleep_until(std::min(next, now + kScribeLook));
  }
}

void Scribe::write(std::size_t token) {
  const Happening& happening = plot_[token];
  published_[token] = std::chrono::steady_clock::now();
  bucket_.event(load::job_name({.client = happening.job}), load::word_of(happening.deed),
                agent_name(happening.agent), wall_time_of(begin_ + happening.at), token);
}

// While the store is away nats.c keeps what is published: that is not missing.
void Scribe::rewrite_missing() {
  const TimePoint now = std::chrono::steady_clock::now();
  if (natsConnection_Status(bucket_.connection()) != NATS_CONN_STATUS_CONNECTED) away_until_ = now;
  while (oldest_missing_ < next_ && revisions_[oldest_missing_] != 0) ++oldest_missing_;
  for (std::size_t token = oldest_missing_; token < next_; ++token) {
    if (revisions_[token] != 0) continue;
    if (now - std::max(published_[token], away_until_) < kAckPatience) continue;
    rewritten_[token] = true;
    write(token);
  }
}

}  // namespace bench::story
