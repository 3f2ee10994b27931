#include "bench/load/client_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace bench::load {
namespace {

constexpr std::uint32_t kMetronome = UINT32_MAX;
// On their way to their first answer at a time. All at once would overflow the listen queue, and
// the run would begin with seconds of the kernel's retries.
constexpr std::size_t kBeginningMax = 200;

}  // namespace

ClientLoop::ClientLoop(std::uint32_t first, std::size_t clients, const Address& address,
                       const Road& road, std::string fields, Book& book)
    : world_{.address = address,
             .road = road,
             .fields = std::move(fields),
             .book = book,
             .first = first,
             .epoll = ::epoll_create1(EPOLL_CLOEXEC)},
      alarms_(clients) {
  for (std::uint32_t i = 0; i < clients; ++i) clients_.emplace_back(world_, i);
  epoll_event event{EPOLLIN, {.u32 = kMetronome}};
  ::epoll_ctl(world_.epoll, EPOLL_CTL_ADD, metronome_.fd(), &event);
}

ClientLoop::~ClientLoop() { ::close(world_.epoll); }

void ClientLoop::turn() {
  begin_some();
  ring_alarms();
  std::array<epoll_event, 256> events;
  const int ready = ::epoll_wait(world_.epoll, events.data(), events.size(), timeout_ms());
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events.at(static_cast<std::size_t>(i));
    if (event.data.u32 == kMetronome) {
      metronome_.take(std::chrono::steady_clock::now());
      continue;
    }
    Client& client = clients_[event.data.u32];
    client.on_ready(event.events);
    alarms_.set(event.data.u32, client.alarm());
  }
}

void ClientLoop::begin_some() {
  const std::size_t until = std::min(clients_.size(), world_.traffic.clients_ready + kBeginningMax);
  for (; begun_ < until; ++begun_) {
    alarms_.set(static_cast<std::uint32_t>(begun_), clients_[begun_].alarm());
  }
}

void ClientLoop::ring_alarms() {
  const TimePoint now = std::chrono::steady_clock::now();
  while (const auto due = alarms_.take_due(now)) {
    clients_[*due].on_alarm();
    alarms_.set(*due, clients_[*due].alarm());
  }
}

// Rounded up: a client that is early would find nothing due and spin until it is.
int ClientLoop::timeout_ms() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      std::min(alarms_.next() - std::chrono::steady_clock::now(),
               std::chrono::steady_clock::duration(Metronome::kBeat)));
  return static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count());
}

void ClientLoop::begin_counting() {
  world_.traffic.counts = Counts();
  (void)metronome_.take_lags();
}

}  // namespace bench::load
