#include "core/job/job_bytes.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/core/job/entries.h"
#include "tests/core/job/random_history.h"

using namespace bide;
using namespace bide::testing;

namespace {

constexpr Revision kAny = UINT64_MAX;

std::string bytes_of(const Job& job) {
  std::string bytes;
  append_job(bytes, job);
  return bytes;
}

// Null: refused.
std::unique_ptr<Job> job_of(std::string_view bytes, Revision revision_max = kAny) {
  ByteReader in(bytes);
  auto job = std::make_unique<Job>(JobReader::read_id(in));
  if (!JobReader::read(in, revision_max, *job) || !in.at_end()) return nullptr;
  return job;
}

Job& filled(Job& job) {
  Definition definition = about("x._all", std::vector<std::string>{"a", "b"});
  definition.created = "2026-01-31T12:00:00Z";
  definition.operation = R"({"type":"x"})";
  definition.labels = Labels({{"release", "42"}, {"team", ""}});
  Response response;
  response.data = "[1]";
  response.changed = false;
  absorb_all(job, {happened("j", 1, EventKind::kSubmitted, "_api"), defined("j", 2, definition),
                   happened("j", 3, EventKind::kStarted, "a"),
                   happened("j", 4, EventKind::kFailed, "a", "no space"),
                   responded("j", 5, "a", response), progressed("j", 6, "b", "40", "linking")});
  return job;
}

}  // namespace

TEST_CASE("job bytes: what is read is the same job, and goes on in the same way") {
  std::mt19937 random(20261201);
  for (int round = 0; round < 1000; ++round) {
    CAPTURE(round);
    // Some jobs have so many entries that they have an index.
    const std::vector<Entry> history =
        random_history(random, 2 + random() % (round % 10 == 0 ? 1500 : 40));
    const std::size_t cut = random() % history.size();
    Job lived("j");
    absorb_all(lived, {history.begin(), history.begin() + static_cast<std::ptrdiff_t>(cut)});
    if (lived.empty()) continue;
    const auto read = job_of(bytes_of(*lived.frozen()), history.size());
    REQUIRE(read != nullptr);
    for (std::size_t i = cut; i <= history.size(); ++i) {
      REQUIRE(read->defined() == lived.defined());
      REQUIRE(read->keys() == lived.keys());
      REQUIRE(read->bytes() == lived.bytes());
      REQUIRE(read->oldest() == lived.oldest());
      REQUIRE(read->written() == lived.written());
      REQUIRE(read->last_event() == lived.last_event());
      REQUIRE(read->revision() == lived.revision());
      if (lived.defined()) {
        REQUIRE(view_of(*read) == view_of(lived));
        REQUIRE(read->final() == lived.final());
        REQUIRE(read->status_revision() == lived.status_revision());
        REQUIRE(read->agents_terminal() == lived.agents_terminal());
      }
      if (i == history.size()) break;
      REQUIRE(read->absorb(history[i]) == lived.absorb(history[i]));
      // Losses bring earlier revisions back.
      if (random() % 8 == 0) REQUIRE(read->let_go(i / 2) == lived.let_go(i / 2));
    }
    CHECK((lived.empty() || bytes_of(*read) == bytes_of(lived)));
  }
}

TEST_CASE("job bytes: every member is kept") {
  Job job("j");
  const std::string bytes = bytes_of(filled(job));
  const auto read = job_of(bytes, 6);
  REQUIRE(read != nullptr);
  CHECK(read->definition() == job.definition());
  CHECK(view_of(*read) == view_of(job));
  CHECK(bytes_of(*read) == bytes);
}

TEST_CASE("job bytes: cut off anywhere, they are refused") {
  Job job("j");
  const std::string bytes = bytes_of(filled(job));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(job_of(bytes.substr(0, size)) == nullptr);
  }
  CHECK(job_of(bytes + '\0') == nullptr);
}

TEST_CASE("job bytes: with any byte changed they are refused or a job") {
  Job job("j");
  const std::string bytes = bytes_of(filled(job));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      const auto read = job_of(changed);
      if (read != nullptr && read->defined()) CHECK(!view_of(*read).empty());
    }
  }
}

TEST_CASE("job bytes: a revision behind the place of the file is refused") {
  Job job("j");
  const std::string bytes = bytes_of(filled(job));
  CHECK(job_of(bytes, 6) != nullptr);
  CHECK(job_of(bytes, 5) == nullptr);
}

// If this fails because the bytes are others now, change kCheckpointMagic
// (server/nats/checkpoint_file.h), because no bide can tell old bytes from new ones otherwise, and
// the number here.
TEST_CASE("job bytes: bytes are those that this format has always had") {
  Job job("j");
  CHECK(hash_of(bytes_of(filled(job))) == 9167559342277112672U);
}
