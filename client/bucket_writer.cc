#include "client/bucket_writer.h"

#include "server/nats_error.h"
#include "server/nats_url.h"

namespace bide {
namespace {

constexpr std::int64_t kTimeoutMs = 5000;

// What the server refuses to an account it does not answer: it says so out of band, to a thread of
// the library's, possibly when the writer is gone. Closing has whoever waits for the answer learn
// at once that there will be none; the connection remembers why.
void on_error(natsConnection* connection, natsSubscription* /*subscription*/, natsStatus status,
              void* /*closure*/) noexcept {
  if (status == NATS_NOT_PERMITTED) natsConnection_Close(connection);
}

}  // namespace

struct BucketWriter::Handles {
  std::string where;  // The server, for messages.
  std::string bucket;
  NatsOptionsPtr options;
  NatsConnectionPtr connection;
  JsContextPtr jetstream;
  KvStorePtr store;

  // What was wrong with the login; empty: see the status.
  std::string login_fault;
  natsStatus connect(const NatsLogin& login);
  natsStatus open_store();
  [[nodiscard]] BucketError error_of(natsStatus status) const;
  // Empty: the server refused nothing.
  [[nodiscard]] std::string denial() const;
  [[nodiscard]] BucketError denied(const std::string& reason) const;
};

natsStatus BucketWriter::Handles::connect(const NatsLogin& login) {
  natsOptions* raw_options = nullptr;
  natsStatus status = natsOptions_Create(&raw_options);
  options.reset(raw_options);
  if (status != NATS_OK) return status;
  if (auto fault = fill_options(raw_options, login)) {
    login_fault = *std::move(fault);
    return NATS_INVALID_ARG;
  }
  const auto then = [&](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  then(natsOptions_SetName(raw_options, "bide emit"));
  then(natsOptions_SetTimeout(raw_options, kTimeoutMs));
  then(natsOptions_SetAllowReconnect(raw_options, false));
  then(natsOptions_SetErrorHandler(raw_options, on_error, nullptr));
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

std::string BucketWriter::Handles::denial() const {
  const char* text = nullptr;
  const bool refused = connection != nullptr &&
                       natsConnection_GetLastError(connection.get(), &text) == NATS_NOT_PERMITTED;
  return refused && text != nullptr ? text : "";
}

BucketError BucketWriter::Handles::denied(const std::string& reason) const {
  const bool inbox = reason.find("Subscription") != std::string::npos;
  return {BucketError::Kind::kNotAllowed,
          where + " does not permit this account " +
              (inbox ? "to receive answers (see --nats-inbox-prefix)" : "to write to " + bucket) +
              ": " + reason};
}

BucketError BucketWriter::Handles::error_of(natsStatus status) const {
  using Kind = BucketError::Kind;
  if (const std::string reason = denial(); !reason.empty()) return denied(reason);
  if (!login_fault.empty()) return {Kind::kFailed, login_fault};
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      return {Kind::kNotAllowed, where + " does not accept these credentials"};
    case NATS_PROTOCOL_ERROR:
      return {Kind::kNotAllowed, where + ": " + describe_connect_error(status)};
    case NATS_NO_SERVER:
    case NATS_IO_ERROR:
      return {Kind::kFailed, "cannot connect to " + where};
    case NATS_NO_RESPONDERS:
      return {Kind::kFailed, where + " has no JetStream"};
    case NATS_NOT_FOUND:
      return {Kind::kFailed, where + " has no bucket " + bucket + "; `bide serve` creates it"};
    case NATS_TIMEOUT:
      return {Kind::kFailed, where + " did not answer in time; its log may say why"};
    case NATS_MAX_PAYLOAD:
      return {Kind::kFailed, where + " does not take values of this size"};
    default:
      break;
  }
  const std::string reason = describe_connect_error(status);
  if (reason.find("insufficient resources") == std::string::npos) {
    return {Kind::kFailed, where + ": " + reason};
  }
  return {Kind::kFailed, where +
                             " has no room for more: raise JetStream's max_file_store, or make "
                             "room on its disk and start it again"};
}

std::variant<BucketWriter, BucketError> BucketWriter::open(const NatsLogin& login,
                                                           const std::string& bucket) {
  auto handles = std::make_unique<Handles>();
  handles->where = redacted(login.urls);
  handles->bucket = bucket;
  natsStatus status = handles->connect(login);
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

std::optional<BucketError> BucketWriter::put_if_absent(const NewEntry& entry, bool* written) {
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
  if (written != nullptr) *written = status == NATS_OK;
  if (status == NATS_OK || is_there()) return std::nullopt;
  return handles_->error_of(status);
}

}  // namespace bide
