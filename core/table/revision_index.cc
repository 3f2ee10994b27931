#include "core/table/revision_index.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace bide {
namespace {

using Place = RevisionIndex::Place;

constexpr std::uint32_t kMax = RevisionIndex::kBlockPlacesMax;
// Two neighbours are merged if they fit into half a block. In a full block the next insertion would
// split them again.
constexpr std::uint32_t kMergedMax = kMax / 2;
constexpr std::uint32_t kRoomMin = 2;

bool before(const Place& a, const Place& b) {
  if (a.revision != b.revision) return a.revision < b.revision;
  return std::less<>()(a.job_id, b.job_id);
}

}  // namespace

RevisionIndex::RevisionIndex(std::vector<Place> places) : size_(places.size()) {
  std::sort(places.begin(), places.end(), before);
  for (std::size_t from = 0; from < places.size(); from += kMax) {
    const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(kMax, places.size() - from));
    append_block(from == 0 ? std::max(size, kRoomMin) : kMax);
    Block& block = blocks_.back();
    block.size = size;
    std::copy_n(places.begin() + static_cast<std::ptrdiff_t>(from), block.size, block.places.get());
    block.first = block.places[0];
  }
}

void RevisionIndex::append_block(std::uint32_t room) {
  blocks_.push_back({{}, 0, room, std::make_unique_for_overwrite<Place[]>(room)});
}

void RevisionIndex::give_room(Block& block, std::uint32_t room) {
  auto places = std::make_unique_for_overwrite<Place[]>(room);
  std::copy_n(block.places.get(), block.size, places.get());
  block.places = std::move(places);
  block.room = room;
}

std::size_t RevisionIndex::blocks_below(Revision revision) const {
  const auto end = std::lower_bound(
      blocks_.begin(), blocks_.end(), revision,
      [](const Block& block, Revision limit) { return block.first.revision < limit; });
  return static_cast<std::size_t>(end - blocks_.begin());
}

// The last block that does not begin behind `place`, or the first block. There must be a block.
std::size_t RevisionIndex::block_for(const Place& place) const {
  if (!before(place, blocks_.back().first)) return blocks_.size() - 1;  // Most are near the end.
  const auto behind =
      std::upper_bound(blocks_.begin(), blocks_.end(), place,
                       [](const Place& p, const Block& block) { return before(p, block.first); });
  return behind == blocks_.begin() ? 0 : static_cast<std::size_t>(behind - blocks_.begin()) - 1;
}

void RevisionIndex::insert(Place place) {
  if (blocks_.empty()) append_block(kRoomMin);
  std::size_t at = block_for(place);
  if (blocks_[at].size == kMax) {
    at = make_room(at, place);
  } else if (blocks_[at].size == blocks_[at].room) {
    give_room(blocks_[at], std::min(kMax, 2 * blocks_[at].room));
  }
  Block& block = blocks_[at];
  Place* const end = block.places.get() + block.size;
  Place* const where = std::upper_bound(block.places.get(), end, place, before);
  std::move_backward(where, end, end + 1);
  *where = place;
  block.first = block.places[0];
  ++block.size;
  ++size_;
}

// Splits the full block and returns the half that `place` belongs to. At the very end it starts a
// new block instead, so that an index that only grows has full blocks.
std::size_t RevisionIndex::make_room(std::size_t at, const Place& place) {
  if (at + 1 == blocks_.size() && before(blocks_[at].places[kMax - 1], place)) {
    append_block(kMax);
    return at + 1;
  }
  auto upper = std::make_unique_for_overwrite<Place[]>(kMax);
  constexpr std::uint32_t kHalf = kMax / 2;
  std::copy_n(blocks_[at].places.get() + kHalf, kMax - kHalf, upper.get());
  blocks_[at].size = kHalf;
  const Place first = upper[0];
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                 {first, kMax - kHalf, kMax, std::move(upper)});
  return before(place, first) ? at : at + 1;
}

void RevisionIndex::erase(Place place) {
  if (blocks_.empty()) std::abort();
  const std::size_t at = block_for(place);
  Block& block = blocks_[at];
  Place* const end = block.places.get() + block.size;
  Place* const where = std::lower_bound(block.places.get(), end, place, before);
  if (where == end || *where != place) std::abort();
  std::move(where + 1, end, where);
  --block.size;
  --size_;
  if (block.size == 0) {
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at));
    return;
  }
  block.first = block.places[0];
  if (blocks_.size() == 1) {
    if (block.room > kRoomMin && 4 * block.size <= block.room) give_room(block, block.room / 2);
    return;
  }
  if (at + 1 < blocks_.size() && block.size + blocks_[at + 1].size <= kMergedMax) {
    merge_with_next(at);
  } else if (at > 0 && block.size + blocks_[at - 1].size <= kMergedMax) {
    merge_with_next(at - 1);
  }
}

void RevisionIndex::merge_with_next(std::size_t at) {
  Block& block = blocks_[at];
  const Block& next = blocks_[at + 1];
  std::copy_n(next.places.get(), next.size, block.places.get() + block.size);
  block.size += next.size;
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
}

std::size_t RevisionIndex::room() const {
  std::size_t room = 0;
  for (const Block& block : blocks_) room += block.room;
  return room;
}

bool RevisionIndex::contains(Place place) const {
  if (blocks_.empty()) return false;
  const Block& block = blocks_[block_for(place)];
  return std::binary_search(block.places.get(), block.places.get() + block.size, place, before);
}

Revision RevisionIndex::newest() const {
  return blocks_.empty() ? 0 : blocks_.back().places[blocks_.back().size - 1].revision;
}

std::vector<Place> RevisionIndex::newest_first(std::size_t offset, std::size_t limit) const {
  std::vector<Place> found;
  if (offset >= size_) return found;
  found.reserve(std::min(limit, size_ - offset));
  for (auto block = blocks_.rbegin(); block != blocks_.rend() && found.size() < limit; ++block) {
    if (offset >= block->size) {
      offset -= block->size;
      continue;
    }
    for (std::size_t i = block->size - offset; i > 0 && found.size() < limit; --i) {
      found.push_back(block->places[i - 1]);
    }
    offset = 0;
  }
  return found;
}

std::vector<Place> RevisionIndex::after(Revision revision, std::size_t limit) const {
  std::vector<Place> found;
  if (revision >= newest()) return found;
  // Such places begin in the block before the first one that begins above `revision`.
  auto block = std::upper_bound(
      blocks_.begin(), blocks_.end(), revision,
      [](Revision r, const Block& candidate) { return r < candidate.first.revision; });
  if (block != blocks_.begin()) --block;
  for (; block != blocks_.end() && found.size() < limit; ++block) {
    const Place* const begin = block->places.get();
    const Place* const end = begin + block->size;
    const Place* place =
        std::upper_bound(begin, end, revision,
                         [](Revision r, const Place& candidate) { return r < candidate.revision; });
    for (; place != end && found.size() < limit; ++place) found.push_back(*place);
  }
  return found;
}

}  // namespace bide
