#include "bench/micro/worker_entries.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <variant>

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

std::string quoted(std::string_view name, std::string_view value) {
  return '"' + std::string(name) + "\":\"" + std::string(value) + '"';
}

std::string timestamp(int second) {
  return "2026-01-31T12:00:" + padded(static_cast<std::size_t>(second), 2) + ".123456789Z";
}

std::string unix_nano(int second) { return std::to_string(kFirstSecond + second) + "123456789"; }

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = i; k < i + 3; ++k) {
      bits = bits << 8U | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    }
    for (int shift = 18; shift >= 0; shift -= 6) out += kDigits[bits >> shift & 63U];
  }
  for (std::size_t k = 0; k < (3 - bytes.size() % 3) % 3; ++k) out[out.size() - 1 - k] = '=';
  return out;
}

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
  const std::string operation = R"({"type":"network.dns.update",)"
                                R"("data":{"interface":"eth0","servers":["1.1.1.1","8.8.8.8"]}})";
  return {"jobs." + std::string(id),
          '{' + quoted("id", id) + ',' + quoted("created", timestamp(0)) + ',' +
              quoted("subject", subject) + ",\"operation\":" + operation + '}'};
}

Written event_of(std::string_view id, std::string_view event, std::string_view agent, int second) {
  const std::string key = "status." + std::string(id) + '.' + std::string(event) + '.' +
                          std::string(agent) + '.' + unix_nano(second);
  return {key, '{' + quoted("job_id", id) + ',' + quoted("event", event) + ',' +
                   quoted("hostname", agent) + ',' + quoted("timestamp", timestamp(second)) +
                   ",\"unix_nano\":" + unix_nano(second) + R"(,"data":{"attempt":1}})"};
}

Written response_of(std::string_view id, std::string_view agent, int second) {
  const std::string key =
      "responses." + std::string(id) + '.' + std::string(agent) + '.' + unix_nano(second);
  const std::string data = R"({"success":true,"message":"dns servers updated","took_ms":41})";
  return {key, '{' + quoted("job_id", id) + ',' + quoted("status", "completed") + ',' +
                   quoted("hostname", agent) + ',' + quoted("timestamp", timestamp(second)) +
                   ",\"data\":" + data + ",\"changed\":true}"};
}

Written enveloped(const Written& inner) {
  const std::string signature = base64(std::string(64, 's'));  // As long as one of Ed25519.
  const std::string fingerprint = "SHA256:" + std::string(43, 'f');
  return {inner.key, '{' + quoted("payload", base64(inner.value)) + ',' +
                         quoted("signature", signature) + ',' + quoted("fingerprint", fingerprint) +
                         '}'};
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
