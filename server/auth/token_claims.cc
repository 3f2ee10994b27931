#include "server/auth/token_claims.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <variant>

#include "core/base/json_object.h"

namespace bide {
namespace {

using Kind = JsonMember::Kind;
using std::chrono::nanoseconds;

constexpr std::size_t kClaimsDepthMax = 32;
constexpr double kSecondsMax = 253'402'300'799;        // The end of the year 9999.
constexpr double kWallTimeSecondsMax = 9'223'372'036;  // In 2262.

// RFC 7519 section 2, NumericDate.
std::optional<WallTime> time_of(const JsonMember& member) {
  if (member.kind != Kind::kNumber) return std::nullopt;
  const char* end = member.raw.data() + member.raw.size();
  double seconds = 0;
  const auto [stop, error] = std::from_chars(member.raw.data(), end, seconds);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return std::nullopt;
  if (seconds >= kWallTimeSecondsMax) return WallTime::max();
  // Converted separately: together they have more digits than a double.
  const double whole = std::floor(seconds);
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(whole)) +
                  nanoseconds(static_cast<std::int64_t>((seconds - whole) * 1e9)));
}

// False: the claim is present, but not a string.
bool read_text(const JsonMember& member, std::optional<std::string>& into) {
  if (member.kind == Kind::kAbsent) return true;
  if (member.kind != Kind::kString) return false;
  into = member.text;
  return true;
}

// Section 4.1.3: one string or several. False: the claim is present, but neither.
bool read_audiences(const JsonMember& member, std::vector<std::string>& into) {
  if (member.kind == Kind::kAbsent) return true;
  if (member.kind == Kind::kString) {
    into.push_back(member.text);
    return true;
  }
  auto list = member.kind == Kind::kArray ? parse_string_array(member.raw) : std::nullopt;
  if (!list) return false;
  into = *std::move(list);
  return true;
}

bool has_word(std::string_view words, std::string_view wanted) {
  while (!words.empty()) {
    const std::size_t end = words.find(' ');
    if (words.substr(0, end) == wanted) return true;
    words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
  }
  return false;
}

bool permits(const JsonMember& member) {
  constexpr std::string_view kPermission = "job:read";
  if (member.kind == Kind::kString) return has_word(member.text, kPermission);
  const auto list = member.kind == Kind::kArray ? parse_string_array(member.raw) : std::nullopt;
  return list && std::find(list->begin(), list->end(), kPermission) != list->end();
}

bool is_reading_role(std::string_view role) {
  return role == "admin" || role == "write" || role == "read";
}

bool has_reading_role(const JsonMember& member) {
  if (member.kind == Kind::kString) return is_reading_role(member.text);
  const auto list = member.kind == Kind::kArray ? parse_string_array(member.raw) : std::nullopt;
  return list && std::any_of(list->begin(), list->end(), is_reading_role);
}

}  // namespace

std::optional<TokenClaims> TokenClaims::parse(std::string_view payload) {
  const auto parsed = JsonObject::parse(
      payload, {"iss", "sub", "aud", "exp", "nbf", "permissions", "scope", "scp", "roles", "role"},
      kClaimsDepthMax, JsonDuplicates::kRefused);
  if (!std::holds_alternative<JsonObject>(parsed)) return std::nullopt;
  const JsonObject& object = std::get<JsonObject>(parsed);

  TokenClaims claims;
  const auto expires = time_of(object["exp"]);
  if (!expires) return std::nullopt;
  claims.expires = *expires;
  if (object["nbf"].kind != Kind::kAbsent) {
    const auto not_before = time_of(object["nbf"]);
    if (!not_before) return std::nullopt;
    claims.not_before = *not_before;
  }
  if (!read_text(object["iss"], claims.issuer) || !read_text(object["sub"], claims.subject) ||
      !read_audiences(object["aud"], claims.audiences)) {
    return std::nullopt;
  }
  // Permissions replace roles, so that the token of an administrator can be limited to some.
  bool by_permission = false;
  bool permitted = false;
  for (const std::string_view name : {"permissions", "scope", "scp"}) {
    by_permission = by_permission || object[name].kind != Kind::kAbsent;
    permitted = permitted || permits(object[name]);
  }
  claims.reads_jobs = by_permission
                          ? permitted
                          : has_reading_role(object["roles"]) || has_reading_role(object["role"]);
  return claims;
}

}  // namespace bide
