// bench/load/stream_answers.h: Makes answers of the records of streams: server-sent events and
// WebSocket messages, which have the same names.
//
// Thread safety: none; one per connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench/kit/response_reader.h"
#include "bench/load/answer_reader.h"
#include "bench/load/event_reader.h"
#include "bench/load/frame_reader.h"

namespace bench::load {

// The part that both have in common: a response's head that opens the stream or refuses it, and the
// answer in a record.
class StreamAnswers : public AnswerReader {
 public:
  void feed(std::string_view bytes) final;
  [[nodiscard]] std::optional<Answer> take() final;

 protected:
  // Whether a response with this head is followed by the stream. Otherwise it is one like any.
  [[nodiscard]] virtual bool opens(const Response& head) const = 0;
  virtual void on_stream(std::string_view bytes) = 0;
  [[nodiscard]] virtual std::optional<Answer> take_record() = 0;
  // The answer in a record, whose `id` is the opaque tag of its state.
  [[nodiscard]] Answer answer_to(std::string_view event, std::string_view id);

 private:
  std::string opening_;  // Until the head is whole.
  bool opened_ = false;
  std::optional<ResponseAnswers> refusal_;
  std::string tag_;
};

class EventAnswers : public StreamAnswers {
 protected:
  [[nodiscard]] bool opens(const Response& head) const override;
  void on_stream(std::string_view bytes) override { chunks_.feed(bytes, events_.buffer()); }
  [[nodiscard]] std::optional<Answer> take_record() override;

 private:
  ChunkReader chunks_;
  EventReader events_;
};

class SocketAnswers : public StreamAnswers {
 public:
  // Pongs, and the closing frame.
  [[nodiscard]] std::string take_replies() override { return std::exchange(replies_, {}); }

 protected:
  [[nodiscard]] bool opens(const Response& head) const override;
  void on_stream(std::string_view bytes) override { frames_.feed(bytes); }
  [[nodiscard]] std::optional<Answer> take_record() override;

 private:
  [[nodiscard]] Answer on_text(std::string_view record);
  [[nodiscard]] Answer on_close(std::string_view payload);

  FrameReader frames_;
  std::string replies_;
  std::optional<Answer> ending_;  // `end` or `gone`: the answer once the server has closed.
};

}  // namespace bench::load
