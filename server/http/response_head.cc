#include "server/http/response_head.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"
#include "server/http/http_date.h"
#include "server/http/reason_phrase.h"

namespace bide {
namespace {

bool is_interim(int status) { return status >= 100 && status < 200; }
bool has_content(int status) { return !is_interim(status) && status != 204 && status != 304; }

bool is_one_of(std::string_view name, const auto& names) {
  return std::any_of(names.begin(), names.end(),
                     [name](std::string_view other) { return equals_ignoring_case(name, other); });
}

bool is_ours(std::string_view name, int status) {
  constexpr std::array<std::string_view, 3> kFraming = {"Date", "Content-Length",
                                                        "Transfer-Encoding"};
  if (is_one_of(name, kFraming)) return true;
  // 101 says `Connection: Upgrade` on the handler's word.
  return equals_ignoring_case(name, "Connection") && !is_interim(status);
}

bool is_wanted(std::string_view name, int status) {
  if (is_ours(name, status)) return false;
  return has_content(status) || !equals_ignoring_case(name, "Content-Type");
}

// `upgrade`: there is an Upgrade field, which RFC 9110 section 7.8 wants named here.
void append_connection(std::string& out, const Delivery& delivery, bool upgrade) {
  const std::string_view life = delivery.close ? "close" : delivery.http_1_0 ? "keep-alive" : "";
  if (life.empty() && !upgrade) return;
  out.append("Connection: ").append(life);
  if (upgrade) out += life.empty() ? "Upgrade" : ", Upgrade";
  out += "\r\n";
}

// Status line and all fields but those that frame the body.
void append_fields(std::string& out, const http::Response& response, const Delivery& delivery) {
  const int status = response.status;
  assert(status >= 100 && status <= 599);
  // Our own version, whatever the client's: RFC 9110 section 6.2.
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(reason_phrase(status)).append("\r\n");
  if (!is_interim(status)) {
    out.append("Date: ").append(http_date_now()).append("\r\n");
    append_connection(out, delivery, response.has_header("Upgrade"));
  }
  for (const auto& [name, value] : response.headers) {
    if (is_wanted(name, status)) append_field(out, name, value);
  }
  out += kNoSniffing;
  out += delivery.further_fields;
}

}  // namespace

bool has_body(int status, const Delivery& delivery) {
  return has_content(status) && !delivery.head_only;
}

void append_head(std::string& out, const http::Response& response, std::size_t body_bytes,
                 const Delivery& delivery) {
  const int status = response.status;
  append_fields(out, response, delivery);
  if (has_content(status)) {
    out.append("Content-Length: ").append(std::to_string(body_bytes)).append("\r\n");
  }
  out.append("\r\n");
}

void append_stream_head(std::string& out, const http::Response& response,
                        std::string_view further_fields) {
  append_fields(out, response, {.close = true, .further_fields = further_fields});
  if (has_content(response.status) && response.get_header_value("Transfer-Encoding") == "chunked") {
    out += "Transfer-Encoding: chunked\r\n";
  }
  out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  assert(is_token(name));
  if (!is_token(name)) return;
  out.append(name).append(": ");
  const std::size_t begin = out.size();
  out.append(value);
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
      [](char byte) { return !is(byte, kFieldByte); }, ' ');
  out.append("\r\n");
}

}  // namespace bide
