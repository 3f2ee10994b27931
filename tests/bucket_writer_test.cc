#include "client/bucket_writer.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "server/embedded_nats.h"
#include "server/nats_handles.h"

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

TEST_CASE("bucket_writer: what is put is stored, and the newer value counts") {
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

TEST_CASE("bucket_writer: what is wrong is said in one line without the token") {
  Nats nats;
  const BucketError missing = refused(nats.url(), "job-queue");
  CHECK(missing.kind == BucketError::Kind::kFailed);
  CHECK(missing.message.find("no bucket job-queue; `bide serve` creates it") != std::string::npos);

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
