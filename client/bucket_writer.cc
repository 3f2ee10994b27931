#include "client/bucket_writer.h"

#include <algorithm>
#include <vector>

#include "server/nats/login/bucket_config.h"
#include "server/nats/login/nats_error.h"
#include "server/nats/login/nats_url.h"

namespace bide {
namespace {

constexpr std::int64_t kTimeoutMs = 5000;
// Another client may write and delete the key between our read and our write: then we try again.
constexpr int kCreateAttemptsMax = 3;
// How many mirrors of mirrors are followed to the origin.
constexpr int kMirrorsMax = 8;

// If the server refuses a request to an account, it sends no answer. It reports the refusal out of
// band, on a thread of the library, possibly after the writer is gone. So the connection is closed:
// a thread that waits for the answer returns at once, and the connection remembers the reason.
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
  JsApi js_api;
  JsContextPtr jetstream;
  BucketConfig config{.keys = KeySubjects("")};

  // Why the login failed; empty: see the status.
  std::string login_fault;
  natsStatus connect(const NatsLogin& login);
  natsStatus open_jetstream();
  std::optional<BucketError> open_bucket();
  std::variant<BucketConfig, BucketError> read_config(const std::string& of) const;
  [[nodiscard]] std::optional<BucketError> find_read_only() const;

  struct Found {
    bool value = false;          // The key has a value: its newest entry is no deletion.
    std::uint64_t ours = 0;      // Revision of the newest entry on our own subject; 0: none.
    std::uint64_t revision = 0;  // The same on any subject.
  };
  [[nodiscard]] Found look_up(const std::string& key) const;
  natsStatus store(const NewEntry& entry, jsPubOptions* expected, jsErrCode* code) const;
  // The keys that match, which may have wildcards, also those that are marked as deleted.
  natsStatus list_keys(const std::string& filter, std::vector<std::string>& keys) const;
  natsStatus mark_deleted(const std::string& key) const;

  // Call it right after the failure: the library keeps only the last reason.
  [[nodiscard]] BucketError error_of(natsStatus status) const;
  // Empty: the server refused nothing.
  [[nodiscard]] std::string denial() const;
  // Why the server ended a connection that it had accepted; empty: it did not, or gave no reason.
  [[nodiscard]] std::string farewell() const;
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
  status = connect_to_nats(&raw_connection, raw_options, login);
  connection.reset(raw_connection);
  return status;
}

natsStatus BucketWriter::Handles::open_jetstream() {
  jsOptions js_options;
  natsStatus status = jsOptions_Init(&js_options);
  if (status != NATS_OK) return status;
  js_options.Wait = kTimeoutMs;
  js_options.Prefix = js_api.prefix().c_str();
  jsCtx* raw_jetstream = nullptr;
  status = natsConnection_JetStream(&raw_jetstream, connection.get(), &js_options);
  jetstream.reset(raw_jetstream);
  return status;
}

std::variant<BucketConfig, BucketError> BucketWriter::Handles::read_config(
    const std::string& of) const {
  auto read =
      read_bucket_config(connection.get(), js_api, of, std::chrono::milliseconds(kTimeoutMs));
  if (auto* found = std::get_if<BucketConfig>(&read)) return std::move(*found);
  const auto& failure = std::get<ConfigFailure>(read);
  if (failure.missing) return error_of(NATS_NOT_FOUND);
  if (failure.status != NATS_OK) return error_of(failure.status);
  return BucketError{BucketError::Kind::kFailed, where + ": " + failure.text};
}

std::optional<BucketError> BucketWriter::Handles::open_bucket() {
  auto read = read_config(bucket);
  if (auto* error = std::get_if<BucketError>(&read)) return std::move(*error);
  config = std::get<BucketConfig>(std::move(read));
  return find_read_only();
}

// An entry for a mirror would have to be written to its origin, which may be in another account or
// domain. bide does that only if the user names the origin.
std::optional<BucketError> BucketWriter::Handles::find_read_only() const {
  using Kind = BucketError::Kind;
  if (config.mirror_of.empty()) {
    if (config.has_own_subjects) return std::nullopt;
    std::string names;
    for (const std::string& source : config.sources) names += (names.empty() ? "" : ", ") + source;
    return BucketError{Kind::kFailed, where + ": the bucket " + bucket + " is read-only: its " +
                                          "stream takes no keys of its own" +
                                          (names.empty() ? "" : "; write to one of " + names)};
  }
  std::string chain = "the bucket " + bucket + " is read-only: it is a mirror of ";
  std::string origin = config.mirror_of;
  for (int mirrors = 0; mirrors < kMirrorsMax; ++mirrors) {
    const auto upstream = read_config(origin);
    const auto* const found = std::get_if<BucketConfig>(&upstream);
    if (found == nullptr || found->mirror_of.empty()) break;
    chain += origin + ", which is a mirror of ";
    origin = found->mirror_of;
  }
  return BucketError{Kind::kFailed,
                     where + ": " + chain + origin + "; write with --bucket " + origin};
}

BucketWriter::Handles::Found BucketWriter::Handles::look_up(const std::string& key) const {
  const std::string stream = stream_of(bucket);
  Found found;
  for (const std::string& subject : config.keys.subjects_of(key)) {
    natsMsg* raw = nullptr;
    natsStatus status = NATS_OK;
    if (config.allow_direct && subject.find('*') == std::string::npos) {
      jsDirectGetMsgOptions last;
      jsDirectGetMsgOptions_Init(&last);
      last.LastBySubject = subject.c_str();
      status = js_DirectGetMsg(&raw, jetstream.get(), stream.c_str(), nullptr, &last);
    } else {
      status =
          js_GetLastMsg(&raw, jetstream.get(), stream.c_str(), subject.c_str(), nullptr, nullptr);
    }
    const NatsMsgPtr message(raw);
    if (status != NATS_OK) continue;
    const std::uint64_t revision = natsMsg_GetSequence(raw);
    if (subject == subject_prefix_of(bucket) + key) found.ours = revision;
    if (revision < found.revision) continue;
    found.revision = revision;
    found.value = !is_deletion(raw);
  }
  return found;
}

natsStatus BucketWriter::Handles::store(const NewEntry& entry, jsPubOptions* expected,
                                        jsErrCode* code) const {
  const std::string subject = js_api.subject(subject_prefix_of(bucket) + entry.key);
  return js_Publish(nullptr, jetstream.get(), subject.c_str(), entry.value.data(),
                    static_cast<int>(entry.value.size()), expected, code);
}

natsStatus BucketWriter::Handles::list_keys(const std::string& filter,
                                            std::vector<std::string>& keys) const {
  const std::string prefix = subject_prefix_of(bucket);
  const std::string subjects = prefix + filter;
  jsOptions with_keys;
  jsOptions_Init(&with_keys);
  with_keys.Stream.Info.SubjectsFilter = subjects.c_str();
  jsStreamInfo* raw = nullptr;
  const natsStatus status =
      js_GetStreamInfo(&raw, jetstream.get(), stream_of(bucket).c_str(), &with_keys, nullptr);
  const StreamInfoPtr info(raw);
  if (status != NATS_OK || info->State.Subjects == nullptr) return status;
  for (int i = 0; i < info->State.Subjects->Count; ++i) {
    const std::string_view subject = info->State.Subjects->List[i].Subject;
    if (subject.starts_with(prefix)) keys.emplace_back(subject.substr(prefix.size()));
  }
  return NATS_OK;
}

natsStatus BucketWriter::Handles::mark_deleted(const std::string& key) const {
  const std::string subject = js_api.subject(subject_prefix_of(bucket) + key);
  natsMsg* raw = nullptr;
  natsStatus status = natsMsg_Create(&raw, subject.c_str(), nullptr, nullptr, 0);
  const NatsMsgPtr mark(raw);
  if (status == NATS_OK) status = natsMsgHeader_Set(raw, "KV-Operation", "DEL");
  if (status == NATS_OK) {
    status = js_PublishMsg(nullptr, jetstream.get(), raw, nullptr, nullptr);
  }
  return status;
}

std::string BucketWriter::Handles::denial() const {
  const char* text = nullptr;
  const bool refused = connection != nullptr &&
                       natsConnection_GetLastError(connection.get(), &text) == NATS_NOT_PERMITTED;
  return refused && text != nullptr ? text : "";
}

// The library keeps the text but not the status: by now the status says that the connection ended.
std::string BucketWriter::Handles::farewell() const {
  if (connection == nullptr || !natsConnection_IsClosed(connection.get())) return {};
  const char* text = nullptr;
  natsConnection_GetLastError(connection.get(), &text);
  return text == nullptr ? "" : text;
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
  if (const std::string reason = farewell(); !reason.empty()) {
    // "Authorization Violation", "User Authentication Expired", "… Revoked", and an account's.
    const bool is_login = reason.find("uthentication") != std::string::npos ||
                          reason.find("uthorization") != std::string::npos;
    return {is_login ? Kind::kNotAllowed : Kind::kFailed,
            where + " ended the connection: " + reason};
  }
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
      if (js_api.is_usual()) return {Kind::kFailed, where + " has no JetStream"};
      return {Kind::kFailed, where + ": no JetStream answers to " + js_api.prefix() +
                                 "; check --nats-domain or --nats-js-prefix"};
    case NATS_NOT_FOUND:
      return {Kind::kFailed, where + " has no bucket " + bucket +
                                 "; check --bucket, create it (nats kv add " + bucket +
                                 " --history 1), or start bide serve with --create-bucket; " +
                                 "--nats-domain if it is in another JetStream domain"};
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
  handles->js_api = login.js_api;
  natsStatus status = handles->connect(login);
  if (status == NATS_OK) status = handles->open_jetstream();
  if (status != NATS_OK) return handles->error_of(status);
  if (auto error = handles->open_bucket()) return *std::move(error);
  return BucketWriter(std::move(handles));
}

BucketWriter::BucketWriter(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
BucketWriter::BucketWriter(BucketWriter&&) noexcept = default;
BucketWriter::~BucketWriter() = default;

std::optional<BucketError> BucketWriter::put(const NewEntry& entry) {
  const natsStatus status = handles_->store(entry, nullptr, nullptr);
  if (status == NATS_OK) return std::nullopt;
  return handles_->error_of(status);
}

std::optional<BucketError> BucketWriter::put_new(const NewEntry& entry) {
  jsPubOptions options;
  jsPubOptions_Init(&options);
  options.ExpectNoMessage = true;
  jsErrCode code{};
  const natsStatus status = handles_->store(entry, &options, &code);
  if (status == NATS_OK || code == JSStreamWrongLastSequenceErr) return std::nullopt;
  return handles_->error_of(status);
}

// Looks the key up first: nearly always it is there, and reading does not grow the stream.
std::optional<BucketError> BucketWriter::put_if_absent(const NewEntry& entry, bool* written) {
  std::optional<BucketError> error;
  for (int attempt = 0; attempt < kCreateAttemptsMax; ++attempt) {
    const Handles::Found found = handles_->look_up(entry.key);
    if (found.value) return std::nullopt;
    jsPubOptions options;
    jsPubOptions_Init(&options);
    options.ExpectNoMessage = found.ours == 0;
    options.ExpectLastSubjectSeq = found.ours;
    jsErrCode code{};
    const natsStatus status = handles_->store(entry, &options, &code);
    if (written != nullptr) *written = status == NATS_OK;
    if (status == NATS_OK) return std::nullopt;
    error = handles_->error_of(status);
    if (code != JSStreamWrongLastSequenceErr) break;
  }
  // Another client stored it, or this one did and the answer was lost.
  if (handles_->look_up(entry.key).value) return std::nullopt;
  return error;
}

// Marks, and not a purge, which is not delivered to consumers: every bide would have to read the
// whole bucket again. The definition is the first, so that nobody sees a job with a part of it.
std::variant<bool, BucketError> BucketWriter::remove(const std::string& job_id) {
  const std::string definition = "jobs." + job_id;
  std::vector<std::string> keys;
  const natsStatus listed = handles_->list_keys("*." + job_id + ".>", keys);
  if (listed != NATS_OK) return handles_->error_of(listed);
  const bool defined = handles_->look_up(definition).value;
  const auto has_value = [&](const std::string& key) { return handles_->look_up(key).value; };
  if (!defined && std::none_of(keys.begin(), keys.end(), has_value)) return false;
  if (defined) keys.insert(keys.begin(), definition);
  for (const std::string& key : keys) {
    const natsStatus marked = handles_->mark_deleted(key);
    if (marked == NATS_OK) continue;
    BucketError error = handles_->error_of(marked);
    if (&key != &keys.front()) error.message += "; only a part is deleted";
    return error;
  }
  return true;
}

}  // namespace bide
