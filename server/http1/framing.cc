#include "server/http1/framing.h"

#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"
#include "server/http/request_target.h"

namespace bide {
namespace {

// transfer-coding = token *( OWS ";" OWS transfer-parameter ), RFC 9110 section 10.1.4.
bool is_transfer_coding(std::string_view text) {
  const std::size_t name_bytes = run_of(text, kTokenByte);
  if (name_bytes == 0) return false;
  std::string_view parameters = trim_ows(text.substr(name_bytes));
  if (parameters.empty()) return true;
  if (!parameters.starts_with(';')) return false;
  while (const auto part = next_part(parameters, ';')) {
    const Parameter parameter = split_parameter(*part);
    if (!is_token(parameter.name) || !unquote(parameter.value)) return false;
  }
  return true;
}

// RFC 9112 section 6.1 wants 501 for a coding that is not understood, section 6.3 wants 400 if
// `chunked` is not the last one. Empty members of the list are malformed, too: lenient parsers have
// disagreed about them.
Refusal judge_codings(std::string_view list) {
  bool chunked = false;
  bool other = false;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    more = comma != std::string_view::npos;
    const std::string_view coding = trim_ows(list.substr(0, comma));
    if (more) list.remove_prefix(comma + 1);
    if (!is_transfer_coding(coding)) return {400, "malformed Transfer-Encoding"};
    if (chunked) return {400, "a transfer coding behind chunked"};
    const std::string_view name = coding.substr(0, run_of(coding, kTokenByte));
    chunked = equals_ignoring_case(name, "chunked");
    if (chunked && name.size() != coding.size()) return {400, "chunked has no parameters"};
    other = other || !chunked;
  }
  if (other) return {501, "a transfer coding other than chunked"};
  return {};
}

}  // namespace

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
  // A client whose URI has no authority sends an empty Host (RFC 9112 section 3.2).
  if (!host_.value.empty() && !is_authority(host_.value)) return {400, "malformed Host"};
  return {};
}

Refusal Framing::judge_coding(bool http_1_0) const {
  if (coding_.lines == 0) return {};
  if (http_1_0) return {400, "Transfer-Encoding in an HTTP/1.0 request"};
  if (length_.lines > 0) return {400, "Content-Length with Transfer-Encoding"};
  // RFC 9110 section 5.3 reads several lines as one list. They have been used to hide one of them
  // from a proxy.
  if (coding_.lines > 1) return {400, "several Transfer-Encoding fields"};
  return judge_codings(coding_.value);
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
