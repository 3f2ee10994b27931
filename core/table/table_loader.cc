#include "core/table/table_loader.h"

#include <utility>

#include "core/job/job_bytes.h"
#include "core/table/job_record.h"

namespace bide {

struct TableLoader::Shard {
  std::vector<std::vector<std::unique_ptr<JobRecord>>> read;  // By thread.
  JobRecords joined;
  std::size_t memory = 0;
  LabelSet labels;
};

TableLoader::TableLoader(std::size_t shards, std::size_t threads, Revision revision_max)
    : revision_max_(revision_max), shards_(shards) {
  for (Shard& shard : shards_) shard.read.resize(threads);
}

TableLoader::~TableLoader() = default;

bool TableLoader::read(std::size_t thread, std::string_view bytes) {
  ByteReader in(bytes);
  while (!in.at_end()) {
    std::string id = JobReader::read_id(in);
    if (in.failed()) return false;
    auto record = std::make_unique<JobRecord>(std::move(id));
    if (!JobReader::read(in, revision_max_, record->job)) return false;
    Shard& shard = shards_[part_of(record->job.id(), shards_.size())];
    shard.read[thread].push_back(std::move(record));
  }
  return !in.failed();
}

bool TableLoader::join(std::size_t number) {
  Shard& shard = shards_[number];
  std::size_t jobs = 0;
  for (const auto& read : shard.read) jobs += read.size();
  shard.joined.reserve(jobs);
  for (auto& read : shard.read) {
    for (std::unique_ptr<JobRecord>& record : read) {
      const Job& job = record->job;
      shard.memory += job.bytes();
      if (job.defined()) {
        job.definition().labels.for_each([&](std::string_view label) {
          if (!shard.labels.contains(label)) shard.labels.emplace(label);
        });
      }
      if (!shard.joined.insert(std::move(record)).second) return false;
    }
  }
  shard.read.clear();
  return true;
}

std::optional<BucketRead> TableLoader::finish(Revision revision, std::size_t jobs_max,
                                              std::size_t memory_max) {
  BucketRead whole(jobs_max, 0, memory_max);
  whole.revision_ = revision;
  whole.reached_ = revision_max_;
  whole.content_->parts = std::vector<JobRecords>(shards_.size());
  std::size_t jobs = 0;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    jobs += shards_[i].joined.size();
    whole.memory_ += shards_[i].memory;
    std::swap(whole.content_->parts[i], shards_[i].joined);
    whole.content_->labels.merge(shards_[i].labels);
  }
  for (const std::string& label : whole.content_->labels) {
    whole.label_bytes_ += Listing::bytes_of_label(label);
  }
  const bool fits = memory_max == 0 || whole.memory_ + whole.label_bytes_ <= memory_max;
  if (jobs > jobs_max || !fits) return std::nullopt;
  return whole;
}

}  // namespace bide
