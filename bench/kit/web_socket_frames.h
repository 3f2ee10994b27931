// bench/kit/web_socket_frames.h: The frames of RFC 6455 section 5 as a client writes and reads
// them, one at a time: for the benches, and for the tests, which also write wrong ones.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

// The key of section 1.3, and the value that a server makes of it.
inline constexpr std::string_view kSampleKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kSampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

enum class Opcode : std::uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xA
};

inline constexpr std::uint64_t kAsManyAsThereAre = ~std::uint64_t{0};

// Everything of a frame but its payload. The defaults make a whole, valid frame.
struct FrameHead {
  bool fin = true;
  unsigned reserved = 0;  // RSV1 is 4, RSV2 is 2, RSV3 is 1.
  bool masked = true;
  std::string_view mask_key = "\x37\xfa\x21\x3d";
  std::uint64_t announced_bytes = kAsManyAsThereAre;
  unsigned length_bytes = 0;  // 2 or 8; 0: the shortest form.
};

inline std::string client_frame(unsigned opcode, std::string_view payload, FrameHead head = {}) {
  const std::uint64_t bytes =
      head.announced_bytes == kAsManyAsThereAre ? payload.size() : head.announced_bytes;
  unsigned length_bytes = head.length_bytes;
  if (length_bytes == 0) length_bytes = bytes < 126 ? 0 : bytes < 65'536 ? 2 : 8;
  const unsigned length = length_bytes == 0   ? static_cast<unsigned>(bytes)
                          : length_bytes == 2 ? 126
                                              : 127;
  std::string frame;
  frame += static_cast<char>((head.fin ? 0x80U : 0U) | head.reserved << 4U | opcode);
  frame += static_cast<char>((head.masked ? 0x80U : 0U) | length);
  for (unsigned i = length_bytes; i > 0; --i) frame += static_cast<char>(bytes >> 8 * (i - 1));
  if (!head.masked) return frame.append(payload);
  frame += head.mask_key;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(payload[i] ^ head.mask_key[i % 4]);
  }
  return frame;
}

inline std::string client_frame(Opcode opcode, std::string_view payload, FrameHead head = {}) {
  return client_frame(static_cast<unsigned>(opcode), payload, head);
}

struct ServerFrame {
  Opcode opcode = Opcode::kContinuation;
  bool fin = true;
  std::string_view payload;
  std::size_t bytes = 0;  // Of the whole frame.
};

// The first frame in `bytes`; nullopt: it is not complete. Throws std::runtime_error for a frame
// that no server may send: a mask, reserved bits, a length that is not in its shortest form.
inline std::optional<ServerFrame> parse_server_frame(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  if ((byte(0) & 0x70U) != 0 || (byte(1) & 0x80U) != 0) {
    throw std::runtime_error("server frame: mask or reserved bits");
  }
  std::uint64_t payload_bytes = byte(1);
  const std::size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes == 126 ? 2 : 8;
  const std::size_t head_bytes = 2 + length_bytes;
  if (bytes.size() < head_bytes) return std::nullopt;
  if (length_bytes > 0) {
    payload_bytes = 0;
    for (std::size_t i = 2; i < head_bytes; ++i) payload_bytes = payload_bytes << 8U | byte(i);
    if (payload_bytes < (length_bytes == 2 ? 126U : 65'536U)) {
      throw std::runtime_error("server frame: length is not in its shortest form");
    }
  }
  if (bytes.size() - head_bytes < payload_bytes) return std::nullopt;
  return ServerFrame{.opcode = static_cast<Opcode>(byte(0) & 0x0FU),
                     .fin = (byte(0) & 0x80U) != 0,
                     .payload = bytes.substr(head_bytes, payload_bytes),
                     .bytes = head_bytes + payload_bytes};
}

}  // namespace bench
