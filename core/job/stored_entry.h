// core/job/stored_entry.h: Events and responses as a job keeps them: packed, in the order of
// revisions, and found by key.
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

// Tells keys apart without reading them. Seeded for this process: nobody can choose keys that
// collide.
using KeyHash = std::uint32_t;
[[nodiscard]] KeyHash key_hash_of(std::string_view text);

// What folding has looked at so far on this thread: places of entries and of indexes. For tests,
// which bound what a message costs without a clock.
extern thread_local std::uint64_t fold_steps;

// Where an entry stands among those of its job.
using EntryPlace = std::uint32_t;
inline constexpr EntryPlace kNoPlace = UINT32_MAX;

struct StoredEvent {
  explicit StoredEvent(const Entry& entry);  // `entry.what` must be an Event.

  // The number of its agent within the job (core/job/fold.h).
  using Agent = std::uint16_t;
  static constexpr Agent kSubmitter = UINT16_MAX;  // It is none.

  Revision revision;
  std::int64_t unix_nano;
  PackedText text;
  KeyHash key_hash;
  Agent agent = kSubmitter;
  EventKind kind;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  // Of `<event>.<agent>.<unix nanoseconds>` all is usually known: only what differs is kept. A
  // fifth of a typical job's memory would go into repeating it.
  [[nodiscard]] std::string key_rest() const;
  [[nodiscard]] std::string_view timestamp() const { return text[2]; }
  [[nodiscard]] std::string_view new_job_id() const { return text[3]; }
  [[nodiscard]] std::string_view error() const { return text[4]; }
};

struct StoredResponse {
  explicit StoredResponse(const Entry& entry);  // `entry.what` must be a Response.

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

// What an entry takes of a job's bytes (kJobBytesMax): itself and its strings.
template <typename Stored>
[[nodiscard]] std::size_t bytes_of(const Stored& entry) {
  std::size_t bytes = sizeof(Stored);
  for (const std::string_view text : entry.text.template unpack<5>()) bytes += text.size() + 1;
  return bytes;
}

// Makes room for one more, growing by a quarter: most jobs have a handful of entries for ever, and
// doubling would leave half of what 200,000 of them hold unused.
template <typename T>
void reserve_one_more(std::vector<T>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 4 + 1);
}

// The events, or the responses, of one job by revision. A job has a handful, which are simply
// looked through. Of more than kIndexedFrom the keys are indexed, and what is taken out leaves its
// place vacant: then finding, taking out and appending cost the same however many there are. Once
// most places are vacant it is time to tidy().
template <typename Stored>
class StoredEntries {
 public:
  static constexpr EntryPlace kIndexedFrom = 32;

  StoredEntries() = default;
  StoredEntries(StoredEntries&&) noexcept = default;
  StoredEntries& operator=(StoredEntries&&) noexcept = default;
  // To be read only: no index, no vacant places.
  [[nodiscard]] StoredEntries frozen() const;

  [[nodiscard]] std::size_t size() const { return all_.size() - vacancies(); }
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] bool indexed() const { return index_ != nullptr; }

  // Places: those of all entries and the vacant ones.
  [[nodiscard]] EntryPlace places() const { return static_cast<EntryPlace>(all_.size()); }
  [[nodiscard]] bool vacant(EntryPlace place) const { return !all_[place].text; }
  [[nodiscard]] const Stored& operator[](EntryPlace place) const { return all_[place]; }
  [[nodiscard]] Stored& operator[](EntryPlace place) { return all_[place]; }

  // kNoPlace: none is held under that key (Entry::key_rest).
  [[nodiscard]] EntryPlace find(std::string_view key_rest) const;
  // The key must not be held. False: a later one is there already, so places have moved.
  bool insert(Stored&& entry);
  // The place is vacant after it or, where there is no index, the later ones move up.
  void take_out(EntryPlace place);
  [[nodiscard]] bool untidy() const { return 2 * vacancies() > places(); }
  void tidy();  // Places move.

  // The highest revision of what is held; 0: it is empty.
  [[nodiscard]] Revision newest();

  // Over what is held.
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

  // In a vacant place `revision` is one more than that of a place before it behind which all are
  // vacant; 0: all are.
  std::vector<Stored> all_;
  // Apart, so that the many who have none do not pay for it.
  struct Index {
    // Open addressing: a place each, kNoPlace where there is none. At most half full.
    std::vector<EntryPlace> slots;
    EntryPlace vacant = 0;
    EntryPlace first = 0;  // Those before it are vacant.
  };
  [[nodiscard]] EntryPlace vacancies() const { return indexed() ? index_->vacant : 0; }
  std::unique_ptr<Index> index_;
};

extern template class StoredEntries<StoredEvent>;
extern template class StoredEntries<StoredResponse>;

}  // namespace bide
