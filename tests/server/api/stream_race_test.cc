// Many streams, clients and events at once, above all for the sanitizers.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include "tests/server/served_table.h"
#include "tests/server/stream_reader.h"

namespace bide {
namespace {

using testing::defined;
using testing::deleted;
using testing::happened;
using testing::Road;
using testing::ServedTable;
using testing::StreamReader;
using testing::Told;

constexpr int kJobs = 4;
std::string job_of(std::uint64_t number) { return "job-" + std::to_string(number % kJobs); }

void define_all(ServedTable& server) {
  for (Revision i = 1; i <= kJobs; ++i) server.apply(defined(job_of(i), i));
}

// News of all jobs until `stop`, and every sixteenth is that a job was deleted and defined anew if
// `deletes`. False: an entry was refused.
bool write_news(ServedTable& server, const std::atomic<bool>& stop, bool deletes) {
  for (Revision revision = kJobs; !stop; std::this_thread::yield()) {
    const std::string job = job_of(++revision / 16);
    Entry entry = happened(job, revision, EventKind::kStarted, "a");
    entry.key_rest = "started.a.1";  // Written over and over: the job stays small.
    if (!server.table.apply(entry)) return false;
    if (!deletes || revision % 16 != 0) continue;
    if (!server.table.apply(deleted(defined(job, 1), ++revision))) return false;
    if (!server.table.apply(defined(job, ++revision))) return false;
  }
  return true;
}

// Of an id: `<epoch>-<revision>-<hash>`.
std::uint64_t revision_of(const std::string& id) {
  return std::stoull(id.substr(id.find('-') + 1));
}

// Reads `records` of them. False: a state came twice, or out of order, or the stream broke off.
bool read_some(StreamReader& reader, unsigned records) {
  std::uint64_t latest = 0;
  for (unsigned i = 0; i < records; ++i) {
    const Told told = reader.next();
    if (told.event == "gone") return reader.next().event == "close";
    if (told.event == "pong" || told.event == "hello") continue;
    if (told.event != "job" || revision_of(told.id) <= latest) return false;
    latest = revision_of(told.id);
  }
  return true;
}

// How many streams told something they should not have.
int use(const ServedTable& server, unsigned seed) {
  int wrong = 0;
  for (int round = 0; round < 150; ++round) {
    seed = seed * 1103515245 + 12345;
    const Road road = (seed >> 16 & 1) != 0 ? Road::kEvents : Road::kSocket;
    StreamReader reader(server, road, job_of(seed >> 17 & 7));
    if (reader.status() == 404) continue;  // Deleted just now.
    if (road == Road::kSocket && (seed >> 20 & 1) != 0) {
      reader.client().send(client_frame(Opcode::kPing, "?"));
    }
    if ((seed >> 21 & 3) == 0) {
      reader.client().half_close();
    } else if (!read_some(reader, seed >> 23 & 15)) {
      ++wrong;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("stream race: clients that come, read, talk and leave at random leave nothing behind") {
  ServedTable server;
  define_all(server);
  std::atomic<bool> stop{false};
  auto writer = std::async(std::launch::async, [&] { return write_news(server, stop, true); });
  auto other = std::async(std::launch::async, [&] { return use(server, 5); });
  CHECK(use(server, 11) == 0);
  CHECK(other.get() == 0);
  // Who said FIN with the request and has left since is found out by the next record.
  CHECK(ServedTable::wait_until([&] { return server.connections() == 0; }));
  CHECK(server.wait_parked(0));
  stop = true;
  CHECK(writer.get());
}

TEST_CASE("stream race: draining in the middle of the news ends every stream properly") {
  ServedTable server;
  define_all(server);
  std::vector<std::future<std::string>> ends;
  for (unsigned i = 0; i < 20; ++i) {
    ends.push_back(std::async(std::launch::async, [&server, i] {
      StreamReader reader(server, i % 2 == 0 ? Road::kEvents : Road::kSocket, job_of(i));
      Told told;
      do {
        told = reader.next();
      } while (told.event == "hello" || told.event == "job");
      return told.gist();
    }));
  }
  REQUIRE(ServedTable::wait_until(
      [&] { return server.http_metrics.sum(&HttpTally::stream_records) == 20; }));
  std::atomic<bool> stop{false};
  auto writer = std::async(std::launch::async, [&] { return write_news(server, stop, false); });
  CHECK(ServedTable::wait_until(
      [&] { return server.http_metrics.sum(&HttpTally::stream_records) > 2000; }));
  server.drain();
  for (unsigned i = 0; i < ends.size(); ++i) {
    CHECK(ends[i].get() == (i % 2 == 0 ? "close" : "close 1001"));
  }
  stop = true;
  CHECK(writer.get());
  CHECK(server.connections() == 0);
}

}  // namespace bide
