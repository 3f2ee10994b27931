// server/nats/job_writer.h: Writes to the bucket for requests over HTTP, without blocking any of
// them.
//
// A write is one or a few calls: messages to the stream, or questions about it, each answered to a
// subject of its own. The writer's one thread takes the answers and makes the next call. A call
// without an answer is repeated after a second and with each reconnect. JetStream stores a repeated
// message once, by its `Nats-Msg-Id` (for the bucket's duplicate window, 2 minutes by default).
//
//   kEvent   [define the job if it has no definition] -> store the event
//   kDefine  store the definition if its key has no value; else compare with the value
//   kDelete  mark the definition as deleted -> mark the other keys
//
// A job is deleted by marks and not by purging its subjects, because a purge is not delivered to
// consumers, so every bide would have to read the whole bucket again. NATS is not asked for the
// job's keys: nats-server 2.9 looks through all subjects of the stream for that, with the stream
// locked (0.4 s and more with 400,000), and it also lists keys that were deleted before.
//
// Thread safety: all methods may be called from any thread, start() and stop() from one. It uses
// the watcher's connection.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/base/executor.h"
#include "core/base/json_object.h"
#include "core/base/mutex.h"
#include "core/base/stop_signal.h"
#include "core/table/writes.h"
#include "server/metrics/metrics.h"
#include "server/nats/spent_messages.h"
#include "server/nats/watcher.h"

namespace bide {

class JobWriter final : public Writer {
 public:
  static constexpr std::size_t kInFlightMax = 2000;
  static constexpr std::size_t kPerClientMax = 1000;  // Others have room, whatever one client does.
  // Of values. While NATS is slow they stay in memory; and a value of a client is written behind
  // those that other clients have under way, on one connection.
  static constexpr std::size_t kBytesMax = 32 << 20;
  static constexpr std::size_t kBytesPerClientMax = 4 << 20;  // Or one write.
  // So many of a client's writes are on their way to NATS at a time; the others wait here, in their
  // order. NATS stores what comes over the connection one after the other, so this is what another
  // client's write waits for. One write always goes.
  static constexpr std::size_t kOpenPerClientMax = 64;
  static constexpr std::size_t kOpenBytesPerClientMax = 256 << 10;

  // All must outlive this. `bulk` reads large answers, and may answer their writes; it must run
  // what it is given also while stop() waits. Null: the writer's thread does it all.
  JobWriter(std::string bucket, Clock& clock, Writes& writes, Metrics& metrics,
            Executor* bulk = nullptr);
  ~JobWriter() override { stop(); }

  // Before it, all writes end with kAway. `watcher` must outlive the thread.
  void start(Watcher& watcher);
  // Returns within a second, or at once when the watcher has been stopped.
  void stop();

  [[nodiscard]] Room take_room(const Write& write) override EXCLUDES(mutex_);
  void give_back(const Write& write) override EXCLUDES(mutex_);
  void submit(const WritePtr& write) noexcept override EXCLUDES(mutex_);

 private:
  // A connection, and the subscription for answers on it. Retired with the last user.
  struct Channel {
    Channel(std::shared_ptr<NatsConnection> made, std::string answers, natsSubscription* taken)
        : connection(std::move(made)), inbox(std::move(answers)), subscription(taken) {}
    ~Channel() { connection->retire(subscription); }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    const std::shared_ptr<NatsConnection> connection;
    const std::string inbox;  // With a dot at its end.
    natsSubscription* const subscription;
  };
  // One answer to a call.
  struct Answer {
    std::string_view json;  // Of the server.
    std::optional<std::uint64_t> revision;
    bool duplicate = false;
    std::uint64_t error = 0;  // JetStream's code; 0: no error.
    std::string_view description;
    JsonObject object;

    // nullopt: it is no such number, or no object.
    [[nodiscard]] static std::optional<std::uint64_t> number_in(const JsonMember& member);
    [[nodiscard]] static std::optional<JsonObject> object_in(
        std::string_view json, const std::vector<std::string_view>& names);
  };
  // A write under way.
  struct Task {
    enum class Step : std::uint8_t {
      kLookUp,        // The value of the definition's key.
      kFindOriginal,  // The definition that an earlier repetition has stored.
      kStoreDefinition,
      kStoreEntry,
      kProbe,  // Whether an earlier repetition has defined or deleted the job.
      kMarkDefinition,
      kMarkOthers,
    };
    Task(JobWriter& owner, WritePtr asked, TimePoint until)
        : writer(owner), write(std::move(asked)), deadline(until) {}
    ~Task() {
      writer.marks_open_ -= marks_open;
      writer.close(*write);
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    JobWriter& writer;
    const WritePtr write;
    TimePoint deadline;
    Step step{};
    int looks = 0;
    std::string question;    // The body of a request to the API.
    std::size_t marked = 0;  // kDelete: so many of the keys.
    std::size_t marks_open = 0;
    Revision revision = 0;  // The latest that was stored.
    // Messages to store without an answer, guarded by the writer's mutex.
    std::size_t unanswered = 0;
  };
  using TaskPtr = std::shared_ptr<Task>;
  // A message to the server that has no answer yet.
  struct Call {
    TaskPtr task{};
    std::string subject{};                    // Without a domain or prefix.
    std::string_view body{};                  // Lives in the task.
    std::string message_id{};                 // Empty: it stores nothing.
    std::optional<std::uint64_t> expected{};  // Revision of its subject; 0: it has none.
    bool deletes = false;
    bool only_asks = false;  // Whether its message id has been stored. Stores nothing itself.
    TimePoint repeat_at{};
  };

  // --- Calls (job_writer.cc) ------------------------------------------------------------------

  void run(Watcher& watcher);
  // Follows the connection through reconnects and replacements. False: there is none at the moment.
  bool renew_channel(Watcher& watcher, std::shared_ptr<Channel>& channel, Link& link)
      EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<Channel> open_channel(
      const std::shared_ptr<NatsConnection>& connection) const;
  void take_answers(const Channel& channel, SpentMessages& spent) EXCLUDES(mutex_);
  // Takes the message if it is bulk.
  void hear(NatsMsgPtr& message) EXCLUDES(mutex_);
  [[nodiscard]] bool is_bulk(std::uint64_t number, std::size_t bytes) EXCLUDES(mutex_);
  void hear_as_bulk(std::uint64_t number, NatsMsgPtr message) EXCLUDES(mutex_);
  void take_answer(std::uint64_t number, std::string_view json) EXCLUDES(mutex_);
  void repeat_calls() EXCLUDES(mutex_);
  // At the next tick from then on.
  void repeat_all_by(TimePoint time) EXCLUDES(mutex_);
  void call(const TaskPtr& task, Call call) EXCLUDES(mutex_);
  // Null: there is no memory for it. That counts as a message without an answer, so the call is
  // repeated.
  [[nodiscard]] static NatsMsgPtr message_of(const Call& call, std::uint64_t number,
                                             const Channel& channel);
  void send(NatsMsgPtr message, const Channel& channel) EXCLUDES(mutex_);
  void free_sent() EXCLUDES(mutex_);

  // --- Steps (job_writer_steps.cc) ------------------------------------------------------------

  void begin(const WritePtr& write, TimePoint deadline);
  // False: it waits. If there is no memory for that, its room is given back.
  [[nodiscard]] bool may_begin(const WritePtr& write, TimePoint deadline) EXCLUDES(mutex_);
  // Begins those of the client's waiting writes that may go now.
  void begin_waiting(std::uint64_t client) EXCLUDES(mutex_);
  // The same for all clients, and gives up those that have waited for too long.
  void look_at_waiting() EXCLUDES(mutex_);
  // The end of a write that was begun.
  void close(const Write& write) EXCLUDES(mutex_);
  // The steps of a task. Only one thread has a task at a time: the one that submits it, then the
  // writer's, or bulk_ for a large answer to the only call that the task has open.
  void look_up(const TaskPtr& task);
  void store_definition(const TaskPtr& task, std::uint64_t expected);
  void store_entry(const TaskPtr& task);
  void probe(const TaskPtr& task);
  void mark_definition(const TaskPtr& task);
  void mark_others(const TaskPtr& task);
  void take_step(const TaskPtr& task, const Answer& answer);
  void on_definition(const TaskPtr& task, const Answer& answer);
  void on_probe(const TaskPtr& task, const Answer& answer);
  void on_found(const TaskPtr& task, const Answer& answer);

  void finish(const TaskPtr& task, Writes::Result result) EXCLUDES(mutex_);
  void end(const WritePtr& write, Writes::Result result);
  void give_up(const TaskPtr& task);

  const std::string bucket_;
  const std::string prefix_;  // `$KV.<bucket>.`
  Clock& clock_;
  Writes& writes_;
  Metrics& metrics_;
  Executor* const bulk_;
  std::atomic<Watcher*> watcher_{nullptr};  // Null before start().
  StopSignal stop_;
  std::thread thread_;

  std::atomic<std::uint64_t> calls_made_{0};
  std::atomic<std::size_t> marks_open_{0};  // Of all tasks.
  Mutex mutex_;
  std::shared_ptr<Channel> channel_ GUARDED_BY(mutex_);  // Null: there is no connection yet.
  std::unordered_map<std::uint64_t, Call> calls_ GUARDED_BY(mutex_);
  SpentMessages sent_ GUARDED_BY(mutex_);
  struct Amount {
    void add(std::size_t more) { ++writes, bytes += more; }
    void remove(std::size_t less) { --writes, bytes -= less; }
    std::size_t writes = 0;
    std::size_t bytes = 0;
  };
  struct Waiting {
    WritePtr write;
    TimePoint deadline;
  };
  struct OfClient {
    [[nodiscard]] bool may_open(const Write& write) const;
    Amount all;   // What has room: open, waiting, or about to be submitted.
    Amount open;  // Begun.
    std::deque<Waiting> waiting;
  };
  using Clients = std::unordered_map<std::uint64_t, OfClient>;
  void give_back(Clients::iterator it, std::size_t bytes) REQUIRES(mutex_);
  Clients clients_ GUARDED_BY(mutex_);  // That have writes.
  Amount all_ GUARDED_BY(mutex_);
  std::size_t bulk_open_ GUARDED_BY(mutex_) = 0;  // Answers that bulk_ has.
  CondVar bulk_done_;
};

}  // namespace bide
