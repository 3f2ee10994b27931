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
  for (bool running = true; running;) {
    // Again and again, because a thread may be between two requests.
    for (const Member& member : members_) member.follower->stop();
    MutexLock lock(mutex_);
    if (running_ > 0) {
      ended_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    }
    running = running_ > 0;
  }
  members_.clear();
  ::close(wake_fd_);
}

std::size_t Followers::follow(JobFollower::Target target) {
  const std::size_t number = members_.size();
  Member& member = members_.emplace_back();
  member.follower = std::make_unique<JobFollower>(
      access_, std::move(target), [this, number](Followed what) { push(number, std::move(what)); },
      std::random_device{}());
  {
    MutexLock lock(mutex_);
    ++running_;
  }
  const auto ends = [this] {
    MutexLock lock(mutex_);
    --running_;
    ended_.notify_all();
  };
  try {
    member.thread = std::jthread([follower = member.follower.get(), ends] {
      follower->run();
      ends();
    });
  } catch (const std::system_error&) {
    ends();
    throw;
  }
  return number;
}

void Followers::leave(std::size_t number) { members_[number].follower->stop(); }

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
