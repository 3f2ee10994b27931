#include "server/http/problem.h"

#include <algorithm>
#include <string>

#include "core/base/ascii.h"
#include "core/base/json_text.h"
#include "server/http/reason_phrase.h"

namespace bide {
namespace {

std::string as_ascii(std::string_view detail) {
  std::string text(detail);
  for (char& byte : text) byte = static_cast<unsigned char>(byte) < 0x80 ? byte : '?';
  return text;
}

std::string slug_of(std::string_view phrase) {
  std::string slug = lower_case(phrase);
  std::replace(slug.begin(), slug.end(), ' ', '-');
  return slug;
}

}  // namespace

http::Response problem(int status, std::string_view slug, std::string_view title,
                       std::string_view detail, std::initializer_list<RawJsonMember> members) {
  const std::string text = as_ascii(detail);
  JsonText json;
  json.begin_object();
  json.member("type", "urn:bide:problem:" + std::string(slug));
  json.member("title", title);
  json.key("status");
  json.number(static_cast<std::uint64_t>(status));
  json.member("detail", text);
  json.member("error", text);
  json.key("code");
  json.number(static_cast<std::uint64_t>(status));
  for (const RawJsonMember& member : members) {
    json.key(member.name);
    json.raw(member.value);
  }
  json.end_object();

  http::Response response;
  response.status = status;
  response.body = json.take();
  response.headers.emplace("Content-Type", "application/problem+json");
  response.headers.emplace("Cache-Control", "no-store");
  return response;
}

http::Response problem(int status, std::string_view detail) {
  const std::string_view phrase = reason_phrase(status);
  return problem(status, slug_of(phrase), phrase, detail);
}

http::Response passing_problem(int status, std::string_view detail, std::chrono::seconds after) {
  http::Response response = problem(status, detail);
  response.set_header("Retry-After", std::to_string(after.count()));
  return response;
}

http::Response not_fresh(std::string_view detail) {
  http::Response response = problem(503, "not-fresh", "Service Unavailable", detail);
  response.set_header("Retry-After", "1");
  response.set_header("Bide-Outcome", "stale");
  return response;
}

}  // namespace bide
