// The calls of a writer, to a bucket whose answers the test gives: its stream takes no messages any
// more, and the test has subscribed to their subjects.
#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/executor.h"
#include "core/table/job_table.h"
#include "server/nats/job_writer.h"
#include "server/nats/watcher.h"
#include "tests/core/parking/test_waiter.h"
#include "tests/fake_clock.h"
#include "tests/server/nats/nats_bucket.h"

namespace bide {
namespace {

using namespace std::chrono_literals;
using testing::eventually;
using testing::TestBucket;
using testing::TestNats;
using End = Write::End;

constexpr auto kTick = 100ms;          // How often the writer looks at its calls.
constexpr auto kRepeatAfter = 1s;      // Without an answer.
constexpr auto kRetryRefusal = 200ms;  // Nobody takes messages on the subject.

std::string stored_as(Revision revision) {
  return R"({"stream":"KV_job-queue","seq":)" + std::to_string(revision) + "}";
}
std::string refused_with(int code) {
  return R"({"error":{"code":400,"err_code":)" + std::to_string(code) +
         R"(,"description":"because"}})";
}
constexpr int kWrongLastSequence = 10071;
constexpr int kWrongLastId = 10070;

// Gets the messages that nobody stores.
class Receiver {
 public:
  Receiver(const TestNats& nats, const std::string& subject) : connection_(nats.connect()) {
    REQUIRE(natsConnection_SubscribeSync(&subscription_, connection_->handle(), subject.c_str()) ==
            NATS_OK);
    flush();
  }
  ~Receiver() { connection_->retire(subscription_); }

  // Blocks until the server knows of it, after a reconnect, too.
  void flush() {
    REQUIRE(eventually(
        [&] { return natsConnection_FlushTimeout(connection_->handle(), 1000) == NATS_OK; }));
  }
  // Null: none comes.
  NatsMsgPtr next(std::chrono::milliseconds patience = 10s) {
    natsMsg* raw = nullptr;
    natsSubscription_NextMsg(&raw, subscription_, patience.count());
    return NatsMsgPtr(raw);
  }
  void answer(const NatsMsgPtr& message, const std::string& json) {
    REQUIRE(message != nullptr);
    REQUIRE(natsConnection_PublishString(connection_->handle(), natsMsg_GetReply(message.get()),
                                         json.c_str()) == NATS_OK);
  }

 private:
  std::shared_ptr<NatsConnection> connection_;
  natsSubscription* subscription_ = nullptr;
};

std::string key_of(const NatsMsgPtr& message) {
  REQUIRE(message != nullptr);
  return std::string(natsMsg_GetSubject(message.get()))
      .substr(std::string("$KV.job-queue.").size());
}
std::string id_of(const NatsMsgPtr& message) {
  const char* id = "";
  REQUIRE(natsMsgHeader_Get(message.get(), "Nats-Msg-Id", &id) == NATS_OK);
  return id;
}

// A request that waits for its write, without a deadline of its own.
struct Request {
  std::shared_ptr<Write> write = std::make_shared<Write>();
  TestWaiter waiter{};

  End end() {
    REQUIRE(waiter.wait_answer());
    return write->end;
  }
};

// Runs one task at a time on a thread of its own, but not before it is let go.
class HeldExecutor final : public Executor {
 public:
  ~HeldExecutor() override {
    let_go();
    for (std::thread& thread : threads_) thread.join();
  }
  void run(std::function<void()> task) override {
    threads_.emplace_back([this, task = std::move(task)] {
      let_go_.wait(false);
      task();
    });
    ++runs;
  }
  void let_go() {
    let_go_ = true;
    let_go_.notify_all();
  }
  std::atomic<int> runs{0};

 private:
  std::atomic<bool> let_go_{false};
  std::vector<std::thread> threads_;  // Of the one thread that calls run().
};

// The writer's clock stands still, so no call is repeated by chance.
struct Fixture {
  Fixture() { position.restart(42, 1'000'000); }
  ~Fixture() {
    bulk.let_go();
    watcher.stop();
    writer.stop();
    writes.begin_drain();
    writes.finish_drain();
    writes.stop();
    table.close();
  }

  void start() {
    bucket.unbind();
    watcher.start();
    REQUIRE(eventually([&] { return watcher.connection() != nullptr; }));
    writer.start(watcher);
  }
  Request& submit(Write::Kind kind, const std::string& job, const std::string& value = "{}",
                  std::vector<std::string> keys = {}, std::uint64_t client = 0) {
    Request& request = requests.emplace_back();
    Write& write = *request.write;
    write.kind = kind;
    write.job_id = job;
    write.definition = {"jobs." + job, value};
    write.entry = {"status." + job + ".started.a.1", "{}"};
    write.message_id = "id-" + job;
    write.keys = std::move(keys);
    write.client = client;
    write.exists = kind != Write::Kind::kDefine;
    request.waiter.terms.places = 0;
    REQUIRE(writer.take_room(write) == Writer::Room::kTaken);
    REQUIRE(writes.park(write, request.waiter, 0) == Parked::kParked);
    writer.submit(request.write);
    return request;
  }
  std::uint64_t ended(End end) const {
    return metrics.writes[static_cast<std::size_t>(end)].load();
  }

  const TestNats nats;
  TestBucket bucket{nats};
  JobTable table{system_clock(), {}, nullptr};  // The watcher's.
  Contact contact;
  Metrics metrics;
  Watcher watcher{{nats.url(), {}}, table, contact, metrics};
  FakeClock clock;
  ParkingPlaces places{1};
  Position position;
  Writes writes{clock, nullptr, places, position};
  HeldExecutor bulk;
  JobWriter writer{TestBucket::kName, clock, writes, metrics, &bulk};
  std::deque<Request> requests;
};

}  // namespace

TEST_CASE("job_writer: a call without an answer is repeated, and one answer is enough") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kEvent, "j");
  const NatsMsgPtr first = receiver.next();
  CHECK(key_of(first) == "status.j.started.a.1");
  f.clock.advance(kRepeatAfter);
  const NatsMsgPtr second = receiver.next();
  CHECK(id_of(first) == "id-j");
  CHECK(id_of(second) == "id-j");
  receiver.answer(second, "not JSON");
  receiver.answer(second, R"({"error":7})");
  receiver.answer(second, stored_as(7));
  CHECK(request.end() == End::kStored);
  receiver.answer(first, refused_with(1));
  Request& other = f.submit(Write::Kind::kEvent, "other");
  receiver.answer(receiver.next(), stored_as(8));
  CHECK(other.end() == End::kStored);
  CHECK(f.ended(End::kStored) == 2);
  Request& silent = f.submit(Write::Kind::kEvent, "silent");
  CHECK(receiver.next() != nullptr);
  f.clock.advance(kWritePatience);
  CHECK(silent.end() == End::kUnknown);  // It was received, so it may be stored.
}

TEST_CASE("job_writer: after a reconnect calls are repeated at once") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kEvent, "j");
  const NatsMsgPtr first = receiver.next();
  const std::uint64_t before = f.watcher.connection()->reconnects();
  f.nats.signal(SIGKILL);
  REQUIRE(eventually([&] {
    const auto connection = f.watcher.connection();
    return connection->connected() && connection->reconnects() > before;
  }));
  receiver.flush();
  f.clock.advance(kTick);
  const NatsMsgPtr second = receiver.next();
  CHECK(id_of(second) == id_of(first));
  receiver.answer(second, stored_as(7));
  CHECK(request.end() == End::kStored);
}

TEST_CASE("job_writer: what nobody has received is sent again after a while") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.job-queue.status.heard.>");
  f.start();
  // Once the writer has a connection, it sends calls in their order.
  Request& first = f.submit(Write::Kind::kEvent, "heard");
  receiver.answer(receiver.next(), stored_as(6));
  CHECK(first.end() == End::kStored);
  Request& unheard = f.submit(Write::Kind::kEvent, "j");
  Request& heard = f.submit(Write::Kind::kEvent, "heard");
  receiver.answer(receiver.next(), stored_as(7));
  CHECK(heard.end() == End::kStored);
  // The writer takes answers in their order, so by now it knows that nobody has received the other.
  Receiver late(f.nats, "$KV.job-queue.status.j.>");
  f.clock.advance(kRetryRefusal);
  const NatsMsgPtr again = late.next();
  CHECK(id_of(again) == "id-j");
  late.answer(again, stored_as(8));
  CHECK(unheard.end() == End::kStored);
}

// nats-server 2.15 compares the expected sequence first, and does not see that it is a repetition.
TEST_CASE("job_writer: a repeated definition is recognized by its id") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kDefine, "j");
  const NatsMsgPtr definition = receiver.next();
  receiver.answer(definition, refused_with(kWrongLastSequence));
  const NatsMsgPtr probe = receiver.next();
  CHECK(key_of(probe) == "jobs.j");
  CHECK(id_of(probe) == id_of(definition));
  const char* value = "";
  CHECK(natsMsgHeader_Get(probe.get(), "Nats-Expected-Last-Msg-Id", &value) == NATS_OK);
  CHECK(value == std::string_view(natsMsg_GetReply(probe.get())));
  CHECK(natsMsgHeader_Get(probe.get(), "Nats-Expected-Last-Subject-Sequence", &value) != NATS_OK);
  receiver.answer(probe, R"({"stream":"KV_job-queue","seq":7,"duplicate":true})");
  CHECK(request.end() == End::kStored);
}

TEST_CASE("job_writer: large definitions are compared while other writes go on") {
  Fixture f;
  const std::string value = R"({"operation":{"do":")" + std::string(100'000, 'x') + R"("}})";
  f.bucket.put("jobs.j", value);
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kDefine, "j", value);
  receiver.answer(receiver.next(), refused_with(kWrongLastSequence));
  const NatsMsgPtr probe = receiver.next();
  CHECK(natsMsg_GetDataLength(probe.get()) == 0);
  receiver.answer(probe, refused_with(kWrongLastId));
  CHECK(eventually([&] { return f.bulk.runs == 1; }));
  Request& other = f.submit(Write::Kind::kEvent, "other");
  receiver.answer(receiver.next(), stored_as(9));
  CHECK(other.end() == End::kStored);
  CHECK(f.ended(End::kSame) == 0);
  f.bulk.let_go();
  CHECK(request.end() == End::kSame);
}

TEST_CASE("job_writer: an answer that is being compared when the writer stops is waited for") {
  Fixture f;
  f.bucket.put("jobs.j", R"({"operation":")" + std::string(100'000, 'x') + R"("})");
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kDefine, "j");
  receiver.answer(receiver.next(), refused_with(kWrongLastSequence));
  receiver.answer(receiver.next(), refused_with(kWrongLastId));
  CHECK(eventually([&] { return f.bulk.runs == 1; }));
  f.watcher.stop();
  auto stopping = std::async(std::launch::async, [&] { f.writer.stop(); });
  REQUIRE(stopping.wait_for(20ms) == std::future_status::timeout);
  f.bulk.let_go();
  stopping.get();
  CHECK(f.ended(End::kOther) == 1);
  CHECK(request.end() == End::kOther);
}

TEST_CASE("job_writer: a job that others define and delete all the time is given up") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kDefine, "j");
  for (int i = 0; i < 5; ++i) {
    for (const int code : {kWrongLastSequence, kWrongLastId}) {
      const NatsMsgPtr message = receiver.next();
      CHECK(key_of(message) == "jobs.j");
      receiver.answer(message, refused_with(code));
    }  // It is not there when looked up.
  }
  CHECK(request.end() == End::kRefused);
  CHECK(request.write->why.find("try again") != std::string::npos);
}

TEST_CASE("job_writer: a client has 64 writes on their way to NATS, and the others wait in turn") {
  constexpr int kOpenMax = 64, kMore = 3;
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  const auto key = [](int i) { return "status.j" + std::to_string(i) + ".started.a.1"; };
  std::deque<NatsMsgPtr> open;
  std::vector<Request*> all;
  for (int i = 0; i < kOpenMax + kMore; ++i) {
    all.push_back(&f.submit(Write::Kind::kEvent, "j" + std::to_string(i)));
    if (i < kOpenMax) open.push_back(receiver.next());
  }
  Request& other = f.submit(Write::Kind::kEvent, "other", "{}", {}, 1);
  const NatsMsgPtr its = receiver.next();
  CHECK(key_of(its) == "status.other.started.a.1");
  receiver.answer(its, stored_as(1));
  CHECK(other.end() == End::kStored);
  for (int i = 0; i < kMore; ++i) {
    receiver.answer(open.front(), stored_as(2));
    open.pop_front();
    open.push_back(receiver.next());
    CHECK(key_of(open.back()) == key(kOpenMax + i));
  }
  for (const NatsMsgPtr& message : open) receiver.answer(message, stored_as(3));
  for (Request* const one : all) CHECK(one->end() == End::kStored);
}

TEST_CASE("job_writer: a client has 256 KiB on their way to NATS, or one write") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  const std::string third = R"({"operation":{"do":")" + std::string(100'000, 'x') + R"("}})";
  const std::string huge = R"({"operation":{"do":")" + std::string(300'000, 'x') + R"("}})";
  std::vector<Request*> all = {&f.submit(Write::Kind::kDefine, "a", huge)};
  const NatsMsgPtr first = receiver.next();
  for (const char* const job : {"b", "c", "d"}) {
    all.push_back(&f.submit(Write::Kind::kDefine, job, third));
  }
  receiver.answer(first, stored_as(1));
  const NatsMsgPtr second = receiver.next(), with_it = receiver.next();
  CHECK(key_of(second) == "jobs.b");
  CHECK(key_of(with_it) == "jobs.c");
  Request& other = f.submit(Write::Kind::kDefine, "other", third, {}, 1);
  const NatsMsgPtr its = receiver.next();
  CHECK(key_of(its) == "jobs.other");
  receiver.answer(with_it, stored_as(2));
  const NatsMsgPtr last = receiver.next();
  CHECK(key_of(last) == "jobs.d");
  for (const NatsMsgPtr* const message : {&second, &its, &last}) {
    receiver.answer(*message, stored_as(3));
  }
  for (Request* const one : all) CHECK(one->end() == End::kStored);
  CHECK(other.end() == End::kStored);
}

TEST_CASE("job_writer: what has waited for its turn for too long is not stored") {
  Fixture f;
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  const std::string value(200'000, 'x');
  Request& open = f.submit(Write::Kind::kDefine, "a", value);
  Request& waiting = f.submit(Write::Kind::kDefine, "b", value);
  CHECK(receiver.next() != nullptr);
  f.clock.advance(kWritePatience);
  CHECK(open.end() == End::kUnknown);
  CHECK(waiting.end() == End::kAway);
  Request& next = f.submit(Write::Kind::kDefine, "c", value);
  const NatsMsgPtr message = receiver.next();
  CHECK(key_of(message) == "jobs.c");
  receiver.answer(message, stored_as(3));
  CHECK(next.end() == End::kStored);
  Request& left = f.submit(Write::Kind::kDefine, "d", value);
  Request& behind = f.submit(Write::Kind::kDefine, "e", value);
  CHECK(receiver.next() != nullptr);
  f.watcher.stop();
  f.writer.stop();
  for (Request* const one : {&left, &behind}) {
    CHECK(one->write.use_count() == 1);
    f.writes.finish(one->write, {.end = End::kAway});
  }
}

TEST_CASE("job_writer: all deletions together have 64 marks under way, and each has one") {
  constexpr std::size_t kMarksAtOnce = 64;
  Fixture f;
  const auto keys_of = [](const std::string& job, std::size_t count) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back("status." + job + ".started.a1." + std::to_string(i));
    }
    return keys;
  };
  const std::vector<std::string> keys = keys_of("j", kMarksAtOnce + 50);
  std::set<std::string> unmarked(keys.begin(), keys.end());
  Receiver receiver(f.nats, "$KV.>");
  f.start();
  Request& request = f.submit(Write::Kind::kDelete, "j", "", keys);
  const NatsMsgPtr definition = receiver.next();
  CHECK(key_of(definition) == "jobs.j");
  receiver.answer(definition, stored_as(1000));
  std::deque<NatsMsgPtr> marks;
  for (std::size_t i = 0; i < kMarksAtOnce; ++i) marks.push_back(receiver.next());

  Request& second = f.submit(Write::Kind::kDelete, "k", "", keys_of("k", 2));
  receiver.answer(receiver.next(), stored_as(1001));
  for (const char* const key : {"status.k.started.a1.0", "status.k.started.a1.1"}) {
    const NatsMsgPtr mark = receiver.next();
    CHECK(key_of(mark) == key);
    receiver.answer(mark, stored_as(1002));
  }
  CHECK(second.end() == End::kStored);

  Revision revision = 2000;
  while (!marks.empty()) {
    CHECK(unmarked.erase(key_of(marks.front())) == 1);
    receiver.answer(marks.front(), stored_as(revision--));
    marks.pop_front();
    if (marks.size() < unmarked.size()) marks.push_back(receiver.next());
  }
  CHECK(unmarked.empty());
  CHECK(request.end() == End::kStored);
  // Their marks do not count any more.
  const std::vector<std::string> more = keys_of("l", kMarksAtOnce);
  Request& third = f.submit(Write::Kind::kDelete, "l", "", more);
  receiver.answer(receiver.next(), stored_as(3000));
  for (std::size_t i = 0; i < kMarksAtOnce; ++i) marks.push_back(receiver.next());
  for (const NatsMsgPtr& mark : marks) receiver.answer(mark, stored_as(3001));
  CHECK(third.end() == End::kStored);
}

TEST_CASE("job_writer: a deletion ends once, and gives its room back, whatever is left of it") {
  for (const bool refused : {true, false}) {
    Fixture f;
    Receiver receiver(f.nats, "$KV.>");
    f.start();
    Request& request = f.submit(Write::Kind::kDelete, "j", "", {"status.j.a", "status.j.b", "c"});
    receiver.answer(receiver.next(), stored_as(1000));
    std::deque<NatsMsgPtr> marks;
    for (int i = 0; i < 3; ++i) marks.push_back(receiver.next());
    if (refused) {
      receiver.answer(marks[1], refused_with(1));
    } else {
      f.clock.advance(kWritePatience);
    }
    CHECK(request.end() == End::kUnknown);
    CHECK(request.write->why == (refused ? "because" : ""));
    CHECK(eventually([&] { return request.write.use_count() == 1; }));
    receiver.answer(marks[0], stored_as(1001));  // Nobody waits for it any more.
    Request& other = f.submit(Write::Kind::kEvent, "other");
    receiver.answer(receiver.next(), stored_as(1002));
    CHECK(other.end() == End::kStored);
    CHECK(f.ended(End::kUnknown) == 1);
  }
}

}  // namespace bide
