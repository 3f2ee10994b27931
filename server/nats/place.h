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

// The last entries that were delivered, the newest of each key, in the stream's order.
class Anchors {
 public:
  static constexpr std::size_t kMax = 64;
  void add(const Anchor& anchor) {
    const auto same_key = [&](const Anchor& other) { return other.key == anchor.key; };
    auto replaced = std::find_if(anchors_.begin(), anchors_.end(), same_key);
    if (replaced == anchors_.end() && anchors_.size() == kMax) replaced = anchors_.begin();
    if (replaced != anchors_.end()) anchors_.erase(replaced);
    anchors_.push_back(anchor);
  }
  [[nodiscard]] const std::vector<Anchor>& list() const { return anchors_; }

 private:
  std::vector<Anchor> anchors_;
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
