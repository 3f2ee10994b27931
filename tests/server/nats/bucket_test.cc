#include "server/nats/bucket.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using testing::TestNats;
using Names = std::vector<std::string>;

// The result of publishing with that header.
natsStatus publish(const NatsConnection& connection, const char* subject, const char* header,
                   const char* value) {
  natsMsg* raw = nullptr;
  REQUIRE(natsMsg_Create(&raw, subject, nullptr, "{}", 2) == NATS_OK);
  const NatsMsgPtr message(raw);
  REQUIRE(natsMsgHeader_Set(raw, header, value) == NATS_OK);
  return js_PublishMsg(nullptr, connection.jetstream(), raw, nullptr, nullptr);
}

std::uint64_t entries_of(const NatsConnection& connection, std::string_view bucket) {
  return std::get<BucketState>(read_bucket_state(connection, bucket)).entries;
}

TEST_CASE("bucket: a writer of one key of bide's bucket cannot erase the others") {
  const TestNats nats;
  const auto connection = nats.connect();
  REQUIRE_FALSE(create_bucket(*connection, "ours"));
  for (const char* key : {"$KV.ours.jobs.a", "$KV.ours.jobs.b", "$KV.ours.jobs.c"}) {
    REQUIRE(js_Publish(nullptr, connection->jetstream(), key, "{}", 2, nullptr, nullptr) ==
            NATS_OK);
  }
  for (const char* what : {"all", "sub"}) {
    CHECK(publish(*connection, "$KV.ours.jobs.a", "Nats-Rollup", what) != NATS_OK);
  }
  CHECK(entries_of(*connection, "ours") == 3);
}

TEST_CASE("bucket: a key-value client can use a bucket of ours, short of purging keys") {
  const TestNats nats;
  const auto connection = nats.connect();
  REQUIRE_FALSE(create_bucket(*connection, "ours"));
  kvStore* raw = nullptr;
  REQUIRE(js_KeyValue(&raw, connection->jetstream(), "ours") == NATS_OK);
  const KvStorePtr store(raw);
  std::uint64_t revision = 0;
  CHECK(kvStore_CreateString(&revision, raw, "k", "1") == NATS_OK);
  CHECK(kvStore_UpdateString(&revision, raw, "k", "2", revision) == NATS_OK);
  CHECK(kvStore_PutString(&revision, raw, "k", "3") == NATS_OK);
  kvEntry* entry = nullptr;
  REQUIRE(kvStore_Get(&entry, raw, "k") == NATS_OK);
  CHECK(std::string(kvEntry_ValueString(entry)) == "3");
  CHECK(kvEntry_Revision(entry) == revision);
  kvEntry_Destroy(entry);

  kvWatcher* watcher = nullptr;
  REQUIRE(kvStore_WatchAll(&watcher, raw, nullptr) == NATS_OK);
  REQUIRE(kvWatcher_Next(&entry, watcher, 5000) == NATS_OK);
  REQUIRE(entry != nullptr);
  CHECK(kvEntry_Revision(entry) == revision);
  kvEntry_Destroy(entry);
  kvWatcher_Destroy(watcher);

  CHECK(kvStore_Delete(raw, "k") == NATS_OK);
  CHECK(kvStore_Get(&entry, raw, "k") == NATS_NOT_FOUND);
  CHECK(kvStore_Purge(raw, "k", nullptr) != NATS_OK);
  CHECK(kvStore_PurgeDeletes(raw, nullptr) == NATS_OK);

  kvStatus* status = nullptr;
  REQUIRE(kvStore_Status(&status, raw) == NATS_OK);
  CHECK(kvStatus_History(status) == 1);
  CHECK(kvStatus_TTL(status) == 0);
  CHECK(kvStatus_Replicas(status) == 1);
  kvStatus_Destroy(status);
}

TEST_CASE("bucket: one that exists is left as it is, and a refusal keeps its reason") {
  const TestNats nats;
  const testing::TestBucket bucket(nats, 5);
  const auto connection = nats.connect();
  CHECK_FALSE(create_bucket(*connection, testing::TestBucket::kName));
  CHECK(bucket.state().keeps_history);
  const auto refused = create_bucket(*connection, "copies", 3);
  REQUIRE(refused);
  CHECK(refused->text.find("replicas > 1 not supported in non-clustered mode") !=
        std::string::npos);
}

TEST_CASE("bucket: key-value buckets are listed, other streams are not") {
  const TestNats nats;
  const auto connection = nats.connect();
  CHECK(std::get<Names>(list_buckets(*connection)).empty());
  for (const char* name : {"b", "a-2", "a_1"}) REQUIRE_FALSE(create_bucket(*connection, name));
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = "orders";
  REQUIRE(js_AddStream(nullptr, connection->jetstream(), &config, nullptr, nullptr) == NATS_OK);
  CHECK(std::get<Names>(list_buckets(*connection)) == Names{"a-2", "a_1", "b"});
  connection->close();
  CHECK(std::holds_alternative<std::string>(list_buckets(*connection)));
}

}  // namespace
}  // namespace bide
