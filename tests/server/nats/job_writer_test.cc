#include "server/nats/job_writer.h"

#include <doctest/doctest.h>

#include "core/table/job_table.h"
#include "tests/fake_clock.h"

using namespace bide;

namespace {

using Room = Writer::Room;

constexpr std::uint64_t kOne = 1;
constexpr std::uint64_t kOther = 2;

Write write_of(std::uint64_t client, std::size_t bytes) {
  Write write;
  write.client = client;
  write.entry.value = std::string(bytes / 2, 'x');
  write.definition.value = std::string(bytes - bytes / 2, 'x');
  return write;
}

// Without NATS: all writes end at once, but room is taken and given back as ever.
struct Parts {
  FakeClock clock;
  JobTable table{clock, {}, nullptr};
  Metrics metrics;
  JobWriter writer{"job-queue", clock, table.writes(), metrics};
};

// How many such writes of the client find room.
std::size_t fill(JobWriter& writer, const Write& write, Room refused) {
  std::size_t taken = 0;
  for (;; ++taken) {
    const Room room = writer.take_room(write);
    if (room == Room::kTaken) continue;
    CHECK(room == refused);
    return taken;
  }
}

}  // namespace

TEST_CASE("job_writer: one client has a bounded number of writes under way, and others have room") {
  Parts parts;
  const Write small = write_of(kOne, 100);
  CHECK(fill(parts.writer, small, Room::kClientFull) == JobWriter::kPerClientMax);
  const Write other = write_of(kOther, 100);
  CHECK(fill(parts.writer, other, Room::kFull) ==
        JobWriter::kInFlightMax - JobWriter::kPerClientMax);
  parts.writer.give_back(small);
  CHECK(parts.writer.take_room(write_of(3, 100)) == Room::kTaken);
}

TEST_CASE("job_writer: one client has bounded bytes under way, and others have room") {
  Parts parts;
  const Write large = write_of(kOne, 1 << 20);
  const std::size_t most = JobWriter::kBytesPerClientMax >> 20;
  CHECK(fill(parts.writer, large, Room::kClientFull) == most);
  CHECK(parts.writer.take_room(write_of(kOne, 1)) == Room::kClientFull);
  CHECK(parts.writer.take_room(write_of(kOther, 1 << 20)) == Room::kTaken);
  parts.writer.give_back(large);
  CHECK(parts.writer.take_room(large) == Room::kTaken);
}

TEST_CASE("job_writer: a job with many long keys can be deleted, one at a time") {
  Parts parts;
  Write large = write_of(kOne, 0);
  large.keys.assign(20'000, std::string(400, 'k'));
  REQUIRE(large.bytes() > JobWriter::kBytesPerClientMax);
  CHECK(fill(parts.writer, large, Room::kClientFull) == 1);
  CHECK(parts.writer.take_room(write_of(kOne, 1)) == Room::kClientFull);
  parts.writer.give_back(large);
  CHECK(parts.writer.take_room(write_of(kOne, 1)) == Room::kTaken);
  CHECK(parts.writer.take_room(large) == Room::kClientFull);
}

TEST_CASE("job_writer: all clients together have bounded bytes under way") {
  Parts parts;
  const std::size_t each = JobWriter::kBytesPerClientMax;
  const std::size_t clients = JobWriter::kBytesMax / each;
  for (std::uint64_t client = 0; client < clients; ++client) {
    CHECK(parts.writer.take_room(write_of(client, each)) == Room::kTaken);
  }
  CHECK(parts.writer.take_room(write_of(clients, 1)) == Room::kFull);
  for (std::uint64_t client = 0; client < clients; ++client) {
    parts.writer.give_back(write_of(client, each));
  }
  CHECK(parts.writer.take_room(write_of(clients, 1)) == Room::kTaken);
}

TEST_CASE("job_writer: a write that is submitted gives its room back when it has ended") {
  Parts parts;
  auto write = std::make_shared<Write>(write_of(kOne, JobWriter::kBytesPerClientMax));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(parts.writer.take_room(*write) == Room::kTaken);
    parts.writer.submit(write);  // NATS is away.
  }
}
