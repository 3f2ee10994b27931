#include "client/job_page.h"

#include <utility>

#include "core/base/json_object.h"

namespace bide {

std::optional<JobPage> page_of(std::string body) {
  JobPage page;
  page.body = std::move(body);
  const auto parsed = JsonObject::parse(page.body, {"items", "total_items", "total_exact", "next"},
                                        kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr || (*object)["items"].kind != JsonMember::Kind::kArray) return std::nullopt;
  page.items = split_json_array((*object)["items"].raw).value_or(std::vector<std::string_view>());
  page.total = (*object)["total_items"].raw;
  page.total_exact = (*object)["total_exact"].raw != "false";
  page.next = (*object)["next"].text;
  return page;
}

DocumentReply fetch(HttpConnection& connection, const std::string& target,
                    std::chrono::milliseconds patience) {
  auto response = connection.exchange({.method = "GET",
                                       .target = target,
                                       .fields = {{"Accept", "application/json"}},
                                       .patience = patience});
  if (auto* const refusal = std::get_if<ServerRefusal>(&response)) return std::move(*refusal);
  if (auto* const trouble = std::get_if<Trouble>(&response)) return std::move(*trouble);
  return interpret_document(std::get<RawReply>(std::move(response)));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 0xF];
  }
  return encoded;
}

}  // namespace bide
