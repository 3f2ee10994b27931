// bench/load/answer_reader.h: Cuts what a connection brings into answers.
//
// Thread safety: none; one per connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "bench/kit/response_reader.h"

namespace bench::load {

struct Answer {
  int status = 0;
  std::string_view tag;        // As sent. Valid until the reader's next call.
  std::uint64_t revision = 0;  // That in the tag; 0: there is no tag of bide's.
  bool final = false;          // The job cannot change any more.
  bool closes = false;         // The server closes the connection behind it.
  bool more_follow = false;    // The request goes on: the road is a stream.
  std::optional<std::chrono::seconds> retry_after;
};

class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  // Appends what was read.
  virtual void feed(std::string_view bytes) = 0;
  // nullopt: not complete yet.
  [[nodiscard]] virtual std::optional<Answer> take() = 0;
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

}  // namespace bench::load
