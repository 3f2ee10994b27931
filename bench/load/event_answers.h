// bench/load/event_answers.h: The events of a stream of server-sent events, as answers.
//
// Thread safety: none; one per connection.
#pragma once

#include "bench/load/chunk_reader.h"
#include "bench/load/event_reader.h"
#include "bench/load/stream_answers.h"

namespace bench::load {

class EventAnswers : public StreamAnswers {
 protected:
  [[nodiscard]] bool opens(const Response& head) const override;
  void on_stream(std::string_view bytes) override { chunks_.feed(bytes, events_.buffer()); }
  [[nodiscard]] std::optional<Answer> take_record() override;

 private:
  ChunkReader chunks_;
  EventReader events_;
};

}  // namespace bench::load
