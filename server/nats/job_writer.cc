#include "server/nats/job_writer.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <new>
#include <optional>
#include <utility>

#include "server/log/log.h"
#include "server/nats/login/bucket_config.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepeatAfter = 1s;      // Without an answer.
constexpr auto kRetryRefusal = 200ms;  // No JetStream receives it at the moment.
constexpr auto kTick = 100ms;          // How exact these times are.
constexpr auto kNoChannelPause = 20ms;
constexpr std::size_t kAnswersAtOnce = 256;
constexpr std::size_t kReplyDepthMax = 16;

constexpr std::size_t kBulkBytes = 65'536;  // An answer of so many takes a millisecond or more.

std::string_view json_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

// Its request is answered at its own deadline.
void warn_of_lost_write() {
  static LogLimit limit;
  log_warn_limited(limit, "out of memory: a write over HTTP was not followed to its end");
}

bool set_header(natsMsg* message, const char* name, const std::string& value) {
  return natsMsgHeader_Set(message, name, value.c_str()) == NATS_OK;
}

}  // namespace

std::optional<std::uint64_t> JobWriter::Answer::number_in(const JsonMember& member) {
  if (member.kind != JsonMember::Kind::kNumber) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = member.raw.data() + member.raw.size();
  const auto [stop, error] = std::from_chars(member.raw.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<JsonObject> JobWriter::Answer::object_in(std::string_view json,
                                                       const std::vector<std::string_view>& names) {
  auto parsed = JsonObject::parse(json, names, kReplyDepthMax);
  if (auto* const object = std::get_if<JsonObject>(&parsed)) return std::move(*object);
  return std::nullopt;
}

JobWriter::JobWriter(std::string bucket, Clock& clock, Writes& writes, Metrics& metrics,
                     Executor* bulk)
    : bucket_(std::move(bucket)),
      prefix_(subject_prefix_of(bucket_)),
      clock_(clock),
      writes_(writes),
      metrics_(metrics),
      bulk_(bulk) {}

void JobWriter::start(Watcher& watcher) {
  watcher_ = &watcher;
  thread_ = std::thread([this, &watcher] { run(watcher); });
}

void JobWriter::stop() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
  std::unordered_map<std::uint64_t, Call> unanswered;  // Their tasks give back their room.
  std::deque<Waiting> waiting;
  {
    MutexLock lock(mutex_);
    for (auto& [client, has] : clients_) {
      std::move(has.waiting.begin(), has.waiting.end(), std::back_inserter(waiting));
      has.waiting.clear();
    }
    while (bulk_open_ > 0) bulk_done_.wait_until(mutex_, std::chrono::steady_clock::now() + kTick);
    unanswered.swap(calls_);
  }
  for (const Waiting& one : waiting) give_back(*one.write);
}

// --- Room -------------------------------------------------------------------------------------

Writer::Room JobWriter::take_room(const Write& write) {
  const std::size_t bytes = write.bytes();
  MutexLock lock(mutex_);
  if (all_.writes >= kInFlightMax || all_.bytes + bytes > kBytesMax) return Room::kFull;
  Amount& of_client = clients_[write.client].all;
  // The keys of the largest jobs take more than a client's share: such a deletion goes alone.
  const bool is_first = of_client.writes == 0;
  if (of_client.writes >= kPerClientMax ||
      (!is_first && of_client.bytes + bytes > kBytesPerClientMax)) {
    return Room::kClientFull;
  }
  of_client.add(bytes);
  all_.add(bytes);
  return Room::kTaken;
}

void JobWriter::give_back(const Write& write) {
  MutexLock lock(mutex_);
  give_back(clients_.find(write.client), write.bytes());
}

void JobWriter::give_back(Clients::iterator it, std::size_t bytes) {
  it->second.all.remove(bytes);
  all_.remove(bytes);
  if (it->second.all.writes == 0) clients_.erase(it);
}

bool JobWriter::OfClient::may_open(const Write& write) const {
  return open.writes == 0 ||
         (open.writes < kOpenPerClientMax && open.bytes + write.bytes() <= kOpenBytesPerClientMax);
}

// --- The thread -------------------------------------------------------------------------------

void JobWriter::run(Watcher& watcher) {
  std::shared_ptr<Channel> channel;
  SpentMessages spent;
  Link link = 0;
  bool open = false;
  TimePoint tick{};
  while (!stop_.requested()) {
    try {
      // Not before each answer: it takes the library's locks, and looks at every call.
      if (const TimePoint now = clock_.now(); !open || now >= tick) {
        tick = now + kTick;
        open = renew_channel(watcher, channel, link);
        repeat_calls();
        look_at_waiting();
      }
      if (open) {
        take_answers(*channel, spent);
      } else {
        stop_.wait_for(kNoChannelPause);
      }
    } catch (const std::bad_alloc&) {
      warn_of_lost_write();
    }
  }
  MutexLock lock(mutex_);
  channel_ = nullptr;
}

bool JobWriter::renew_channel(Watcher& watcher, std::shared_ptr<Channel>& channel, Link& link) {
  const std::shared_ptr<NatsConnection> connection = watcher.connection();
  if (connection != nullptr && (channel == nullptr || channel->connection != connection)) {
    link = connection->link();
    channel = open_channel(connection);
    // In one step, so that a call goes out either before it, to be repeated, or after it.
    MutexLock lock(mutex_);
    channel_ = channel;
    for (auto& [number, call] : calls_) call.repeat_at = {};
  }
  if (channel == nullptr) return false;
  const Link now = connection->link();
  if (std::exchange(link, now) != now) repeat_all_by({});
  return !connection->closed();
}

std::shared_ptr<JobWriter::Channel> JobWriter::open_channel(
    const std::shared_ptr<NatsConnection>& connection) const {
  const std::string inbox = connection->new_inbox() + ".";
  natsSubscription* subscription = nullptr;
  const natsStatus status =
      natsConnection_SubscribeSync(&subscription, connection->handle(), (inbox + "*").c_str());
  if (status != NATS_OK) return nullptr;
  natsSubscription_SetPendingLimits(subscription, -1, -1);
  return std::make_shared<Channel>(connection, inbox, subscription);
}

void JobWriter::take_answers(const Channel& channel, SpentMessages& spent) {
  std::chrono::milliseconds patience = kTick;
  {
    MutexLock lock(mutex_);
    if (calls_.empty()) patience = kRepeatAfter;
  }
  bool refused = false;
  // Calls are repeated between two batches.
  for (std::size_t i = 0; i < kAnswersAtOnce; ++i) {
    natsMsg* raw = nullptr;
    const natsStatus status =
        natsSubscription_NextMsg(&raw, channel.subscription, i == 0 ? patience.count() : 0);
    if (status == NATS_NO_RESPONDERS) {
      if (!std::exchange(refused, true)) repeat_all_by(clock_.now() + kRetryRefusal);
      continue;
    }
    if (status != NATS_OK) {
      if (i > 0) return;
      // Not every error blocks, and a connection that is closed for good is replaced.
      if (status != NATS_TIMEOUT) stop_.wait_for(kTick);
      spent.free();
      free_sent();
      return;
    }
    NatsMsgPtr message(raw);
    hear(message);
    spent.add(std::move(message));
    if (spent.full()) spent.free();
  }
}

// The library does not say which call nobody has received. So all are repeated, and a call that
// ends without an answer counts as one that may have been received.
void JobWriter::repeat_all_by(TimePoint time) {
  MutexLock lock(mutex_);
  for (auto& [number, call] : calls_) call.repeat_at = std::min(call.repeat_at, time);
}

// The number of the call is the last token of the subject.
void JobWriter::hear(NatsMsgPtr& message) {
  const std::string_view subject = natsMsg_GetSubject(message.get());
  const std::string_view token = subject.substr(subject.rfind('.') + 1);
  std::uint64_t number = 0;
  std::from_chars(token.data(), token.data() + token.size(), number);
  const std::string_view json = json_of(message.get());
  if (is_bulk(number, json.size())) return hear_as_bulk(number, std::move(message));
  take_answer(number, json);
}

// The value of a definition may have a megabyte. To read it out of the answer and to compare it
// takes some tens of milliseconds, and all other writes would wait for that. The other answers are
// small, or may come while their task has further calls open.
bool JobWriter::is_bulk(std::uint64_t number, std::size_t bytes) {
  if (bulk_ == nullptr || bytes < kBulkBytes) return false;
  MutexLock lock(mutex_);
  const auto it = calls_.find(number);
  return it != calls_.end() && it->second.task->step == Task::Step::kLookUp;
}

void JobWriter::hear_as_bulk(std::uint64_t number, NatsMsgPtr message) {
  const std::shared_ptr<natsMsg> shared = std::move(message);
  {
    MutexLock lock(mutex_);
    ++bulk_open_;
  }
  auto done = [this] {
    MutexLock lock(mutex_);
    if (--bulk_open_ == 0) bulk_done_.notify_all();
  };
  try {
    bulk_->run([this, number, shared, done] {
      try {
        take_answer(number, json_of(shared.get()));
      } catch (const std::bad_alloc&) {
        warn_of_lost_write();
      }
      done();
    });
  } catch (const std::bad_alloc&) {
    done();
    throw;
  }
}

void JobWriter::take_answer(std::uint64_t number, std::string_view json) {
  Answer answer;
  answer.json = json;
  auto object = Answer::object_in(answer.json, {"seq", "duplicate", "error", "message"});
  if (!object) return;  // Not from JetStream. The call is repeated.
  answer.object = *std::move(object);
  answer.revision = Answer::number_in(answer.object["seq"]);
  answer.duplicate = answer.object["duplicate"].raw == "true";
  std::optional<JsonObject> error;
  if (answer.object["error"].present()) {
    error = Answer::object_in(answer.object["error"].raw, {"err_code", "description"});
    if (!error) return;
    answer.error = Answer::number_in((*error)["err_code"]).value_or(1);
    answer.description = (*error)["description"].text;
  }
  TaskPtr task;
  {
    MutexLock lock(mutex_);
    const auto it = calls_.find(number);
    if (it == calls_.end()) return;  // The answer to a repeated call.
    Call& call = it->second;
    if (!call.message_id.empty()) --call.task->unanswered;
    task = call.task;
    calls_.erase(it);
  }
  const std::uint64_t client = task->write->client;
  take_step(task, answer);
  task.reset();  // If that was its end, another one may begin.
  begin_waiting(client);
}

void JobWriter::repeat_calls() {
  const TimePoint now = clock_.now();
  std::vector<std::pair<std::uint64_t, Call>> due;
  std::vector<TaskPtr> late;
  std::shared_ptr<Channel> channel;
  {
    MutexLock lock(mutex_);
    channel = channel_;
    for (auto it = calls_.begin(); it != calls_.end();) {
      Call& call = it->second;
      if (call.task->deadline <= now) {
        late.push_back(call.task);
        it = calls_.erase(it);
        continue;
      }
      if (call.repeat_at <= now && channel != nullptr && channel->connection->connected()) {
        call.repeat_at = now + kRepeatAfter;
        if (!call.message_id.empty()) ++call.task->unanswered;
        due.emplace_back(it->first, call);
      }
      ++it;
    }
  }
  for (const auto& [number, call] : due) send(message_of(call, number, *channel), *channel);
  for (const TaskPtr& task : late) give_up(task);
}

void JobWriter::call(const TaskPtr& task, Call call) {
  call.task = task;
  const std::uint64_t number = ++calls_made_;
  std::shared_ptr<Channel> channel;
  {
    // In one step with the look at the channel: see renew_channel().
    MutexLock lock(mutex_);
    if (channel_ != nullptr && channel_->connection->connected()) channel = channel_;
    if (channel != nullptr) call.repeat_at = clock_.now() + kRepeatAfter;
    if (channel != nullptr && !call.message_id.empty()) ++task->unanswered;
    calls_.emplace(number, call);
  }
  if (channel != nullptr) send(message_of(call, number, *channel), *channel);
}

NatsMsgPtr JobWriter::message_of(const Call& call, std::uint64_t number, const Channel& channel) {
  natsMsg* raw = nullptr;
  const std::string reply = channel.inbox + std::to_string(number);
  const std::string subject = channel.connection->js_api().subject(call.subject);
  const natsStatus made = natsMsg_Create(&raw, subject.c_str(), reply.c_str(), call.body.data(),
                                         static_cast<int>(call.body.size()));
  NatsMsgPtr message(raw);
  if (made != NATS_OK) return nullptr;
  bool good = true;
  if (!call.message_id.empty()) good = set_header(raw, "Nats-Msg-Id", call.message_id);
  if (call.deletes) good = good && set_header(raw, "KV-Operation", "DEL");
  if (call.expected) {
    good = good &&
           set_header(raw, "Nats-Expected-Last-Subject-Sequence", std::to_string(*call.expected));
  }
  // The stream's last message has no such id. All servers look for a repetition before that; for
  // one with an expected sequence, nats-server 2.15 does not.
  if (call.only_asks) good = good && set_header(raw, "Nats-Expected-Last-Msg-Id", reply);
  return good ? std::move(message) : nullptr;
}

void JobWriter::send(NatsMsgPtr message, const Channel& channel) {
  if (message == nullptr) return;
  natsConnection_PublishMsg(channel.connection->handle(), message.get());
  bool full = false;
  {
    MutexLock lock(mutex_);
    sent_.add(std::move(message));
    full = sent_.full();
  }
  if (full) free_sent();
}

// Without the mutex: it is the library's work.
void JobWriter::free_sent() {
  SpentMessages sent;
  {
    MutexLock lock(mutex_);
    std::swap(sent, sent_);
  }
}

}  // namespace bide
