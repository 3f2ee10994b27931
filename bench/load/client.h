// bench/load/client.h: One client: its connection, its job, its knowledge of the job, and its next
// step.
//
//   kAway ----alarm----> kDialing --connected--> kAsking --answer--> kResting --alarm--> kAsking
//     ^                      |                      |                   |
//     +------- refused, reset, timed out: after a back-off; closed at rest: when it is due -------+
//
// On a stream it stays in kAsking from record to record.
//
// After a final answer the client follows its next job at once. A client that has fallen behind
// catches up while the writer goes on with later jobs. If there is no next job, the client leaves.
//
// Thread safety: none; the client loop's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "bench/kit/address.h"
#include "bench/load/answer_reader.h"
#include "bench/load/book.h"
#include "bench/load/job_ref.h"
#include "bench/load/road.h"
#include "bench/load/traffic.h"

namespace bench::load {

// What all clients share. Outlives them.
struct World {
  const Address& address;
  const Road& road;
  const std::string fields;  // As Question::fields.
  Book& book;
  std::uint32_t first;  // The number that the book knows the first of these clients by.
  Traffic traffic{};
  int epoll = -1;
  std::minstd_rand random{1};
  std::string request{};               // Room to build one.
  std::array<char, 65536> received{};  // Room for what a read brings.
};

class Client {
 public:
  Client(World& world, std::uint32_t index);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Its descriptor is ready for `events` (epoll's, with the client's index as data).
  void on_ready(std::uint32_t events);
  // Call it when the time of alarm() has come. The first call connects.
  void on_alarm();
  // TimePoint::max(): never. May change with every call of the others.
  [[nodiscard]] TimePoint alarm() const { return alarm_; }

 private:
  enum class State : std::uint8_t { kAway, kDialing, kResting, kAsking };

  void enter(State state, TimePoint alarm);
  void dial();
  void on_connected();
  void ask();
  void read();
  void take_answers(TimePoint now);
  [[nodiscard]] bool send(std::string_view bytes);
  void on_answer(const Answer& answer, TimePoint now);
  // Takes the job's state from the answer. Returns the trouble with it, if any.
  [[nodiscard]] std::optional<Trouble> learn(const Answer& answer, TimePoint now);
  void learn_state(const Answer& answer, TimePoint now);
  void learn_end(std::uint64_t revision, TimePoint now);
  [[nodiscard]] bool is_hot(const Answer& answer, TimePoint now) const;
  // When the timetable has the next request.
  [[nodiscard]] TimePoint next_slot(TimePoint now);
  void rest(TimePoint until, bool connected);
  void fail(Trouble trouble);
  [[nodiscard]] std::chrono::nanoseconds back_off();
  void hang_up();

  World& world_;
  const std::uint32_t index_;
  std::unique_ptr<AnswerReader> reader_;  // Of this connection.
  std::string tag_;
  TimePoint alarm_{};  // The past: it wants to begin.
  TimePoint asked_at_{};
  TimePoint slot_{};  // When its timetable has, or had, the request that is not answered yet.
  std::chrono::milliseconds span_;
  std::chrono::milliseconds reconnect_after_{0};  // Zero: as its own back-off says.
  int fd_ = -1;
  std::uint32_t turn_ = 0;
  State state_ = State::kAway;
  bool missing_ = false;
  bool known_ = false;  // Has had an answer with its job's state.
};

}  // namespace bench::load
