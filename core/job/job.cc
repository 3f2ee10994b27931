#include "core/job/job.h"

#include <algorithm>
#include <type_traits>
#include <vector>

namespace bide {
namespace {

// What the places of a label take in the indexes of core/table/listing.h: two of 16 bytes, in
// blocks that are two thirds full.
constexpr std::size_t kLabelPlacesBytes = 48;

std::size_t bytes_of(const Definition& definition) {
  std::size_t bytes = sizeof(Definition) + definition.created.size() + definition.subject.size() +
                      definition.operation.size() + definition.labels.text().size() +
                      definition.labels.count() * kLabelPlacesBytes;
  if (const auto* names = std::get_if<std::vector<std::string>>(&definition.expected_agents)) {
    for (const std::string& name : *names) bytes += sizeof(std::string) + name.size();
  }
  return bytes;
}

}  // namespace

Job::Absorbed Job::absorb(const Entry& entry, std::size_t bytes_left) {
  switch (entry.family) {
    case Entry::Family::kJob:
      return define(entry, bytes_left);
    case Entry::Family::kStatus:
      return put(events_, entry, bytes_left);
    case Entry::Family::kResponse:
      return put(responses_, entry, bytes_left);
    case Entry::Family::kProgress:
      return put_progress(entry, bytes_left);
  }
  return Absorbed::kUnchanged;
}

bool Job::holds(const Entry& entry) const {
  switch (entry.family) {
    case Entry::Family::kJob:
      return defined();
    case Entry::Family::kStatus:
      return events_.find(entry.key_rest) != kNoPlace;
    case Entry::Family::kResponse:
      return responses_.find(entry.key_rest) != kNoPlace;
    case Entry::Family::kProgress:
      return progress_ != nullptr && progress_->find(entry.key_rest) != kNoPlace;
  }
  return false;
}

bool Job::only_adds(const Entry& entry) const {
  if (!defined() || entry.takes_away() || entry.revision <= revision_) return false;
  // An agent has the same key whichever characters its name has in place of `_`.
  const auto replaces_same_agent = [&](const auto& entries, std::string_view hostname) {
    const EntryPlace held = entries.find(entry.key_rest);
    return held == kNoPlace || entries[held].hostname() == hostname;
  };
  switch (entry.family) {
    case Entry::Family::kJob:
      return false;
    case Entry::Family::kStatus:
      return events_.find(entry.key_rest) == kNoPlace;
    case Entry::Family::kResponse:
      return replaces_same_agent(responses_, std::get<Response>(entry.what).hostname);
    case Entry::Family::kProgress:
      return progress_ == nullptr ||
             replaces_same_agent(*progress_, std::get<ProgressReport>(entry.what).hostname);
  }
  return false;
}

Job::Absorbed Job::put_progress(const Entry& entry, std::size_t bytes_left) {
  if (progress_ == nullptr) progress_ = std::make_unique<StoredEntries<StoredProgress>>();
  const Absorbed absorbed = put(*progress_, entry, bytes_left);
  if (progress_->empty()) progress_.reset();
  return absorbed;
}

template <typename Stored>
Job::Absorbed Job::put(StoredEntries<Stored>& entries, const Entry& entry, std::size_t bytes_left) {
  const EntryPlace held = entries.find(entry.key_rest);
  if (held != kNoPlace && entries[held].revision >= entry.revision) return Absorbed::kUnchanged;

  std::optional<Stored> stored;
  if (!entry.takes_away()) {
    stored.emplace(entry);
    const std::size_t bytes_before = held == kNoPlace ? 0 : bide::bytes_of(entries[held]);
    const std::size_t bytes = bide::bytes_of(*stored);
    const Absorbed room = room_for(bytes, bytes_before, held == kNoPlace, bytes_left);
    if (room != Absorbed::kChanged) return room;
    entry_bytes_ += bytes;
  }
  if (held != kNoPlace) take_out(entries, held);
  if constexpr (std::is_same_v<Stored, StoredEvent>) {
    if (stored) append(std::move(*stored));
  } else {
    if (stored) (void)entries.insert(std::move(*stored));
  }

  if (std::holds_alternative<Loss>(entry.what)) {
    if (held == kNoPlace) return Absorbed::kUnchanged;
    revision_ = newest();
  } else {
    // A deletion counts even if this job never had the key: a replica that reads the bucket now
    // sees the deletion, but not the deleted entry.
    revision_ = std::max(revision_, entry.revision);
    if (entry.takes_away()) deleted_revision_ = revision_;
    if (std::is_same_v<Stored, StoredEvent>) last_event_ = std::max(last_event_, entry.written);
    if (!defined()) written_ = std::max(written_, entry.written);
  }
  return defined() ? Absorbed::kChanged : Absorbed::kUnchanged;
}

Job::Absorbed Job::room_for(std::size_t bytes, std::size_t bytes_before, bool another,
                            std::size_t bytes_left) const {
  if (another && entries() >= kEntriesPerJobMax) return Absorbed::kJobFull;
  if (bytes <= bytes_before) return Absorbed::kChanged;
  if (entry_bytes_ - bytes_before + bytes > kJobBytesMax) return Absorbed::kJobFull;
  return bytes - bytes_before > bytes_left ? Absorbed::kTableFull : Absorbed::kChanged;
}

void Job::append(StoredEvent&& event) {
  event.agent = fold_.number_for(events_, event.hostname());
  const bool in_order = events_.insert(std::move(event));
  if (in_order && events_.indexed() == fold_.indexed()) {
    fold_.join(definition_.get(), events_, events_.places() - 1);
  } else {
    fold_.begin_again(definition_.get(), events_);
  }
}

void Job::take_out(StoredEvents& events, EntryPlace place) {
  entry_bytes_ -= bide::bytes_of(events[place]);
  fold_.leave(definition_.get(), events, place);
  events.take_out(place);
  if (events.untidy()) {
    events.tidy();
    fold_.begin_again(definition_.get(), events);
  } else {
    fold_.left(definition_.get(), events);
  }
}

template <typename Stored>
void Job::take_out(StoredEntries<Stored>& entries, EntryPlace place) {
  entry_bytes_ -= bide::bytes_of(entries[place]);
  entries.take_out(place);
  if (entries.untidy()) entries.tidy();
}

Job::Absorbed Job::define(const Entry& entry, std::size_t bytes_left) {
  if (entry.revision <= definition_revision_) return Absorbed::kUnchanged;
  const auto* definition = std::get_if<Definition>(&entry.what);
  if (definition == nullptr) return undefine(entry);
  const std::size_t bytes_before = defined() ? bytes_of(*definition_) : 0;
  const std::size_t bytes = bytes_of(*definition);
  if (bytes > bytes_before && bytes - bytes_before > bytes_left) return Absorbed::kTableFull;
  definition_ = std::make_shared<const Definition>(*definition);
  definition_revision_ = entry.revision;
  revision_ = std::max(revision_, entry.revision);
  written_ = entry.written;
  fold_.redefine(*definition_, definition_revision_, events_);
  return Absorbed::kChanged;
}

// For clients the job is gone. Its events stay as long as they are in the bucket, so that a job
// that is defined again under the same id is folded from the same entries on every replica.
Job::Absorbed Job::undefine(const Entry& entry) {
  const bool was_defined = defined();
  definition_.reset();
  if (std::holds_alternative<Loss>(entry.what)) {
    definition_revision_ = 0;
    revision_ = newest();
  } else {
    definition_revision_ = entry.revision;
    if (was_defined) written_ = entry.written;
  }
  return was_defined ? Absorbed::kChanged : Absorbed::kUnchanged;
}

Job::Absorbed Job::let_go(Revision before) {
  std::vector<Entry> losses;
  const auto lose = [&](Entry::Family family, std::string key_rest) {
    losses.push_back({.job_id = id_,
                      .key_rest = std::move(key_rest),
                      .family = family,
                      .revision = before,
                      .written = {},
                      .what = Loss{}});
  };
  // The definition comes first, because nothing is folded without it.
  if (defined() && definition_revision_ < before) lose(Entry::Family::kJob, {});
  for (const StoredEvent& event : events_) {
    if (event.revision >= before) break;
    lose(Entry::Family::kStatus, event.key_rest());
  }
  for (const StoredResponse& response : responses_) {
    if (response.revision >= before) break;
    lose(Entry::Family::kResponse, std::string(response.key_rest()));
  }
  if (progress_ != nullptr) {
    for (const StoredProgress& progress : *progress_) {
      if (progress.revision >= before) break;
      lose(Entry::Family::kProgress, std::string(progress.key_rest()));
    }
  }
  Absorbed absorbed = Absorbed::kUnchanged;
  for (const Entry& loss : losses) {
    if (absorb(loss) == Absorbed::kChanged) absorbed = Absorbed::kChanged;
  }
  return absorbed;
}

Revision Job::oldest() const {
  Revision oldest = defined() ? definition_revision_ : kNothing;
  if (!events_.empty()) oldest = std::min(oldest, (*events_.begin()).revision);
  if (!responses_.empty()) oldest = std::min(oldest, (*responses_.begin()).revision);
  if (progress_ != nullptr) oldest = std::min(oldest, (*progress_->begin()).revision);
  return oldest;
}

Revision Job::newest() {
  return std::max({defined() ? definition_revision_ : 0, deleted_revision_, events_.newest(),
                   responses_.newest(), progress_ != nullptr ? progress_->newest() : 0});
}

std::size_t Job::entries() const {
  return events_.size() + responses_.size() + (progress_ != nullptr ? progress_->size() : 0);
}

std::vector<std::string> Job::entry_keys() const {
  std::vector<std::string> keys;
  keys.reserve(entries());
  const auto add = [&](std::string_view family, const auto& entries) {
    const std::string prefix = std::string(family) + "." + id_ + ".";
    for (const auto& entry : entries) keys.push_back(prefix + std::string(entry.key_rest()));
  };
  add("status", events_);
  if (progress_ != nullptr) add("status", *progress_);
  add("responses", responses_);
  return keys;
}

std::size_t Job::bytes() const {
  if (empty()) return 0;
  return sizeof(Job) + id_.size() + entry_bytes_ + (defined() ? bytes_of(*definition_) : 0);
}

std::size_t Job::growth_within(std::size_t memory_max, std::size_t memory) const {
  if (memory_max == 0) return kNoLimit;
  if (empty()) memory += sizeof(Job) + id_.size();
  return memory_max - std::min(memory_max, memory);
}

std::unique_ptr<const Job> Job::frozen() const {
  auto copy = std::make_unique<Job>(id_);
  copy->definition_ = definition_;
  copy->definition_revision_ = definition_revision_;
  copy->revision_ = revision_;
  copy->written_ = written_;
  copy->deleted_revision_ = deleted_revision_;
  copy->last_event_ = last_event_;
  copy->entry_bytes_ = entry_bytes_;
  copy->events_ = events_.frozen();
  copy->responses_ = responses_.frozen();
  if (progress_ != nullptr) {
    copy->progress_ = std::make_unique<StoredEntries<StoredProgress>>(progress_->frozen());
  }
  copy->fold_ = fold_.frozen();
  return copy;
}

}  // namespace bide
