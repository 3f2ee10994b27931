#include "server/auth/signed_token.h"

#include <utility>
#include <variant>

#include "core/base/base64.h"
#include "core/base/json_object.h"

namespace bide {
namespace {

using Kind = JsonMember::Kind;

constexpr std::size_t kHeaderDepthMax = 16;

bool read_header(std::string_view text, SignedToken& token) {
  const auto parsed =
      JsonObject::parse(text, {"alg", "kid", "crit"}, kHeaderDepthMax, JsonDuplicates::kRefused);
  if (!std::holds_alternative<JsonObject>(parsed)) return false;
  const JsonObject& header = std::get<JsonObject>(parsed);
  if (header["crit"].kind != Kind::kAbsent || header["alg"].kind != Kind::kString) return false;
  const auto algorithm = find_signing_algorithm(header["alg"].text);
  if (!algorithm) return false;
  token.algorithm = *algorithm;
  if (header["kid"].kind == Kind::kString) token.key_name = header["kid"].text;
  return header["kid"].kind == Kind::kAbsent || token.key_name;
}

}  // namespace

std::optional<SignedToken> SignedToken::parse(std::string_view token) {
  // A third dot is not base64url, so the signature with it is refused.
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;

  SignedToken parts;
  parts.signed_text = token.substr(0, second);
  const auto header = decode_base64url(token.substr(0, first));
  if (!header || !read_header(*header, parts)) return std::nullopt;
  auto payload = decode_base64url(token.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(token.substr(second + 1));
  if (!payload || !signature) return std::nullopt;
  parts.payload = *std::move(payload);
  parts.signature = *std::move(signature);
  return parts;
}

}  // namespace bide
