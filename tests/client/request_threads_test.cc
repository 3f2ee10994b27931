#include "client/request_threads.h"

#include <doctest/doctest.h>

#include <array>
#include <future>

using namespace bide;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kCancelsNeeded = 3;

// Returns once it was cancelled so often, or after 20 s.
class Stubborn {
 public:
  void run() {
    for (auto& promise : cancelled_) {
      if (promise.get_future().wait_for(20s) != std::future_status::ready) return;
      ++heard_;
    }
  }
  void cancel() {
    if (cancels_ < kCancelsNeeded) cancelled_[cancels_++].set_value();
  }
  // To be called after the thread has ended.
  [[nodiscard]] std::size_t heard() const { return heard_; }

 private:
  std::array<std::promise<void>, kCancelsNeeded> cancelled_;
  std::size_t cancels_ = 0;
  std::size_t heard_ = 0;
};

}  // namespace

TEST_CASE("request_threads: the end cancels again, until every thread has returned") {
  Stubborn first;
  Stubborn second;
  RequestThreads threads;
  threads.start([&] { first.run(); }, [&] { first.cancel(); });
  threads.start([&] { second.run(); }, [&] { second.cancel(); });
  threads.end();
  CHECK(first.heard() == kCancelsNeeded);
  CHECK(second.heard() == kCancelsNeeded);
}

TEST_CASE("request_threads: threads run beside each other, and may return by themselves") {
  std::promise<void> told;
  std::promise<bool> heard;
  RequestThreads threads;
  threads.start(
      [&] { heard.set_value(told.get_future().wait_for(20s) == std::future_status::ready); },
      [] {});
  threads.start([&] { told.set_value(); }, [] {});
  CHECK(heard.get_future().get());
  threads.end();
}
