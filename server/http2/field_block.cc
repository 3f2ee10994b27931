#include "server/http2/field_block.h"

#include <utility>

#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"
#include "server/http/request_fields.h"
#include "server/http/request_target.h"

namespace bide {

void FieldBlock::begin() {
  if (request_ == nullptr) request_ = std::make_unique<http::Request>();
  request_->headers.clear();
  request_->body.clear();
  method_.clear();
  path_.clear();
  authority_.reset();
  host_.reset();
  bytes_ = fields_ = 0;
  expects_continue_ = false;
  refusal_ = {};
}

void FieldBlock::take(std::string_view name, std::string_view value) {
  constexpr std::size_t kFieldOverhead = 32;
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > kHeadBytesMax) refuse({431, "head longer than 24576 bytes"});
  const bool pseudo = name.starts_with(':');
  if (!pseudo && ++fields_ > kFieldsMax) refuse({431, "more than 100 fields"});
  if (refusal_) return;
  if (pseudo) return take_pseudo(name, value);
  if (name == "host") {
    if (host_) refuse({400, "several Host fields"});
    host_ = value;
  } else if (name == "content-length") {
    take_length(value);
  } else if (name == "expect") {
    if (!equals_ignoring_case(value, "100-continue")) {
      refuse({417, "an expectation other than 100-continue"});
    }
    expects_continue_ = true;
  }
  if (!is_kept(name)) return;
  if (name == "cookie") {
    const auto cookie = request_->headers.find(name);
    if (cookie != request_->headers.end()) {
      cookie->second.append("; ").append(value);
      return;
    }
  }
  request_->headers.emplace(name, trim_ows(value));
}

void FieldBlock::take_pseudo(std::string_view name, std::string_view value) {
  if (name == ":method") {
    if (value.size() > kMethodBytesMax) return refuse({501, "method longer than any known"});
    method_ = value;
  } else if (name == ":path") {
    if (value.size() > kTargetBytesMax) {
      return refuse({414, "request target longer than 12288 bytes"});
    }
    path_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  }
}

// nghttp2 holds the content against it.
void FieldBlock::take_length(std::string_view value) {
  constexpr std::size_t kDigitsMax = 19;
  if (value.size() > kDigitsMax) return refuse({400, "malformed Content-Length"});
  std::uint64_t bytes = 0;
  for (const char digit : value) bytes = bytes * 10 + hex_value(digit);
  if (bytes > kBodyBytesMax) refuse({413, "body longer than 1 MiB"});
}

Refusal FieldBlock::finish(bool ended) {
  if (refusal_) return refusal_;
  if (method_ == "CONNECT") return {501, "CONNECT is not served"};
  // RFC 9113 section 8.3.1: no authority in the path.
  if (!path_.starts_with('/') && path_ != "*") return {400, "malformed request target"};
  RequestTarget target;
  if (const Refusal refusal = take_target(method_, path_, target, *request_)) return refusal;
  request_->version = "HTTP/2";
  // Section 8.3.1: a proxy and we must not disagree about whose request it is.
  if (authority_ && host_ && !equals_ignoring_case(*authority_, *host_)) {
    return {400, "Host differs from :authority"};
  }
  if (authority_) host_ = std::move(authority_);
  if (host_ && !host_->empty() && !is_authority(*host_)) return {400, "malformed :authority"};
  if (host_ && request_->has_header("Origin")) request_->headers.emplace("Host", *host_);
  expects_continue_ = expects_continue_ && !ended;
  return {};
}

std::size_t FieldBlock::kept_bytes() const {
  return request_ == nullptr ? 0 : sizeof *request_ + bytes_;
}

void FieldBlock::drop() {
  request_.reset();
  method_ = {};
  path_ = {};
  authority_.reset();
  host_.reset();
  bytes_ = 0;
}

}  // namespace bide
