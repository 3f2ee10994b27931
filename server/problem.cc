#include "server/problem.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <string>

#include "server/reason_phrase.h"

namespace bide {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_string(Writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_member(Writer& writer, std::string_view name, std::string_view value) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  write_string(writer, value);
}

std::string mapped(std::string_view text, char (*map)(char)) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), map);
  return result;
}

std::string ascii(std::string_view text) {
  return mapped(text,
                [](char byte) { return static_cast<unsigned char>(byte) < 0x80 ? byte : '?'; });
}

std::string code_of(std::string_view slug) {
  return mapped(slug, [](char byte) {
    if (byte == '-') return '_';
    return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
  });
}

std::string slug_of(std::string_view phrase) {
  return mapped(phrase, [](char byte) {
    if (byte == ' ') return '-';
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
}

}  // namespace

httplib::Response problem(int status, std::string_view slug, std::string_view title,
                          std::string_view detail, std::initializer_list<ProblemMember> members) {
  const std::string text = ascii(detail);
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  write_member(writer, "type", "urn:bide:problem:" + std::string(slug));
  write_member(writer, "title", title);
  writer.Key("status");
  writer.Int(status);
  write_member(writer, "detail", text);
  write_member(writer, "error", text);
  write_member(writer, "code", code_of(slug));
  for (const ProblemMember& member : members) {
    writer.Key(member.name.data(), static_cast<rapidjson::SizeType>(member.name.size()));
    // The type is of use to pretty printers only.
    writer.RawValue(member.json.data(), member.json.size(), rapidjson::kObjectType);
  }
  writer.EndObject();

  httplib::Response response;
  response.status = status;
  response.body.assign(buffer.GetString(), buffer.GetSize());
  response.headers.emplace("Content-Type", "application/problem+json");
  response.headers.emplace("Cache-Control", "no-store");
  return response;
}

httplib::Response problem(int status, std::string_view detail) {
  const std::string_view phrase = reason_phrase(status);
  return problem(status, slug_of(phrase), phrase, detail);
}

httplib::Response passing_problem(int status, std::string_view detail) {
  httplib::Response response = problem(status, detail);
  response.set_header("Retry-After", "1");
  return response;
}

httplib::Response not_fresh(std::string_view detail) {
  httplib::Response response = problem(503, "not-fresh", "Service Unavailable", detail);
  response.set_header("Retry-After", "1");
  return response;
}

}  // namespace bide
