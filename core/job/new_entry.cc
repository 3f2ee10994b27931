#include "core/job/new_entry.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/base/json_text.h"

namespace bide {
namespace {

// Dots separate the tokens of a key, and subjects must not contain blanks, `*` or `>`. As in osapi,
// every character outside A-Z a-z 0-9 _ - becomes `_`.
std::string sanitised(std::string agent) {
  std::ranges::replace_if(
      agent,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-');
      },
      '_');
  return agent;
}

}  // namespace

NewEntry event_entry(const NewEvent& event, WallTime now) {
  const std::string unix_nano = std::to_string(now.time_since_epoch().count());
  const std::string word(event.word());
  JsonText value;
  value.begin_object();
  value.string_if("job_id", event.job_id);
  value.string_if("event", word);
  value.string_if("hostname", event.agent);
  value.string_if("timestamp", rfc3339_nano(now));
  value.raw_if("unix_nano", unix_nano);
  value.raw_if("data", event.data);
  value.end_object();
  const std::string key = "status." + event.job_id + "." + word + "." + sanitised(event.agent);
  return NewEntry{event.kind ? key + "." + unix_nano : key, value.take()};
}

NewEntry definition_entry(const NewDefinition& definition, WallTime now) {
  JsonText value;
  value.begin_object();
  value.string_if("id", definition.job_id);
  value.string_if("created", rfc3339_nano(now));
  value.string_if("subject", definition.subject);
  value.raw_if("operation", definition.operation);
  if (!definition.expected_agents.empty()) {
    value.key("expected_agents");
    value.begin_array();
    for (const std::string& agent : definition.expected_agents) value.string(agent);
    value.end_array();
  }
  value.raw_if("expected_agents", definition.expected_agents_json);
  value.raw_if("labels", definition.labels);
  value.end_object();
  return NewEntry{"jobs." + definition.job_id, value.take()};
}

std::string error_data(std::string_view message) {
  JsonText data;
  data.begin_object();
  data.key("error");
  data.string(message);
  data.end_object();
  return data.take();
}

std::optional<Rejection> find_fault(const NewEntry& entry) {
  auto decoded = decode(RawEntry{
      .key = entry.key, .value = entry.value, .deleted = false, .revision = 0, .written = {}});
  auto* const rejection = std::get_if<Rejection>(&decoded);
  if (rejection == nullptr) return std::nullopt;
  return std::move(*rejection);
}

bool define_the_same(const NewEntry& one, const NewEntry& other) {
  const auto task_of = [](const NewEntry& entry) -> std::optional<Definition> {
    auto decoded = decode(RawEntry{
        .key = entry.key, .value = entry.value, .deleted = false, .revision = 0, .written = {}});
    auto* const taken = std::get_if<Entry>(&decoded);
    auto* const found = taken == nullptr ? nullptr : std::get_if<Definition>(&taken->what);
    if (found == nullptr) return std::nullopt;
    found->created.clear();
    return std::move(*found);
  };
  const auto first = task_of(one);
  const auto second = task_of(other);
  return first && second && *first == *second;
}

std::string rfc3339_nano(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text{};
  std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09d", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  std::string result(text.data());
  while (result.ends_with('0')) result.pop_back();
  if (result.ends_with('.')) result.pop_back();
  return result + "Z";
}

}  // namespace bide
