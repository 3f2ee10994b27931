// tests/core/job/entries.h: Makes entries like those of the codec, and jobs that absorb them; and
// reads the snapshots that come of them.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/job/entry.h"
#include "core/job/job.h"

namespace bide::testing {

inline WallTime wall_second(std::int64_t second) { return WallTime(std::chrono::seconds(second)); }

// In one piece: for a page or a set with the jobs in it.
inline std::string whole_json(const std::shared_ptr<const Snapshot>& snapshot) {
  std::vector<std::string_view> pieces;
  snapshot->append_json(pieces);
  std::string whole;
  for (const std::string_view piece : pieces) whole += piece;
  return whole;
}

inline Entry entry_of(std::string id, std::string key_rest, Entry::Family family,
                      Revision revision) {
  Entry entry;
  entry.job_id = std::move(id);
  entry.key_rest = std::move(key_rest);
  entry.family = family;
  entry.revision = revision;
  entry.written = wall_second(static_cast<std::int64_t>(revision));
  return entry;
}

inline Entry defined(std::string id, Revision revision, Definition definition = {}) {
  Entry entry = entry_of(std::move(id), "", Entry::Family::kJob, revision);
  entry.what = std::move(definition);
  return entry;
}

// An event at `revision` seconds after 1970. Agent and revision name its key.
inline Entry happened(std::string id, Revision revision, EventKind kind, std::string_view agent,
                      std::string_view error = "") {
  const std::string number = std::to_string(revision);
  Entry entry =
      entry_of(std::move(id), std::string(word_of(kind)) + "." + std::string(agent) + "." + number,
               Entry::Family::kStatus, revision);
  Event event;
  event.kind = kind;
  event.hostname = agent;
  event.timestamp = "T" + number;
  event.unix_nano = static_cast<std::int64_t>(revision) * 1'000'000'000;
  event.error = error;
  entry.what = std::move(event);
  return entry;
}

inline Entry progressed(std::string id, Revision revision, std::string_view agent,
                        std::string_view percent, std::string_view message = "") {
  Entry entry =
      entry_of(std::move(id), "progress." + std::string(agent), Entry::Family::kProgress, revision);
  ProgressReport progress;
  progress.hostname = agent;
  progress.percent = percent;
  progress.message = message;
  entry.what = std::move(progress);
  return entry;
}

inline Entry responded(std::string id, Revision revision, std::string_view agent,
                       Response response = {}) {
  Entry entry = entry_of(std::move(id), std::string(agent) + "." + std::to_string(revision),
                         Entry::Family::kResponse, revision);
  response.hostname = agent;
  entry.what = std::move(response);
  return entry;
}

// The deletion of `entry`'s key, at a later revision.
inline Entry deleted(Entry entry, Revision revision) {
  entry.revision = revision;
  entry.what = Deletion{};
  return entry;
}

// The loss of `entry`'s key, at a later revision.
inline Entry lost(Entry entry, Revision revision) {
  entry.revision = revision;
  entry.what = Loss{};
  return entry;
}

inline Definition about(std::string_view subject,
                        decltype(Definition::expected_agents) expected = {}) {
  Definition definition;
  definition.subject = subject;
  definition.expected_agents = std::move(expected);
  return definition;
}

// `a:started b:failed` as events of job `j` at revisions 2, 3, …
inline std::vector<Entry> history_of(std::string_view words) {
  std::vector<Entry> entries;
  std::istringstream in{std::string(words)};
  for (std::string word; in >> word;) {
    const std::size_t colon = word.find(':');
    const auto kind = event_from_word(word.substr(colon + 1));
    REQUIRE(kind);
    entries.push_back(happened("j", entries.size() + 2, *kind, word.substr(0, colon)));
  }
  return entries;
}

inline void absorb_all(Job& job, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) REQUIRE(job.absorb(entry) <= Job::Absorbed::kUnchanged);
}

// Everything that clients could compare.
inline std::string view_of(const Job& job) {
  const auto snapshot = make_snapshot(job, 1);
  return snapshot->json.bytes + snapshot->json.etag() + snapshot->text.bytes +
         snapshot->text.etag();
}

}  // namespace bide::testing
