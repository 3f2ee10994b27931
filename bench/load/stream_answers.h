// bench/load/stream_answers.h: What is common to the answers of streams: a response's head that
// opens the stream or refuses it, and records of the same names on both roads.
//
// Thread safety: none; one per connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/kit/response_reader.h"
#include "bench/load/answer_reader.h"

namespace bench::load {

class StreamAnswers : public AnswerReader {
 public:
  void feed(std::string_view bytes) final;
  [[nodiscard]] std::optional<Answer> take() final;

 protected:
  // Whether a response with this head is followed by the stream. Otherwise it is one like any.
  [[nodiscard]] virtual bool opens(const Response& head) const = 0;
  virtual void on_stream(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::optional<Answer> take_record() = 0;
  // What a record says; its `id` is the opaque tag of the state in it.
  [[nodiscard]] Answer answer_to(std::string_view event, std::string_view id);

 private:
  std::string opening_;  // Until the head is whole.
  bool opened_ = false;
  std::optional<ResponseAnswers> refusal_;
  std::string tag_;
};

}  // namespace bench::load
