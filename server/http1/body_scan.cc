#include "server/http1/body_scan.h"

#include <algorithm>
#include <optional>

#include "server/http/byte_class.h"

namespace bide {
namespace {

using State = BodyScan::State;

// Eight digits cannot overflow 32 bits. More are of use only to trick parsers that overflow.
constexpr std::uint8_t kSizeDigitsMax = 8;
constexpr const char* kBadSize = "malformed chunk size";

// The next state within chunk extensions; nullopt: `byte` may not stand there.
//
//   chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//   chunk-ext-val = token / quoted-string
//
// To the letter of RFC 9112 section 7.1.1, because two parsers that guess differently about the
// rest see a line end in different places. White space before the line end is not in the grammar.
std::optional<State> after_extension_byte(char byte, State state) {
  const bool space = byte == ' ' || byte == '\t';
  switch (state) {
    case State::kSizeSpace:
      if (byte == ';') return State::kNameStart;
      return space ? std::optional(State::kSizeSpace) : std::nullopt;
    case State::kNameStart:
      if (is(byte, kTokenByte)) return State::kName;
      return space ? std::optional(State::kNameStart) : std::nullopt;
    case State::kName:
      if (is(byte, kTokenByte)) return State::kName;
      [[fallthrough]];
    case State::kNameSpace:
      if (byte == '=') return State::kValueStart;
      if (byte == ';') return State::kNameStart;
      return space ? std::optional(State::kNameSpace) : std::nullopt;
    case State::kValueStart:
      if (is(byte, kTokenByte)) return State::kToken;
      if (byte == '"') return State::kQuoted;
      return space ? std::optional(State::kValueStart) : std::nullopt;
    case State::kQuoted:
      if (byte == '"') return State::kQuoteEnd;
      if (byte == '\\') return State::kEscaped;
      [[fallthrough]];
    case State::kEscaped:
      return is(byte, kFieldByte) ? std::optional(State::kQuoted) : std::nullopt;
    case State::kToken:
      if (is(byte, kTokenByte)) return State::kToken;
      [[fallthrough]];
    default:  // kQuoteEnd and kValueSpace.
      if (byte == ';') return State::kNameStart;
      return space ? std::optional(State::kValueSpace) : std::nullopt;
  }
}

bool may_end_extensions(State state) {
  return state == State::kName || state == State::kToken || state == State::kQuoteEnd;
}

// Bytes between a size and its line end. Their meaning is ignored; their number has a limit.
Refusal take_extension(char byte, BodyScan& scan) {
  if (byte == '\r' && may_end_extensions(scan.state)) {
    scan.state = State::kSizeLf;
    return {};
  }
  const std::optional<State> next = after_extension_byte(byte, scan.state);
  if (!next) {
    return bad_byte(byte, scan.state == State::kSizeSpace ? kBadSize : "malformed chunk extension");
  }
  if (scan.extension_bytes == kChunkExtensionBytesMax) return {413, "too many chunk extensions"};
  ++scan.extension_bytes;
  scan.state = *next;
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
    case State::kNameStart:
    case State::kName:
    case State::kNameSpace:
    case State::kValueStart:
    case State::kToken:
    case State::kQuoted:
    case State::kEscaped:
    case State::kQuoteEnd:
    case State::kValueSpace:
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

// Memory grows by doubling, but not beyond the end that Content-Length announces: it may take twice
// the content otherwise. The end of a chunk is no bound: there may be many small ones, and each
// would cause a growth.
void append(std::string_view bytes, const BodyScan& scan, std::string& content) {
  const std::size_t whole = content.size() + scan.left;
  if (scan.state == State::kLength && content.size() + bytes.size() > content.capacity() &&
      whole < 2 * content.capacity()) {
    std::string grown;
    grown.reserve(whole);
    grown = content;
    content.swap(grown);
  }
  content += bytes;
}

std::size_t take_content(std::string_view fresh, BodyScan& scan, State next, std::string* content) {
  const std::size_t taken = std::min<std::size_t>(fresh.size(), scan.left);
  if (content != nullptr) append(fresh.substr(0, taken), scan, *content);
  scan.left -= static_cast<std::uint32_t>(taken);
  if (scan.left == 0) scan.state = next;
  return taken;
}

Taken step(std::string_view fresh, BodyScan& scan, FieldSectionScan& trailers,
           std::string* content) {
  if (scan.state == State::kLength) return {take_content(fresh, scan, State::kDone, content), {}};
  if (scan.state == State::kData) return {take_content(fresh, scan, State::kDataCr, content), {}};
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

Taken scan_body(std::string_view fresh, BodyScan& scan, FieldSectionScan& trailers,
                std::string* content) {
  std::size_t taken = 0;
  while (taken < fresh.size() && !scan.done()) {
    const Taken part = step(fresh.substr(taken), scan, trailers, content);
    taken += part.bytes;
    if (part.refusal) return {taken, part.refusal};
  }
  return {taken, {}};
}

}  // namespace bide
