// bench/load/frame_reader.h: Splits the bytes of a WebSocket's server into messages (RFC 6455
// section 5.4). It trusts the server to continue a message that it has begun.
//
// Thread safety: none; one per connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/kit/web_socket_frames.h"

namespace bench::load {

struct Message {
  Opcode opcode = Opcode::kText;  // Not kContinuation.
  std::string_view payload;       // Valid until the reader's next call.
};

class FrameReader {
 public:
  // Appends the bytes that were read.
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next message, its fragments joined; a control frame may come between them. nullopt: not
  // here yet.
  [[nodiscard]] std::optional<Message> take();

 private:
  [[nodiscard]] std::optional<ServerFrame> take_frame();

  std::string buffer_;
  std::size_t taken_ = 0;  // Of the buffer.
  std::string fragments_;
  Opcode begun_ = Opcode::kText;  // What the fragments are.
  bool fragmented_ = false;
};

}  // namespace bench::load
