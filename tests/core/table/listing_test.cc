// The indexes of labels, and the pages that are found with them.
#include "core/table/listing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/table/draft.h"

namespace bide {
namespace {

using Names = std::vector<std::string>;

SelectionPtr select(Names labels, std::string id_part = {}) {
  std::sort(labels.begin(), labels.end());
  return std::make_shared<const Selection>(Selection{std::move(labels), std::move(id_part)});
}

// Jobs beside a listing, which is asked about what can be counted among them.
struct Jobs {
  std::deque<std::string> ids;  // They stay where they are.
  std::map<std::string, Listed> jobs;
  Listing listing;
  Revision revision = 0;

  void put(const std::string& id, const std::map<std::string, std::string>& labels,
           Status status = Status::kSubmitted) {
    const auto before = find(id);
    if (!before) ids.push_back(id);
    ++revision;
    const std::string* const name = before ? before->job_id : &ids.back();
    replace(id, before, Listed{revision, revision, status, name, Labels(labels)});
  }
  void change(const std::string& id, Status status) {
    auto job = *find(id);
    const auto before = job;
    job.revision = ++revision;
    job.status = status;
    replace(id, before, job);
  }
  void remove(const std::string& id) {
    ++revision;
    replace(id, find(id), std::nullopt);
  }
  std::optional<Listed> find(const std::string& id) const {
    const auto it = jobs.find(id);
    return it == jobs.end() ? std::nullopt : std::optional(it->second);
  }
  void replace(const std::string& id, const std::optional<Listed>& before,
               const std::optional<Listed>& after) {
    listing.replace(before, after, revision);
    if (after) {
      jobs[id] = *after;
    } else {
      jobs.erase(id);
    }
  }
  Listing built_in_bulk() const {
    std::vector<Listed> all;
    for (const auto& [id, job] : jobs) all.push_back(job);
    return {all, 1, revision};
  }
};

// What `draft_of` must find, without any index.
struct Expected {
  std::vector<std::string> ids;
  StatusCounts counts{};
  std::size_t total = 0;
  bool more = false;
};
Expected expect(const Jobs& jobs, const PageQuery& query) {
  std::vector<Listed> found;
  Expected expected;
  for (const auto& [id, job] : jobs.jobs) {
    const bool fits =
        query.selection == nullptr || (query.selection->takes(job.labels) &&
                                       id.find(query.selection->id_part) != std::string::npos);
    if (!fits) continue;
    ++expected.counts[static_cast<std::size_t>(job.status)];
    if (query.status && job.status != *query.status) continue;
    ++expected.total;
    if (job.definition_revision < query.below) found.push_back(job);
  }
  std::sort(found.begin(), found.end(), [](const Listed& a, const Listed& b) {
    return a.definition_revision > b.definition_revision;
  });
  for (std::size_t i = query.offset; i < found.size(); ++i) {
    if (expected.ids.size() == query.limit) {
      expected.more = true;
      break;
    }
    expected.ids.push_back(*found[i].job_id);
  }
  return expected;
}

void compare(const Jobs& jobs, const Listing& listing, const PageQuery& query) {
  const Draft draft = draft_of(listing, query);
  const Expected expected = expect(jobs, query);
  CHECK(draft.exact);
  CHECK(draft.job_ids == expected.ids);
  CHECK(draft.total_items == expected.total);
  if (query.selection != nullptr) CHECK(draft.counts == expected.counts);
  CHECK((draft.next != 0) == expected.more);
}

TEST_CASE("listing: whatever happens to jobs, pages of labels show what counting finds") {
  std::mt19937 random(7);
  Jobs jobs;
  const auto labels = [&] {
    std::map<std::string, std::string> some;
    for (const std::string name : {"team", "release", "arch"}) {
      if (random() % 3 != 0) some[name] = std::to_string(random() % 3);
    }
    return some;
  };
  const std::vector<SelectionPtr> selections = {
      nullptr,
      select({"team=0"}),
      select({"team=1", "release=2"}),
      select({"team=1", "release=2", "arch=0"}),
      select({"team=9"}),
      select({"team=1", "team=2"}),
      select({}, "7"),
      select({"arch=1"}, "j1"),
  };
  for (int step = 0; step < 4000; ++step) {
    const std::string id = "j" + std::to_string(random() % 300);
    if (!jobs.find(id) || random() % 8 == 0) {
      jobs.put(id, labels(), kAllStatuses[random() % kAllStatuses.size()]);
    } else if (random() % 4 == 0) {
      jobs.remove(id);
    } else {
      jobs.change(id, kAllStatuses[random() % kAllStatuses.size()]);
    }
    if (step % 50 != 0) continue;
    const Listing bulk = jobs.built_in_bulk();
    CHECK(bulk.label_bytes() == jobs.listing.label_bytes());
    for (const SelectionPtr& selection : selections) {
      PageQuery query;
      query.selection = selection;
      query.limit = 1 + random() % 40;
      if (random() % 2 == 0) query.status = kAllStatuses[random() % kAllStatuses.size()];
      if (random() % 2 == 0) query.offset = random() % 60;
      compare(jobs, jobs.listing, query);
      compare(jobs, bulk, query);
      query.offset = 0;
      query.below = 1 + random() % (jobs.revision + 1);
      compare(jobs, jobs.listing, query);
    }
  }
  while (!jobs.jobs.empty()) jobs.remove(jobs.jobs.begin()->first);
  CHECK(jobs.listing.label_bytes() == 0);
}

TEST_CASE(
    "listing: a label goes with its last job, and progress of a job is no news of its labels") {
  Jobs jobs;
  jobs.put("a", {{"team", "ci"}, {"run", "1"}});
  jobs.put("b", {{"team", "ci"}});
  const auto told = [&] { return jobs.listing.find_label("team=ci")->told; };
  CHECK(told() == 2);
  jobs.change("a", Status::kProcessing);
  CHECK(told() == 3);
  Listed job = *jobs.find("a");
  const Listed before = job;
  job.revision = ++jobs.revision;
  jobs.listing.replace(before, job, jobs.revision, true);
  jobs.jobs["a"] = job;
  CHECK(told() == 3);
  CHECK(jobs.listing.find_label("team=ci")->by_change.newest() == 4);

  jobs.remove("a");
  CHECK(jobs.listing.find_label("run=1") == nullptr);
  CHECK(jobs.listing.find_label("team=ci") != nullptr);
  jobs.put("b", {});
  CHECK(jobs.listing.find_label("team=ci") == nullptr);
}

TEST_CASE("listing: pages that follow the cursor show each job once while jobs are added") {
  Jobs jobs;
  for (int i = 0; i < 40; ++i) jobs.put("old" + std::to_string(i), {{"team", "ci"}});
  for (const SelectionPtr& selection :
       {SelectionPtr(), select({"team=ci"}), select({}, "old"), select({"team=ci"}, "ld")}) {
    PageQuery query;
    query.limit = 7;
    query.selection = selection;
    Names seen;
    do {
      const Draft draft = draft_of(jobs.listing, query);
      for (const std::string& id : draft.job_ids) {
        if (id.starts_with("old")) seen.push_back(id);
      }
      query.below = draft.next;
      jobs.put("new" + std::to_string(jobs.revision), {{"team", "ci"}});
      jobs.change("old3", Status::kCompleted);
    } while (query.below != 0);
    Names expected;
    for (int i = 39; i >= 0; --i) expected.push_back("old" + std::to_string(i));
    CHECK(seen == expected);
  }
}

TEST_CASE("listing: a walk has its steps, says that there is more, and goes on behind them") {
  Jobs jobs;
  constexpr int kJobs = Draft::kStepsMax + 100;
  for (int i = 0; i < kJobs; ++i) {
    jobs.put("j" + std::to_string(i), {{"a", "1"}, {i < 5 ? "b" : "c", "1"}, {"d", "1"}});
  }
  PageQuery query;
  query.limit = 2;
  SUBCASE("the rarest label is walked, however many jobs the other has") {
    query.selection = select({"a=1", "b=1"});
    const Draft draft = draft_of(jobs.listing, query);
    CHECK(draft.exact);
    CHECK(draft.total_items == 5);
    CHECK(draft.job_ids == Names{"j4", "j3"});
  }
  SUBCASE("two labels that most jobs have") {
    query.selection = select({"a=1", "d=1"});
    const Draft draft = draft_of(jobs.listing, query);
    CHECK_FALSE(draft.exact);
    CHECK(draft.total_items > 1000);
    CHECK(draft.total_items < kJobs);
    CHECK(draft.job_ids.size() == 2);
    query.below = draft.next;
    const Names next = {"j" + std::to_string(kJobs - 3), "j" + std::to_string(kJobs - 4)};
    CHECK(draft_of(jobs.listing, query).job_ids == next);
  }
  SUBCASE("a part of an id that no job has") {
    query.selection = select({"a=1"}, "nothing");
    std::size_t pages = 0;
    Draft draft;
    do {
      draft = draft_of(jobs.listing, query);
      CHECK(draft.job_ids.empty());
      query.below = draft.next;
      ++pages;
    } while (draft.next != 0);
    CHECK(pages == 2);
  }
  SUBCASE("one label counts without a walk") {
    query.selection = select({"a=1"});
    query.offset = kJobs - 3;
    const Draft draft = draft_of(jobs.listing, query);
    CHECK(draft.exact);
    CHECK(draft.total_items == kJobs);
    CHECK(draft.job_ids == Names{"j2", "j1"});
    CHECK_FALSE(needs_walk(query));
  }
}

TEST_CASE("listing: members are all jobs of the labels, or too many") {
  Jobs jobs;
  for (int i = 0; i < 3; ++i) jobs.put("j" + std::to_string(i), {{"team", "ci"}});
  CHECK(members_of(jobs.listing, select({"team=ci"}), 3).whole);
  CHECK(members_of(jobs.listing, select({"team=ci"}), 3).ids.size() == 3);
  CHECK_FALSE(members_of(jobs.listing, select({"team=ci"}), 2).whole);
  CHECK(members_of(jobs.listing, select({"team=no"}), 2).whole);
  CHECK(members_of(jobs.listing, select({"team=no"}), 2).ids.empty());
}

}  // namespace
}  // namespace bide
