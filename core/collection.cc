#include "core/collection.h"

#include <numeric>
#include <utility>

#include "core/json_text.h"

namespace bide {
namespace {

constexpr std::size_t kCountsBytes = 220;  // What the counts and their names take, rather more.

void write_counts(JsonText& json, const StatusCounts& counts) {
  json.key("status_counts");
  json.begin_object();
  for (const Status status : kAllStatuses) {
    json.key(word_of(status));
    json.number(counts[static_cast<std::size_t>(status)]);
  }
  json.end_object();
}

std::shared_ptr<const Snapshot> collection_of(std::string bytes, Epoch epoch, Revision revision) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->collection = true;
  snapshot->json.tag = {epoch, revision, hash_of(bytes)};
  snapshot->json.bytes = std::move(bytes);
  return snapshot;
}

}  // namespace

std::shared_ptr<const Snapshot> make_statistics(const StatusCounts& counts, Epoch epoch,
                                                Revision revision) {
  JsonText json(kCountsBytes);
  json.begin_object();
  json.key("total_jobs");
  json.number(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  write_counts(json, counts);
  json.end_object();
  return collection_of(json.take(), epoch, revision);
}

std::shared_ptr<const Snapshot> make_page(const StatusCounts& counts, std::size_t total_items,
                                          const std::vector<std::shared_ptr<const Snapshot>>& items,
                                          Epoch epoch, Revision revision) {
  std::size_t bytes = kCountsBytes;
  for (const auto& item : items) bytes += item->json.bytes.size() + 1;
  JsonText json(bytes);
  json.begin_object();
  json.key("total_items");
  json.number(total_items);
  write_counts(json, counts);
  json.key("items");
  json.begin_array();
  for (const auto& item : items) {
    json.raw(item->json.bytes);
  }
  json.end_array();
  json.end_object();
  return collection_of(json.take(), epoch, revision);
}

}  // namespace bide
