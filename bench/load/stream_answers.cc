#include "bench/load/stream_answers.h"

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

void StreamAnswers::feed(std::string_view bytes) {
  if (opened_) return on_stream(bytes);
  if (refusal_) return refusal_->feed(bytes);
  opening_ += bytes;
  const std::optional<Response> head = parse_head(opening_);
  if (!head) return;
  opened_ = opens(*head);
  if (opened_) return on_stream(std::string_view(opening_).substr(head->head.size()));
  refusal_.emplace().feed(opening_);
}

std::optional<Answer> StreamAnswers::take() {
  if (opened_) return take_record();
  if (!refusal_) return std::nullopt;
  std::optional<Answer> answer = refusal_->take();
  // A stream that was refused is tried again on a connection of its own.
  if (answer) answer->closes = true;
  return answer;
}

Answer StreamAnswers::answer_to(std::string_view event, std::string_view id) {
  if (event == "job" || event == "patch") {
    tag_.assign("\"").append(id).append("\"");
    return {.status = 200, .tag = tag_, .revision = revision_of(tag_), .more_follow = true};
  }
  if (event == "end") return {.status = kOver, .final = true, .closes = true};
  if (event == "gone") return {.status = 404, .closes = true};
  if (event == "auth-expired") return {.status = 401, .closes = true};
  return {.status = kNothingYet, .more_follow = true};
}

bool EventAnswers::opens(const Response& head) const {
  return head.status == 200 && head.field("Content-Type").starts_with("text/event-stream");
}

// A body that ends without `end` is the server's way to say that it cannot go on: a drain, say.
std::optional<Answer> EventAnswers::take_record() {
  Answer answer;
  if (const std::optional<StreamEvent> event = events_.take()) {
    answer = answer_to(event->type, event->id);
  } else if (chunks_.is_over()) {
    answer = {.status = kCutShort, .closes = true};
  } else {
    return std::nullopt;
  }
  answer.reconnect_after = events_.retry();
  return answer;
}

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
