// One update among many parked requests: how long until its client knows, next to the time that a
// bare nats.c subscriber takes to receive the same message.
#include <atomic>
#include <optional>
#include <random>
#include <thread>

#include "bench/kit/quantiles.h"
#include "bench/probe/crowd.h"
#include "bench/probe/rows.h"
#include "bench/probe/target.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
using Time = Crowd::Time;

// Receives every entry of the bucket, and notes when. In C, and on a thread of nats.c.
class BareSubscriber {
 public:
  explicit BareSubscriber(JobBucket& bucket, bool jetstream) {
    const std::string subject = bucket.prefix() + ">";
    if (!jetstream) {
      natsConnection_Subscribe(&subscription_, bucket.connection(), subject.c_str(), on_message,
                               this);
      return;
    }
    natsConnection_JetStream(&context_, bucket.connection(), nullptr);
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Ordered = true;
    options.Config.DeliverPolicy = js_DeliverNew;
    if (js_Subscribe(&subscription_, context_, subject.c_str(), on_message, this, nullptr, &options,
                     nullptr) != NATS_OK) {
      die("no ordered consumer");
    }
  }
  ~BareSubscriber() {
    natsSubscription_Unsubscribe(subscription_);
    std::this_thread::sleep_for(100ms);  // At this version of nats.c a message may be on its way.
    natsSubscription_Destroy(subscription_);
    jsCtx_Destroy(context_);
  }

  void expect() { received_.store(0, std::memory_order_release); }
  // Zero: not yet.
  [[nodiscard]] std::int64_t received() const { return received_.load(std::memory_order_acquire); }

 private:
  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    std::int64_t none = 0;
    static_cast<BareSubscriber*>(self)->received_.compare_exchange_strong(none, now);
    natsMsg_Destroy(message);
  }

  std::atomic<std::int64_t> received_{0};
  natsSubscription* subscription_ = nullptr;
  jsCtx* context_ = nullptr;
};

std::chrono::nanoseconds wait_received(const BareSubscriber& subscriber, Time start) {
  for (int i = 0; i < 20'000 && subscriber.received() == 0; ++i) std::this_thread::sleep_for(100us);
  if (subscriber.received() == 0) die("the bare subscriber received nothing");
  return Time(Time::duration(subscriber.received())) - start;
}

void print_quantiles(const std::string& name, Quantiles& quantiles) {
  print((name + "_p50_ms").c_str(), quantiles.ms(0.5));
  print((name + "_p99_ms").c_str(), quantiles.ms(0.99));
}

struct Parked {
  std::vector<std::string> jobs;
  std::vector<std::string> tags;
};

// The time until the client's answer came. It is parked again.
std::chrono::nanoseconds update_one(Target& target, Crowd& crowd, Parked& parked, int client,
                                    Time& start) {
  const auto index = static_cast<std::size_t>(client);
  start = std::chrono::steady_clock::now();
  target.event(parked.jobs[index]);
  std::chrono::nanoseconds took{};
  const auto on_answer = [&](int answered, const Response& response, Time when) {
    if (answered != client || response.status != 200) die("a wrong answer");
    took = when - start;
    parked.tags[index] = response.field("ETag");
  };
  if (crowd.collect(1, 5s, on_answer).answered != 1) die("no answer within 5 s");
  target.finish_event();
  if (!crowd.ask(client, target.held_request(parked.jobs[index], parked.tags[index]))) {
    die("the server closed a connection");
  }
  return took;
}

// Both, where the server reads NATS; else none.
class BareSubscribers {
 public:
  explicit BareSubscribers(Target& target) {
    if (!target.reads_nats()) return;
    core_.emplace(target.bucket(), false);
    jetstream_.emplace(target.bucket(), true);
  }
  void expect() {
    if (core_) core_->expect();
    if (jetstream_) jetstream_->expect();
  }
  void note(Time start) {
    if (core_) core_times_.add(wait_received(*core_, start));
    if (jetstream_) jetstream_times_.add(wait_received(*jetstream_, start));
  }
  void print() {
    if (core_) print_quantiles("core", core_times_);
    if (jetstream_) print_quantiles("jetstream", jetstream_times_);
  }

 private:
  std::optional<BareSubscriber> core_, jetstream_;
  Quantiles core_times_, jetstream_times_;
};

}  // namespace

void measure_notify(const Options& options) {
  Target target(options);
  Crowd crowd(options.number("clients", 10'000));
  Parked parked{job_names(options, crowd.size()), {}};
  parked.tags = target.define(parked.jobs);
  park_all(target, crowd, parked.jobs, parked.tags);
  BareSubscribers bare(target);
  std::minstd_rand random(1);
  std::uniform_int_distribution<int> any_client(0, crowd.size() - 1);
  std::uniform_int_distribution<int> pause_us(3'000, 7'000);
  Quantiles answers;
  const int samples = options.number("samples", 300);
  for (int i = 0; i < samples; ++i) {
    bare.expect();
    Time start;
    answers.add(update_one(target, crowd, parked, any_client(random), start));
    bare.note(start);
    std::this_thread::sleep_for(std::chrono::microseconds(pause_us(random)));
  }
  print_quantiles("answer", answers);
  bare.print();
}

}  // namespace bench
