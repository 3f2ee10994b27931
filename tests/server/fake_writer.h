// tests/server/fake_writer.h: A bucket that stores writes at once, and tells the table.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/job/entry_codec.h"
#include "core/table/job_table.h"
#include "core/table/writes.h"

namespace bide::testing {

class FakeWriter final : public Writer {
 public:
  explicit FakeWriter(JobTable& table) : table_(table) {}

  [[nodiscard]] Room take_room(const Write& write) override {
    const MutexLock lock(mutex_);
    if (room != Room::kTaken) return room;
    ++in_flight_[write.client];
    return Room::kTaken;
  }
  void give_back(const Write& write) override {
    const MutexLock lock(mutex_);
    --in_flight_[write.client];
  }
  void submit(const WritePtr& write) noexcept override {
    const MutexLock lock(mutex_);
    submitted.push_back(write);
    if (stores) store(write);
  }
  // The latest write, if it has not ended.
  [[nodiscard]] WritePtr pending() {
    const MutexLock lock(mutex_);
    return submitted.empty() || submitted.back() == ended_ ? nullptr : submitted.back();
  }
  // Also for writes that were kept back.
  void store(const WritePtr& write) {
    if (write->kind == Write::Kind::kDelete) {
      if (!write->exists && write->keys.empty()) return finish(write, {.end = Write::End::kAbsent});
      put(write->definition.key, "", true);
      return finish(write, {.end = Write::End::kStored, .revision = revision});
    }
    if (write->kind == Write::Kind::kDefine && write->exists) {
      return finish(write, {.end = Write::End::kOther, .revision = revision});
    }
    if (!write->exists) put(write->definition.key, write->definition.value);
    if (write->kind == Write::Kind::kEvent) put(write->entry.key, write->entry.value);
    finish(write, {.end = Write::End::kStored, .revision = revision});
  }
  void finish(const WritePtr& write, Writes::Result result) {
    ended_ = write;
    --in_flight_[write->client];
    table_.writes().finish(write, std::move(result));
  }
  [[nodiscard]] std::size_t in_flight() {
    const MutexLock lock(mutex_);
    std::size_t sum = 0;
    for (const auto& [client, count] : in_flight_) sum += count;
    return sum;
  }

  // Set before requests come.
  Room room = Room::kTaken;
  bool stores = true;
  Revision revision = 0;
  std::vector<WritePtr> submitted;

 private:
  void put(std::string_view key, std::string_view value, bool deleted = false) {
    const auto decoded = decode(RawEntry{
        .key = key, .value = value, .deleted = deleted, .revision = ++revision, .written = {}});
    REQUIRE(std::holds_alternative<Entry>(decoded));
    REQUIRE(table_.apply(std::get<Entry>(decoded)));
    table_.reach(revision);
  }

  JobTable& table_;
  Mutex mutex_;
  std::map<std::uint64_t, std::size_t> in_flight_;
  WritePtr ended_;
};

}  // namespace bide::testing
