#include "client/digest.h"

#include <rapidjson/document.h>

#include "core/status.h"

namespace bide {
namespace {

// Where there is no such member, or one of another type, this is the null value or an empty text.
// HasMember() and not FindMember(): RapidJSON's iterators cannot be compared as C++20 wants it.
const rapidjson::Value& member(const rapidjson::Value& object, const char* name) {
  static const rapidjson::Value kNothing;
  return object.HasMember(name) ? object[name] : kNothing;
}

std::string text_member(const rapidjson::Value& object, const char* name) {
  const rapidjson::Value& value = member(object, name);
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
}

}  // namespace

Digest digest_of(std::string_view representation) {
  Digest digest;
  rapidjson::Document job;
  // Iterative: RapidJSON's recursive parser overflows the stack on deep nesting.
  job.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      representation.data(), representation.size());
  if (job.HasParseError() || !job.IsObject()) return digest;
  digest.error = text_member(job, "error");
  const rapidjson::Value& agents = member(job, "agent_states");
  if (!agents.IsObject()) return digest;
  const auto end = agents.MemberEnd();
  for (auto agent = agents.MemberBegin(); agent < end; ++agent) {
    if (!agent->value.IsObject()) continue;
    ++digest.agents_seen;
    const auto event = event_from_word(text_member(agent->value, "status"));
    if (event && is_terminal(*event)) ++digest.agents_done;
  }
  return digest;
}

}  // namespace bide
