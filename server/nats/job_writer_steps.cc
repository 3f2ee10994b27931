// The steps of a write: which call comes next, and how the write has ended.
#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#include "core/base/base64.h"
#include "server/log/log.h"
#include "server/nats/job_writer.h"
#include "server/nats/login/bucket_config.h"

namespace bide {
namespace {

// Of all deletions together: another client's write is stored behind the marks that are on their
// way. One deletion alone reaches NATS's full rate with so many.
constexpr std::size_t kMarksAtOnce = 64;
// Somebody else may define and delete the job all the time.
constexpr int kLooksMax = 4;
constexpr std::uint64_t kWrongLastSequence = 10071;
constexpr std::uint64_t kWrongLastId = 10070;

// Headers as they travel: `NATS/1.0\r\nKV-Operation: DEL\r\n\r\n`.
bool says_deletion(std::string_view headers) {
  return headers.find("\r\nKV-Operation: DEL\r\n") != std::string_view::npos ||
         headers.find("\r\nKV-Operation: PURGE\r\n") != std::string_view::npos ||
         headers.find("\r\nNats-Marker-Reason: ") != std::string_view::npos;
}

}  // namespace

void JobWriter::submit(const WritePtr& write) noexcept {
  static LogLimit limit;
  const TimePoint deadline = clock_.now() + kWritePatience;
  try {
    if (may_begin(write, deadline)) begin(write, deadline);
  } catch (const std::bad_alloc&) {
    // Its request is answered at its own deadline: a part of the write may be under way.
    log_warn_limited(limit, "out of memory: a write over HTTP was not begun, or is not followed");
  }
}

bool JobWriter::may_begin(const WritePtr& write, TimePoint deadline) {
  MutexLock lock(mutex_);
  const auto it = clients_.find(write->client);
  OfClient& client = it->second;
  if (client.waiting.empty() && client.may_open(*write)) {
    client.open.add(write->bytes());
    return true;
  }
  try {
    client.waiting.push_back({write, deadline});
  } catch (const std::bad_alloc&) {
    give_back(it, write->bytes());
    throw;
  }
  return false;
}

void JobWriter::begin_waiting(std::uint64_t client) {
  while (true) {
    Waiting next;
    {
      MutexLock lock(mutex_);
      const auto it = clients_.find(client);
      if (it == clients_.end() || it->second.waiting.empty()) return;
      OfClient& has = it->second;
      if (!has.may_open(*has.waiting.front().write)) return;
      next = std::move(has.waiting.front());
      has.waiting.pop_front();
      has.open.add(next.write->bytes());
    }
    begin(next.write, next.deadline);
  }
}

void JobWriter::look_at_waiting() {
  const TimePoint now = clock_.now();
  std::vector<std::uint64_t> clients;
  std::vector<WritePtr> late;
  {
    MutexLock lock(mutex_);
    for (auto& [client, has] : clients_) {
      for (; !has.waiting.empty() && has.waiting.front().deadline <= now; has.waiting.pop_front()) {
        late.push_back(std::move(has.waiting.front().write));
      }
      if (!has.waiting.empty()) clients.push_back(client);
    }
  }
  for (const WritePtr& write : late) {
    end(write, {.end = Write::End::kAway});
    give_back(*write);
  }
  for (const std::uint64_t client : clients) begin_waiting(client);
}

void JobWriter::close(const Write& write) {
  MutexLock lock(mutex_);
  const auto it = clients_.find(write.client);
  it->second.open.remove(write.bytes());
  give_back(it, write.bytes());
}

void JobWriter::begin(const WritePtr& write, TimePoint deadline) {
  TaskPtr task;
  try {
    task = std::make_shared<Task>(*this, write, deadline);
  } catch (const std::bad_alloc&) {
    close(*write);
    throw;
  }
  Watcher* const watcher = watcher_.load();
  const auto connection = watcher == nullptr ? nullptr : watcher->connection();
  if (connection == nullptr || !connection->connected()) {
    return finish(task, {.end = Write::End::kAway});
  }
  // Nobody would answer to the subjects of a mirror.
  if (std::string why = watcher->read_only(); !why.empty()) {
    return finish(task, {.end = Write::End::kRefused, .why = std::move(why)});
  }
  switch (write->kind) {
    case Write::Kind::kEvent:
      return write->exists ? store_entry(task) : store_definition(task, 0);
    case Write::Kind::kDefine:
      // JetStream knows a repetition only if it gets the message again.
      return write->exists && !write->repeatable ? look_up(task) : store_definition(task, 0);
    case Write::Kind::kDelete:
      // One call first, whose answer hands the task to the writer's thread.
      if (write->exists || !write->keys.empty()) return mark_definition(task);
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

void JobWriter::probe(const TaskPtr& task) {
  const Write& write = *task->write;
  const bool deletes = write.kind == Write::Kind::kDelete;
  task->step = Task::Step::kProbe;
  call(task, {.subject = prefix_ + write.definition.key,
              .message_id = write.message_id + (deletes ? "" : ".definition"),
              .deletes = deletes,
              .only_asks = true});
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
  const Write& write = *task->write;
  while (task->marked < write.keys.size() &&
         (task->marks_open == 0 || marks_open_ < kMarksAtOnce)) {
    ++task->marks_open;
    ++marks_open_;
    const std::string& key = write.keys[task->marked++];
    call(task,
         {.subject = prefix_ + key, .message_id = write.message_id + "." + key, .deletes = true});
  }
  if (task->marks_open == 0) {
    finish(task, {.end = Write::End::kStored, .revision = task->revision});
  }
}

void JobWriter::take_step(const TaskPtr& task, const Answer& answer) {
  using Step = Task::Step;
  const bool asks = task->step == Step::kLookUp || task->step == Step::kFindOriginal;
  const bool is_expected =
      (task->step == Step::kStoreDefinition && answer.error == kWrongLastSequence) ||
      (task->step == Step::kProbe && answer.error == kWrongLastId);
  const bool refused = answer.error != 0 && !asks && !is_expected;
  if (refused) {
    // A part of the write is stored, or may be: the definition before an event, or other marks.
    const bool half_stored = task->revision > 0 || task->marks_open > 1;
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
    case Step::kProbe:
      return on_probe(task, answer);
    case Step::kMarkDefinition:
      return mark_others(task);
    case Step::kMarkOthers:
      --task->marks_open;
      --marks_open_;
      return mark_others(task);
    case Step::kStoreEntry:
      return finish(task, {.end = Write::End::kStored, .revision = task->revision});
  }
}

void JobWriter::on_definition(const TaskPtr& task, const Answer& answer) {
  const Write& write = *task->write;
  if (answer.error == kWrongLastSequence) {
    // The definition that is there may be this one, stored by an earlier repetition.
    return write.kind == Write::Kind::kDefine ? probe(task) : look_up(task);
  }
  if (write.kind == Write::Kind::kEvent) return store_entry(task);
  if (answer.duplicate && write.chosen_id) {
    task->step = Task::Step::kFindOriginal;
    task->question = R"({"seq":)" + std::to_string(task->revision) + "}";
    return call(
        task, {.subject = "$JS.API.STREAM.MSG.GET." + stream_of(bucket_), .body = task->question});
  }
  finish(task, {.end = Write::End::kStored, .revision = task->revision});
}

void JobWriter::on_probe(const TaskPtr& task, const Answer& answer) {
  const bool repeated = answer.error == 0;
  if (task->write->kind == Write::Kind::kDefine) {
    return repeated ? on_definition(task, answer) : look_up(task);
  }
  finish(task, {.end = repeated ? Write::End::kStored : Write::End::kAbsent});
}

void JobWriter::on_found(const TaskPtr& task, const Answer& answer) {
  const Write& write = *task->write;
  std::optional<JsonObject> message;
  if (answer.error == 0) {
    message = Answer::object_in(answer.object["message"].raw, {"subject", "seq", "hdrs", "data"});
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
  const Revision revision = Answer::number_in((*message)["seq"]).value_or(0);
  const std::string headers = decode_base64((*message)["hdrs"].text).value_or("");
  if (says_deletion(headers)) return store_definition(task, revision);
  if (write.kind == Write::Kind::kEvent) return store_entry(task);
  const std::string value = decode_base64((*message)["data"].text).value_or("");
  const bool same = define_the_same(write.definition, {write.definition.key, value});
  finish(task, {.end = same ? Write::End::kSame : Write::End::kOther, .revision = revision});
}

void JobWriter::finish(const TaskPtr& task, Writes::Result result) {
  {
    // What else it waits for does not count any more.
    MutexLock lock(mutex_);
    if (task->marks_open > 0) {
      std::erase_if(calls_, [&](const auto& one) { return one.second.task == task; });
    }
  }
  end(task->write, std::move(result));
}

void JobWriter::end(const WritePtr& write, Writes::Result result) {
  count(metrics_.writes[static_cast<std::size_t>(result.end)]);
  writes_.finish(write, std::move(result));
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
