// A large bucket: writing it, and the least that reading it can cost.
#include <atomic>
#include <thread>

#include "bench/kit/address.h"
#include "bench/kit/job_bucket.h"
#include "bench/probe/rows.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

std::uint64_t entries_of(jsCtx* jetstream) {
  jsStreamInfo* info = nullptr;
  if (js_GetStreamInfo(&info, jetstream, "KV_job-queue", nullptr, nullptr) != NATS_OK) {
    die("there is no bucket job-queue");
  }
  const std::uint64_t entries = info->State.Msgs;
  jsStreamInfo_Destroy(info);
  return entries;
}

// How many entries an ordered consumer receives until nothing is pending.
std::uint64_t drain(natsSubscription* subscription, std::uint64_t wanted) {
  std::uint64_t received = 0;
  while (received < wanted) {
    natsMsg* message = nullptr;
    if (natsSubscription_NextMsg(&message, subscription, 10'000) != NATS_OK) {
      die("the bare consumer stopped at " + std::to_string(received));
    }
    natsMsg_Destroy(message);
    ++received;
  }
  return received;
}

double seconds_to_drain(jsCtx* jetstream, jsDeliverPolicy policy, std::uint64_t wanted) {
  const auto start = std::chrono::steady_clock::now();
  jsSubOptions options;
  jsSubOptions_Init(&options);
  options.Ordered = true;
  options.Config.DeliverPolicy = policy;
  // nats-server 2.9 looks through all keys before it answers: a million take it some seconds, and
  // more where the machine is busy. The default is 5 s.
  jsOptions patience;
  jsOptions_Init(&patience);
  patience.Wait = 60'000;
  natsSubscription* subscription = nullptr;
  if (js_SubscribeSync(&subscription, jetstream, "$KV.job-queue.>", &patience, &options, nullptr) !=
      NATS_OK) {
    die("no ordered consumer");
  }
  drain(subscription, wanted);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  natsSubscription_Unsubscribe(subscription);
  natsSubscription_Destroy(subscription);
  return took.count();
}

}  // namespace

// Five entries a job: the definition, three events and a response, as one agent leaves them.
void fill_bucket(const Options& options) {
  JobBucket bucket(options.text("nats"), "job-queue");
  const auto when = std::chrono::system_clock::now();
  const int jobs = options.number("jobs", 200'000);
  for (int i = 0; i < jobs; ++i) {
    const std::string job = "job-" + std::to_string(1'000'000 + i);
    bucket.define(job);
    bucket.event(job, "acknowledged", "agent-1", when);
    bucket.event(job, "started", "agent-1", when + 1ms);
    bucket.response(job, "agent-1", when + 2ms);
    bucket.event(job, "completed", "agent-1", when + 2ms);
  }
  bucket.flush();
  jsCtx* jetstream = nullptr;
  natsConnection_JetStream(&jetstream, bucket.connection(), nullptr);
  const auto wanted = static_cast<std::uint64_t>(jobs) * 5;
  for (int i = 0; i < 600 && entries_of(jetstream) < wanted; ++i) {
    std::this_thread::sleep_for(100ms);
  }
  print("entries", static_cast<double>(entries_of(jetstream)));
  print("bytes", static_cast<double>(bucket.bytes()));
  jsCtx_Destroy(jetstream);
}

void measure_publish(const Options& options) {
  constexpr std::uint64_t kInFlightMax = 2000;  // As many as bide has.
  std::atomic<std::uint64_t> stored{0};
  JobBucket bucket(options.text("nats"), "job-queue", [&](std::uint64_t, std::uint64_t revision) {
    if (revision == 0) die("an event was refused");
    stored.fetch_add(1, std::memory_order_release);
  });
  const int jobs = options.number("jobs", 2000);
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::seconds(options.number("seconds", 4));
  std::uint64_t sent = 0;
  while (std::chrono::steady_clock::now() < end) {
    if (sent - stored.load(std::memory_order_acquire) >= kInFlightMax) {
      std::this_thread::sleep_for(50us);
      continue;
    }
    bucket.event("job-" + std::to_string(sent % static_cast<std::uint64_t>(jobs)), "started",
                 "agent-1", std::chrono::system_clock::now(), sent);
    ++sent;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print("per_s", static_cast<double>(stored.load()) / took.count());
}

void measure_drain(const Options& options) {
  JobBucket bucket(options.text("nats"), "job-queue");
  jsCtx* jetstream = nullptr;
  natsConnection_JetStream(&jetstream, bucket.connection(), nullptr);
  const std::uint64_t entries = entries_of(jetstream);
  print("all_seconds", seconds_to_drain(jetstream, js_DeliverAll, entries));
  print("last_per_subject_seconds", seconds_to_drain(jetstream, js_DeliverLastPerSubject, entries));
  jsCtx_Destroy(jetstream);
}

}  // namespace bench
