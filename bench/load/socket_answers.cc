#include "bench/load/socket_answers.h"

#include "bench/kit/address.h"

namespace bench::load {
namespace {

constexpr Answer kAlive = {.status = kNothingYet, .more_follow = true};

// `{"event":"job","id":"…","data":…}`: a text in front of the data; empty when absent.
std::string_view member(std::string_view record, std::string_view name_and_quote) {
  record = record.substr(0, record.find("\"data\":"));
  const std::size_t at = record.find(name_and_quote);
  if (at == record.npos) return {};
  record.remove_prefix(at + name_and_quote.size());
  return record.substr(0, record.find('"'));
}

int status_of(unsigned code) {
  if (code == 1000) return kOver;
  if (code == 1001 || code == 1013) return kCutShort;  // A drain; no room, or NATS is away.
  return code == 1008 ? 401 : 0;
}

}  // namespace

bool SocketAnswers::opens(const Response& head) const {
  if (head.status != 101) return false;
  if (head.field("Sec-WebSocket-Accept") != kSampleAccept)
    die("the server did not take the client's key");
  return true;
}

std::optional<Answer> SocketAnswers::take_record() {
  const std::optional<Message> message = frames_.take();
  if (!message) return std::nullopt;
  switch (message->opcode) {
    case Opcode::kText:
      return on_text(message->payload);
    case Opcode::kClose:
      return on_close(message->payload);
    case Opcode::kPing:
      replies_ += client_frame(Opcode::kPong, message->payload);
      return kAlive;
    case Opcode::kPong:
    case Opcode::kBinary:
    case Opcode::kContinuation:
      return kAlive;
  }
  return kAlive;
}

Answer SocketAnswers::on_text(std::string_view record) {
  const Answer answer = answer_to(member(record, "\"event\":\""), member(record, "\"id\":\""));
  if (answer.more_follow) return answer;
  ending_ = answer;
  return kAlive;
}

// The code goes back to the server, which then closes the connection (RFC 6455 section 5.5.1).
Answer SocketAnswers::on_close(std::string_view payload) {
  const std::string_view code = payload.substr(0, 2);
  replies_ += client_frame(Opcode::kClose, code);
  if (ending_) return *ending_;
  if (code.size() < 2) return {.status = 0, .closes = true};
  const unsigned number =
      static_cast<std::uint8_t>(code[0]) * 256U + static_cast<std::uint8_t>(code[1]);
  return {.status = status_of(number), .closes = true};
}

}  // namespace bench::load
