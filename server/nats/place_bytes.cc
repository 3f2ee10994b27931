#include "server/nats/place_bytes.h"

#include "core/base/byte_reader.h"

namespace bide {
namespace {

std::uint64_t fixed_of(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

WallTime wall_time_of(std::uint64_t number) {
  return WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(number)));
}

}  // namespace

std::string bytes_of(const Place& place) {
  const BucketState& bucket = place.bucket;
  std::string bytes;
  append_fixed(bytes, bucket.epoch);
  append_fixed(bytes, static_cast<std::uint64_t>(bucket.max_age.count()));
  for (const bool rule :
       {bucket.keeps_history, bucket.has_other_subjects, bucket.has_origins, bucket.discards_old,
        bucket.allows_rollup, bucket.has_quorum, bucket.has_replicas}) {
    bytes += static_cast<char>(rule);
  }
  append_fixed(bytes, bucket.last_seq);
  append_fixed(bytes, bucket.first_seq);
  append_fixed(bytes, bucket.entries);
  append_fixed(bytes, fixed_of(bucket.first_time));
  append_fixed(bytes, place.revision);
  bytes += static_cast<char>(place.keys.has_value());
  append_fixed(bytes, place.keys.value_or(0));
  append_number(bytes, place.anchors.size());
  for (const Anchor& anchor : place.anchors) {
    append_fixed(bytes, anchor.revision);
    append_fixed(bytes, fixed_of(anchor.written));
    append_fixed(bytes, anchor.key);
    append_fixed(bytes, anchor.content);
  }
  return bytes;
}

std::optional<Place> place_of(std::string_view bytes) {
  ByteReader in(bytes);
  Place place;
  BucketState& bucket = place.bucket;
  bucket.epoch = in.fixed();
  bucket.max_age = std::chrono::nanoseconds(static_cast<std::int64_t>(in.fixed()));
  for (bool* const rule :
       {&bucket.keeps_history, &bucket.has_other_subjects, &bucket.has_origins,
        &bucket.discards_old, &bucket.allows_rollup, &bucket.has_quorum, &bucket.has_replicas}) {
    *rule = in.byte() != 0;
  }
  bucket.last_seq = in.fixed();
  bucket.first_seq = in.fixed();
  bucket.entries = in.fixed();
  bucket.first_time = wall_time_of(in.fixed());
  place.revision = in.fixed();
  const bool counted = in.byte() != 0;
  const std::uint64_t keys = in.fixed();
  if (counted) place.keys = keys;
  const std::uint64_t anchors = in.number();
  if (anchors == 0 || anchors > Anchors::kMax) in.fail();
  Revision before = 0;
  for (std::uint64_t i = 0; i < anchors && !in.failed(); ++i) {
    Anchor anchor;
    anchor.revision = in.fixed();
    anchor.written = wall_time_of(in.fixed());
    anchor.key = in.fixed();
    anchor.content = in.fixed();
    if (anchor.revision <= before || anchor.revision > place.revision) in.fail();
    before = anchor.revision;
    place.anchors.push_back(anchor);
  }
  if (in.failed() || !in.at_end()) return std::nullopt;
  return place;
}

}  // namespace bide
