#include "bench/load/client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bench::load {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr auto kDialPatience = 10s;
constexpr std::chrono::milliseconds kSpanMin = 100ms;
constexpr std::chrono::milliseconds kSpanMax = 2s;
// A held request that comes back sooner than this without news would turn into a busy loop.
constexpr auto kHot = 500ms;

TimePoint now_is() { return std::chrono::steady_clock::now(); }

// At random from [low, high].
nanoseconds between(World& world, nanoseconds low, nanoseconds high) {
  return nanoseconds(
      std::uniform_int_distribution<std::int64_t>(low.count(), high.count())(world.random));
}

Trouble trouble_of(int status) {
  if (status == 429) return Trouble::k429;
  if (status == 503) return Trouble::k503;
  if (status >= 500) return Trouble::kOther5xx;
  return status >= 400 ? Trouble::kOther4xx : Trouble::kOdd;
}

}  // namespace

Client::Client(World& world, std::uint32_t index) : world_(world), index_(index), span_(kSpanMin) {}

Client::~Client() { hang_up(); }

void Client::enter(State state, TimePoint alarm) {
  if (state_ == State::kAsking) --world_.traffic.under_way;
  if (state == State::kAsking) ++world_.traffic.under_way;
  state_ = state;
  alarm_ = alarm;
}

void Client::hang_up() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  reader_.reset();
}

void Client::on_alarm() {
  switch (state_) {
    case State::kAway:
      return dial();
    case State::kDialing:
      return fail(Trouble::kConnect);
    case State::kResting:
      return ask();
    case State::kAsking:
      return fail(Trouble::kTimeout);
  }
}

void Client::on_ready(std::uint32_t events) {
  if (state_ == State::kDialing) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return fail(Trouble::kConnect);
    return on_connected();
  }
  if (fd_ >= 0) read();
}

void Client::dial() {
  fd_ = world_.address.try_dial_begin();
  if (fd_ < 0) return fail(Trouble::kConnect);
  reader_ = world_.road.make_reader();
  ++world_.traffic.counts.connects;
  enter(State::kDialing, now_is() + kDialPatience);
  epoll_event event{EPOLLOUT, {.u32 = index_}};
  ::epoll_ctl(world_.epoll, EPOLL_CTL_ADD, fd_, &event);
}

void Client::on_connected() {
  epoll_event event{EPOLLIN, {.u32 = index_}};
  ::epoll_ctl(world_.epoll, EPOLL_CTL_MOD, fd_, &event);
  ask();
}

void Client::ask() {
  std::string& request = world_.request;
  request.clear();
  // There is one: without it the client has gone.
  const JobRef job = world_.book.job_of(world_.first + index_, turn_).value();
  world_.road.append_request(
      request, {.job = job, .tag = tag_, .missing = missing_, .fields = world_.fields});
  asked_at_ = now_is();
  enter(State::kAsking, asked_at_ + world_.road.patience());
  ++world_.traffic.counts.requests;
  if (!send(request)) fail(Trouble::kReset);
}

// Nothing unsent is on the connection, so a request that does not fit at once is not due to a slow
// server.
bool Client::send(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(bytes.size())) return false;
  world_.traffic.counts.bytes_sent += bytes.size();
  return true;
}

void Client::read() {
  auto& room = world_.received;
  const ssize_t got = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    // Closed at rest is a server's right; the next request finds a new connection.
    return state_ == State::kAsking ? fail(Trouble::kReset) : rest(alarm_, false);
  }
  const TimePoint now = now_is();
  world_.traffic.counts.bytes_received += static_cast<std::uint64_t>(got);
  if (state_ != State::kAsking) {
    world_.traffic.count(Trouble::kOdd);  // Nobody asked.
    return rest(alarm_, false);
  }
  reader_->feed({room.data(), static_cast<std::size_t>(got)});
  take_answers(now);
}

void Client::take_answers(TimePoint now) {
  while (state_ == State::kAsking) {
    const std::optional<Answer> answer = reader_->take();
    const std::string replies = reader_->take_replies();
    if (!replies.empty() && !send(replies)) return fail(Trouble::kReset);
    if (!answer) return;
    on_answer(*answer, now);
  }
}

void Client::on_answer(const Answer& answer, TimePoint now) {
  const std::uint32_t turn_before = turn_;
  const bool hot = is_hot(answer, now);
  if (answer.reconnect_after) reconnect_after_ = *answer.reconnect_after;
  std::optional<Trouble> trouble = learn(answer, now);
  if (!trouble && answer.retry_after) trouble = Trouble::kShed;
  if (!trouble && hot) trouble = Trouble::kEarly;
  const bool same_job = turn_ == turn_before;
  if (!same_job && !world_.book.job_of(world_.first + index_, turn_))
    return rest(TimePoint::max(), false);
  if (answer.more_follow && same_job && !trouble) {
    return enter(State::kAsking, now + world_.road.patience());
  }
  TimePoint next = same_job ? next_slot(now) : now;
  if (trouble) {
    world_.traffic.count(*trouble);
    // Up to a quarter more than asked, so that those turned away together do not return together.
    const nanoseconds asked = answer.retry_after.value_or(0s);
    const nanoseconds pause = asked > 0s ? between(world_, asked, asked + asked / 4) : back_off();
    next = std::max(next, now + pause);
  } else {
    span_ = kSpanMin;
  }
  rest(next, !answer.closes);
}

std::optional<Trouble> Client::learn(const Answer& answer, TimePoint now) {
  switch (answer.status) {
    case 200:
      ++world_.traffic.counts.answers_200;
      if (answer.revision == 0) return Trouble::kOdd;
      learn_state(answer, now);
      return std::nullopt;
    case 304:
      ++world_.traffic.counts.answers_304;
      return std::nullopt;
    case kNothingYet:
      return std::nullopt;
    case kOver:
      learn_end(revision_of(tag_), now);
      return std::nullopt;
    case 404:
      missing_ = true;
      if (tag_.empty()) return std::nullopt;
      tag_.clear();
      return Trouble::kOther4xx;
    default:
      return trouble_of(answer.status);
  }
}

void Client::learn_state(const Answer& answer, TimePoint now) {
  if (answer.tag == tag_) ++world_.traffic.counts.duplicates;
  if (!answer.final)
    world_.book.on_answer(world_.first + index_, turn_, answer.revision, false, now);
  if (!std::exchange(known_, true)) ++world_.traffic.clients_ready;
  missing_ = false;
  tag_ = answer.tag;
  if (answer.final) learn_end(answer.revision, now);
}

void Client::learn_end(std::uint64_t revision, TimePoint now) {
  world_.book.on_answer(world_.first + index_, turn_, revision, true, now);
  ++turn_;
  tag_.clear();
}

// The first 404 is exempt: it is what makes the client wait for the job to exist.
bool Client::is_hot(const Answer& answer, TimePoint now) const {
  const bool news = answer.status == 200 || answer.status == kOver || answer.more_follow ||
                    (answer.status == 404 && !missing_);
  return !news && world_.road.period() == 0ns && now - asked_at_ < kHot;
}

// Slots that passed while it was not free are left out, and the timetable does not move: a server
// that answers late is not asked less often for it.
TimePoint Client::next_slot(TimePoint now) {
  const nanoseconds period = world_.road.period();
  if (period == 0ns) return now;
  // A phase of its own, or all would poll in the same moment.
  if (slot_ == TimePoint()) slot_ = now - between(world_, 0ns, period - 1ns);
  const auto left_out = (now - slot_) / period;
  world_.traffic.counts.late_polls += static_cast<std::uint64_t>(left_out);
  slot_ += (left_out + 1) * period;
  return slot_;
}

void Client::rest(TimePoint until, bool connected) {
  if (!connected) hang_up();
  enter(connected ? State::kResting : State::kAway, until);
}

void Client::fail(Trouble trouble) {
  world_.traffic.count(trouble);
  rest(now_is() + back_off(), false);
}

nanoseconds Client::back_off() {
  if (reconnect_after_ > 0ms) return reconnect_after_;
  const nanoseconds pause = between(world_, span_ / 2, span_);
  span_ = std::min(2 * span_, kSpanMax);
  return pause;
}

}  // namespace bench::load
