#include "client/digest.h"

#include <rapidjson/document.h>

#include "core/status.h"

namespace bide {
namespace {

std::string string_member(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

}  // namespace

Digest digest_of(std::string_view representation) {
  Digest digest;
  rapidjson::Document job;
  // Iterative: RapidJSON's recursive parser overflows the stack on deep nesting.
  job.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(
      representation.data(), representation.size());
  if (job.HasParseError() || !job.IsObject()) return digest;
  digest.error = string_member(job, "error");
  const auto agents = job.FindMember("agent_states");
  if (agents == job.MemberEnd() || !agents->value.IsObject()) return digest;
  for (const auto& agent : agents->value.GetObject()) {
    if (!agent.value.IsObject()) continue;
    ++digest.agents_seen;
    const auto event = event_from_word(string_member(agent.value, "status"));
    if (event && is_terminal(*event)) ++digest.agents_done;
  }
  return digest;
}

}  // namespace bide
