// bench/load/answer_reader.h: Splits the bytes of a connection into answers.
//
// Thread safety: none; one per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/kit/response_reader.h"

namespace bench::load {

// The records of a stream have no status. They get that of the response with the same meaning.
inline constexpr int kNothingYet = 102;  // The stream has been opened, or a heartbeat.
inline constexpr int kOver = 204;        // The job is final and the client has its state.
inline constexpr int kCutShort = 503;    // The server ends the stream, and is to be asked again.

struct Answer {
  int status = 0;              // HTTP's.
  std::string_view tag{};      // As sent. Valid until the reader's next call.
  std::uint64_t revision = 0;  // That in the tag; 0: there is no tag of bide's.
  bool final = false;          // The job cannot change any more.
  bool closes = false;         // The server closes the connection behind it.
  bool more_follow = false;    // The request goes on: the road is a stream.
  std::optional<std::chrono::milliseconds> retry_after{};
  // From now on the client stays away for so long whenever its connection breaks.
  std::optional<std::chrono::milliseconds> reconnect_after{};
};

class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // Appends the bytes that were read.
  virtual void feed(std::string_view bytes) = 0;
  // nullopt: not complete yet.
  [[nodiscard]] virtual std::optional<Answer> take() = 0;
  // What the client has to send after take(), such as pongs. Empty: nothing.
  [[nodiscard]] virtual std::string take_replies() { return {}; }
};

// One HTTP response, one answer.
class ResponseAnswers : public AnswerReader {
 public:
  void feed(std::string_view bytes) override { reader_.feed(bytes); }
  [[nodiscard]] std::optional<Answer> take() override;

 private:
  ResponseReader reader_;
};

// The decimal number in the middle of `"<epoch>-<revision>-<hash>"`; 0 where there is none.
[[nodiscard]] std::uint64_t revision_of(std::string_view tag);
// What stands between the quotes of a tag, which streams use as an event's id.
[[nodiscard]] constexpr std::string_view opaque(std::string_view tag) {
  return tag.size() < 2 ? std::string_view() : tag.substr(1, tag.size() - 2);
}

}  // namespace bench::load
