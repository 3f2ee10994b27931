#include "client/bucket_writer.h"

#include <nats/nats.h>

#include <atomic>
#include <vector>

#include "server/nats_url.h"

namespace bide {
namespace {

constexpr std::int64_t kTimeoutMs = 5000;

template <auto Destroy>
struct Destroyer {
  template <typename T>
  void operator()(T* handle) const {
    Destroy(handle);
  }
};

}  // namespace

struct BucketWriter::Handles {
  // Told by the connection's own thread: a write without permission is not answered at all, the
  // server reports it out of band.
  std::atomic<bool> not_permitted{false};
  std::string where;  // The server, for messages.
  std::string bucket;
  std::unique_ptr<natsOptions, Destroyer<natsOptions_Destroy>> options;
  std::unique_ptr<natsConnection, Destroyer<natsConnection_Destroy>> connection;
  std::unique_ptr<jsCtx, Destroyer<jsCtx_Destroy>> jetstream;
  std::unique_ptr<kvStore, Destroyer<kvStore_Destroy>> store;

  natsStatus connect(const std::string& urls);
  natsStatus open_store();
  [[nodiscard]] BucketError error_of(natsStatus status) const;

  static void on_error(natsConnection*, natsSubscription*, natsStatus status, void* self) noexcept {
    if (status == NATS_NOT_PERMITTED) static_cast<Handles*>(self)->not_permitted = true;
  }
};

natsStatus BucketWriter::Handles::connect(const std::string& urls) {
  const std::vector<std::string> parts = split_nats_urls(urls);
  std::vector<const char*> servers;
  servers.reserve(parts.size());
  for (const std::string& part : parts) servers.push_back(part.c_str());

  natsOptions* raw_options = nullptr;
  natsStatus status = natsOptions_Create(&raw_options);
  options.reset(raw_options);
  const auto then = [&](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  then(natsOptions_SetServers(raw_options, servers.data(), static_cast<int>(servers.size())));
  then(natsOptions_SetName(raw_options, "bide emit"));
  then(natsOptions_SetTimeout(raw_options, kTimeoutMs));
  then(natsOptions_SetAllowReconnect(raw_options, false));
  then(natsOptions_SetErrorHandler(raw_options, on_error, this));
  if (status != NATS_OK) return status;

  natsConnection* raw_connection = nullptr;
  status = natsConnection_Connect(&raw_connection, raw_options);
  connection.reset(raw_connection);
  return status;
}

natsStatus BucketWriter::Handles::open_store() {
  jsOptions js_options;
  natsStatus status = jsOptions_Init(&js_options);
  if (status != NATS_OK) return status;
  js_options.Wait = kTimeoutMs;
  jsCtx* raw_jetstream = nullptr;
  status = natsConnection_JetStream(&raw_jetstream, connection.get(), &js_options);
  jetstream.reset(raw_jetstream);
  if (status != NATS_OK) return status;
  kvStore* raw_store = nullptr;
  status = js_KeyValue(&raw_store, jetstream.get(), bucket.c_str());
  store.reset(raw_store);
  return status;
}

BucketError BucketWriter::Handles::error_of(natsStatus status) const {
  using Kind = BucketError::Kind;
  if (not_permitted) return {Kind::kNotAllowed, where + " does not permit writing to " + bucket};
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return {Kind::kNotAllowed, where + " does not accept these credentials"};
    case NATS_NO_SERVER:
    case NATS_IO_ERROR:
      return {Kind::kFailed, "cannot connect to " + where};
    case NATS_NO_RESPONDERS:
      return {Kind::kFailed, where + " has no JetStream"};
    case NATS_NOT_FOUND:
      return {Kind::kFailed, where + " has no bucket " + bucket + "; `bide serve` creates it"};
    case NATS_TIMEOUT:
      return {Kind::kFailed, where + " did not answer in time"};
    case NATS_MAX_PAYLOAD:
      return {Kind::kFailed, where + " does not take values of this size"};
    default:
      return {Kind::kFailed, where + ": " + natsStatus_GetText(status)};
  }
}

std::variant<BucketWriter, BucketError> BucketWriter::open(const std::string& urls,
                                                           const std::string& bucket) {
  auto handles = std::make_unique<Handles>();
  handles->where = redacted(urls);
  handles->bucket = bucket;
  natsStatus status = handles->connect(urls);
  if (status == NATS_OK) status = handles->open_store();
  if (status != NATS_OK) return handles->error_of(status);
  return BucketWriter(std::move(handles));
}

BucketWriter::BucketWriter(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
BucketWriter::BucketWriter(BucketWriter&&) noexcept = default;
BucketWriter::~BucketWriter() = default;

std::optional<BucketError> BucketWriter::put(const NewEntry& entry) {
  std::uint64_t revision = 0;
  const natsStatus status = kvStore_Put(&revision, handles_->store.get(), entry.key.c_str(),
                                        entry.value.data(), static_cast<int>(entry.value.size()));
  if (status == NATS_OK) return std::nullopt;
  return handles_->error_of(status);
}

std::optional<BucketError> BucketWriter::put_if_absent(const NewEntry& entry) {
  // Looked up first: nearly always it is there, and reading costs the stream nothing.
  const auto is_there = [&] {
    kvEntry* found = nullptr;
    const natsStatus status = kvStore_Get(&found, handles_->store.get(), entry.key.c_str());
    kvEntry_Destroy(found);
    return status == NATS_OK;
  };
  if (is_there()) return std::nullopt;
  std::uint64_t revision = 0;
  const natsStatus status =
      kvStore_Create(&revision, handles_->store.get(), entry.key.c_str(), entry.value.data(),
                     static_cast<int>(entry.value.size()));
  if (status == NATS_OK || is_there()) return std::nullopt;
  return handles_->error_of(status);
}

}  // namespace bide
