// bench/load/frame_reader.h: Cuts what a server sends on a WebSocket into messages, and writes a
// client's frames (RFC 6455 section 5).
//
// It trusts the server: its frames are not masked, have no extensions, and continue what was begun.
//
// Thread safety: none; one per connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench::load {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

struct Message {
  Opcode opcode = Opcode::kText;  // Not kContinuation.
  std::string_view payload;       // Valid until the reader's next call.
};

class FrameReader {
 public:
  // Appends what was read.
  void feed(std::string_view bytes) { buffer_ += bytes; }
  // The next message, its fragments joined; a control frame may come between them. nullopt: not
  // here yet.
  [[nodiscard]] std::optional<Message> take();

 private:
  struct Frame {
    bool last = false;  // Of its message.
    Opcode opcode = Opcode::kContinuation;
    std::string_view payload;
  };
  [[nodiscard]] std::optional<Frame> take_frame();

  std::string buffer_;
  std::size_t taken_ = 0;  // Of the buffer.
  std::string fragments_;
  Opcode begun_ = Opcode::kText;  // What the fragments are.
  bool fragmented_ = false;
};

// A whole message of at most 125 bytes in one frame, masked as a client's has to be.
void append_client_frame(std::string& out, Opcode opcode, std::string_view payload);

}  // namespace bench::load
