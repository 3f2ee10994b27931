#include "core/job/entry_key.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace bide {
namespace {

constexpr std::size_t kSegmentsMax = 5;

struct Segments {
  std::array<std::string_view, kSegmentsMax> at;
  std::size_t count = 0;  // kSegmentsMax + 1: too many.
};

Segments split(std::string_view key) {
  Segments segments;
  while (segments.count < kSegmentsMax) {
    const std::size_t dot = key.find('.');
    segments.at[segments.count++] = key.substr(0, dot);
    if (dot == std::string_view::npos) return segments;
    key.remove_prefix(dot + 1);
  }
  ++segments.count;
  return segments;
}

// The characters of a NATS key, except the dot, which separates segments.
bool is_agent_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("_-=/").find(c) != std::string_view::npos;
}

bool is_agent(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_agent_char);
}

std::optional<std::int64_t> parse_nanoseconds(std::string_view text) {
  std::int64_t value = 0;
  if (text.starts_with('-')) return std::nullopt;
  const auto [ptr, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// The last two segments of both event and response keys.
bool parse_origin(std::string_view agent, std::string_view nanoseconds, EntryKey& key) {
  const std::optional<std::int64_t> unix_nano = parse_nanoseconds(nanoseconds);
  if (!is_agent(agent) || !unix_nano) return false;
  key.agent = agent;
  key.unix_nano = *unix_nano;
  return true;
}

}  // namespace

std::optional<EntryKey> parse_key(std::string_view text) {
  const auto [at, count] = split(text);
  if (count < 2 || !is_job_id(at[1])) return std::nullopt;
  EntryKey key{.family = Entry::Family::kJob, .job_id = at[1]};
  if (at[0] == "jobs" && count == 2) return key;

  key.rest = text.substr(std::min(at[0].size() + at[1].size() + 2, text.size()));
  if (at[0] == "responses" && count == 4) {
    key.family = Entry::Family::kResponse;
    if (!parse_origin(at[2], at[3], key)) return std::nullopt;
    return key;
  }
  if (at[0] == "status" && count == 4) {
    if (at[2] != kProgressWord || !is_agent(at[3])) return std::nullopt;
    key.family = Entry::Family::kProgress;
    key.agent = at[3];
    return key;
  }
  if (at[0] == "status" && count == 5) {
    const std::optional<EventKind> event = event_from_word(at[2]);
    if (!event || !parse_origin(at[3], at[4], key)) return std::nullopt;
    key.family = Entry::Family::kStatus;
    key.event = *event;
    return key;
  }
  return std::nullopt;
}

}  // namespace bide
