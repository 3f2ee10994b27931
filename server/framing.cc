#include "server/framing.h"

#include "server/byte_class.h"
#include "server/field_syntax.h"
#include "server/request_target.h"

namespace bide {

void Framing::note(std::string_view name, std::string_view value) {
  if (equals_ignoring_case(name, "Host")) {
    host_.note(value);
  } else if (equals_ignoring_case(name, "Content-Length")) {
    length_.note(value);
  } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
    coding_.note(value);
  } else if (equals_ignoring_case(name, "Expect")) {
    note_expectations(value);
  }
}

void Framing::note_expectations(std::string_view value) {
  while (const auto expectation = next_part(value, ',')) {
    const bool known = equals_ignoring_case(*expectation, "100-continue");
    (known ? expects_ : expects_more_) = true;
  }
}

Refusal Framing::judge_host(bool http_1_0) const {
  if (host_.lines == 0 && !http_1_0) return {400, "no Host"};
  if (host_.lines > 1) return {400, "several Host fields"};
  // An empty one is what a client sends whose URI has no authority (RFC 9112 section 3.2).
  if (!host_.value.empty() && !is_authority(host_.value)) return {400, "malformed Host"};
  return {};
}

Refusal Framing::judge_coding(bool http_1_0) const {
  if (coding_.lines == 0) return {};
  if (http_1_0) return {400, "Transfer-Encoding in an HTTP/1.0 request"};
  if (length_.lines > 0) return {400, "Content-Length with Transfer-Encoding"};
  if (coding_.lines > 1 || !equals_ignoring_case(coding_.value, "chunked")) {
    return {400, "a Transfer-Encoding other than chunked"};
  }
  return {};
}

Refusal Framing::judge_length(BodyScan& body) const {
  if (length_.lines == 0) return {};
  if (length_.lines > 1) return {400, "several Content-Length fields"};
  const std::string_view digits = length_.value;
  if (digits.empty() || run_of(digits, kDigitByte) != digits.size()) {
    return {400, "malformed Content-Length"};
  }
  // 19 digits fit 64 bits. A longer number is refused as nonsense, so it is never computed.
  if (digits.size() > 19) return {400, "malformed Content-Length"};
  std::uint64_t bytes = 0;
  for (const char digit : digits) bytes = bytes * 10 + hex_value(digit);
  if (bytes > kBodyBytesMax) return {413, "body longer than 1 MiB"};
  body = BodyScan::of_length(static_cast<std::uint32_t>(bytes));
  return {};
}

Refusal Framing::judge(bool http_1_0, BodyScan& body) const {
  body = {};
  if (const Refusal refusal = judge_host(http_1_0)) return refusal;
  if (const Refusal refusal = judge_coding(http_1_0)) return refusal;
  if (const Refusal refusal = judge_length(body)) return refusal;
  if (coding_.lines > 0) body = BodyScan::chunked();
  if (expects_more_) return {417, "an expectation other than 100-continue"};
  return {};
}

}  // namespace bide
