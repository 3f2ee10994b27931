// TLS records: what a session delivers, comes to and says after any records of its client is what
// the standard has it do, however they are cut; and what has come is told of.
//
// Input: a byte that chooses the suite, one that decides the cuts, one for the size of the last
// answer; then records, as tls_script.h describes them.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "server/net/tls_session.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tls_script.h"
#include "tests/server/net/tls_suites.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

using State = TlsScript::State;
using Type = TlsTraffic::Type;

struct Outcome {
  std::string data;
  std::vector<std::string> said;
  bool ended = false;
  bool broken = false;
  bool operator==(const Outcome&) const = default;
};

class Run {
 public:
  // `seed`: of the cuts, of the room that the receiver has and whether it looks ahead. 0: of none.
  Run(const TlsKeys& keys, std::uint8_t seed) : seed_(seed), keys_(keys), in_(keys.out) {
    demand(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) == 0, "there are sockets");
    session_.emplace(keys, ends_[0]);
  }
  ~Run() {
    for (const int end : ends_) ::close(end);
  }
  Run(const Run&) = delete;

  void take(const TlsScript::Turn& turn) {
    for (std::string_view piece : pieces_of(turn.wire)) {
      while (!piece.empty()) {
        const ssize_t sent =
            ::send(ends_[1], piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        demand(sent > 0 || over_, "the session reads on until it is broken or ended");
        if (sent <= 0) break;
        piece.remove_prefix(static_cast<std::size_t>(sent));
        receive_all();
      }
    }
    if (turn.fin) ::shutdown(ends_[1], SHUT_WR);
    receive_all();
    if (turn.answer_bytes > 0) answer(turn.answer_bytes);
    hear();
  }

  void answer(std::size_t bytes) {
    const std::string text = answer_text(bytes);
    std::string_view left = text;
    while (!left.empty()) {
      const std::size_t third = left.size() / 3;
      const std::array<std::string_view, 3> pieces{left.substr(0, third), left.substr(third, third),
                                                   left.substr(2 * third)};
      const ssize_t taken = session_->transmit(pieces);
      if (taken < 0) return demand(session_->broken(), "only what is broken takes nothing");
      left.remove_prefix(static_cast<std::size_t>(taken));
      demand(hear() || taken > 0, "it goes on when there is room");
    }
  }
  // With a socket that takes little at a time.
  Outcome finish(std::size_t answer_bytes) {
    const int few = 1;
    ::setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
    outcome_.ended = session_->ended();
    outcome_.broken = session_->broken();
    answer(answer_bytes);
    while (!session_->say_end()) demand(hear(), "it goes on when there is room");
    (void)hear();
    demand(heard_.empty(), "what is sent are whole records");
    return std::move(outcome_);
  }

 private:
  // Most records are short: of a long one the rest goes in one.
  [[nodiscard]] std::vector<std::string_view> pieces_of(std::string_view wire) const {
    constexpr std::size_t kCutBytesMax = 2000;
    if (seed_ == 0) return {wire};
    std::vector<std::string_view> pieces = cut(wire.substr(0, kCutBytesMax), seed_);
    if (wire.size() > kCutBytesMax) pieces.push_back(wire.substr(kCutBytesMax));
    return pieces;
  }
  void receive_all() {
    bool more = true;  // Than has been received: an event has told, or the session.
    for (;;) {
      if ((seed_ & 1U) != 0) {
        const int ahead = session_->peek();
        demand(more || ahead <= 0, "what comes is told of");
        more = ahead > 0 || session_->has_more();
      }
      const bool over = over_;
      const ssize_t got = session_->receive(std::span(room_).first(room_bytes()));
      over_ = got == 0 || (session_->broken() && got < 0);
      if (got > 0) {
        demand(more, "what comes is told of");
        demand(!over, "nothing follows an end");
        outcome_.data.append(room_.data(), static_cast<std::size_t>(got));
        more = session_->has_more();
        continue;
      }
      demand(got != 0 || session_->ended(), "an end is one");
      demand(got >= 0 || errno == (session_->broken() ? ECONNRESET : EAGAIN), "it says why");
      if (over_ || !session_->has_more()) return;
      more = true;
    }
  }
  std::size_t room_bytes() {
    if (seed_ == 0) return room_.size();
    state_ = state_ * 1'664'525 + 1'013'904'223 + seed_;
    return 1 + (state_ >> 24U) * ((state_ >> 16U & 3U) == 0 ? 64 : 1);
  }
  // What the session has sent. False: nothing.
  bool hear() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(ends_[1], buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got <= 0) return false;
    heard_.append(buffer.data(), static_cast<std::size_t>(got));
    std::span<char> left(heard_);
    while (const auto record = testing::take_record(in_, left)) {
      demand(record->bytes.size() <= keys_.plain_bytes_max, "no record is too large");
      demand(!record->bytes.empty(), "no record is empty");
      append_said(outcome_.said, record->type, {record->bytes.data(), record->bytes.size()});
      if (record->type == Type::kHandshake) in_.update();
    }
    heard_.erase(0, heard_.size() - left.size());
    return true;
  }

  const std::uint8_t seed_;
  const TlsKeys keys_;
  TlsTraffic in_;
  std::array<int, 2> ends_{};
  std::optional<TlsSession> session_;
  std::array<char, 65536> room_;
  std::uint32_t state_ = 0;
  bool over_ = false;
  std::string heard_;
  Outcome outcome_;
};

Outcome run(const TlsKeys& keys, const TlsScript& script, std::uint8_t seed, std::size_t answer) {
  Run run(keys, seed);
  for (const TlsScript::Turn& turn : script.turns()) run.take(turn);
  return run.finish(answer);
}

// What the end adds to what the script knows of.
std::vector<std::string> all_said(const TlsScript& script, bool broken, std::size_t answer) {
  std::vector<std::string> said = script.said();
  if (broken) return said;
  if (script.update_due() && answer > 0) {
    append_said(said, Type::kHandshake, std::string("\x18\0\0\1\0", 5));
  }
  if (answer > 0) append_said(said, Type::kData, answer_text(answer));
  append_said(said, Type::kAlert, std::string("\1\0", 2));
  return said;
}

void check(const TlsScript& script, Outcome outcome, std::size_t answer) {
  demand(outcome.data == script.data(), "data is that of the good records, up to the first other");
  if (script.state() == State::kUnsure && outcome.broken) {
    demand(!outcome.said.empty() && outcome.said.back().starts_with("\x15\x02"), "it says why");
    outcome.said.pop_back();
  } else if (script.state() != State::kUnsure) {
    demand(outcome.broken == (script.state() == State::kBroken), "it is broken when it should be");
    demand(outcome.ended == (script.state() == State::kEnded), "and ended");
  }
  demand(outcome.said == all_said(script, outcome.broken, answer), "it says what it should");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  static const std::vector<TlsKeys> suites = testing::keys_of_every_suite();
  TlsKeys keys = suites[data[0] % suites.size()];
  if (data[0] >= 128) keys.plain_bytes_max = 512;
  const std::size_t answer = data[2] * 100UL;
  const TlsScript script(keys, text_of(data + 3, size - 3));
  const Outcome whole = run(keys, script, 0, answer);
  check(script, whole, answer);
  demand(run(keys, script, data[1], answer) == whole, "pieces give the same as the whole");
  return 0;
}
