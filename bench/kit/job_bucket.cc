#include "bench/kit/job_bucket.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "bench/kit/address.h"
#include "core/base/json_text.h"

namespace bench {
namespace {

using bide::JsonText;

constexpr std::string_view kCreated = "2026-01-01T00:00:00Z";
constexpr std::int64_t kPatienceMs = 60'000;
constexpr std::int64_t kReconnectWaitMs = 100;
constexpr int kReconnectsMax = 10'000;
constexpr int kReconnectBytesMax = 64 << 20;

void check(natsStatus status, const char* what) {
  if (status != NATS_OK) die(std::string(what) + ": " + natsStatus_GetText(status));
}

void create_bucket(natsConnection* connection, const std::string& bucket) {
  jsCtx* jetstream = nullptr;
  check(natsConnection_JetStream(&jetstream, connection, nullptr), "no JetStream");
  kvConfig config;
  kvConfig_Init(&config);
  config.Bucket = bucket.c_str();
  config.History = 1;
  kvStore* store = nullptr;
  if (js_KeyValue(&store, jetstream, bucket.c_str()) != NATS_OK) {
    check(js_CreateKeyValue(&store, jetstream, &config), "cannot create the bucket");
  }
  kvStore_Destroy(store);
  jsCtx_Destroy(jetstream);
}

std::int64_t nanos(std::chrono::system_clock::time_point when) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

std::string timestamp(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 60> all{};
  std::snprintf(all.data(), all.size(), "%s.%09lldZ", text.data(),
                static_cast<long long>(nanos(when) % 1'000'000'000));
  return all.data();
}

}  // namespace

JobBucket::JobBucket(const std::string& nats_urls, const std::string& bucket, OnStored on_stored)
    : prefix_("$KV." + bucket + "."), on_stored_(std::move(on_stored)) {
  connect(nats_urls);
  create_bucket(connection_, bucket);
  if (!on_stored_) return;
  natsInbox* inbox = nullptr;
  check(natsInbox_Create(&inbox), "no inbox");
  inbox_ = std::string(inbox) + ".";
  natsInbox_Destroy(inbox);
  check(natsConnection_Subscribe(&acks_, connection_, (inbox_ + "*").c_str(), on_ack, this),
        "cannot subscribe");
  natsSubscription_SetPendingLimits(acks_, -1, -1);
}

JobBucket::~JobBucket() {
  natsConnection_Close(connection_);
  natsSubscription_Destroy(acks_);
  natsConnection_Destroy(connection_);
}

// The library's default leaves sending to a thread that sleeps a millisecond between writes: as
// long as everything else that is measured here. And it comes back to a restarted nats-server only
// after two seconds, which would be taken for the measured server's.
void JobBucket::connect(std::string nats_urls) {
  std::vector<const char*> servers;
  for (char* url = std::strtok(nats_urls.data(), ","); url; url = std::strtok(nullptr, ",")) {
    servers.push_back(url);
  }
  natsOptions* options = nullptr;
  check(natsOptions_Create(&options), "no options");
  check(natsOptions_SetServers(options, servers.data(), static_cast<int>(servers.size())),
        "bad NATS URL");
  check(natsOptions_SetNoRandomize(options, true), "no options");
  check(natsOptions_SetSendAsap(options, true), "no options");
  check(natsOptions_SetReconnectWait(options, kReconnectWaitMs), "no options");
  check(natsOptions_SetMaxReconnect(options, kReconnectsMax), "no options");
  check(natsOptions_SetReconnectBufSize(options, kReconnectBytesMax), "no options");
  check(natsConnection_Connect(&connection_, options), "cannot reach NATS");
  natsOptions_Destroy(options);
}

void JobBucket::define(std::string_view job, std::uint64_t token) {
  std::string key = "jobs.";
  JsonText value;
  value.begin_object();
  value.member("id", job);
  value.member("created", kCreated);
  value.member("subject", "jobs.query._any");
  value.key("operation");
  value.raw(R"({"type":"build","target":"release","branch":"main"})");
  value.end_object();
  put(key.append(job), value.take(), token);
}

void JobBucket::define_broadcast(std::string_view job, std::uint32_t agents, std::uint64_t token) {
  std::string key = "jobs.";
  JsonText value;
  value.begin_object();
  value.member("id", job);
  value.member("created", kCreated);
  value.member("subject", "jobs.modify._all");
  value.key("expected_agents");
  value.number(agents);
  value.key("operation");
  value.raw(R"({"type":"deploy","target":"release","branch":"main"})");
  value.end_object();
  put(key.append(job), value.take(), token);
}

void JobBucket::event(std::string_view job, std::string_view event, std::string_view agent,
                      std::chrono::system_clock::time_point when, std::uint64_t token) {
  const std::string nano = std::to_string(nanos(when));
  std::string key = "status.";
  key.append(job).append(".").append(event).append(".").append(agent).append(".").append(nano);
  JsonText value;
  value.begin_object();
  value.member("job_id", job);
  value.member("event", event);
  value.member("hostname", agent);
  value.member("timestamp", timestamp(when));
  value.key("unix_nano");
  value.raw(nano);
  value.end_object();
  put(key, value.take(), token);
}

void JobBucket::response(std::string_view job, std::string_view agent,
                         std::chrono::system_clock::time_point when) {
  std::string key = "responses.";
  key.append(job).append(".").append(agent).append(".").append(std::to_string(nanos(when)));
  JsonText value;
  value.begin_object();
  value.member("job_id", job);
  value.member("status", "ok");
  value.member("hostname", agent);
  value.member("timestamp", timestamp(when));
  value.key("data");
  value.raw(R"({"exit_code":0,"artifact":"build.tar.gz"})");
  value.end_object();
  put(key, value.take(), kNoToken);
}

void JobBucket::put(const std::string& key, const std::string& value, std::uint64_t token) {
  const std::string subject = prefix_ + key;
  const auto size = static_cast<int>(value.size());
  bytes_.fetch_add(key.size() + value.size(), std::memory_order_relaxed);
  const natsStatus status =
      token == kNoToken ? natsConnection_Publish(connection_, subject.c_str(), value.data(), size)
                        : natsConnection_PublishRequest(connection_, subject.c_str(),
                                                        (inbox_ + std::to_string(token)).c_str(),
                                                        value.data(), size);
  if (status == NATS_IO_ERROR && token != kNoToken) return;
  check(status, "cannot publish");
}

// `{"stream":"KV_…","seq":17}`, or `{"error":…}`.
void JobBucket::on_ack(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                       natsMsg* message, void* self) {
  const auto& bucket = *static_cast<JobBucket*>(self);
  std::string_view token = natsMsg_GetSubject(message);
  token.remove_prefix(bucket.inbox_.size());
  const std::string_view body(natsMsg_GetData(message),
                              static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  std::uint64_t number = 0;
  std::uint64_t revision = 0;
  std::from_chars(token.data(), token.data() + token.size(), number);
  const std::size_t at = body.find("\"seq\":");
  if (at != body.npos) std::from_chars(body.data() + at + 6, body.data() + body.size(), revision);
  bucket.on_stored_(number, revision);
  natsMsg_Destroy(message);
}

void JobBucket::flush() {
  check(natsConnection_FlushTimeout(connection_, kPatienceMs), "NATS does not answer");
}

}  // namespace bench
