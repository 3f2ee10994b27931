#include "server/body_scan.h"

#include <algorithm>

#include "server/byte_class.h"

namespace bide {
namespace {

using State = BodyScan::State;

// Eight digits cannot overflow 32 bits, and a ninth serves nothing but tricks with parsers that do.
constexpr std::uint8_t kSizeDigitsMax = 8;
constexpr const char* kBadSize = "malformed chunk size";

// A quote that is open hides a line end from a parser that minds quotes, so it must be closed.
State after_extension_byte(char byte, State state) {
  if (state == State::kEscaped) return State::kQuoted;
  if (byte == '"') return state == State::kQuoted ? State::kExtension : State::kQuoted;
  return byte == '\\' && state == State::kQuoted ? State::kEscaped : state;
}

// Bytes between a size and its line end. Their meaning is nobody's here; their number is bounded.
Refusal take_extension(char byte, BodyScan& scan) {
  if (byte == '\r' && scan.state == State::kExtension) {
    scan.state = State::kSizeLf;
    return {};
  }
  if (scan.state == State::kSizeSpace && byte != ' ' && byte != '\t') {
    // Section 7.1.1 suffers bad white space before a `;`, and nowhere else.
    if (byte != ';') return bad_byte(byte, kBadSize);
    scan.state = State::kExtension;
  }
  if (!is(byte, kFieldByte)) return bad_byte(byte, "malformed chunk extension");
  if (scan.extension_bytes == kChunkExtensionBytesMax) return {413, "too many chunk extensions"};
  ++scan.extension_bytes;
  scan.state = after_extension_byte(byte, scan.state);
  return {};
}

Refusal end_size(char byte, BodyScan& scan) {
  if (scan.digits == 0) return bad_byte(byte, kBadSize);
  if (scan.left > kBodyBytesMax - scan.content_bytes) return {413, "body longer than 1 MiB"};
  scan.content_bytes += scan.left;
  scan.state = byte == '\r' ? State::kSizeLf : State::kSizeSpace;
  return byte == '\r' ? Refusal{} : take_extension(byte, scan);
}

Refusal take_size(char byte, BodyScan& scan) {
  if (!is(byte, kHexByte)) return end_size(byte, scan);
  if (scan.digits == kSizeDigitsMax) return {400, kBadSize};
  ++scan.digits;
  scan.left = scan.left * 16 + hex_value(byte);
  return {};
}

Refusal take_line_byte(char byte, char wanted, BodyScan& scan, State next) {
  if (byte != wanted) return {400, "chunk without CR LF where it must have one"};
  scan.state = next;
  return {};
}

Refusal take_byte(char byte, BodyScan& scan) {
  switch (scan.state) {
    case State::kSize:
      return take_size(byte, scan);
    case State::kSizeSpace:
    case State::kExtension:
    case State::kQuoted:
    case State::kEscaped:
      return take_extension(byte, scan);
    case State::kSizeLf:
      return take_line_byte(byte, '\n', scan, scan.left == 0 ? State::kTrailers : State::kData);
    case State::kDataCr:
      return take_line_byte(byte, '\r', scan, State::kDataLf);
    case State::kDataLf:
      scan.digits = 0;
      return take_line_byte(byte, '\n', scan, State::kSize);
    case State::kLength:
    case State::kData:
    case State::kTrailers:
    case State::kDone:
      break;
  }
  return {};
}

std::size_t skip_content(std::size_t available, BodyScan& scan, State next) {
  const std::size_t taken = std::min<std::size_t>(available, scan.left);
  scan.left -= static_cast<std::uint32_t>(taken);
  if (scan.left == 0) scan.state = next;
  return taken;
}

Taken step(std::string_view fresh, BodyScan& scan, FieldSectionScan& trailers) {
  if (scan.state == State::kLength) return {skip_content(fresh.size(), scan, State::kDone), {}};
  if (scan.state == State::kData) return {skip_content(fresh.size(), scan, State::kDataCr), {}};
  if (scan.state != State::kTrailers) {
    const Refusal refusal = take_byte(fresh.front(), scan);
    if (scan.state == State::kTrailers) trailers.reopen();
    return {1, refusal};
  }
  const Taken taken = scan_fields(fresh, trailers);
  if (trailers.done()) scan.state = State::kDone;
  return taken;
}

}  // namespace

BodyScan BodyScan::of_length(std::uint32_t bytes) {
  BodyScan scan;
  scan.left = bytes;
  scan.state = bytes == 0 ? State::kDone : State::kLength;
  return scan;
}

BodyScan BodyScan::chunked() {
  BodyScan scan;
  scan.state = State::kSize;
  return scan;
}

Taken scan_body(std::string_view fresh, BodyScan& scan, FieldSectionScan& trailers) {
  std::size_t taken = 0;
  while (taken < fresh.size() && !scan.done()) {
    const Taken part = step(fresh.substr(taken), scan, trailers);
    taken += part.bytes;
    if (part.refusal) return {taken, part.refusal};
  }
  return {taken, {}};
}

}  // namespace bide
