#include "server/http1/request_line.h"

#include "server/http/byte_class.h"

namespace bide {
namespace {

using LineState = RequestLineScan::State;

// `0` stands for any digit. The name is case-sensitive (RFC 9112 section 2.3).
constexpr std::string_view kVersionShape = "HTTP/0.0";

struct TokenRule {
  ByteClass bytes;
  std::size_t bytes_max;
  Refusal too_long;
  const char* malformed;
  LineState next;
};
constexpr TokenRule kMethod = {kTokenByte,
                               kMethodBytesMax,
                               {501, "method longer than any known"},
                               "malformed method",
                               LineState::kTarget};
constexpr TokenRule kTarget = {kVisibleByte,
                               kTargetBytesMax,
                               {414, "request target longer than 12288 bytes"},
                               "malformed request target",
                               LineState::kVersion};

void begin_token(RequestLineScan& scan, LineState state) {
  scan.state = state;
  scan.token_begin = scan.bytes;
}

// A method or a target: a run of bytes, ended by exactly one space.
Refusal scan_token(std::string_view input, RequestLineScan& scan, const TokenRule& rule) {
  const std::size_t room = rule.bytes_max + 1 - (scan.bytes - scan.token_begin);
  const std::size_t run = run_of(input.substr(scan.bytes, room), rule.bytes);
  scan.bytes = static_cast<std::uint16_t>(scan.bytes + run);
  const std::size_t length = scan.bytes - scan.token_begin;
  if (length > rule.bytes_max) return rule.too_long;
  if (scan.bytes == input.size()) return {};
  if (input[scan.bytes] != ' ' || length == 0) return bad_byte(input[scan.bytes], rule.malformed);
  ++scan.bytes;
  begin_token(scan, rule.next);
  return {};
}

bool fits_version(char byte, std::size_t place) {
  return kVersionShape[place] == '0' ? is(byte, kDigitByte) : byte == kVersionShape[place];
}

Refusal scan_version(std::string_view input, RequestLineScan& scan) {
  const char byte = input[scan.bytes];
  const std::size_t place = scan.bytes - scan.token_begin;
  if (place < kVersionShape.size()) {
    if (!fits_version(byte, place)) return bad_byte(byte, "malformed HTTP version");
    ++scan.bytes;
    return {};
  }
  if (byte != '\r') return bad_byte(byte, "malformed HTTP version");
  const std::string_view version = input.substr(scan.token_begin, kVersionShape.size());
  if (!version.starts_with("HTTP/1.")) return {505, "only HTTP/1.0 and HTTP/1.1"};
  ++scan.bytes;
  scan.state = LineState::kLf;
  return {};
}

Refusal scan_lf(std::string_view input, RequestLineScan& scan, LineState next) {
  if (input[scan.bytes] != '\n') return kBareCr;
  ++scan.bytes;
  begin_token(scan, next);
  return {};
}

Refusal step(std::string_view input, RequestLineScan& scan) {
  switch (scan.state) {
    case LineState::kStart:
      if (input.front() != '\r') {
        begin_token(scan, LineState::kMethod);
        return {};
      }
      ++scan.bytes;
      scan.state = LineState::kStartLf;
      return {};
    case LineState::kStartLf:
      return scan_lf(input, scan, LineState::kMethod);
    case LineState::kMethod:
      return scan_token(input, scan, kMethod);
    case LineState::kTarget:
      return scan_token(input, scan, kTarget);
    case LineState::kVersion:
      return scan_version(input, scan);
    case LineState::kLf:
      return scan_lf(input, scan, LineState::kDone);
    case LineState::kDone:
      break;
  }
  return {};
}

}  // namespace

Refusal scan_request_line(std::string_view input, RequestLineScan& scan) {
  while (!scan.done() && scan.bytes < input.size()) {
    if (const Refusal refusal = step(input, scan)) return refusal;
  }
  return {};
}

}  // namespace bide
