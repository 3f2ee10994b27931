#include "server/nats/bucket_feed.h"

#include <charconv>

#include "server/nats/ack_subject.h"
#include "server/nats/bucket.h"

namespace bide {
namespace {

// Flow control keeps the server from sending more than 32 MiB ahead. If that fails, the library
// drops messages beyond this limit, and the gap is noticed.
constexpr int kPendingBytesMax = 64 << 20;

}  // namespace

std::variant<std::unique_ptr<BucketFeed>, std::string> BucketFeed::open(NatsConnection& connection,
                                                                        Settings settings) {
  const std::string inbox = connection.new_inbox();
  // Subscribes before the consumer exists, because it sends at once.
  std::unique_ptr<BucketFeed> feed(new BucketFeed(connection, std::move(settings)));
  natsStatus status =
      natsConnection_SubscribeSync(&feed->subscription_, connection.handle(), inbox.c_str());
  if (status != NATS_OK) return describe_nats_error(status);
  status = natsSubscription_SetPendingLimits(feed->subscription_, -1, kPendingBytesMax);
  if (status == NATS_OK) status = feed->create_consumer(inbox);
  if (status != NATS_OK) {
    return "no consumer: " + describe_request_error(connection, status, "CONSUMER.CREATE");
  }
  return feed;
}

// The server deletes the consumer soon after the subscription to its inbox has ended.
BucketFeed::~BucketFeed() {
  if (subscription_ != nullptr) connection_.retire(subscription_);
}

natsStatus BucketFeed::create_consumer(const std::string& inbox) {
  const std::string filter = settings_.keys.filter();
  jsConsumerConfig config;
  jsConsumerConfig_Init(&config);
  // Without history all entries are the newest of their keys, so the server need not search them:
  // with a million keys that takes nats-server 2.9 more than 2 s.
  config.DeliverPolicy = settings_.keeps_history ? js_DeliverLastPerSubject : js_DeliverAll;
  if (settings_.begin != 0) {
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = settings_.begin;
  }
  config.AckPolicy = js_AckNone;
  // A filter that matches everything would only cost the server a look at every subject: 0.5 s with
  // a million. But js_DeliverLastPerSubject needs a filter.
  if (settings_.keeps_history) config.FilterSubject = filter.c_str();
  config.DeliverSubject = inbox.c_str();
  config.FlowControl = true;
  config.Heartbeat = std::chrono::nanoseconds(settings_.heartbeat).count();
  // The consumer's state needs no disk and no quorum: if it is lost, another one goes on.
  config.MemoryStorage = true;
  config.Replicas = 1;
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = settings_.patience.count();
  return js_AddConsumer(nullptr, connection_.jetstream(), stream_of(settings_.bucket).c_str(),
                        &config, &options, nullptr);
}

BucketFeed::Got BucketFeed::next(std::chrono::milliseconds timeout) {
  natsMsg* raw = nullptr;
  const natsStatus status = natsSubscription_NextMsg(&raw, subscription_, timeout.count());
  NatsMsgPtr message(raw);  // Owned before anything can throw.
  spent_.add(std::move(message_));
  if (spent_.full()) spent_.free();
  message_ = std::move(message);
  if (status == NATS_TIMEOUT) {
    spent_.free();
    return Got::kNothing;
  }
  if (status != NATS_OK) return broken(describe_nats_error(status));
  last_heard_ = system_clock().now();

  const char* const reply = natsMsg_GetReply(raw);
  const auto ack = parse_ack_subject(reply == nullptr ? std::string_view() : reply);
  if (!ack) return on_control();
  pending_ = ack->pending;

  // Other subjects may be bound to the stream. Their entries are no keys of the bucket.
  const std::string_view key = settings_.keys.key_of(natsMsg_GetSubject(raw));
  const auto bytes = static_cast<std::size_t>(natsMsg_GetDataLength(raw));
  const std::string_view value(natsMsg_GetData(raw), bytes);
  delivery_ = {ack->consumer_seq,
               ack->stream_seq,
               ack->time,
               settings_.allows_rollup ? rollup() : Rollup::kNone,
               hash_of(std::string_view(natsMsg_GetSubject(raw))),
               hash_of(value)};
  entry_ = {key, value, is_deletion(raw), ack->stream_seq, ack->time};
  return Got::kEntry;
}

std::uint64_t BucketFeed::queued() const {
  int messages = 0;
  const natsStatus status = natsSubscription_GetPending(subscription_, &messages, nullptr);
  return status == NATS_OK ? static_cast<std::uint64_t>(messages) : 0;
}

// Handles messages of the consumer itself: heartbeats and flow control. The reply subject tells
// them from entries; the headers do not, because anybody could write them into the bucket.
BucketFeed::Got BucketFeed::on_control() {
  const std::string_view status = header("Status");
  if (status != "100") return broken("consumer says status " + std::string(status));
  if (const char* reply = natsMsg_GetReply(message_.get()); reply != nullptr && *reply != '\0') {
    answer(reply);
    return Got::kNothing;
  }
  if (const std::string_view stalled = header("Nats-Consumer-Stalled"); !stalled.empty()) {
    answer(stalled);
    return Got::kNothing;
  }
  heartbeat_ = {number("Nats-Last-Consumer"), number("Nats-Last-Stream")};
  return Got::kHeartbeat;
}

BucketFeed::Got BucketFeed::broken(std::string why) {
  trouble_ = std::move(why);
  return Got::kBroken;
}

std::string_view BucketFeed::header(const char* name) const {
  const char* value = nullptr;
  // Cheap for messages without headers, which most entries are.
  return natsMsgHeader_Get(message_.get(), name, &value) == NATS_OK && value != nullptr ? value
                                                                                        : "";
}

std::uint64_t BucketFeed::number(const char* name) const {
  const std::string_view digits = header(name);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// The server accepts the words in either case.
Rollup BucketFeed::rollup() const {
  const std::string_view word = header("Nats-Rollup");
  if (word.empty()) return Rollup::kNone;
  return word.size() == 3 && (word[0] | 0x20) == 'a' ? Rollup::kAll : Rollup::kKey;
}

void BucketFeed::answer(std::string_view subject) {
  // If this fails, the next heartbeat asks again.
  natsConnection_Publish(connection_.handle(), std::string(subject).c_str(), "", 0);
}

}  // namespace bide
