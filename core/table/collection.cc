#include "core/table/collection.h"

#include <numeric>
#include <string_view>
#include <utility>

#include "core/base/json_text.h"

namespace bide {
namespace {

constexpr std::size_t kCountsBytes = 300;  // An upper estimate of everything but the items.

void write_counts(JsonText& json, const StatusCounts& counts, bool exact) {
  if (!exact) {
    json.key("total_exact");
    json.boolean(false);
  }
  json.key("status_counts");
  json.begin_object();
  for (const Status status : kAllStatuses) {
    json.key(word_of(status));
    json.number(counts[static_cast<std::size_t>(status)]);
  }
  json.end_object();
}

std::shared_ptr<const Snapshot> collection_of(std::string text, std::size_t tail_bytes,
                                              std::vector<std::shared_ptr<const Snapshot>> items,
                                              Epoch epoch, Revision revision, Revision next = 0) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->collection = true;
  snapshot->next = next;
  snapshot->json.tag = {epoch, revision, 0};
  set_items(*snapshot, std::move(text), tail_bytes, std::move(items));
  return snapshot;
}

}  // namespace

void set_items(Snapshot& list, std::string text, std::size_t tail_bytes,
               std::vector<std::shared_ptr<const Snapshot>> items) {
  list.items_at = text.size() - tail_bytes;
  list.json.bytes = std::move(text);
  list.items_bytes = items.empty() ? 0 : items.size() - 1;
  for (const auto& item : items) list.items_bytes += item->json.bytes.size();
  list.items = std::move(items);
  std::vector<std::string_view> pieces;
  pieces.reserve(2 * list.items.size() + 2);
  list.append_json(pieces);
  list.json.tag.hash = hash_of(pieces);
}

std::shared_ptr<const Snapshot> make_statistics(const StatusCounts& counts, bool exact, Epoch epoch,
                                                Revision revision) {
  JsonText json(kCountsBytes);
  json.begin_object();
  json.key("total_jobs");
  json.number(std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
  write_counts(json, counts, exact);
  json.end_object();
  return collection_of(json.take(), 0, {}, epoch, revision);
}

std::shared_ptr<const Snapshot> make_page(const PageHead& head,
                                          std::vector<std::shared_ptr<const Snapshot>> items,
                                          Epoch epoch, Revision revision) {
  JsonText json(kCountsBytes);
  json.begin_object();
  json.key("total_items");
  json.number(head.total_items);
  write_counts(json, head.counts, head.exact);
  if (head.next != 0) json.member("next", std::to_string(head.next));
  json.key("items");
  json.begin_array();
  json.end_array();
  json.end_object();
  constexpr std::string_view kTail = "]}";
  return collection_of(json.take(), kTail.size(), std::move(items), epoch, revision, head.next);
}

}  // namespace bide
