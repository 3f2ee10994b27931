#include "client/bucket_writer.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "server/nats/embedded/embedded_nats.h"
#include "server/nats/login/bucket_config.h"
#include "server/nats/login/nats_handles.h"
#include "tests/eventually.h"

using namespace bide;

namespace {

// A real nats-server with an empty store.
class Nats {
 public:
  Nats() {
    std::string name = (std::filesystem::temp_directory_path() / "bide-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    dir_ = name;
    server_ = std::make_unique<EmbeddedNats>(EmbeddedNats::Settings{dir_}, metrics_);
    server_->start();
    natsConnection* connection = nullptr;
    REQUIRE(natsConnection_ConnectTo(&connection, url().c_str()) == NATS_OK);
    connection_.reset(connection);
    jsCtx* jetstream = nullptr;
    REQUIRE(natsConnection_JetStream(&jetstream, connection, nullptr) == NATS_OK);
    jetstream_.reset(jetstream);
  }
  ~Nats() {
    server_->stop();
    std::filesystem::remove_all(dir_);
  }
  Nats(const Nats&) = delete;
  Nats& operator=(const Nats&) = delete;

  [[nodiscard]] const std::string& url() const { return server_->url(); }
  [[nodiscard]] KvStorePtr create_bucket(const char* name) {
    kvConfig config;
    REQUIRE(kvConfig_Init(&config) == NATS_OK);
    config.Bucket = name;
    kvStore* store = nullptr;
    REQUIRE(js_CreateKeyValue(&store, jetstream_.get(), &config) == NATS_OK);
    return KvStorePtr(store);
  }
  // A stream for the bucket with any configuration; it has subjects only if `config` has some.
  void create_stream(const char* bucket, jsStreamConfig config) {
    const std::string name = stream_of(bucket);
    config.Name = name.c_str();
    REQUIRE(js_AddStream(nullptr, jetstream_.get(), &config, nullptr, nullptr) == NATS_OK);
  }
  void mirror(const char* bucket, const char* origin) {
    jsStreamConfig config = stream_config();
    jsStreamSource source;
    jsStreamSource_Init(&source);
    const std::string stream = stream_of(origin);
    source.Name = stream.c_str();
    config.Mirror = &source;
    create_stream(bucket, config);
  }
  void collect(const char* bucket, const std::array<const char*, 2>& origins, bool writable) {
    jsStreamConfig config = stream_config();
    std::array<std::string, 2> names;
    std::array<jsStreamSource, 2> sources;
    std::array<jsStreamSource*, 2> pointers{};
    for (std::size_t i = 0; i < 2; ++i) {
      names[i] = stream_of(origins[i]);
      jsStreamSource_Init(&sources[i]);
      sources[i].Name = names[i].c_str();
      pointers[i] = &sources[i];
    }
    config.Sources = pointers.data();
    config.SourcesLen = 2;
    const std::string own = subject_prefix_of(bucket) + ">";
    std::array<const char*, 1> subjects = {own.c_str()};
    config.Subjects = writable ? subjects.data() : nullptr;
    config.SubjectsLen = writable ? 1 : 0;
    create_stream(bucket, config);
  }
  static jsStreamConfig stream_config() {
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    return config;
  }
  void publish(const char* subject, const char* header, const char* value) {
    natsMsg* raw = nullptr;
    REQUIRE(natsMsg_Create(&raw, subject, nullptr, "", 0) == NATS_OK);
    const NatsMsgPtr message(raw);
    REQUIRE(natsMsgHeader_Set(raw, header, value) == NATS_OK);
    REQUIRE(js_PublishMsg(nullptr, jetstream_.get(), raw, nullptr, nullptr) == NATS_OK);
  }
  // On all subjects.
  [[nodiscard]] std::uint64_t entries_of(const char* bucket) {
    jsStreamInfo* raw = nullptr;
    REQUIRE(js_GetStreamInfo(&raw, jetstream_.get(), stream_of(bucket).c_str(), nullptr, nullptr) ==
            NATS_OK);
    return StreamInfoPtr(raw)->State.Msgs;
  }

 private:
  std::filesystem::path dir_;
  Metrics metrics_;
  std::unique_ptr<EmbeddedNats> server_;
  NatsConnectionPtr connection_;
  JsContextPtr jetstream_;
};

std::string value_of(kvStore* store, const char* key) {
  kvEntry* entry = nullptr;
  if (kvStore_Get(&entry, store, key) != NATS_OK) return "(none)";
  std::string value(static_cast<const char*>(kvEntry_Value(entry)),
                    static_cast<std::size_t>(kvEntry_ValueLen(entry)));
  kvEntry_Destroy(entry);
  return value;
}

BucketWriter opened(const std::string& urls, const std::string& bucket) {
  auto result = BucketWriter::open(NatsLogin{.urls = urls}, bucket);
  REQUIRE(std::holds_alternative<BucketWriter>(result));
  return std::move(std::get<BucketWriter>(result));
}

BucketError refused(const std::string& urls, const std::string& bucket) {
  auto result = BucketWriter::open(NatsLogin{.urls = urls}, bucket);
  REQUIRE(std::holds_alternative<BucketError>(result));
  return std::get<BucketError>(result);
}

}  // namespace

TEST_CASE("bucket_writer: a value is stored, and the newer one counts") {
  Nats nats;
  const KvStorePtr store = nats.create_bucket("job-queue");
  BucketWriter writer = opened(nats.url(), "job-queue");
  CHECK(!writer.put({"jobs.a", "1"}));
  CHECK(value_of(store.get(), "jobs.a") == "1");
  CHECK(!writer.put({"jobs.a", "2"}));
  CHECK(value_of(store.get(), "jobs.a") == "2");
}

TEST_CASE("bucket_writer: put_if_absent leaves a value alone, and replaces a deleted one") {
  Nats nats;
  const KvStorePtr store = nats.create_bucket("job-queue");
  BucketWriter writer = opened(nats.url(), "job-queue");
  CHECK(!writer.put_if_absent({"jobs.a", "1"}));
  CHECK(!writer.put_if_absent({"jobs.a", "2"}));
  CHECK(value_of(store.get(), "jobs.a") == "1");
  REQUIRE(kvStore_Delete(store.get(), "jobs.a") == NATS_OK);
  CHECK(!writer.put_if_absent({"jobs.a", "3"}));
  CHECK(value_of(store.get(), "jobs.a") == "3");
}

TEST_CASE("bucket_writer: remove marks what a job has, and nothing of others") {
  Nats nats;
  const KvStorePtr store = nats.create_bucket("job-queue");
  BucketWriter writer = opened(nats.url(), "job-queue");
  const std::array<const char*, 5> own = {"jobs.a", "status.a.started.w.1", "status.a.progress.w",
                                          "responses.a.w.2", "status.a.completed.w.3"};
  const std::array<const char*, 3> others = {"jobs.ab", "status.ab.started.w.1", "jobs.b"};
  for (const char* const key : own) REQUIRE(!writer.put({key, "1"}));
  for (const char* const key : others) REQUIRE(!writer.put({key, "1"}));

  CHECK(std::get<bool>(writer.remove("a")));
  for (const char* const key : own) CHECK(value_of(store.get(), key) == "(none)");
  for (const char* const key : others) CHECK(value_of(store.get(), key) == "1");
  CHECK(!std::get<bool>(writer.remove("a")));
  CHECK(!std::get<bool>(writer.remove("never")));

  SUBCASE("an event without a definition is something to delete, too") {
    REQUIRE(!writer.put({"status.a.failed.w.4", "1"}));
    CHECK(std::get<bool>(writer.remove("a")));
    CHECK(value_of(store.get(), "status.a.failed.w.4") == "(none)");
  }
  SUBCASE("what an earlier attempt has left is deleted by the next") {
    REQUIRE(!writer.put({"status.a.failed.w.4", "1"}));
    REQUIRE(!writer.put({"responses.a.w.5", "1"}));
    REQUIRE(kvStore_Delete(store.get(), "status.a.failed.w.4") == NATS_OK);
    CHECK(std::get<bool>(writer.remove("a")));
    CHECK(value_of(store.get(), "responses.a.w.5") == "(none)");
  }
}

TEST_CASE("bucket_writer: a server's marker is no value, whatever its reason") {
  Nats nats;
  const KvStorePtr store = nats.create_bucket("job-queue");
  BucketWriter writer = opened(nats.url(), "job-queue");
  const std::pair<const char*, const char*> marks[] = {
      {"Nats-Marker-Reason", "MaxAge"}, {"Nats-Marker-Reason", "Remove"},
      {"Nats-Marker-Reason", "Purge"},  {"Nats-Marker-Reason", "new"},
      {"KV-Operation", "DEL"},          {"KV-Operation", "PURGE"}};
  int number = 0;
  for (const auto& mark : marks) {
    CAPTURE(mark.second);
    const std::string text = std::to_string(++number);
    nats.publish("$KV.job-queue.jobs.a", mark.first, mark.second);
    bool written = false;
    CHECK(!writer.put_if_absent({"jobs.a", text}, &written));
    CHECK(written);
    CHECK(value_of(store.get(), "jobs.a") == text);
  }
  // Headers without a meaning for the bucket.
  nats.publish("$KV.job-queue.jobs.b", "KV-Operation", "PUT");
  CHECK(!writer.put_if_absent({"jobs.b", "1"}));
  CHECK(value_of(store.get(), "jobs.b").empty());
}

TEST_CASE("bucket_writer: why a write was refused is told, whatever is looked up behind it") {
  Nats nats;
  jsStreamConfig config = Nats::stream_config();
  std::array<const char*, 1> subjects = {"$KV.full.>"};
  config.Subjects = subjects.data();
  config.SubjectsLen = 1;
  config.MaxMsgs = 3;
  config.Discard = js_DiscardNew;
  SUBCASE("by direct access") { config.AllowDirect = true; }
  SUBCASE("from the leader") {}
  nats.create_stream("full", config);
  BucketWriter writer = opened(nats.url(), "full");
  for (const char* key : {"jobs.a", "jobs.b", "jobs.c"}) CHECK(!writer.put({key, "1"}));
  const auto put = writer.put({"jobs.d", "1"});
  bool written = true;
  const auto created = writer.put_if_absent({"jobs.d", "1"}, &written);
  CHECK_FALSE(written);
  for (const auto& error : {put, created}) {
    REQUIRE(error);
    CHECK(error->kind == BucketError::Kind::kFailed);
    CHECK(error->message.find("maximum messages exceeded") != std::string::npos);
  }
  CHECK(!writer.put_if_absent({"jobs.a", "2"}, &written));
}

TEST_CASE("bucket_writer: a mirror is read-only and names its origin") {
  Nats nats;
  const KvStorePtr store = nats.create_bucket("origin");
  nats.mirror("edge", "origin");
  nats.mirror("far-edge", "edge");
  CHECK(refused(nats.url(), "edge")
            .message.ends_with(": the bucket edge is read-only: it is a mirror of origin; write "
                               "with --bucket origin"));
  CHECK(refused(nats.url(), "far-edge")
            .message.ends_with(": the bucket far-edge is read-only: it is a mirror of edge, which "
                               "is a mirror of origin; write with --bucket origin"));
  CHECK(nats.entries_of("origin") == 0);
}

TEST_CASE("bucket_writer: a bucket with sources is written to where it takes keys of its own") {
  Nats nats;
  const KvStorePtr a = nats.create_bucket("a");
  const KvStorePtr b = nats.create_bucket("b");
  nats.collect("both", {"a", "b"}, false);
  CHECK(refused(nats.url(), "both")
            .message.ends_with(": the bucket both is read-only: its stream takes no keys of its "
                               "own; write to one of a, b"));

  nats.collect("all", {"a", "b"}, true);
  CHECK(!opened(nats.url(), "b").put({"jobs.x", "1"}));
  REQUIRE(testing::eventually([&] { return nats.entries_of("all") == 1; }));
  BucketWriter writer = opened(nats.url(), "all");
  bool written = false;
  CHECK(!writer.put_if_absent({"jobs.x", "2"}, &written));
  CHECK_FALSE(written);
  CHECK(!writer.put_if_absent({"jobs.y", "2"}, &written));
  CHECK(written);
  CHECK(nats.entries_of("all") == 2);
}

TEST_CASE("bucket_writer: an error is one line without the token") {
  Nats nats;
  const BucketError missing = refused(nats.url(), "job-queue");
  CHECK(missing.kind == BucketError::Kind::kFailed);
  CHECK(missing.message.find("has no bucket job-queue; check --bucket, create it (nats kv add "
                             "job-queue --history 1), or start bide serve with --create-bucket") !=
        std::string::npos);

  std::string wrong = nats.url();
  const std::size_t token_begin = wrong.find("://") + 3;
  const std::string token = wrong.substr(token_begin, wrong.find('@') - token_begin);
  REQUIRE(!token.empty());
  wrong.replace(token_begin, token.size(), "not-the-token");
  const BucketError not_allowed = refused(wrong, "job-queue");
  CHECK(not_allowed.kind == BucketError::Kind::kNotAllowed);

  const BucketError nobody = refused("nats://secret@127.0.0.1:1", "job-queue");
  CHECK(nobody.kind == BucketError::Kind::kFailed);
  CHECK(nobody.message.find("cannot connect to") == 0);

  for (const auto& error : {missing, not_allowed, nobody}) {
    CHECK(error.message.find(token) == std::string::npos);
    CHECK(error.message.find("not-the-token") == std::string::npos);
    CHECK(error.message.find("secret") == std::string::npos);
    CHECK(error.message.find('\n') == std::string::npos);
  }
}
