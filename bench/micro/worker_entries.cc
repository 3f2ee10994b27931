#include "bench/micro/worker_entries.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

#include "core/base/base64.h"
#include "core/base/json_text.h"
#include "core/job/entry_codec.h"

namespace bide::bench {
namespace {

constexpr std::int64_t kFirstSecond = 1'769'860'800;  // 2026-01-31T12:00:00Z.
constexpr std::string_view kOneAgent = "jobs.modify._any";
constexpr std::string_view kAllAgents = "jobs.modify._all";

std::string padded(std::size_t number, int digits) {
  std::array<char, 24> text;
  const int size = std::snprintf(text.data(), text.size(), "%0*zu", digits, number);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string timestamp(int second) {
  return "2026-01-31T12:00:" + padded(static_cast<std::size_t>(second), 2) + ".123456789Z";
}

std::string unix_nano(int second) { return std::to_string(kFirstSecond + second) + "123456789"; }

// Entries at revisions that follow one another.
class Story {
 public:
  explicit Story(Revision next) : next_(next) {}
  void add(const Written& written) { entries_.push_back(decoded(written, next_++)); }
  [[nodiscard]] std::vector<Entry> take() { return std::move(entries_); }

 private:
  Revision next_;
  std::vector<Entry> entries_;
};

}  // namespace

std::string job_id(std::size_t number) { return "5f0c1b9e-7d1a-4c57-9d0e-" + padded(number, 12); }
std::string agent_name(std::size_t number) { return "web-" + padded(number, 3); }

Written definition_of(std::string_view id, std::string_view subject) {
  JsonText value;
  value.begin_object();
  value.member("id", id);
  value.member("created", timestamp(0));
  value.member("subject", subject);
  value.key("operation");
  value.raw(R"({"type":"network.dns.update",)"
            R"("data":{"interface":"eth0","servers":["1.1.1.1","8.8.8.8"]}})");
  value.end_object();
  return {"jobs." + std::string(id), value.take()};
}

Written event_of(std::string_view id, std::string_view event, std::string_view agent, int second) {
  const std::string key = "status." + std::string(id) + '.' + std::string(event) + '.' +
                          std::string(agent) + '.' + unix_nano(second);
  JsonText value;
  value.begin_object();
  value.member("job_id", id);
  value.member("event", event);
  value.member("hostname", agent);
  value.member("timestamp", timestamp(second));
  value.key("unix_nano");
  value.raw(unix_nano(second));
  value.key("data");
  value.raw(R"({"attempt":1})");
  value.end_object();
  return {key, value.take()};
}

Written response_of(std::string_view id, std::string_view agent, int second) {
  const std::string key =
      "responses." + std::string(id) + '.' + std::string(agent) + '.' + unix_nano(second);
  JsonText value;
  value.begin_object();
  value.member("job_id", id);
  value.member("status", "completed");
  value.member("hostname", agent);
  value.member("timestamp", timestamp(second));
  value.key("data");
  value.raw(R"({"success":true,"message":"dns servers updated","took_ms":41})");
  value.key("changed");
  value.boolean(true);
  value.end_object();
  return {key, value.take()};
}

Written enveloped(const Written& inner) {
  JsonText value;
  value.begin_object();
  value.member("payload", encode_base64(inner.value));
  value.member("signature", encode_base64(std::string(64, 's')));  // As long as one of Ed25519.
  value.member("fingerprint", "SHA256:" + std::string(43, 'f'));
  value.end_object();
  return {inner.key, value.take()};
}

Entry decoded(const Written& written, Revision revision) {
  auto result = decode({.key = written.key,
                        .value = written.value,
                        .revision = revision,
                        .written = WallTime(std::chrono::seconds(kFirstSecond))});
  if (auto* const entry = std::get_if<Entry>(&result)) return std::move(*entry);
  std::fprintf(stderr, "not an entry: %s: %s\n", written.key.c_str(),
               std::get<Rejection>(result).detail.c_str());
  std::exit(1);
}

std::vector<Entry> started_job(std::string_view id, Revision first) {
  Story story(first);
  story.add(definition_of(id, kOneAgent));
  story.add(event_of(id, "submitted", "_api", 1));
  story.add(event_of(id, "acknowledged", agent_name(1), 2));
  story.add(event_of(id, "started", agent_name(1), 3));
  return story.take();
}

Entry completion_of(std::string_view id, Revision revision) {
  return decoded(event_of(id, "completed", agent_name(1), 4), revision);
}

std::vector<Entry> finished_job(std::string_view id) {
  Story story(1);
  story.add(definition_of(id, kOneAgent));
  story.add(event_of(id, "acknowledged", agent_name(1), 2));
  story.add(event_of(id, "started", agent_name(1), 3));
  story.add(response_of(id, agent_name(1), 4));
  story.add(event_of(id, "completed", agent_name(1), 4));
  return story.take();
}

std::vector<Entry> acknowledged_broadcast(std::string_view id, std::size_t agents) {
  Story story(1);
  story.add(definition_of(id, kAllAgents));
  for (std::size_t i = 0; i < agents; ++i) {
    story.add(event_of(id, "acknowledged", agent_name(i), 2));
  }
  return story.take();
}

std::vector<Entry> finished_broadcast(std::string_view id, std::size_t agents) {
  Story story(1);
  story.add(definition_of(id, kAllAgents));
  for (const std::string_view event : {"acknowledged", "started", "completed"}) {
    const int second = event == "acknowledged" ? 2 : event == "started" ? 3 : 4;
    for (std::size_t i = 0; i < agents; ++i) {
      story.add(event_of(id, event, agent_name(i), second));
    }
  }
  for (std::size_t i = 0; i < agents; ++i) story.add(response_of(id, agent_name(i), 4));
  return story.take();
}

}  // namespace bide::bench
