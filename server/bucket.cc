#include "server/bucket.h"

namespace bide {
namespace {

jsOptions request_options() {
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = kBucketRequestTimeout.count();
  return options;
}

BucketFailure failure(const NatsConnection& connection, natsStatus status, jsErrCode code,
                      std::string_view request) {
  if (code == JSNotEnabledErr || code == JSNotEnabledForAccountErr ||
      status == NATS_NO_RESPONDERS) {
    return {false, "JetStream is not enabled on the NATS server"};
  }
  return {status == NATS_NOT_FOUND, describe_request_error(connection, status, request)};
}

}  // namespace

std::string stream_of(std::string_view bucket) { return "KV_" + std::string(bucket); }

std::string subject_prefix_of(std::string_view bucket) {
  return "$KV." + std::string(bucket) + ".";
}

std::variant<BucketState, BucketFailure> read_bucket_state(const NatsConnection& connection,
                                                           std::string_view bucket) {
  jsOptions options = request_options();
  jsStreamInfo* raw = nullptr;
  jsErrCode code{};
  const natsStatus status =
      js_GetStreamInfo(&raw, connection.jetstream(), stream_of(bucket).c_str(), &options, &code);
  const StreamInfoPtr info(raw);
  if (status != NATS_OK) return failure(connection, status, code, "STREAM.INFO");
  return BucketState{.epoch = static_cast<Epoch>(info->Created),
                     .max_age = std::chrono::nanoseconds(info->Config->MaxAge),
                     .keeps_history = info->Config->MaxMsgsPerSubject != 1,
                     .last_seq = info->State.LastSeq,
                     .entries = info->State.Msgs,
                     .first_time = WallTime(std::chrono::nanoseconds(info->State.FirstTime))};
}

std::optional<BucketFailure> create_bucket(const NatsConnection& connection,
                                           std::string_view bucket) {
  const std::string name(bucket);
  kvConfig config;
  kvConfig_Init(&config);
  config.Bucket = name.c_str();
  config.History = 1;
  kvStore* raw = nullptr;
  const natsStatus status = js_CreateKeyValue(&raw, connection.jetstream(), &config);
  const KvStorePtr store(raw);
  if (status == NATS_OK) return std::nullopt;
  // Somebody was faster, with another configuration: theirs will do.
  if (std::holds_alternative<BucketState>(read_bucket_state(connection, bucket))) {
    return std::nullopt;
  }
  return failure(connection, status, {}, "STREAM.CREATE");
}

}  // namespace bide
