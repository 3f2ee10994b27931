#include "client/board.h"

namespace bide {

Board::Board(const std::vector<std::string>& ids) {
  jobs_.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) jobs_[i].id = ids[i];
}

void Board::update(std::size_t index, const std::function<void(JobView&)>& change) {
  MutexLock lock(mutex_);
  change(jobs_[index]);
  ++version_;
  news_.notify_all();
}

std::vector<JobView> Board::wait_for_news(std::uint64_t& seen, TimePoint until) {
  MutexLock lock(mutex_);
  while (version_ == seen && std::chrono::steady_clock::now() < until) {
    news_.wait_until(mutex_, until);
  }
  seen = version_;
  return jobs_;
}

bool Board::pause_until(TimePoint until) {
  MutexLock lock(mutex_);
  while (!stopped_ && std::chrono::steady_clock::now() < until) stop_.wait_until(mutex_, until);
  return !stopped_;
}

void Board::stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  stop_.notify_all();
}

}  // namespace bide
