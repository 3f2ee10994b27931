#include "server/nats/checkpoints.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/byte_reader.h"
#include "core/job/job_bytes.h"
#include "core/table/table_loader.h"
#include "server/log/log.h"

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadersMax = 8;
constexpr int kRestFactor = 3;
// Shorter rests are saved up.
constexpr auto kRestMin = 2ms;

double in_seconds(TimePoint::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::size_t cores() { return std::max<std::size_t>(1, std::thread::hardware_concurrency()); }

std::uint64_t unix_seconds(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

// Runs `work(i)` for each i below `count`, each on a thread of its own as far as there may be so
// many. False: one returned false, or there was no memory.
template <typename Work>
bool all_at_once(std::size_t count, Work&& work) {
  std::atomic<bool> good = true;
  const auto guarded = [&](std::size_t i) noexcept {
    try {
      if (!work(i)) good = false;
    } catch (const std::bad_alloc&) {
      good = false;
    }
  };
  {
    std::vector<std::jthread> threads;
    try {
      while (threads.size() + 1 < count) threads.emplace_back(guarded, threads.size());
    } catch (const std::system_error&) {  // A limit of the system.
    }
    for (std::size_t i = threads.size(); i < count; ++i) guarded(i);
  }
  return good;
}

}  // namespace

std::variant<std::unique_ptr<Checkpoints>, std::string> Checkpoints::make(
    const std::filesystem::path& dir, std::string bucket, JobTable& table, Metrics& metrics) {
  // Its parent may be the data directory, which is made as private.
  (void)PrivateDir::make(dir.parent_path());
  auto made = PrivateDir::make(dir);
  if (auto* fault = std::get_if<PrivateDir::Fault>(&made)) return std::move(fault->text);
  return std::unique_ptr<Checkpoints>(
      new Checkpoints(std::move(std::get<PrivateDir>(made)), std::move(bucket), table, metrics));
}

Checkpoints::Checkpoints(PrivateDir dir, std::string bucket, JobTable& table, Metrics& metrics)
    : dir_(std::move(dir)),
      bucket_(std::move(bucket)),
      name_(bucket_ + ".snapshot"),
      table_(table),
      metrics_(metrics) {}

Checkpoints::~Checkpoints() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Checkpoints::start() {
  thread_ = std::thread([this] { run(); });
}

void Checkpoints::run() {
  auto loaded = load();
  if (const auto* why = std::get_if<std::string>(&loaded); why != nullptr && !why->empty()) {
    log_warn("the snapshot of the table is not used; the bucket is read instead",
             {{"file", dir_.path_of(name_).string()}, {"reason", *why}});
    count(metrics_.snapshots_refused);
  }
  MutexLock lock(mutex_);
  loading_ = false;
  if (auto* usable = std::get_if<Loaded>(&loaded)) loaded_.emplace(std::move(*usable));
  changed_.notify_all();
  while (!stopped_) {
    if (!to_write_) {
      changed_.wait_until(mutex_, system_clock().now() + 1h);
      continue;
    }
    const std::string head = std::move(*to_write_);
    to_write_.reset();
    mutex_.unlock();
    const bool written = write(head);
    mutex_.lock();
    failed_ = !written;
    writing_ = false;
    changed_.notify_all();
  }
}

// --- Reading ------------------------------------------------------------------------------------

std::optional<Checkpoints::Loaded> Checkpoints::take_loaded() {
  MutexLock lock(mutex_);
  while (loading_) changed_.wait_until(mutex_, system_clock().now() + 1h);
  if (!loaded_) return std::nullopt;
  last_ = loaded_->position;
  last_begun_ = system_clock().now();
  std::optional<Loaded> taken(std::move(loaded_));
  loaded_.reset();
  return taken;
}

std::variant<Checkpoints::Loaded, std::string> Checkpoints::load() noexcept {
  try {
    return try_load();
  } catch (const std::bad_alloc&) {
    return std::string("there is not enough memory for it");
  }
}

std::variant<Checkpoints::Loaded, std::string> Checkpoints::try_load() {
  const TimePoint began = system_clock().now();
  auto opened = CheckpointReader::open(dir_, name_);
  if (const auto* fault = std::get_if<CheckpointReader::Fault>(&opened)) {
    return fault->missing ? "" : fault->text;
  }
  const auto& file = std::get<CheckpointReader>(opened);
  const std::optional<Head> head = head_of(file.head());
  if (!head) return "it is damaged";
  if (const auto fault = fault_of(*head, file.sum())) return *fault;
  auto content = read(file, *head);
  if (!content) return "it is damaged, or there is not enough memory for it";
  metrics_.snapshot_bytes.store(file.bytes(), std::memory_order_relaxed);
  metrics_.snapshot_unix_seconds.store(unix_seconds(head->taken_at), std::memory_order_relaxed);
  log_info("snapshot of the table loaded",
           {{"file", dir_.path_of(name_).string()},
            {"jobs", file.sum().jobs},
            {"revision", head->position.revision},
            {"age_s", in_seconds(system_clock().wall_now() - head->taken_at)},
            {"seconds", in_seconds(system_clock().now() - began)}});
  return Loaded{*std::move(content), head->place, head->position};
}

std::optional<std::string> Checkpoints::fault_of(const Head& head, CheckpointSum sum) const {
  if (head.version != BIDE_VERSION) {
    return "it was written by bide " + head.version + ", and this is bide " + BIDE_VERSION;
  }
  if (head.bucket != bucket_) return "it is of the bucket " + head.bucket;
  const bool fits = table_.memory_max() == 0 || sum.memory <= table_.memory_max();
  if (!fits || sum.jobs > table_.jobs_max()) {
    return "it has " + std::to_string(sum.jobs) + " jobs, which take " +
           std::to_string(sum.memory >> 20U) + " MiB; --max-memory allows less";
  }
  return std::nullopt;
}

std::optional<BucketRead> Checkpoints::read(const CheckpointReader& file, const Head& head) {
  const std::size_t threads = std::min({cores(), kReadersMax, file.blocks() + 1});
  TableLoader loader(table_.shards(), threads, head.position.revision);
  std::atomic<std::size_t> next = 0;
  const bool read = all_at_once(threads, [&](std::size_t thread) {
    std::string content;
    for (std::size_t block = next++; block < file.blocks(); block = next++) {
      if (!file.read(block, content) || !loader.read(thread, content)) return false;
    }
    return true;
  });
  if (!read) return std::nullopt;
  if (!all_at_once(table_.shards(), [&](std::size_t shard) { return loader.join(shard); })) {
    return std::nullopt;
  }
  return loader.finish(head.applied, table_.jobs_max(), table_.memory_max());
}

// --- Writing ------------------------------------------------------------------------------------

void Checkpoints::refuse_loaded() {
  count(metrics_.snapshots_refused);
  last_ = {};
  last_begun_ = {};
}

bool Checkpoints::due(std::uint64_t entries, TimePoint now, bool ending) {
  {
    MutexLock lock(mutex_);
    if (writing_ || stopped_) return false;
    if (std::exchange(failed_, false)) last_ = {};
  }
  const Position::Place here = table_.position().get();
  if (here == last_) return false;
  const bool follows = here.epoch == last_.epoch && here.revision > last_.revision;
  const bool much = !follows || (here.revision - last_.revision) * kWorthwhile >= entries;
  const auto since = now - last_begun_;
  const bool first = last_begun_ == TimePoint{};
  if (!first && !(ending ? much : since >= (much ? kInterval : kLongInterval))) return false;
  if (!table_.whole()) {
    if (!std::exchange(told_not_whole_, true)) {
      log_warn(
          "no snapshot of the table is written, because there was no room for some entries; "
          "the next start reads the whole bucket");
    }
    return false;
  }
  return true;
}

void Checkpoints::begin(std::string place) {
  last_ = table_.position().get();
  last_begun_ = system_clock().now();
  Head head{BIDE_VERSION,
            bucket_,
            std::move(place),
            last_,
            table_.applied_revision(),
            system_clock().wall_now()};
  std::string bytes = bytes_of(head);
  table_.begin_cut();
  MutexLock lock(mutex_);
  to_write_ = std::move(bytes);
  writing_ = true;
  changed_.notify_all();
}

void Checkpoints::finish(std::chrono::milliseconds patience) {
  const TimePoint end = system_clock().now() + patience;
  MutexLock lock(mutex_);
  hurry_ = true;
  changed_.notify_all();
  while (writing_ && system_clock().now() < end) changed_.wait_until(mutex_, end);
  stopped_ = true;
  changed_.notify_all();
}

bool Checkpoints::write(const std::string& head) noexcept {
  const TimePoint began = system_clock().now();
  CheckpointWriter file(dir_, name_);
  CheckpointSum sum;
  CheckpointWriter::Result failure;
  try {
    failure = try_write(head, file, sum);
  } catch (const std::bad_alloc&) {
    failure = CheckpointWriter::Failure{"there is not enough memory"};
  }
  table_.end_cut();
  if (failure) {
    if (!failure->in_use) count(metrics_.snapshots_failed);
    if (failure->text == std::exchange(told_, failure->text)) return false;
    log_warn("no snapshot of the table was written; the last one stays",
             {{"file", dir_.path_of(name_).string()}, {"reason", failure->text}});
    return false;
  }
  told_.clear();
  count(metrics_.snapshots_written);
  metrics_.snapshot_bytes.store(file.bytes(), std::memory_order_relaxed);
  metrics_.snapshot_unix_seconds.store(unix_seconds(head_of(head)->taken_at),
                                       std::memory_order_relaxed);
  log_info("snapshot of the table written",
           {{"file", dir_.path_of(name_).string()},
            {"jobs", sum.jobs},
            {"bytes", file.bytes()},
            {"seconds", in_seconds(system_clock().now() - began)}});
  return true;
}

CheckpointWriter::Result Checkpoints::try_write(const std::string& head, CheckpointWriter& file,
                                                CheckpointSum& sum) {
  using Failure = CheckpointWriter::Failure;
  if (auto failure = file.begin(head)) return failure;
  std::string jobs;
  JobCopies copies;
  TimePoint began = system_clock().now();
  for (CutStep step = CutStep::kMore; step != CutStep::kDone;) {
    copies.clear();
    step = table_.take_of_cut(copies);
    if (step == CutStep::kBroken) return Failure{"the table has changed too much meanwhile"};
    for (const auto& copy : copies) {
      append_job(jobs, *copy);
      sum.memory += copy->bytes();
      if (jobs.size() < CheckpointWriter::kJobsBytes) continue;
      if (auto failure = file.add(jobs)) return failure;
      jobs.clear();
    }
    sum.jobs += copies.size();
    if (!rest(began)) return Failure{"bide ends, and it was not ready in time"};
    if (const TimePoint now = system_clock().now(); now - began >= kRestMin) began = now;
  }
  if (auto failure = jobs.empty() ? std::nullopt : file.add(jobs)) return failure;
  return file.finish(sum);
}

bool Checkpoints::rest(TimePoint began) {
  const TimePoint now = system_clock().now();
  MutexLock lock(mutex_);
  if (now - began < kRestMin) return !stopped_;
  const TimePoint end = now + kRestFactor * (now - began);
  while (!hurry_ && !stopped_ && system_clock().now() < end) changed_.wait_until(mutex_, end);
  return !stopped_;
}

std::string Checkpoints::bytes_of(const Head& head) {
  std::string bytes;
  append_text(bytes, head.version);
  append_text(bytes, head.bucket);
  append_fixed(bytes, head.position.epoch);
  append_fixed(bytes, head.position.revision);
  append_fixed(bytes, head.applied);
  append_fixed(bytes, static_cast<std::uint64_t>(head.taken_at.time_since_epoch().count()));
  append_text(bytes, head.place);
  return bytes;
}

std::optional<Checkpoints::Head> Checkpoints::head_of(std::string_view bytes) {
  ByteReader in(bytes);
  Head head;
  head.version = in.text();
  head.bucket = in.text();
  head.position.epoch = in.fixed();
  head.position.revision = in.fixed();
  head.applied = in.fixed();
  head.taken_at = WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(in.fixed())));
  head.place = in.text();
  if (in.failed() || !in.at_end() || head.applied > head.position.revision) return std::nullopt;
  return head;
}

}  // namespace bide
