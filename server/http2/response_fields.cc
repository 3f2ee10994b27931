#include "server/http2/response_fields.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ascii.h"

namespace bide {
namespace {

bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames = {"connection", "keep-alive",
                                                      "transfer-encoding", "upgrade"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Differs from response to response, so it would only push others out of the table.
bool is_worth_indexing(std::string_view name) { return name != "bide-waited"; }

std::uint8_t* bytes_of(std::string_view text) {
  // nghttp2 reads only, but has no const for it.
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  const auto flags = is_worth_indexing(name) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX;
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          static_cast<std::uint8_t>(flags)};
}

}  // namespace

std::span<const nghttp2_nv> fields_of(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::string_view kLineEnd = "\r\n";
  thread_local std::string text;
  thread_local std::vector<nghttp2_nv> fields;
  text = head;
  fields.clear();
  std::string_view rest = text;
  fields.push_back(pair_of(":status", rest.substr(kVersion.size(), 3)));
  rest.remove_prefix(rest.find(kLineEnd) + kLineEnd.size());
  while (!rest.starts_with(kLineEnd)) {
    const std::size_t colon = rest.find(':');
    const std::size_t end = rest.find(kLineEnd, colon);
    char* const name = text.data() + (rest.data() - text.data());
    std::transform(name, name + colon, name, [](char byte) { return lower_case(byte); });
    constexpr std::size_t kSeparator = 2;  // `: `
    const std::string_view value = rest.substr(colon + kSeparator, end - colon - kSeparator);
    const std::string_view lower = rest.substr(0, colon);
    if (!is_of_connection(lower)) fields.push_back(pair_of(lower, value));
    rest.remove_prefix(end + kLineEnd.size());
  }
  return fields;
}

}  // namespace bide
