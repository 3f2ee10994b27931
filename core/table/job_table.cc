#include "core/table/job_table.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>

#include "core/table/catch_up.h"
#include "core/table/job_record.h"
#include "core/table/job_sets.h"
#include "core/table/overview.h"
#include "core/table/shard.h"
#include "core/table/writes.h"

namespace bide {

namespace {

// The query of a page; nullopt for the statistics of all jobs.
std::optional<PageQuery> page_of(const Target& target) {
  if (const auto* const page = std::get_if<PageQuery>(&target)) return *page;
  const SelectionPtr& selection = std::get<Statistics>(target).selection;
  if (selection == nullptr) return std::nullopt;
  PageQuery page;
  page.limit = PageQuery::kNoItems;
  page.selection = selection;
  return page;
}

}  // namespace

BucketRead::BucketRead(std::size_t jobs_max, Link link, std::size_t memory_max)
    : jobs_max_(jobs_max),
      link_(link),
      memory_max_(memory_max),
      content_(std::make_unique<BucketContent>()) {}
BucketRead::BucketRead(BucketRead&&) noexcept = default;
BucketRead::~BucketRead() = default;

Admitted BucketRead::absorb(const Entry& entry) {
  if (!std::holds_alternative<Loss>(entry.what)) revision_ = std::max(revision_, entry.revision);
  JobRecords& records = content_->parts.front();
  auto it = records.find(std::string_view(entry.job_id));
  if (it == records.end()) {
    if (entry.takes_away()) return {};
    if (records.size() >= jobs_max_) {
      whole_ = false;
      return {RejectReason::kTableFull};
    }
    it = records.insert(std::make_unique<JobRecord>(entry.job_id)).first;
  }
  Job& job = (*it)->job;
  const std::size_t bytes_before = job.bytes();
  const std::size_t keys_before = job.keys();
  const Job::Absorbed absorbed =
      job.absorb(entry, job.growth_within(memory_max_, memory_ + label_bytes_));
  memory_ += job.bytes() - bytes_before;
  if (absorbed == Job::Absorbed::kChanged && entry.family == Entry::Family::kJob) count_labels(job);
  const Admitted taken = admitted(absorbed, entry, keys_before, job);
  if (job.empty()) records.erase(it);
  whole_ = whole_ && !taken.rejected;
  return taken;
}

void BucketRead::count_labels(const Job& job) {
  if (!job.defined()) return;
  job.definition().labels.for_each([&](std::string_view label) {
    if (content_->labels.contains(label)) return;
    content_->labels.emplace(label);
    label_bytes_ += Listing::bytes_of_label(label);
  });
}

void BucketRead::let_go(Revision before) {
  std::erase_if(content_->parts.front(), [&](const std::unique_ptr<JobRecord>& record) {
    Job& job = record->job;
    if (job.oldest() >= before) return job.empty();
    memory_ -= job.bytes();
    (void)job.let_go(before);
    memory_ += job.bytes();
    return job.empty();
  });
}

namespace {

std::vector<JobRecords> divided(JobRecords records, std::size_t count) {
  std::vector<JobRecords> parts(count);
  for (JobRecords& part : parts) part.reserve(records.size() / count);
  while (!records.empty()) {
    auto node = records.extract(records.begin());
    const std::size_t part = part_of(node.value()->job.id(), count);
    parts[part].insert(std::move(node));
  }
  return parts;
}

}  // namespace

JobTable::JobTable(Clock& clock, const Options& options, Executor* executor)
    : clock_(clock), options_(options), executor_(executor), places_(options.parked_max) {
  catch_up_ = std::make_unique<CatchUp>(clock, executor, places_, position_);
  writes_ = std::make_unique<Writes>(clock, executor, places_, position_);
  overview_ = std::make_unique<Overview>(*this);
  for (std::size_t i = 0; i < options.shards; ++i) {
    shards_.push_back(std::make_unique<Shard>(*this));
  }
  sets_ = std::make_unique<JobSets>(*this, clock);
}

JobTable::~JobTable() { close(); }

Shard& JobTable::shard_of(std::string_view id) { return *shards_[part_of(id, shards_.size())]; }

// The overview refers to the ids inside the records. So the old records live until the overview
// refers to the new ones. The overview does not know the new records before that, so until then
// they do not leave by age.
void JobTable::install(BucketRead read, Epoch epoch, std::chrono::nanoseconds max_age) {
  std::vector<JobRecords> parts = std::move(read.content_->parts);
  if (parts.size() != shards_.size()) parts = divided(std::move(parts.front()), shards_.size());
  std::vector<Listed> jobs;
  for (const JobRecords& part : parts) {
    jobs.reserve(jobs.size() + part.size());
    for (const auto& record : part) {
      if (const auto job = listed(*record)) jobs.push_back(*job);
    }
  }
  Listing listing(jobs, epoch, read.revision());
  const std::size_t memory = read.memory_ + listing.label_bytes();
  overview_->begin_install();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    parts[i] = shards_[i]->install(std::move(parts[i]), epoch, max_age);
  }
  overview_->install(listing);
  memory_.store(memory, std::memory_order_relaxed);
  whole_.store(read.whole_, std::memory_order_relaxed);
  for (const auto& shard : shards_) shard->end_install();
  applied_.store(read.revision(), std::memory_order_release);
  position_.restart(epoch, std::max(read.revision(), read.reached_));
  catch_up_->installed(read.link_);
  writes_->installed();
}

Admitted JobTable::apply(const Entry& entry, TimePoint delivered) {
  const Admitted taken = shard_of(entry.job_id).apply(entry, delivered);
  if (taken.rejected) whole_.store(false, std::memory_order_relaxed);
  if (!std::holds_alternative<Loss>(entry.what)) {
    applied_.store(entry.revision, std::memory_order_release);
  }
  progressed();
  return taken;
}

bool JobTable::holds(const Entry& entry) { return shard_of(entry.job_id).holds(entry); }

void JobTable::resumed(Link link) { catch_up_->installed(link); }

void JobTable::let_go(Revision before) {
  for (const auto& shard : shards_) shard->let_go(before);
}

void JobTable::reach(Revision revision) {
  position_.advance(revision);
  progressed();
}

void JobTable::begin_cut() {
  for (const auto& shard : shards_) shard->begin_cut();
}

CutStep JobTable::take_of_cut(JobCopies& copies) {
  CutStep step = CutStep::kDone;
  for (const auto& shard : shards_) step = std::max(step, shard->take_of_cut(copies));
  return step;
}

void JobTable::end_cut() {
  for (const auto& shard : shards_) shard->end_cut();
}

void JobTable::progressed() {
  catch_up_->progressed();
  writes_->progressed();
}

Look JobTable::look(const Target& target, const Waiter::Terms& terms, TimePoint now) {
  assert(!std::holds_alternative<WritePtr>(target));
  if (const auto* id = std::get_if<JobId>(&target)) return shard_of(*id).look(*id, terms, now);
  if (const auto* set = std::get_if<JobSetPtr>(&target)) return sets_->look(**set, terms, now);
  if (const auto* feed = std::get_if<Feed>(&target)) return overview_->look_at_feed(*feed, terms);
  return overview_->look(page_of(target), terms);
}

Presence JobTable::presence(std::string_view id) { return shard_of(id).presence(id); }

std::vector<std::string> JobTable::entry_keys(std::string_view id) {
  return shard_of(id).entry_keys(id);
}

Parked JobTable::park(const Target& target, Waiter& waiter, std::uint64_t ticket, TimePoint now,
                      Look& look) {
  if (const auto* id = std::get_if<JobId>(&target)) {
    return shard_of(*id).park(*id, waiter, ticket, now, look);
  }
  if (const auto* set = std::get_if<JobSetPtr>(&target)) {
    return sets_->park(*set, waiter, ticket, now, look);
  }
  if (const auto* write = std::get_if<WritePtr>(&target)) {
    return writes_->park(**write, waiter, ticket);
  }
  if (const auto* feed = std::get_if<Feed>(&target)) {
    return overview_->park_on_feed(*feed, waiter, ticket, look);
  }
  return overview_->park(page_of(target), waiter, ticket, now, look);
}

void JobTable::unpark(const Target& target, Waiter& waiter) {
  if (const auto* id = std::get_if<JobId>(&target)) return shard_of(*id).unpark(waiter);
  if (std::holds_alternative<JobSetPtr>(target)) return sets_->unpark(waiter);
  if (std::holds_alternative<WritePtr>(target)) return writes_->unpark(waiter);
  overview_->unpark(waiter);
}

void JobTable::begin_drain(double per_second) {
  pace_.emplace(clock_.now(), per_second);
  for (const auto& shard : shards_) shard->begin_drain(&*pace_);
  overview_->begin_drain(&*pace_);
}

// Writes and CatchUp drain first: their requests go on to the shards or the overview.
void JobTable::drain() {
  writes_->begin_drain();
  writes_->finish_drain();
  catch_up_->begin_drain();
  catch_up_->finish_drain();
  for (const auto& shard : shards_) shard->begin_drain(nullptr);
  overview_->begin_drain(nullptr);
  for (const auto& shard : shards_) shard->finish_drain();
  overview_->finish_drain();
}

void JobTable::close() {
  drain();
  writes_->stop();
  catch_up_->stop();
  overview_->stop();
  for (const auto& shard : shards_) shard->stop();
}

std::size_t JobTable::jobs() const {
  std::size_t jobs = 0;
  for (const auto& shard : shards_) jobs += shard->jobs();
  return jobs;
}

std::size_t JobTable::records() const {
  std::size_t records = 0;
  for (const auto& shard : shards_) records += shard->records();
  return records;
}

}  // namespace bide
