// bench/load/socket_answers.h: The messages of a WebSocket, as answers.
//
// Thread safety: none; one per connection.
#pragma once

#include <utility>

#include "bench/load/frame_reader.h"
#include "bench/load/stream_answers.h"

namespace bench::load {

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
