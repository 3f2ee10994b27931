// core/table/revision_index.h: Jobs in the order of a revision, to be paged through from either
// end.
//
// Sorted blocks of at most 512 places, in a vector of blocks: binary search over the blocks, a
// memmove inside one. A place is 16 bytes; as the oldest leave, blocks shrink to a quarter before
// they are merged. A balanced tree would take 48 bytes a place and a cache miss a level; finding
// the i-th place would need counts in its nodes, and skipping over blocks is as good as that.
//
// Measured with a million places on one core of a small server: append 15 ns, taking a random one
// out and appending it again 370 ns, the page in the middle 0.8 µs, building in bulk 100 ns a
// place.
//
// Thread safety: none; guarded by the overview's mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/job/entry.h"

namespace bide {

class RevisionIndex {
 public:
  // Revisions are unique in a stream. Should two jobs ever claim one, both have their place.
  struct Place {
    Revision revision;
    const std::string* job_id;  // Must stay valid while it has its place.
    friend bool operator==(const Place&, const Place&) = default;
  };
  static constexpr std::uint32_t kBlockPlacesMax = 512;

  RevisionIndex() = default;
  // In bulk, in any order.
  explicit RevisionIndex(std::vector<Place> places);

  void insert(Place place);
  // Must hold it: what is not found here would be left to dangle elsewhere, so that aborts.
  void erase(Place place);

  [[nodiscard]] std::size_t size() const { return size_; }
  // The highest revision; 0 if there is none.
  [[nodiscard]] Revision newest() const;
  // At most `limit` places, newest first, leaving out the `offset` newest. Skips a block a step.
  [[nodiscard]] std::vector<Place> newest_first(std::size_t offset, std::size_t limit) const;
  // At most `limit` places with a revision above `revision`, oldest first.
  [[nodiscard]] std::vector<Place> after(Revision revision, std::size_t limit) const;

 private:
  struct Block {
    Place first;  // Of `places`, kept here so that the search over blocks stays in one array.
    std::uint32_t size;
    std::unique_ptr<Place[]> places;
  };
  [[nodiscard]] std::size_t block_for(const Place& place) const;
  [[nodiscard]] std::size_t make_room(std::size_t at, const Place& place);
  void append_block();
  void merge_with_next(std::size_t at);

  std::vector<Block> blocks_;  // None is empty.
  std::size_t size_ = 0;
};

}  // namespace bide
