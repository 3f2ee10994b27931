#include "server/nats/bucket_advisories.h"

#include <algorithm>
#include <utility>

#include "core/base/json_object.h"
#include "server/nats/bucket.h"

namespace bide {
namespace {

// An advisory has about 1 KB, and most concern other streams. During a full read they are only
// kept.
constexpr int kAdvisoriesMax = 4096;
constexpr int kAdvisoryBytesMax = 8 << 20;
constexpr std::size_t kAdvisoryDepthMax = 64;
constexpr std::string_view kApi = "$JS.API.STREAM.";

bool is_denied(const NatsConnection& connection) {
  return connection.denial().find(BucketAdvisories::kSubject) != std::string::npos;
}

}  // namespace

BucketAdvisories::BucketAdvisories(NatsConnection& connection, std::string_view bucket)
    : connection_(connection), stream_(stream_of(bucket)) {
  // Each attempt would log an error at the server and here.
  if (is_denied(connection)) return;
  if (natsConnection_SubscribeSync(&subscription_, connection.handle(),
                                   std::string(kSubject).c_str()) != NATS_OK) {
    subscription_ = nullptr;
    return;
  }
  natsSubscription_SetPendingLimits(subscription_, kAdvisoriesMax, kAdvisoryBytesMax);
}

BucketAdvisories::~BucketAdvisories() {
  if (subscription_ != nullptr) connection_.retire(subscription_);
}

bool BucketAdvisories::listens() const {
  return subscription_ != nullptr && !is_denied(connection_);
}

// Called before each entry, so it must be cheap if there is no advisory.
BucketAdvisories::Heard BucketAdvisories::take() {
  std::uint64_t queued = 0;
  const bool any = subscription_ != nullptr &&
                   natsSubscription_QueuedMsgs(subscription_, &queued) == NATS_OK && queued > 0;
  if (!any) return Heard::kNothing;
  Heard gravest = Heard::kNothing;
  std::int64_t dropped = dropped_;
  natsSubscription_GetDropped(subscription_, &dropped);
  if (dropped != std::exchange(dropped_, dropped)) gravest = Heard::kPurged;
  for (natsMsg* raw = nullptr; queued > 0; --queued) {
    if (natsSubscription_NextMsg(&raw, subscription_, 0) != NATS_OK) continue;
    const NatsMsgPtr message(raw);
    const auto bytes = static_cast<std::size_t>(natsMsg_GetDataLength(raw));
    gravest = std::max(gravest, judge({natsMsg_GetData(raw), bytes}));
  }
  return gravest;
}

// The member `subject` is that of the request, for example $JS.API.STREAM.PURGE.KV_job-queue.
BucketAdvisories::Heard BucketAdvisories::judge(std::string_view advisory) const {
  const auto parsed = JsonObject::parse(advisory, {"subject", "domain"}, kAdvisoryDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr) return Heard::kTouched;  // It is malformed, so it may be about anything.
  // Between the domains of leaf nodes advisories pass, too.
  if (!connection_.js_api().may_be_in((*object)["domain"].text)) return Heard::kNothing;
  std::string_view asked = (*object)["subject"].text;
  const bool ours = asked.starts_with(kApi) && asked.ends_with("." + stream_);
  if (!ours) return Heard::kNothing;
  asked = asked.substr(kApi.size(), asked.size() - kApi.size() - stream_.size() - 1);
  if (asked == "PURGE" || asked == "MSG.DELETE" || asked == "RESTORE") return Heard::kPurged;
  return asked == "INFO" || asked == "MSG.GET" ? Heard::kNothing : Heard::kTouched;
}

}  // namespace bide
