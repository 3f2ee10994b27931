#include "server/bucket.h"

#include <algorithm>
#include <span>

namespace bide {
namespace {

using namespace std::chrono_literals;

// In a group that works each is heard of every second, and from 4 s on the others may have elected
// another leader than the one that answers.
constexpr std::chrono::nanoseconds kPeerSilenceMax = 3s;

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

// As the leader of the stream's group sees it; a single server has no group.
bool has_quorum(const jsClusterInfo* group) {
  if (group == nullptr || group->ReplicasLen <= 0) return true;
  if (group->Leader == nullptr || *group->Leader == '\0') return false;
  const std::span others(group->Replicas, static_cast<std::size_t>(group->ReplicasLen));
  const auto there = std::count_if(others.begin(), others.end(), [](const jsPeerInfo* peer) {
    return !peer->Offline && std::chrono::nanoseconds(peer->Active) < kPeerSilenceMax;
  });
  return 2 * (1 + there) > 1 + group->ReplicasLen;
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
  const bool limited = info->Config->MaxMsgs > 0 || info->Config->MaxBytes > 0;
  return BucketState{.epoch = static_cast<Epoch>(info->Created),
                     .max_age = std::chrono::nanoseconds(info->Config->MaxAge),
                     .keeps_history = info->Config->MaxMsgsPerSubject != 1,
                     .has_other_subjects = info->Config->SubjectsLen != 1,
                     .discards_old = limited && info->Config->Discard == js_DiscardOld,
                     .allows_rollup = info->Config->AllowRollup,
                     .has_quorum = has_quorum(info->Cluster),
                     .last_seq = info->State.LastSeq,
                     .first_seq = info->State.FirstSeq,
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
