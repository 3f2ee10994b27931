#include "server/auth/token_claims.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <system_error>
#include <variant>

#include "core/base/json_object.h"
#include "server/auth/authority.h"

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

// Whether a list, or a text of words, has one of `wanted`.
bool has_one_of(const JsonMember& member, std::initializer_list<std::string_view> wanted,
                bool splits_text) {
  const auto is_wanted = [&](std::string_view word) {
    return std::find(wanted.begin(), wanted.end(), word) != wanted.end();
  };
  if (member.kind == Kind::kString) {
    if (!splits_text) return is_wanted(member.text);
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](std::string_view word) { return has_word(member.text, word); });
  }
  const auto list = member.kind == Kind::kArray ? parse_string_array(member.raw) : std::nullopt;
  return list && std::any_of(list->begin(), list->end(), is_wanted);
}

bool permits(const JsonObject& claims, std::string_view permission,
             std::initializer_list<std::string_view> roles) {
  // Permissions replace roles, so that the token of an administrator can be limited to some.
  bool by_permission = false;
  for (const std::string_view name : {"permissions", "scope", "scp"}) {
    if (has_one_of(claims[name], {permission}, true)) return true;
    by_permission = by_permission || claims[name].kind != Kind::kAbsent;
  }
  return !by_permission &&
         (has_one_of(claims["roles"], roles, false) || has_one_of(claims["role"], roles, false));
}

std::optional<std::vector<std::string>> read_jobs(const JsonMember& member) {
  if (member.kind == Kind::kAbsent) return std::nullopt;
  auto list = member.kind == Kind::kArray ? parse_string_array(member.raw) : std::nullopt;
  const bool good = list && std::all_of(list->begin(), list->end(), JobScope::is_pattern);
  return good ? *std::move(list) : std::vector<std::string>();
}

}  // namespace

std::optional<TokenClaims> TokenClaims::parse(std::string_view payload) {
  const auto parsed = JsonObject::parse(payload,
                                        {"iss", "sub", "aud", "exp", "nbf", "permissions", "scope",
                                         "scp", "roles", "role", "bide_jobs"},
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
  claims.reads_jobs = permits(object, "job:read", {"admin", "write", "read"});
  claims.writes_jobs = permits(object, "job:write", {"admin", "write"});
  claims.jobs = read_jobs(object["bide_jobs"]);
  return claims;
}

}  // namespace bide
