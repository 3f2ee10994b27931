#include "client/followers.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <system_error>
#include <utility>

namespace bide {

Followers::Followers(const ApiAccess& access)
    : access_(access), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Followers::~Followers() {
  {
    MutexLock lock(mutex_);
    closing_ = true;
    room_.notify_all();
  }
  threads_.end();
  ::close(wake_fd_);
}

std::size_t Followers::follow(JobFollower::Target target) {
  const std::size_t number = followers_.size();
  followers_.push_back(std::make_unique<JobFollower>(
      access_, std::move(target), [this, number](Followed what) { push(number, std::move(what)); },
      std::random_device{}()));
  JobFollower* const follower = followers_.back().get();
  threads_.start([follower] { follower->run(); }, [follower] { follower->stop(); });
  return number;
}

void Followers::leave(std::size_t number) { followers_[number]->stop(); }

std::vector<Followers::Report> Followers::take() {
  MutexLock lock(mutex_);
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_fd_, &count, sizeof count));
  room_.notify_all();
  return std::exchange(reports_, {});
}

void Followers::push(std::size_t from, Followed what) {
  MutexLock lock(mutex_);
  while (reports_.size() >= kReportsMax && !closing_) {
    room_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  }
  if (closing_) return;
  reports_.push_back({from, std::move(what)});
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_fd_, &one, sizeof one));
}

}  // namespace bide
