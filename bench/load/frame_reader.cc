#include "bench/load/frame_reader.h"

#include <array>
#include <utility>

#include "bench/kit/address.h"

namespace bench::load {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kTwoBytes = 126;  // In place of a length: it is in the bytes behind.
constexpr std::uint8_t kEightBytes = 127;
// It keeps proxies from being fooled by what a page in a browser sends. Nobody is to be here.
constexpr std::array<std::uint8_t, 4> kMask = {0x37, 0xfa, 0x21, 0x3d};

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

bool is_control(Opcode opcode) { return opcode >= Opcode::kClose; }

}  // namespace

std::optional<Message> FrameReader::take() {
  if (!fragmented_) fragments_.clear();
  while (const std::optional<Frame> frame = take_frame()) {
    if (is_control(frame->opcode)) return Message{frame->opcode, frame->payload};
    if (frame->opcode != Opcode::kContinuation) begun_ = frame->opcode;
    if (!fragmented_ && frame->last) return Message{frame->opcode, frame->payload};
    fragments_ += frame->payload;
    fragmented_ = !frame->last;
    if (frame->last) return Message{begun_, fragments_};
  }
  buffer_.erase(0, std::exchange(taken_, 0));
  return std::nullopt;
}

std::optional<FrameReader::Frame> FrameReader::take_frame() {
  const std::string_view rest = std::string_view(buffer_).substr(taken_);
  if (rest.size() < 2) return std::nullopt;
  if ((byte_at(rest, 1) & kMasked) != 0) die("not WebSocket: the server masks its frames");
  std::uint64_t size = byte_at(rest, 1);
  const std::size_t size_bytes = size == kTwoBytes ? 2 : size == kEightBytes ? 8 : 0;
  const std::size_t head_bytes = 2 + size_bytes;
  if (rest.size() < head_bytes) return std::nullopt;
  if (size_bytes > 0) size = 0;
  for (std::size_t i = 2; i < head_bytes; ++i) size = size << 8U | byte_at(rest, i);
  if (rest.size() - head_bytes < size) return std::nullopt;
  taken_ += head_bytes + size;
  return Frame{.last = (byte_at(rest, 0) & kFin) != 0,
               .opcode = static_cast<Opcode>(byte_at(rest, 0) & 0x0fU),
               .payload = rest.substr(head_bytes, size)};
}

void append_client_frame(std::string& out, Opcode opcode, std::string_view payload) {
  out += static_cast<char>(kFin | static_cast<std::uint8_t>(opcode));
  out += static_cast<char>(kMasked | payload.size());
  for (const std::uint8_t byte : kMask) out += static_cast<char>(byte);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    out += static_cast<char>(byte_at(payload, i) ^ kMask.at(i % kMask.size()));
  }
}

}  // namespace bench::load
