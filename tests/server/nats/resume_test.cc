#include "server/nats/resume.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace bide {
namespace {

using namespace std::chrono_literals;
using Reason = StreamCheck::Reason;

const WallTime kWritten{1'000'000s};

BucketState state(Revision last_seq, std::uint64_t entries) {
  BucketState bucket;
  bucket.epoch = 7;
  bucket.last_seq = last_seq;
  bucket.entries = entries;
  return bucket;
}

template <typename T>
BucketState with(T BucketState::*member, T value, BucketState bucket) {
  bucket.*member = value;
  return bucket;
}

// As it was delivered at `revision`, of the key that has the same number, unless it says otherwise.
StreamCheck::Delivery entry(Revision revision, std::uint64_t key = 0) {
  return {.revision = revision,
          .written = kWritten + std::chrono::seconds(revision),
          .key = key != 0 ? key : revision,
          .content = 100 + revision};
}

// 5 keys up to revision 10; the last deliveries were 7, 8 and 10.
Place place_of(const BucketState& bucket = state(10, 5)) {
  Place place{bucket, 10, bucket.entries, {}};
  for (const Revision revision : {7, 8, 10}) place.anchors.push_back(entry(revision).anchor());
  return place;
}

// A stream, which holds the anchors and as many entries as the place, and what a test adds.
struct Session {
  explicit Session(Place at = place_of(), std::optional<BucketState> start = {})
      : place(std::move(at)), resume(place, start ? *start : place.bucket) {}

  Reason known(Revision revision, std::uint64_t key = 0) {
    return resume.deliver(entry(revision, key), true);
  }
  Reason fresh(Revision revision) { return resume.deliver(entry(revision), false); }
  Session& with_anchors() {
    for (const Anchor& anchor : place.anchors) CHECK(known(anchor.revision) == Reason::kNone);
    return *this;
  }

  Place place;
  Resume resume;
};

struct Row {
  const char* what;
  Place place;
  Reason (*last)(Session& session);
  Reason reason = Reason::kNone;
  bool proven = true;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Session session(row.place);
    CHECK(text_of(row.last(session)) == text_of(row.reason));
    CHECK(session.resume.proven() == (row.reason == Reason::kNone && row.proven));
  }
}

TEST_CASE("resume: nothing was written meanwhile") {
  Session s;
  CHECK(Resume::begin(s.place) == 7);
  CHECK_FALSE(s.resume.is_new(entry(10)));
  CHECK(s.resume.is_new(entry(11)));
  CHECK_FALSE(s.resume.wants_report());
  s.with_anchors();
  CHECK(s.resume.wants_report());
  CHECK(s.resume.judge(state(10, 5)) == Reason::kNone);
  CHECK(s.resume.proven());
  CHECK(s.resume.counted());
  CHECK_FALSE(s.resume.wants_report());
}

TEST_CASE("resume: what was written meanwhile must be delivered, and is counted") {
  Session s(place_of(), state(12, 6));
  s.with_anchors();
  CHECK(s.fresh(11) == Reason::kNone);
  CHECK_FALSE(s.resume.wants_report());
  CHECK(s.known(12, 2) == Reason::kNone);
  CHECK(s.resume.wants_report());
  SUBCASE("up to a report") { CHECK(s.resume.judge(state(12, 6)) == Reason::kNone); }
  SUBCASE("up to one that is ahead") {
    CHECK(s.resume.judge(state(14, 7)) == Reason::kNone);
    CHECK_FALSE(s.resume.proven());
    CHECK(s.known(13, 11) == Reason::kNone);  // A key of the tail.
    CHECK(s.fresh(14) == Reason::kNone);
  }
  SUBCASE("not if a report is behind, in a cluster") {
    CHECK(s.resume.judge(with(&BucketState::has_replicas, true, state(11, 6))) == Reason::kNone);
    CHECK(s.resume.wants_report());
    CHECK_FALSE(s.resume.proven());
    CHECK(s.resume.judge(with(&BucketState::has_replicas, true, state(12, 6))) == Reason::kNone);
  }
  SUBCASE("not if something was overwritten since the report was asked for") {
    CHECK(s.resume.judge(state(14, 8)) == Reason::kNone);
    CHECK(s.fresh(14) == Reason::kNone);  // 13 was a new key, which is overwritten by 15.
    CHECK_FALSE(s.resume.proven());
    CHECK(s.resume.wants_report());
    CHECK(s.fresh(15) == Reason::kNone);
    CHECK(s.resume.judge(state(15, 8)) == Reason::kNone);
  }
  SUBCASE("nor if that was the last one") {
    CHECK(s.resume.judge(state(13, 7)) == Reason::kNone);
    CHECK(s.resume.pass(13) == Reason::kNone);
    CHECK_FALSE(s.resume.proven());
    CHECK(s.resume.wants_report());
    CHECK(s.fresh(14) == Reason::kNone);
    CHECK(s.resume.judge(state(14, 7)) == Reason::kNone);
  }
  CHECK(s.resume.proven());
}

TEST_CASE("resume: it must be the same stream") {
  const Place place = place_of();
  check_rows({
      {"an anchor has another value", place,
       [](Session& s) {
         StreamCheck::Delivery other = entry(7);
         other.content = 1;
         return s.resume.deliver(other, true);
       },
       Reason::kOtherEntries},
      {"another key", place,
       [](Session& s) {
         StreamCheck::Delivery other = entry(7);
         other.key = 1;
         return s.resume.deliver(other, true);
       },
       Reason::kOtherEntries},
      {"another time", place,
       [](Session& s) {
         StreamCheck::Delivery other = entry(7);
         other.written += 1ns;
         return s.resume.deliver(other, true);
       },
       Reason::kOtherEntries},
      {"something is between the anchors that was not delivered", place,
       [](Session& s) { return s.known(9); }, Reason::kOtherEntries},
      {"an anchor's key was written again", place,
       [](Session& s) {
         CHECK(s.known(7) == Reason::kNone);
         CHECK(s.known(8) == Reason::kNone);
         CHECK(s.known(11, 10) == Reason::kNone);
         return s.resume.judge(state(11, 5));
       }},
      {"all but the first were", place,
       [](Session& s) {
         CHECK(s.known(7) == Reason::kNone);
         CHECK(s.known(11, 10) == Reason::kNone);
         CHECK(s.known(12, 8) == Reason::kNone);
         return s.resume.judge(state(12, 5));
       }},
      {"all were, so nothing proves that it is the same stream", place,
       [](Session& s) {
         CHECK(s.known(11, 10) == Reason::kNone);
         CHECK(s.known(12, 8) == Reason::kNone);
         CHECK(s.known(13, 7) == Reason::kNone);
         return s.resume.judge(state(13, 5));
       },
       Reason::kUnproven},
      {"another epoch", place,
       [](Session& s) {
         return s.with_anchors().resume.judge(with(&BucketState::epoch, Epoch{8}, state(10, 5)));
       },
       Reason::kRecreated},
      {"other rules", place,
       [](Session& s) {
         return s.with_anchors().resume.judge(
             with(&BucketState::keeps_history, true, state(10, 5)));
       },
       Reason::kConfigured},
      {"it ends before what was delivered", place,
       [](Session& s) { return s.with_anchors().resume.judge(state(9, 5)); }, Reason::kRolledBack},
  });
}

TEST_CASE("resume: an anchor that is gone, and whose key was not written again") {
  Session s;
  CHECK(s.known(7) == Reason::kNone);
  CHECK(s.known(10) == Reason::kNone);
  Reason reason = Reason::kNone;
  int reports = 0;
  for (; reason == Reason::kNone && reports < 100; ++reports) {
    reason = s.resume.judge(state(10, 5));
    CHECK_FALSE(s.resume.proven());
  }
  CHECK(text_of(reason) == text_of(Reason::kLeft));
  CHECK(reports == 50);
  SUBCASE("may be about to be") {
    Session late;
    CHECK(late.known(7) == Reason::kNone);
    CHECK(late.known(10) == Reason::kNone);
    CHECK(late.resume.judge(state(10, 5)) == Reason::kNone);
    CHECK(late.known(11, 8) == Reason::kNone);
    CHECK(late.resume.judge(state(11, 5)) == Reason::kNone);
    CHECK(late.resume.proven());
  }
}

TEST_CASE("resume: nothing may have left without an entry") {
  const Place place = place_of();
  check_rows({
      {"an entry is gone", place,
       [](Session& s) { return s.with_anchors().resume.judge(state(10, 4)); }, Reason::kLeft},
      {"as many came as left", place,
       [](Session& s) {
         (void)s.with_anchors().fresh(11);
         return s.resume.judge(state(11, 5));
       },
       Reason::kLeft},
      {"an entry that removed others", place,
       [](Session& s) {
         StreamCheck::Delivery all = entry(11);
         all.rollup = Rollup::kAll;
         return s.with_anchors().resume.deliver(all, false);
       },
       Reason::kLeft},
      {"one that removed older ones of its key, of which there are none", place,
       [](Session& s) {
         StreamCheck::Delivery key = entry(11);
         key.rollup = Rollup::kKey;
         (void)s.with_anchors().resume.deliver(key, false);
         return s.resume.judge(state(11, 6));
       }},
      {"the same, behind entries that nats-server may have skipped", place,
       [](Session& s) {
         StreamCheck::Delivery key = entry(12);
         key.rollup = Rollup::kKey;
         return s.with_anchors().resume.deliver(key, false);
       },
       Reason::kLeft},
  });
}

TEST_CASE("resume: what cannot be counted may have left") {
  const auto resumed = [](const Place& place, std::uint64_t entries, Revision first_seq = 0) {
    Session s(place);
    BucketState report = place.bucket;
    report.entries = entries;
    report.first_seq = first_seq;
    const Reason reason = s.with_anchors().resume.judge(report);
    return std::pair(text_of(reason), s.resume.proven() && s.resume.counted());
  };
  const std::pair<std::string, bool> counted("", true), uncounted("", false);
  CHECK(resumed(place_of(), 5) == counted);
  CHECK(resumed(place_of(), 5, 3) == counted);
  for (const BucketState& letting_go :
       {with(&BucketState::max_age, std::chrono::nanoseconds(60s), state(10, 5)),
        with(&BucketState::discards_old, true, state(10, 5))}) {
    CHECK(resumed(place_of(letting_go), 5) == counted);
    CHECK(resumed(place_of(letting_go), 4).first == text_of(Reason::kLeft));
    CHECK(resumed(place_of(letting_go), 4, 3) == uncounted);
  }
  Place unknown = place_of();
  unknown.keys.reset();
  CHECK(resumed(unknown, 4) == uncounted);
}

TEST_CASE("resume: anchors that have expired need not be there") {
  const BucketState expiring =
      with(&BucketState::max_age, std::chrono::nanoseconds(60s), state(10, 5));
  const auto resumes = [&](Revision first_seq) {
    Session s(place_of(expiring));
    (void)s.known(10);
    (void)s.resume.judge(with(&BucketState::first_seq, first_seq, expiring));
    return s.resume.proven();
  };
  CHECK(resumes(9));
  CHECK_FALSE(resumes(8));
}

TEST_CASE("resume: the anchors are the last entries of different keys") {
  Anchors anchors;
  CHECK(anchors.empty());
  std::vector<Anchor> expected;
  // Keys in turn, then some again and again, then one only.
  const auto key_of = [](Revision revision) -> std::uint64_t {
    if (revision < 200) return revision;
    return revision < 400 ? 190 + revision % 7 : 3;
  };
  for (Revision revision = 1; revision < 500; ++revision) {
    const Anchor anchor = entry(revision, key_of(revision)).anchor();
    anchors.add(anchor);
    std::erase_if(expected, [&](const Anchor& other) { return other.key == anchor.key; });
    expected.push_back(anchor);
    if (expected.size() > Anchors::kMax) expected.erase(expected.begin());
    REQUIRE(anchors.list() == expected);
  }
  CHECK_FALSE(anchors.empty());
}

}  // namespace
}  // namespace bide
