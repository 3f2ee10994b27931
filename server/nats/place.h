// server/nats/place.h: How far a stream was followed, and what proves later that a stream of the
// same name is still that one.
//
// The proof is the last entries that were delivered. A stream that was restored, or lost what it
// had not synced, has others under their revisions, or none. An entry may also be gone because its
// key was written again; then that one comes later (server/nats/resume.h).
//
// Thread safety: values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/job/entry.h"
#include "server/nats/bucket.h"

namespace bide {

struct Anchor {
  Revision revision = 0;
  WallTime written{};
  std::uint64_t key = 0;      // XXH3-64 of its subject,
  std::uint64_t content = 0;  // and of its value.
  friend bool operator==(const Anchor&, const Anchor&) = default;
};

// The last entries that were delivered, the newest of each key. add() is called for every delivery,
// so it moves nothing if the key is a new one, or that of the last delivery.
class Anchors {
 public:
  static constexpr std::size_t kMax = 64;
  void add(const Anchor& anchor) {
    if (size_ > 0 && keys_[newest_] == anchor.key) {
      anchors_[newest_] = anchor;
      return;
    }
    const auto same = std::find(keys_.begin(), keys_.begin() + size_, anchor.key);
    if (same != keys_.begin() + size_) take_out(static_cast<std::size_t>(same - keys_.begin()));
    newest_ = size_ == 0 ? 0 : (newest_ + 1) % kMax;
    size_ = std::max(size_, newest_ + 1);
    keys_[newest_] = anchor.key;
    anchors_[newest_] = anchor;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // In the stream's order.
  [[nodiscard]] std::vector<Anchor> list() const {
    std::vector<Anchor> list;
    for (std::size_t i = 1; i <= size_; ++i) list.push_back(anchors_[(newest_ + i) % size_]);
    return list;
  }

 private:
  // Puts the others in order, beginning at the first place.
  void take_out(std::size_t place) {
    std::vector<Anchor> others = list();
    std::erase_if(others, [&](const Anchor& other) { return other.key == keys_[place]; });
    size_ = 0;
    for (const Anchor& other : others) {
      keys_[size_] = other.key;
      anchors_[size_] = other;
      newest_ = size_++;
    }
  }

  std::size_t size_ = 0, newest_ = 0;
  std::array<std::uint64_t, kMax> keys_{};
  std::array<Anchor, kMax> anchors_{};
};

struct Place {
  BucketState bucket;     // The stream, and the rules by which it kept its entries.
  Revision revision = 0;  // All up to here is applied.
  // How many entries the stream held then, if nothing had left without an entry. It may be too high
  // (see StreamCheck). nullopt: entries may have left before.
  std::optional<std::uint64_t> keys;
  std::vector<Anchor> anchors;  // Never empty.
};

}  // namespace bide
