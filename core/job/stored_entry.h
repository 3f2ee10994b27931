// core/job/stored_entry.h: Events and responses as a job stores them: packed, in the order of
// revisions, and searchable by key.
//
// Thread safety: values; no synchronisation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/packed_text.h"
#include "core/job/entry.h"

namespace bide {

// A hash of a key. Seeded for each process, so that nobody can choose keys that collide.
using KeyHash = std::uint32_t;
[[nodiscard]] KeyHash key_hash_of(std::string_view text);

// How many places of entries and indexes this thread has visited while folding. Tests use it to
// bound the cost of a message without a clock.
extern thread_local std::uint64_t fold_steps;

// Where an entry is among the entries of its job.
using EntryPlace = std::uint32_t;
inline constexpr EntryPlace kNoPlace = UINT32_MAX;

struct StoredEvent {
  explicit StoredEvent(const Entry& entry);  // `entry.what` must be an Event.
  // The same again from its members.
  StoredEvent(Revision at, EventKind what, std::int64_t when, PackedText texts);

  // The number of its agent within the job (core/job/fold.h).
  using Agent = std::uint16_t;
  static constexpr Agent kSubmitter = UINT16_MAX;  // The submitter, which is no agent.

  Revision revision;
  std::int64_t unix_nano;
  PackedText text;
  KeyHash key_hash;
  Agent agent = kSubmitter;
  EventKind kind;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  // `<event>.<agent>.<unix nanoseconds>`. Usually the other members determine it, so only
  // deviations are stored: repeating it would take a fifth of a typical job's memory.
  [[nodiscard]] std::string key_rest() const;
  [[nodiscard]] std::string_view timestamp() const { return text[2]; }
  [[nodiscard]] std::string_view new_job_id() const { return text[3]; }
  [[nodiscard]] std::string_view error() const { return text[4]; }
};

struct StoredResponse {
  explicit StoredResponse(const Entry& entry);  // `entry.what` must be a Response.
  StoredResponse(Revision at, std::optional<bool> has_changed, PackedText texts);

  Revision revision;
  PackedText text;
  KeyHash key_hash;
  std::optional<bool> changed;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  [[nodiscard]] std::string_view key_rest() const { return text[1]; }
  [[nodiscard]] std::string_view status() const { return text[2]; }
  [[nodiscard]] std::string_view error() const { return text[3]; }
  [[nodiscard]] std::string_view data() const { return text[4]; }
};

struct StoredProgress {
  explicit StoredProgress(const Entry& entry);  // `entry.what` must be a ProgressReport.
  StoredProgress(Revision at, PackedText texts);

  Revision revision;
  PackedText text;
  KeyHash key_hash;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  [[nodiscard]] std::string_view key_rest() const { return text[1]; }
  [[nodiscard]] std::string_view percent() const { return text[2]; }
  [[nodiscard]] std::string_view message() const { return text[3]; }
  [[nodiscard]] std::string_view log() const { return text[4]; }
};

// The bytes that count against kJobBytesMax: the entry and its strings.
template <typename Stored>
[[nodiscard]] std::size_t bytes_of(const Stored& entry) {
  std::size_t bytes = sizeof(Stored);
  for (const std::string_view text : entry.text.template unpack<5>()) bytes += text.size() + 1;
  return bytes;
}

// Makes room for one more item, growing by a quarter. Most jobs never have more than a few entries;
// with 200,000 jobs, doubling would leave half of the memory unused.
template <typename T>
void reserve_one_more(std::vector<T>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 4 + 1);
}

// The events, or the responses, of one job in the order of revisions. A few entries are searched
// one by one. Above kIndexedFrom the keys are indexed and a removed entry leaves its place vacant,
// so that finding, removing and appending cost the same for any number of entries. Call tidy() when
// untidy(): most places are vacant then.
template <typename Stored>
class StoredEntries {
 public:
  static constexpr EntryPlace kIndexedFrom = 32;

  StoredEntries() = default;
  StoredEntries(StoredEntries&&) noexcept = default;
  StoredEntries& operator=(StoredEntries&&) noexcept = default;
  // A copy only to be read: it has no index and no vacant places.
  [[nodiscard]] StoredEntries frozen() const;

  [[nodiscard]] std::size_t size() const { return all_.size() - vacancies(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] bool indexed() const { return index_ != nullptr; }

  // The number of places, vacant ones included.
  [[nodiscard]] EntryPlace places() const { return static_cast<EntryPlace>(all_.size()); }
  [[nodiscard]] bool vacant(EntryPlace place) const { return !all_[place].text; }
  [[nodiscard]] const Stored& operator[](EntryPlace place) const { return all_[place]; }
  [[nodiscard]] Stored& operator[](EntryPlace place) { return all_[place]; }

  // The entry with that key (Entry::key_rest). kNoPlace: there is none.
  [[nodiscard]] EntryPlace find(std::string_view key_rest) const;
  // Whether there is one with the key of `entry`.
  [[nodiscard]] bool has_key_of(const Stored& entry) const;
  // Makes room for so many entries, and no more. There must be none yet.
  void reserve(std::size_t entries) { all_.reserve(entries); }
  // There must be no entry with the key. False if an entry with a higher revision exists: then
  // places have moved.
  bool insert(Stored&& entry);
  // With an index the place becomes vacant; without one the later entries move up.
  void take_out(EntryPlace place);
  [[nodiscard]] bool untidy() const { return 2 * vacancies() > places(); }
  void tidy();  // Places move.

  // The highest revision. 0: there are no entries.
  [[nodiscard]] Revision newest();

  // Skips vacant places.
  class Iterator {
   public:
    Iterator(const Stored* at, const Stored* end) : at_(at), end_(end) { skip(); }
    const Stored& operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      skip();
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    void skip() {
      while (at_ != end_ && !at_->text) ++at_;
    }
    const Stored* at_;
    const Stored* end_;
  };
  [[nodiscard]] Iterator begin() const {
    return {all_.data() + (indexed() ? index_->first : 0), all_.data() + all_.size()};
  }
  [[nodiscard]] Iterator end() const {
    return {all_.data() + all_.size(), all_.data() + all_.size()};
  }

 private:
  [[nodiscard]] std::size_t slot_of(KeyHash hash, std::string_view key_rest) const;
  void enter(EntryPlace place);
  void make_index();

  // In a vacant place, `revision` is a link backwards: 1 + a place behind which all places up to
  // this one are vacant; 0: all places before it are.
  std::vector<Stored> all_;
  // On the heap, because most jobs have none.
  struct Index {
    // A hash table with open addressing. kNoPlace: free. At most half full.
    std::vector<EntryPlace> slots;
    EntryPlace vacant = 0;
    EntryPlace first = 0;  // All places before it are vacant.
  };
  [[nodiscard]] EntryPlace vacancies() const { return indexed() ? index_->vacant : 0; }
  std::unique_ptr<Index> index_;
};

extern template class StoredEntries<StoredEvent>;
extern template class StoredEntries<StoredResponse>;
extern template class StoredEntries<StoredProgress>;

}  // namespace bide
