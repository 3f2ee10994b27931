#include "server/nats/bucket.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <utility>

#include "core/base/json_object.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

// In a working group each server is heard from every second. After 4 s the others may have elected
// another leader than the server that answers.
constexpr std::chrono::nanoseconds kPeerSilenceMax = 3s;
// How long the server remembers a `Nats-Msg-Id`: the default of all clients.
constexpr std::chrono::nanoseconds kDuplicateWindow = 2min;
// How many mirrors of mirrors are followed to the origin.
constexpr int kMirrorsMax = 8;
// Each request returns about a thousand streams.
constexpr int kPagesMax = 16;
constexpr std::size_t kAnswerDepthMax = 16;

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
    const JsApi& api = connection.js_api();
    if (api.is_usual()) return {false, "JetStream is not enabled on the NATS server"};
    return {false, "no JetStream answers to " + api.prefix() +
                       "; check --nats-domain or --nats-js-prefix"};
  }
  return {status == NATS_NOT_FOUND, describe_request_error(connection, status, request)};
}

// From the view of the leader of the stream's group. A single server has no group.
bool has_quorum(const jsClusterInfo* group) {
  if (group == nullptr || group->ReplicasLen <= 0) return true;
  if (group->Leader == nullptr || *group->Leader == '\0') return false;
  const std::span others(group->Replicas, static_cast<std::size_t>(group->ReplicasLen));
  const auto there = std::count_if(others.begin(), others.end(), [](const jsPeerInfo* peer) {
    return !peer->Offline && std::chrono::nanoseconds(peer->Active) < kPeerSilenceMax;
  });
  return 2 * (1 + there) > 1 + group->ReplicasLen;
}

std::optional<Upstream> upstream_of(const jsStreamSource* mirror) {
  if (mirror == nullptr) return std::nullopt;
  if (mirror->FilterSubject != nullptr && *mirror->FilterSubject != '\0') return std::nullopt;
  const jsExternalStream* const external = mirror->External;
  const bool elsewhere = external != nullptr && external->APIPrefix != nullptr;
  return Upstream{mirror->Name, elsewhere ? external->APIPrefix : ""};
}

std::variant<BucketState, BucketFailure> read_state(const NatsConnection& connection,
                                                    const Upstream& of,
                                                    std::chrono::milliseconds timeout) {
  jsOptions options = request_options();
  options.Wait = timeout.count();
  if (!of.api.empty()) options.Prefix = of.api.c_str();
  jsStreamInfo* raw = nullptr;
  jsErrCode code{};
  const natsStatus status =
      js_GetStreamInfo(&raw, connection.jetstream(), of.stream.c_str(), &options, &code);
  const StreamInfoPtr info(raw);
  if (status != NATS_OK) return failure(connection, status, code, "STREAM.INFO");
  const jsStreamConfig& config = *info->Config;
  const bool has_origins = config.Mirror != nullptr || config.SourcesLen > 0;
  const bool limited = config.MaxMsgs > 0 || config.MaxBytes > 0;
  return BucketState{.epoch = static_cast<Epoch>(info->Created),
                     .max_age = std::chrono::nanoseconds(config.MaxAge),
                     .keeps_history = config.MaxMsgsPerSubject != 1,
                     .has_other_subjects = config.SubjectsLen != 1 && !has_origins,
                     .has_origins = has_origins,
                     .discards_old = limited && config.Discard == js_DiscardOld,
                     .allows_rollup = config.AllowRollup,
                     .has_quorum = has_quorum(info->Cluster),
                     .has_replicas = config.Replicas > 1,
                     .last_seq = info->State.LastSeq,
                     .first_seq = info->State.FirstSeq,
                     .entries = info->State.Msgs,
                     .first_time = WallTime(std::chrono::nanoseconds(info->State.FirstTime)),
                     .upstream = upstream_of(config.Mirror)};
}

}  // namespace

std::variant<BucketState, BucketFailure> read_bucket_state(const NatsConnection& connection,
                                                           std::string_view bucket,
                                                           std::chrono::milliseconds timeout) {
  return read_state(connection, {stream_of(bucket), {}}, timeout);
}

std::variant<BucketState, BucketFailure> read_origin_state(const NatsConnection& connection,
                                                           Upstream upstream,
                                                           std::chrono::milliseconds timeout) {
  for (int mirrors = 0; mirrors < kMirrorsMax; ++mirrors) {
    auto read = read_state(connection, upstream, timeout);
    const auto* const state = std::get_if<BucketState>(&read);
    if (state == nullptr || !state->has_origins) return read;
    if (!state->upstream) return BucketFailure{false, upstream.stream + " has a part only"};
    const std::string api = std::exchange(upstream, *state->upstream).api;
    if (upstream.api.empty()) upstream.api = api;
  }
  return BucketFailure{false, "a mirror of a mirror of a mirror, without an end"};
}

std::optional<BucketFailure> create_bucket(const NatsConnection& connection,
                                           std::string_view bucket, int replicas) {
  const std::string name = stream_of(bucket);
  const std::string subject = subject_prefix_of(bucket) + ">";
  std::array<const char*, 1> subjects = {subject.c_str()};
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = name.c_str();
  config.Subjects = subjects.data();
  config.SubjectsLen = subjects.size();
  config.MaxMsgsPerSubject = 1;
  config.Discard = js_DiscardNew;
  config.Duplicates = kDuplicateWindow.count();
  config.Replicas = replicas;
  config.DenyDelete = true;
  config.AllowDirect = true;
  jsOptions options = request_options();
  jsErrCode code{};
  const natsStatus status = js_AddStream(nullptr, connection.jetstream(), &config, &options, &code);
  if (status == NATS_OK) return std::nullopt;
  // Described now, because the library keeps only its last error.
  BucketFailure refusal = failure(connection, status, code, "STREAM.CREATE");
  // Another client was faster, with another configuration. bide uses that bucket.
  if (std::holds_alternative<BucketState>(read_bucket_state(connection, bucket))) {
    return std::nullopt;
  }
  return refusal;
}

std::string read_domain(const NatsConnection& connection) {
  jsOptions options = request_options();
  jsAccountInfo* raw = nullptr;
  if (js_GetAccountInfo(&raw, connection.jetstream(), &options, nullptr) != NATS_OK) return {};
  const std::unique_ptr<jsAccountInfo, decltype(&jsAccountInfo_Destroy)> info(
      raw, jsAccountInfo_Destroy);
  return raw->Domain == nullptr ? "" : raw->Domain;
}

// Does not use js_StreamNames(): it never returns if the server refuses the request, because then
// it gets no answer.
std::variant<std::vector<std::string>, std::string> list_buckets(const NatsConnection& connection) {
  std::vector<std::string> buckets;
  const std::string names = connection.js_api().subject("$JS.API.STREAM.NAMES");
  std::size_t seen = 0;
  for (int page = 0; page < kPagesMax; ++page) {
    const std::string request = R"({"offset":)" + std::to_string(seen) + "}";
    natsMsg* raw = nullptr;
    const natsStatus status = natsConnection_RequestString(
        &raw, connection.handle(), names.c_str(), request.c_str(), kBucketRequestTimeout.count());
    const NatsMsgPtr answer(raw);
    if (status != NATS_OK) return failure(connection, status, {}, "STREAM.NAMES").text;
    const std::string_view text(natsMsg_GetData(raw),
                                static_cast<std::size_t>(natsMsg_GetDataLength(raw)));
    const auto parsed = JsonObject::parse(text, {"streams"}, kAnswerDepthMax);
    const auto* const object = std::get_if<JsonObject>(&parsed);
    if (object == nullptr) return "an answer that cannot be read";
    const auto streams = parse_string_array((*object)["streams"].raw);
    if (!streams || streams->empty()) break;
    seen += streams->size();
    for (const std::string& stream : *streams) {
      const std::string_view bucket = bucket_of(stream);
      if (bucket != stream) buckets.emplace_back(bucket);
    }
  }
  std::sort(buckets.begin(), buckets.end());
  return buckets;
}

}  // namespace bide
