// tests/server/nats/nats_bucket.h: A real nats-server on a free port, and a worker that writes to
// one of its buckets.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/nats/bucket.h"
#include "server/nats/embedded/embedded_nats.h"
#include "tests/eventually.h"
#include "tests/scratch_dir.h"

namespace bide::testing {

// Running processes called `name` whose parent is `parent`.
inline std::vector<pid_t> children_of(pid_t parent, std::string_view name) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string comm;
    std::string state;
    pid_t ppid = 0;
    file >> comm >> comm >> state >> ppid;
    const bool alive = state != "Z" && state != "X";
    if (alive && ppid == parent && comm == "(" + std::string(name) + ")") {
      found.push_back(std::stoi(pid));
    }
  }
  return found;
}

// Whether all its threads are stopped. SIGSTOP reaches them one after the other, and the last one
// may still answer a request.
inline bool is_stopped(pid_t pid) {
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream file(task.path() / "stat");
    std::string skipped;
    std::string state;
    file >> skipped >> skipped >> state;
    if (state != "T") return false;
  }
  return true;
}

class TestNats {
 public:
  TestNats() { server_.start(); }

  [[nodiscard]] const std::string& url() const { return server_.url(); }
  [[nodiscard]] std::shared_ptr<NatsConnection> connect() const {
    auto attempt = NatsConnection::connect({.urls = url(), .name = "worker"});
    if (const auto* failure = std::get_if<NatsConnection::Failure>(&attempt)) FAIL(failure->text);
    return std::get<std::shared_ptr<NatsConnection>>(attempt);
  }
  // Sends a signal to the nats-server. After SIGKILL it is started again. After SIGSTOP this
  // returns when it has stopped.
  void signal(int number) const {
    const std::vector<pid_t> pids = children_of(::getpid(), "nats-server");
    REQUIRE(pids.size() == 1);
    REQUIRE(::kill(pids.front(), number) == 0);
    if (number == SIGSTOP) REQUIRE(eventually([&] { return is_stopped(pids.front()); }));
  }

 private:
  ScratchDir dir_;
  Metrics metrics_;
  EmbeddedNats server_{{dir_.path(), std::chrono::seconds(10)}, metrics_};
};

// Creates the bucket, and writes to it as a worker does.
class TestBucket {
 public:
  explicit TestBucket(const TestNats& nats, std::uint8_t history = 1,
                      std::chrono::nanoseconds max_age = {})
      : connection_(nats.connect()) {
    create(history, max_age);
  }

  void create(std::uint8_t history = 1, std::chrono::nanoseconds max_age = {}) {
    kvConfig config;
    kvConfig_Init(&config);
    config.Bucket = kName;
    config.History = history;
    config.TTL = max_age.count();
    kvStore* store = nullptr;
    must(js_CreateKeyValue(&store, connection_->jetstream(), &config));
    store_.reset(store);
  }
  void remove() { must(js_DeleteKeyValue(connection_->jetstream(), kName)); }
  // Purges everything, or the entries of `key`.
  void purge(const std::string& key = ">") {
    const std::string subject = subject_prefix_of(kName) + key;
    jsOptions options;
    jsOptions_Init(&options);
    options.Stream.Purge.Subject = subject.c_str();
    must(js_PurgeStream(connection_->jetstream(), stream_of(kName).c_str(), &options, nullptr));
  }

  // Binds another subject to the bucket's stream.
  void bind(const char* subject) {
    const std::string own = subject_prefix_of(kName) + ">";
    std::array<const char*, 2> subjects = {own.c_str(), subject};
    configure([&](jsStreamConfig& config) {
      config.Subjects = subjects.data();
      config.SubjectsLen = subjects.size();
    });
  }
  // The stream keeps its entries, but takes no new ones: their subjects are nobody's.
  void unbind() {
    std::array<const char*, 1> subjects = {"elsewhere"};
    configure([&](jsStreamConfig& config) {
      config.Subjects = subjects.data();
      config.SubjectsLen = subjects.size();
    });
  }
  // From now on the stream keeps at most so many entries, and drops the oldest.
  void limit(std::int64_t entries_max) {
    configure([&](jsStreamConfig& config) {
      config.MaxMsgs = entries_max;
      config.Discard = js_DiscardOld;
    });
  }

  // Accepts keys that a KV client would refuse.
  void put(std::string_view key, std::string_view value) {
    put_raw(subject_prefix_of(kName) + std::string(key), value);
  }
  void put_raw(const std::string& subject, std::string_view value) {
    // After a restart JetStream may be ready a moment later than its server.
    REQUIRE(eventually([&] {
      return js_Publish(nullptr, connection_->jetstream(), subject.c_str(), value.data(),
                        static_cast<int>(value.size()), nullptr, nullptr) == NATS_OK;
    }));
  }
  // Writes with the header `Nats-Rollup`: `all` removes everything else from the bucket, `sub` the
  // older entries of the key.
  void roll_up(std::string_view key, std::string_view value, const char* what = "all") {
    natsMsg* raw = nullptr;
    must(natsMsg_Create(&raw, (subject_prefix_of(kName) + std::string(key)).c_str(), nullptr,
                        value.data(), static_cast<int>(value.size())));
    const NatsMsgPtr message(raw);
    must(natsMsgHeader_Set(raw, "Nats-Rollup", what));
    must(js_PublishMsg(nullptr, connection_->jetstream(), raw, nullptr, nullptr));
  }
  void erase(const std::string& key) { must(kvStore_Delete(store_.get(), key.c_str())); }

  void define(const std::string& id) {
    put("jobs." + id, R"({"id":")" + id +
                          R"(","created":"2026-01-31T12:00:00Z","subject":"jobs.query._any",)"
                          R"("operation":{}})");
  }
  void happen(const std::string& id, const std::string& event, const std::string& nano = "5",
              const std::string& agent = "a1") {
    put("status." + id + "." + event + "." + agent + "." + nano,
        R"({"job_id":")" + id + R"(","event":")" + event + R"(","hostname":")" + agent +
            R"(","timestamp":"2026-01-31T12:00:01Z","unix_nano":)" + nano + "}");
  }
  [[nodiscard]] BucketState state() const {
    return std::get<BucketState>(read_bucket_state(*connection_, kName));
  }

  static constexpr const char* kName = "job-queue";

 private:
  template <typename Change>
  void configure(Change&& change) {
    jsStreamInfo* raw = nullptr;
    must(js_GetStreamInfo(&raw, connection_->jetstream(), stream_of(kName).c_str(), nullptr,
                          nullptr));
    const StreamInfoPtr info(raw);
    jsStreamConfig config = *info->Config;
    change(config);
    must(js_UpdateStream(nullptr, connection_->jetstream(), &config, nullptr, nullptr));
  }
  static void must(natsStatus status) {
    INFO(describe_nats_error(status));
    REQUIRE(status == NATS_OK);
  }

  std::shared_ptr<NatsConnection> connection_;
  KvStorePtr store_;
};

}  // namespace bide::testing
