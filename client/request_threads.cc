#include "client/request_threads.h"

#include <chrono>
#include <system_error>
#include <utility>

namespace bide {

RequestThreads::~RequestThreads() { end(); }

void RequestThreads::start(std::function<void()> run, std::function<void()> cancel) {
  cancels_.push_back(std::move(cancel));
  {
    MutexLock lock(mutex_);
    ++running_;
  }
  const auto on_return = [this] {
    MutexLock lock(mutex_);
    --running_;
    returned_.notify_all();
  };
  try {
    threads_.emplace_back([run = std::move(run), on_return] {
      run();
      on_return();
    });
  } catch (const std::system_error&) {
    on_return();
    throw;
  }
}

void RequestThreads::end() {
  for (bool running = true; running;) {
    for (const auto& cancel : cancels_) cancel();
    MutexLock lock(mutex_);
    if (running_ > 0) {
      returned_.wait_until(mutex_,
                           std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    }
    running = running_ > 0;
  }
  threads_.clear();
  cancels_.clear();
}

}  // namespace bide
