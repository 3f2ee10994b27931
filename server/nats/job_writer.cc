#include "server/nats/job_writer.h"

#include <algorithm>
#include <charconv>
#include <new>
#include <optional>
#include <utility>

#include "core/base/base64.h"
#include "core/base/json_object.h"
#include "server/log/log.h"
#include "server/nats/login/bucket_config.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr auto kRepeatAfter = 1s;      // Without an answer.
constexpr auto kRetryRefusal = 200ms;  // There is no leader, or no JetStream, at the moment.
constexpr auto kTick = 100ms;          // How exact these times are.
constexpr auto kNoChannelPause = 20ms;
constexpr std::size_t kAnswersAtOnce = 256;
constexpr std::size_t kMarksAtOnce = 256;
// Somebody else may define and delete the job all the time.
constexpr int kLooksMax = 4;
constexpr std::size_t kReplyDepthMax = 16;
constexpr std::uint64_t kWrongLastSequence = 10071;

std::optional<std::uint64_t> number_in(const JsonMember& member) {
  if (member.kind != JsonMember::Kind::kNumber) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = member.raw.data() + member.raw.size();
  const auto [stop, error] = std::from_chars(member.raw.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<JsonObject> object_in(std::string_view json,
                                    const std::vector<std::string_view>& names) {
  auto parsed = JsonObject::parse(json, names, kReplyDepthMax);
  if (auto* const object = std::get_if<JsonObject>(&parsed)) return std::move(*object);
  return std::nullopt;
}

// Headers as they travel: `NATS/1.0\r\nKV-Operation: DEL\r\n\r\n`.
bool says_deletion(std::string_view headers) {
  return headers.find("\r\nKV-Operation: DEL\r\n") != std::string_view::npos ||
         headers.find("\r\nKV-Operation: PURGE\r\n") != std::string_view::npos ||
         headers.find("\r\nNats-Marker-Reason: ") != std::string_view::npos;
}

bool set_header(natsMsg* message, const char* name, const std::string& value) {
  return natsMsgHeader_Set(message, name, value.c_str()) == NATS_OK;
}

}  // namespace

// One answer to a call.
struct JobWriter::Answer {
  bool no_responders = false;
  std::string_view json;  // Of the server.
  std::optional<std::uint64_t> revision;
  bool duplicate = false;
  std::uint64_t error = 0;  // JetStream's code; 0: no error.
  std::string_view description;
  JsonObject object;
};

struct JobWriter::Task {
  enum class Step : std::uint8_t {
    kLookUp,        // The value of the definition's key.
    kFindOriginal,  // The definition that an earlier repetition has stored.
    kStoreDefinition,
    kStoreEntry,
    kListKeys,
    kProbe,  // Whether an earlier repetition has deleted the job.
    kMarkDefinition,
    kMarkOthers,
  };
  Task(JobWriter& owner, WritePtr asked) : writer(owner), write(std::move(asked)) {}
  ~Task() { writer.give_back(*write); }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  JobWriter& writer;
  const WritePtr write;
  TimePoint deadline{};
  Step step{};
  int looks = 0;
  std::string question;           // The body of a request to the API.
  std::vector<std::string> keys;  // kDelete: subjects still to be marked.
  std::size_t marks_open = 0;
  Revision revision = 0;  // The latest that was stored.
  // Messages to store without an answer, guarded by the writer's mutex.
  std::size_t unanswered = 0;
};

JobWriter::JobWriter(std::string bucket, Clock& clock, Writes& writes, Metrics& metrics)
    : bucket_(std::move(bucket)),
      prefix_(subject_prefix_of(bucket_)),
      clock_(clock),
      writes_(writes),
      metrics_(metrics) {}

void JobWriter::start(Watcher& watcher) {
  watcher_ = &watcher;
  thread_ = std::thread([this, &watcher] { run(watcher); });
}

void JobWriter::stop() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
  std::unordered_map<std::uint64_t, Call> unanswered;  // Their tasks give back their room.
  {
    MutexLock lock(mutex_);
    unanswered.swap(calls_);
  }
}

// --- Room -------------------------------------------------------------------------------------

Writer::Room JobWriter::take_room(const Write& write) {
  const std::size_t bytes = write.bytes();
  MutexLock lock(mutex_);
  if (in_flight_sum_.writes >= kInFlightMax || in_flight_sum_.bytes + bytes > kBytesMax) {
    return Room::kFull;
  }
  const auto it = in_flight_.try_emplace(write.client).first;
  InFlight& of_client = it->second;
  if (of_client.writes >= kPerClientMax || of_client.bytes + bytes > kBytesPerClientMax) {
    return Room::kClientFull;
  }
  for (InFlight* const taken : {&of_client, &in_flight_sum_}) {
    ++taken->writes;
    taken->bytes += bytes;
  }
  return Room::kTaken;
}

void JobWriter::give_back(const Write& write) {
  const std::size_t bytes = write.bytes();
  MutexLock lock(mutex_);
  const auto it = in_flight_.find(write.client);
  for (InFlight* const taken : {&it->second, &in_flight_sum_}) {
    --taken->writes;
    taken->bytes -= bytes;
  }
  if (it->second.writes == 0) in_flight_.erase(it);
}

// --- The thread -------------------------------------------------------------------------------

void JobWriter::run(Watcher& watcher) {
  static LogLimit limit;
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
      }
      if (open) {
        take_answers(*channel, spent);
      } else {
        stop_.wait_for(kNoChannelPause);
      }
    } catch (const std::bad_alloc&) {
      // The request of a write that is lost so is answered at its own deadline.
      log_warn_limited(limit, "out of memory: a write over HTTP was not followed to its end");
    }
  }
  MutexLock lock(mutex_);
  channel_ = nullptr;
}

bool JobWriter::renew_channel(Watcher& watcher, std::shared_ptr<Channel>& channel, Link& link) {
  const std::shared_ptr<NatsConnection> connection = watcher.connection();
  if (connection != nullptr && (channel == nullptr || channel->connection != connection)) {
    channel = open_channel(connection);
    MutexLock lock(mutex_);
    channel_ = channel;
  }
  if (channel == nullptr) return false;
  const Link now = connection->link();
  if (std::exchange(link, now) != now) {
    MutexLock lock(mutex_);
    for (auto& [number, call] : calls_) call.repeat_at = {};
  }
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
  // Calls are repeated between two batches.
  for (std::size_t i = 0; i < kAnswersAtOnce; ++i) {
    natsMsg* raw = nullptr;
    const natsStatus status =
        natsSubscription_NextMsg(&raw, channel.subscription, i == 0 ? patience.count() : 0);
    if (status != NATS_OK) {
      if (i > 0) return;
      // Not every error blocks, and a connection that is closed for good is replaced.
      if (status != NATS_TIMEOUT) stop_.wait_for(kTick);
      spent.free();
      free_sent();
      return;
    }
    NatsMsgPtr message(raw);
    hear(raw);
    spent.add(std::move(message));
    if (spent.full()) spent.free();
  }
}

// The number of the call is the last token of the subject.
void JobWriter::hear(natsMsg* message) {
  const std::string_view subject = natsMsg_GetSubject(message);
  const std::string_view token = subject.substr(subject.rfind('.') + 1);
  std::uint64_t number = 0;
  std::from_chars(token.data(), token.data() + token.size(), number);
  Answer answer;
  answer.no_responders = natsMsg_IsNoResponders(message);
  answer.json = {natsMsg_GetData(message),
                 static_cast<std::size_t>(natsMsg_GetDataLength(message))};
  if (!answer.no_responders) {
    auto object = object_in(answer.json, {"seq", "duplicate", "error", "message", "state"});
    if (!object) return;  // Not from JetStream. The call is repeated.
    answer.object = *std::move(object);
    answer.revision = number_in(answer.object["seq"]);
    answer.duplicate = answer.object["duplicate"].raw == "true";
  }
  std::optional<JsonObject> error;
  if (!answer.no_responders && answer.object["error"].present()) {
    error = object_in(answer.object["error"].raw, {"err_code", "description"});
    if (!error) return;
    answer.error = number_in((*error)["err_code"]).value_or(1);
    answer.description = (*error)["description"].text;
  }
  TaskPtr task;
  {
    MutexLock lock(mutex_);
    const auto it = calls_.find(number);
    if (it == calls_.end()) return;  // The answer to a repeated call.
    Call& call = it->second;
    if (!call.message_id.empty()) --call.task->unanswered;
    if (answer.no_responders) {
      call.repeat_at = clock_.now() + kRetryRefusal;
      return;
    }
    task = call.task;
    calls_.erase(it);
  }
  take_step(task, answer);
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
    MutexLock lock(mutex_);
    channel = channel_;
  }
  const bool connected = channel != nullptr && channel->connection->connected();
  NatsMsgPtr message = connected ? message_of(call, number, *channel) : nullptr;
  {
    MutexLock lock(mutex_);
    if (connected) call.repeat_at = clock_.now() + kRepeatAfter;
    if (connected && !call.message_id.empty()) ++task->unanswered;
    calls_.emplace(number, std::move(call));
  }
  if (connected) send(std::move(message), *channel);
}

NatsMsgPtr JobWriter::message_of(const Call& call, std::uint64_t number, const Channel& channel) {
  natsMsg* raw = nullptr;
  const std::string reply = channel.inbox + std::to_string(number);
  const natsStatus made = natsMsg_Create(&raw, call.subject.c_str(), reply.c_str(),
                                         call.body.data(), static_cast<int>(call.body.size()));
  NatsMsgPtr message(raw);
  if (made != NATS_OK) return nullptr;
  bool good = true;
  if (!call.message_id.empty()) good = set_header(raw, "Nats-Msg-Id", call.message_id);
  if (call.deletes) good = good && set_header(raw, "KV-Operation", "DEL");
  if (call.expected) {
    good = good &&
           set_header(raw, "Nats-Expected-Last-Subject-Sequence", std::to_string(*call.expected));
  }
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

// --- The steps --------------------------------------------------------------------------------

void JobWriter::submit(const WritePtr& write) {
  TaskPtr task;
  try {
    task = std::make_shared<Task>(*this, write);
  } catch (const std::bad_alloc&) {
    give_back(*write);
    throw;
  }
  task->deadline = clock_.now() + kWritePatience;
  Watcher* const watcher = watcher_.load();
  const auto connection = watcher == nullptr ? nullptr : watcher->connection();
  if (connection == nullptr || !connection->connected()) {
    return finish(task, {.end = Write::End::kAway});
  }
  switch (write->kind) {
    case Write::Kind::kEvent:
      return write->exists ? store_entry(task) : store_definition(task, 0);
    case Write::Kind::kDefine:
      // JetStream knows a repetition only if it gets the message again.
      return write->exists && !write->repeatable ? look_up(task) : store_definition(task, 0);
    case Write::Kind::kDelete:
      if (write->known) return list_keys(task);
      return write->repeatable ? probe(task) : finish(task, {.end = Write::End::kAbsent});
  }
}

void JobWriter::look_up(const TaskPtr& task) {
  const std::string& key = task->write->definition.key;
  if (++task->looks > kLooksMax) {
    return finish(task, {.end = Write::End::kRefused,
                         .why = "the job is being defined and deleted by others; try again"});
  }
  task->step = Task::Step::kLookUp;
  task->question = R"({"last_by_subj":")" + prefix_ + key + R"("})";
  call(task, {.subject = "$JS.API.STREAM.MSG.GET." + stream_of(bucket_), .body = task->question});
}

void JobWriter::store_definition(const TaskPtr& task, std::uint64_t expected) {
  const Write& write = *task->write;
  task->step = Task::Step::kStoreDefinition;
  call(task, {.subject = prefix_ + write.definition.key,
              .body = write.definition.value,
              .message_id = write.message_id + ".definition",
              .expected = expected});
}

void JobWriter::store_entry(const TaskPtr& task) {
  const Write& write = *task->write;
  task->step = Task::Step::kStoreEntry;
  call(task, {.subject = prefix_ + write.entry.key,
              .body = write.entry.value,
              .message_id = write.message_id});
}

void JobWriter::list_keys(const TaskPtr& task) {
  task->step = Task::Step::kListKeys;
  task->question = R"({"subjects_filter":")" + prefix_ + "*." + task->write->job_id + R"(.>"})";
  call(task, {.subject = "$JS.API.STREAM.INFO." + stream_of(bucket_), .body = task->question});
}

// Nothing has this revision, so nothing is stored; but a repetition is noticed first.
void JobWriter::probe(const TaskPtr& task) {
  const Write& write = *task->write;
  task->step = Task::Step::kProbe;
  call(task, {.subject = prefix_ + write.definition.key,
              .message_id = write.message_id,
              .expected = INT64_MAX,
              .deletes = true});
}

void JobWriter::mark_definition(const TaskPtr& task) {
  const Write& write = *task->write;
  task->step = Task::Step::kMarkDefinition;
  call(
      task,
      {.subject = prefix_ + write.definition.key, .message_id = write.message_id, .deletes = true});
}

void JobWriter::mark_others(const TaskPtr& task) {
  task->step = Task::Step::kMarkOthers;
  while (!task->keys.empty() && task->marks_open < kMarksAtOnce) {
    ++task->marks_open;
    std::string subject = std::move(task->keys.back());
    task->keys.pop_back();
    std::string id = task->write->message_id + "." + subject.substr(prefix_.size());
    call(task, {.subject = std::move(subject), .message_id = std::move(id), .deletes = true});
  }
  if (task->marks_open == 0) {
    finish(task, {.end = Write::End::kStored, .revision = task->revision});
  }
}

void JobWriter::take_step(const TaskPtr& task, const Answer& answer) {
  using Step = Task::Step;
  const bool asks = task->step == Step::kLookUp || task->step == Step::kFindOriginal ||
                    task->step == Step::kListKeys;
  const bool is_expected = task->step == Step::kProbe || task->step == Step::kStoreDefinition;
  const bool refused =
      answer.error != 0 && !asks && !(is_expected && answer.error == kWrongLastSequence);
  if (refused) {
    // A part of the write is stored: the definition before an event, or some of the marks.
    const bool half_stored = task->revision > 0;
    return finish(task, {.end = half_stored ? Write::End::kUnknown : Write::End::kRefused,
                         .why = std::string(answer.description)});
  }
  task->revision = std::max(task->revision, answer.revision.value_or(0));
  switch (task->step) {
    case Step::kLookUp:
    case Step::kFindOriginal:
      return on_found(task, answer);
    case Step::kStoreDefinition:
      return on_definition(task, answer);
    case Step::kListKeys:
      return on_keys(task, answer);
    case Step::kProbe:
      return finish(task, {.end = answer.error == 0 ? Write::End::kStored : Write::End::kAbsent});
    case Step::kMarkDefinition:
      return mark_others(task);
    case Step::kMarkOthers:
      --task->marks_open;
      return mark_others(task);
    case Step::kStoreEntry:
      return finish(task, {.end = Write::End::kStored, .revision = task->revision});
  }
}

void JobWriter::on_definition(const TaskPtr& task, const Answer& answer) {
  const Write& write = *task->write;
  if (answer.error == kWrongLastSequence) return look_up(task);
  if (write.kind == Write::Kind::kEvent) return store_entry(task);
  if (answer.duplicate && write.chosen_id) {
    task->step = Task::Step::kFindOriginal;
    task->question = R"({"seq":)" + std::to_string(task->revision) + "}";
    return call(
        task, {.subject = "$JS.API.STREAM.MSG.GET." + stream_of(bucket_), .body = task->question});
  }
  finish(task, {.end = Write::End::kStored, .revision = task->revision});
}

void JobWriter::on_found(const TaskPtr& task, const Answer& answer) {
  const Write& write = *task->write;
  std::optional<JsonObject> message;
  if (answer.error == 0) {
    message = object_in(answer.object["message"].raw, {"subject", "seq", "hdrs", "data"});
  }
  if (task->step == Task::Step::kFindOriginal) {
    const std::string subject = message ? (*message)["subject"].text : "";
    const std::string key = prefix_ + "jobs.";
    if (!subject.starts_with(key)) return finish(task, {.end = Write::End::kAbsent});
    return finish(task, {.end = Write::End::kStored,
                         .revision = task->revision,
                         .job_id = subject.substr(key.size())});
  }
  if (!message) return store_definition(task, 0);
  const Revision revision = number_in((*message)["seq"]).value_or(0);
  const std::string headers = decode_base64((*message)["hdrs"].text).value_or("");
  if (says_deletion(headers)) return store_definition(task, revision);
  if (write.kind == Write::Kind::kEvent) return store_entry(task);
  const std::string value = decode_base64((*message)["data"].text).value_or("");
  const bool same = define_the_same(write.definition, {write.definition.key, value});
  finish(task, {.end = same ? Write::End::kSame : Write::End::kOther, .revision = revision});
}

void JobWriter::on_keys(const TaskPtr& task, const Answer& answer) {
  const Write& write = *task->write;
  if (answer.error != 0) {
    return finish(task, {.end = Write::End::kRefused, .why = std::string(answer.description)});
  }
  const auto state = object_in(answer.object["state"].raw, {"subjects"});
  if (state) {
    for (const RawJsonMember& member : split_json_object((*state)["subjects"].raw)) {
      if (member.name.starts_with(prefix_)) task->keys.emplace_back(member.name);
    }
  }
  write.exists ? mark_definition(task) : mark_others(task);
}

void JobWriter::finish(const TaskPtr& task, Writes::Result result) {
  {
    // What else it waits for does not count any more.
    MutexLock lock(mutex_);
    if (task->marks_open > 0) {
      std::erase_if(calls_, [&](const auto& one) { return one.second.task == task; });
    }
  }
  count(metrics_.writes[static_cast<std::size_t>(result.end)]);
  writes_.finish(task->write, std::move(result));
}

// A call that was repeated may have been stored by each of its messages.
void JobWriter::give_up(const TaskPtr& task) {
  bool maybe_stored = task->revision > 0;
  {
    MutexLock lock(mutex_);
    if (std::exchange(task->deadline, kEndOfTime) == kEndOfTime) return;  // By another call.
    maybe_stored = maybe_stored || task->unanswered > 0;
  }
  finish(task, {.end = maybe_stored ? Write::End::kUnknown : Write::End::kAway});
}

}  // namespace bide
