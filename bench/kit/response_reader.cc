#include "bench/kit/response_reader.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "bench/kit/address.h"

namespace bench {
namespace {

// 204 and 304 have no body, whatever Content-Length says (RFC 9112 section 6.3).
std::size_t body_bytes_of(const Response& response) {
  if (response.status == 204 || response.status == 304) return 0;
  const std::string_view length = response.field("Content-Length");
  std::size_t bytes = 0;
  const auto parsed = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (parsed.ec != std::errc())
    die("a response without Content-Length: " + std::string(response.head));
  return bytes;
}

}  // namespace

std::string_view Response::field(std::string_view name) const {
  for (std::size_t line = head.find("\r\n"); line + 2 < head.size();
       line = head.find("\r\n", line + 2)) {
    const std::string_view rest = head.substr(line + 2);
    if (rest.size() <= name.size() || rest[name.size()] != ':') continue;
    if (::strncasecmp(rest.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = rest.substr(name.size() + 1, rest.find("\r\n") - name.size() - 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
  }
  return {};
}

std::optional<Response> parse_head(std::string_view bytes) {
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) return std::nullopt;
  Response response;
  response.head = bytes.substr(0, head_end + 4);
  if (!response.head.starts_with("HTTP/1.1 ")) {
    die("not HTTP/1.1: " + std::string(bytes.substr(0, 80)));
  }
  std::from_chars(response.head.data() + 9, response.head.data() + 12, response.status);
  return response;
}

std::optional<Response> parse_response(std::string_view bytes) {
  std::optional<Response> response = parse_head(bytes);
  if (!response) return std::nullopt;
  const std::size_t size = body_bytes_of(*response);
  if (bytes.size() < response->head.size() + size) return std::nullopt;
  response->body = bytes.substr(response->head.size(), size);
  return response;
}

std::optional<Response> ResponseReader::take() {
  buffer_.erase(0, std::exchange(taken_, 0));
  const std::optional<Response> response = parse_response(buffer_);
  if (response) taken_ = response->head.size() + response->body.size();
  return response;
}

}  // namespace bench
