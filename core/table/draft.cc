#include "core/table/draft.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/table/collection.h"

namespace bide {
namespace {

using Place = RevisionIndex::Place;

// One of the labels alone has counts of its own.
bool is_counted(const Selection& selection) {
  return selection.labels.size() == 1 && selection.id_part.empty();
}

class Walk {
 public:
  Walk(const Listing& listing, const PageQuery& query, Draft& draft)
      : listing_(listing), query_(query), draft_(draft), to_skip_(query.offset) {}

  void run() {
    const Selection& selection = *query_.selection;
    draft_.counts = {};
    for (const std::string& label : selection.labels) {
      const Listing::Labelled* const labelled = listing_.find_label(label);
      if (labelled == nullptr) return;
      indexes_.push_back(&labelled->by_definition);
      counted_ = is_counted(selection);
      if (counted_) draft_.counts = labelled->counts;
    }
    if (counted_ && query_.limit == PageQuery::kNoItems) return;
    if (counted_ && query_.status) indexes_.push_back(&listing_.by_definition(query_.status));
    if (indexes_.empty()) indexes_.push_back(&listing_.by_definition(std::nullopt));
    std::sort(indexes_.begin(), indexes_.end(),
              [](const RevisionIndex* a, const RevisionIndex* b) { return a->size() < b->size(); });
    indexes_.front()->walk_back(skip_blocks(), [&](const Place& place) { return visit(place); });
    draft_.next = more_ ? last_item_ : cut_ ? last_seen_ : 0;
    if (!counted_ && !cut_ && query_.below != PageQuery::kFromNewest) count_newer();
    draft_.exact = counted_ || !cut_;
  }

 private:
  // Where the walk begins. In the index of one label an offset takes no walk.
  Revision skip_blocks() {
    const bool alone = counted_ && indexes_.size() == 1 && query_.below == PageQuery::kFromNewest;
    if (!alone || to_skip_ == 0) return query_.below;
    const auto before = indexes_.front()->newest_first(std::exchange(to_skip_, 0) - 1, 1);
    return before.empty() ? 0 : before.front().revision;
  }
  bool spend() {
    cut_ = cut_ || steps_ >= Draft::kStepsMax;
    ++steps_;
    return !cut_;
  }
  bool visit(const Place& place) {
    if (!spend()) return false;
    last_seen_ = place.revision;
    if (!is_selected(place)) return true;
    if (!counted_ && !count(place)) return true;
    if (to_skip_ > 0) {
      --to_skip_;
    } else if (draft_.job_ids.size() < query_.limit) {
      draft_.job_ids.push_back(*place.job_id);
      last_item_ = place.revision;
    } else {
      more_ = query_.limit != PageQuery::kNoItems;
    }
    return !(counted_ && more_);
  }
  void count_newer() {
    indexes_.front()->walk_back(PageQuery::kFromNewest, [&](const Place& place) {
      if (place.revision < query_.below || !spend()) return false;
      if (is_selected(place)) (void)count(place);
      return true;
    });
  }
  bool is_selected(const Place& place) {
    for (std::size_t i = 1; i < indexes_.size(); ++i) {
      ++steps_;
      if (!indexes_[i]->contains(place)) return false;
    }
    const std::string& part = query_.selection->id_part;
    return part.empty() || place.job_id->find(part) != std::string::npos;
  }
  // True: the job has the status that is asked for.
  bool count(const Place& place) {
    for (const Status status : kAllStatuses) {
      ++steps_;
      if (!listing_.by_definition(status).contains(place)) continue;
      ++draft_.counts[static_cast<std::size_t>(status)];
      return !query_.status || *query_.status == status;
    }
    return false;
  }

  const Listing& listing_;
  const PageQuery& query_;
  Draft& draft_;
  std::vector<const RevisionIndex*> indexes_;  // A job must be in all of them. The smallest first.
  bool counted_ = false;
  std::size_t to_skip_;
  int steps_ = 0;
  bool cut_ = false;   // The steps were not enough.
  bool more_ = false;  // There are more jobs than the page shows.
  Revision last_seen_ = 0;
  Revision last_item_ = 0;
};

// Without a selection.
void draft_listed(const Listing& listing, const PageQuery& query, Draft& draft) {
  const RevisionIndex& jobs = listing.by_definition(query.status);
  const std::size_t some = query.limit + std::size_t{1};
  std::vector<Place> places;
  if (query.below == PageQuery::kFromNewest) {
    places = jobs.newest_first(query.offset, some);
  } else {
    jobs.walk_back(query.below, [&](const Place& place) {
      places.push_back(place);
      return places.size() < some;
    });
  }
  if (places.size() == some) {
    places.pop_back();
    draft.next = places.back().revision;
  }
  for (const Place& place : places) draft.job_ids.push_back(*place.job_id);
}

}  // namespace

bool needs_walk(const PageQuery& query) {
  return query.selection != nullptr && (query.status || !is_counted(*query.selection));
}

Draft draft_of(const Listing& listing, const std::optional<PageQuery>& query) {
  Draft draft;
  draft.query = query;
  draft.epoch = listing.epoch();
  draft.revision_max = listing.revision();
  draft.counts = listing.counts();
  draft.revision = query ? listing.order_revision() : listing.counts_revision();
  if (!query) return draft;
  if (query->selection != nullptr) {
    Walk(listing, *query, draft).run();
  } else {
    draft_listed(listing, *query, draft);
  }
  draft.total_items =
      query->status ? draft.counts[static_cast<std::size_t>(*query->status)]
                    : std::accumulate(draft.counts.begin(), draft.counts.end(), std::size_t{0});
  return draft;
}

Members members_of(const Listing& listing, const SelectionPtr& selection, std::size_t jobs_max) {
  PageQuery query;
  query.limit = static_cast<std::uint32_t>(jobs_max);
  query.selection = selection;
  const Draft draft = draft_of(listing, query);
  Members members;
  members.ids.reserve(draft.job_ids.size());
  for (const std::string& id : draft.job_ids) members.ids.emplace_back(id);
  members.whole = draft.next == 0;
  members.as_of = {draft.epoch, draft.revision_max, 0};
  return members;
}

// The page's revision is the highest one of the order and the items. An item may be newer than the
// draft, and a change in between may have moved it to another page. Then the page without the item,
// which is newer, would have a lower revision than the page with it. So the revision of an item
// counts only up to that of the listing.
std::shared_ptr<const Snapshot> render(const Draft& draft, JobTable& jobs, bool whole) {
  if (!draft.query || draft.query->limit == PageQuery::kNoItems) {
    return make_statistics(draft.counts, draft.exact, draft.epoch, draft.revision);
  }
  const Selection* const selection = draft.query->selection.get();
  const std::optional<Status> only = draft.query->status;
  std::vector<std::shared_ptr<const Snapshot>> items;
  items.reserve(draft.job_ids.size());
  Revision revision = draft.revision;
  for (const std::string& id : draft.job_ids) {
    auto item = snapshot_of(jobs, id);
    if (item == nullptr || (only && item->status != *only) ||
        (selection != nullptr && !selection->takes(item->labels))) {
      if (whole) return nullptr;
      continue;
    }
    revision = std::max(revision, std::min(item->json.tag.revision, draft.revision_max));
    items.push_back(std::move(item));
  }
  return make_page({draft.counts, draft.exact, draft.total_items, draft.next}, std::move(items),
                   draft.epoch, revision);
}

std::shared_ptr<const Snapshot> snapshot_of(JobTable& jobs, std::string_view job_id, bool patches) {
  Waiter::Terms terms;
  terms.patches = patches;
  return jobs.look(job_id, terms, {}).snapshot;
}

}  // namespace bide
