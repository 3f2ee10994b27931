#include "core/job/stored_entry.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <random>
#include <utility>

namespace bide {

thread_local std::uint64_t fold_steps = 0;

namespace {

std::uint64_t random_seed() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

constexpr std::size_t kNumberBytesMax = 20;

std::string join_key(EventKind kind, std::string_view agent, std::int64_t unix_nano) {
  const std::string_view word = word_of(kind);
  std::array<char, kNumberBytesMax> digits;
  const char* const end =
      std::to_chars(digits.data(), digits.data() + digits.size(), unix_nano).ptr;
  std::string key;
  key.reserve(word.size() + 1 + agent.size() + 1 + digits.size());
  key.append(word).append(1, '.').append(agent).append(1, '.').append(
      digits.data(), static_cast<std::size_t>(end - digits.data()));
  return key;
}

// The part of an event's key to store: nothing, or its agent if that is not the hostname, or all of
// it. Only the whole key has dots, which tells it from an agent.
std::string_view kept_of(std::string_view key_rest, const Event& event) {
  const std::string regular = join_key(event.kind, event.hostname, event.unix_nano);
  if (key_rest == regular) return {};
  const std::size_t begin = std::min(key_rest.find('.'), key_rest.size() - 1) + 1;
  const std::string_view agent = key_rest.substr(begin, key_rest.find('.', begin) - begin);
  return key_rest == join_key(event.kind, agent, event.unix_nano) ? agent : key_rest;
}

PackedText pack(const Entry& entry, const Event& event) {
  return PackedText({event.hostname, kept_of(entry.key_rest, event), event.timestamp,
                     event.new_job_id, event.error});
}

PackedText pack(const Entry& entry, const Response& response) {
  return PackedText(
      {response.hostname, entry.key_rest, response.status, response.error, response.data});
}

PackedText pack(const Entry& entry, const ProgressReport& progress) {
  return PackedText(
      {progress.hostname, entry.key_rest, progress.percent, progress.message, progress.log});
}

}  // namespace

KeyHash key_hash_of(std::string_view text) {
  static const std::uint64_t seed = random_seed();
  return static_cast<KeyHash>(XXH3_64bits_withSeed(text.data(), text.size(), seed));
}

StoredEvent::StoredEvent(const Entry& entry)
    : revision(entry.revision),
      unix_nano(std::get<Event>(entry.what).unix_nano),
      text(pack(entry, std::get<Event>(entry.what))),
      key_hash(key_hash_of(entry.key_rest)),
      kind(std::get<Event>(entry.what).kind) {}

StoredResponse::StoredResponse(const Entry& entry)
    : revision(entry.revision),
      text(pack(entry, std::get<Response>(entry.what))),
      key_hash(key_hash_of(entry.key_rest)),
      changed(std::get<Response>(entry.what).changed) {}

StoredProgress::StoredProgress(const Entry& entry)
    : revision(entry.revision),
      text(pack(entry, std::get<ProgressReport>(entry.what))),
      key_hash(key_hash_of(entry.key_rest)) {}

StoredEvent::StoredEvent(Revision at, EventKind what, std::int64_t when, PackedText texts)
    : revision(at), unix_nano(when), text(std::move(texts)), key_hash(0), kind(what) {
  key_hash = key_hash_of(key_rest());
}

StoredResponse::StoredResponse(Revision at, std::optional<bool> has_changed, PackedText texts)
    : revision(at),
      text(std::move(texts)),
      key_hash(key_hash_of(key_rest())),
      changed(has_changed) {}

StoredProgress::StoredProgress(Revision at, PackedText texts)
    : revision(at), text(std::move(texts)), key_hash(key_hash_of(key_rest())) {}

std::string StoredEvent::key_rest() const {
  const std::string_view kept = text[1];
  if (kept.find('.') != kept.npos) return std::string(kept);
  return join_key(kind, kept.empty() ? hostname() : kept, unix_nano);
}

// --- StoredEntries ------------------------------------------------------------------------------

template <typename Stored>
StoredEntries<Stored> StoredEntries<Stored>::frozen() const {
  StoredEntries copy;
  copy.all_.reserve(size());
  for (const Stored& entry : *this) copy.all_.push_back(entry);
  return copy;
}

template <typename Stored>
EntryPlace StoredEntries<Stored>::find(std::string_view key_rest) const {
  const KeyHash hash = key_hash_of(key_rest);
  if (indexed()) {
    const std::size_t slot = slot_of(hash, key_rest);
    return slot == index_->slots.size() ? kNoPlace : index_->slots[slot];
  }
  for (EntryPlace place = 0; place < places(); ++place) {
    ++fold_steps;
    if (all_[place].key_hash == hash && all_[place].key_rest() == key_rest) return place;
  }
  return kNoPlace;
}

template <typename Stored>
bool StoredEntries<Stored>::has_key_of(const Stored& entry) const {
  if (indexed()) return find(entry.key_rest()) != kNoPlace;
  return std::any_of(all_.begin(), all_.end(), [&](const Stored& other) {
    return other.key_hash == entry.key_hash && other.key_rest() == entry.key_rest();
  });
}

template <typename Stored>
bool StoredEntries<Stored>::insert(Stored&& entry) {
  const bool last = all_.empty() || all_.back().revision <= entry.revision;
  if (last) {
    reserve_one_more(all_);
    all_.push_back(std::move(entry));
    if (indexed() && 2 * (all_.size() + 1) <= index_->slots.size()) {
      enter(places() - 1);
    } else if (places() > kIndexedFrom) {
      make_index();
    }
    return true;
  }
  // Not in order, which the stream never is.
  tidy();
  const auto at = std::find_if(all_.rbegin(), all_.rend(), [&](const Stored& other) {
    return other.revision <= entry.revision;
  });
  all_.insert(at.base(), std::move(entry));
  if (indexed() || places() > kIndexedFrom) make_index();
  return false;
}

template <typename Stored>
void StoredEntries<Stored>::take_out(EntryPlace place) {
  if (!indexed()) {
    all_.erase(all_.begin() + place);
    return;
  }
  all_[place].text.reset();
  all_[place].revision = place;
  ++index_->vacant;
  while (index_->first < places() && vacant(index_->first)) ++index_->first;
}

// Each vacant place on the way is linked to the result, so that the next search takes one step.
template <typename Stored>
Revision StoredEntries<Stored>::newest() {
  Revision behind = all_.size();
  while (behind > 0 && !all_[behind - 1].text) {
    ++fold_steps;
    behind = all_[behind - 1].revision;
  }
  for (Revision at = all_.size(); at > behind;) {
    Revision& next = all_[at - 1].revision;
    at = std::exchange(next, behind);
  }
  return behind == 0 ? 0 : all_[behind - 1].revision;
}

template <typename Stored>
void StoredEntries<Stored>::tidy() {
  if (!indexed()) return;
  fold_steps += places();
  std::erase_if(all_, [](const Stored& entry) { return !entry.text; });
  index_->vacant = index_->first = 0;
  // The index stays if there are only a few entries less: the next insert would need it again.
  if (places() > kIndexedFrom / 2) {
    make_index();
  } else {
    index_.reset();
    all_.shrink_to_fit();
  }
}

// slots.size(): no such entry. A slot whose entry is gone does not end the search.
template <typename Stored>
std::size_t StoredEntries<Stored>::slot_of(KeyHash hash, std::string_view key_rest) const {
  const std::vector<EntryPlace>& slots = index_->slots;
  const std::size_t mask = slots.size() - 1;
  for (std::size_t slot = hash & mask; slots[slot] != kNoPlace; slot = (slot + 1) & mask) {
    ++fold_steps;
    const Stored& held = all_[slots[slot]];
    if (held.key_hash == hash && held.text && held.key_rest() == key_rest) return slot;
  }
  return slots.size();
}

// Uses the first slot that is free or whose entry is gone, so that writing one key again and again
// fills one slot.
template <typename Stored>
void StoredEntries<Stored>::enter(EntryPlace place) {
  std::vector<EntryPlace>& slots = index_->slots;
  const std::size_t mask = slots.size() - 1;
  std::size_t slot = all_[place].key_hash & mask;
  while (slots[slot] != kNoPlace && !vacant(slots[slot])) {
    ++fold_steps;
    slot = (slot + 1) & mask;
  }
  slots[slot] = place;
}

// The index has room for twice the current number of entries.
template <typename Stored>
void StoredEntries<Stored>::make_index() {
  fold_steps += places();
  if (!indexed()) index_ = std::make_unique<Index>();
  index_->slots.assign(std::bit_ceil(4 * (all_.size() + 1)), kNoPlace);
  for (EntryPlace place = 0; place < places(); ++place) {
    if (!vacant(place)) enter(place);
  }
}

template class StoredEntries<StoredEvent>;
template class StoredEntries<StoredResponse>;
template class StoredEntries<StoredProgress>;

}  // namespace bide
