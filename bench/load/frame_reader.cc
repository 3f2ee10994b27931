#include "bench/load/frame_reader.h"

#include <stdexcept>
#include <utility>

#include "bench/kit/address.h"

namespace bench::load {
namespace {

bool is_control(Opcode opcode) { return opcode >= Opcode::kClose; }

}  // namespace

std::optional<Message> FrameReader::take() {
  if (!fragmented_) fragments_.clear();
  while (const std::optional<ServerFrame> frame = take_frame()) {
    if (is_control(frame->opcode)) return Message{frame->opcode, frame->payload};
    if (frame->opcode != Opcode::kContinuation) begun_ = frame->opcode;
    if (!fragmented_ && frame->fin) return Message{frame->opcode, frame->payload};
    fragments_ += frame->payload;
    fragmented_ = !frame->fin;
    if (frame->fin) return Message{begun_, fragments_};
  }
  buffer_.erase(0, std::exchange(taken_, 0));
  return std::nullopt;
}

std::optional<ServerFrame> FrameReader::take_frame() {
  try {
    const auto frame = parse_server_frame(std::string_view(buffer_).substr(taken_));
    if (frame) taken_ += frame->bytes;
    return frame;
  } catch (const std::runtime_error& error) {
    die(std::string("not WebSocket: ") + error.what());
  }
}

}  // namespace bench::load
