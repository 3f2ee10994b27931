#include "server/nats/stream_check.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bide {
namespace {

using namespace std::chrono_literals;
using Reason = StreamCheck::Reason;

constexpr Link kLink = 1, kOtherLink = 2;
const WallTime kNow{1'000'000s};
const TimePoint kBegan{1'000s};

BucketState state(Revision last_seq, std::uint64_t entries) {
  BucketState bucket;
  bucket.epoch = 7;
  bucket.last_seq = last_seq;
  bucket.entries = entries;
  bucket.first_time = kNow - 100s;
  return bucket;
}

BucketState expiring(BucketState bucket, std::chrono::seconds max_age) {
  bucket.max_age = max_age;
  return bucket;
}

template <typename T>
BucketState with(T BucketState::*member, T value, BucketState bucket = state(10, 3)) {
  bucket.*member = value;
  return bucket;
}

// A check with the calls of a follower, and with a clock that the test sets.
struct Session {
  explicit Session(const BucketState& start = state(10, 3)) : check(start, kLink, {}, kBegan) {}

  Reason entry(Revision revision, Rollup rollup = Rollup::kNone, WallTime written = kNow) {
    return check.deliver(StreamCheck::Delivery{++consumer_seq, revision, written, rollup});
  }
  // An entry of a key that was delivered before.
  Reason again(Revision revision) {
    const Reason reason = entry(revision);
    check.overwrote();
    return reason;
  }
  Reason heartbeat(Revision looked_through) {
    return check.deliver(StreamCheck::Heartbeat{consumer_seq, looked_through});
  }
  // The table has applied everything that was delivered, unless `applied` says how much.
  Reason look(Revision applied = 0) {
    return check.look(kLink, applied != 0 ? applied : check.delivered(), now);
  }
  Reason look_after(TimePoint::duration time) {
    now += time;
    return look();
  }
  Reason compare(const BucketState& report, Revision applied = 0) {
    return check.compare(report, kLink, applied != 0 ? applied : check.delivered(), kNow, now);
  }
  // The bucket was read, which took `time`.
  void install(TimePoint::duration time, bool hears_purges = true) {
    const TimePoint began = std::exchange(now, now + time);
    check.installed(began, now, hears_purges);
  }

  StreamCheck check;
  TimePoint now = kBegan;
  std::uint64_t consumer_seq = 0;
};

struct Row {
  const char* what;
  BucketState start;
  Reason (*last)(Session& session);  // Its steps; returns what the last one returned.
  Reason reason = Reason::kNone;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Session session(row.start);
    CHECK(text_of(row.last(session)) == text_of(row.reason));
  }
}

TEST_CASE("stream check: messages of the consumer") {
  check_rows({
      {"entries and heartbeats in order", state(10, 3),
       [](Session& s) {
         CHECK(s.entry(4) == Reason::kNone);
         CHECK(s.entry(10) == Reason::kNone);
         CHECK(s.heartbeat(10) == Reason::kNone);
         CHECK(s.entry(11) == Reason::kNone);
         return s.look();
       }},
      {"the consumer's sequence has a gap", state(10, 3),
       [](Session& s) {
         ++s.consumer_seq;
         return s.entry(4);
       },
       Reason::kDeliveryMissing},
      {"the consumer was moved back", state(10, 3),
       [](Session& s) {
         (void)s.entry(4);
         s.consumer_seq = 0;
         return s.entry(4);
       },
       Reason::kDeliveryMissing},
      {"a heartbeat counts a delivery that did not arrive", state(10, 3),
       [](Session& s) {
         (void)s.entry(4);
         ++s.consumer_seq;
         return s.heartbeat(10);
       },
       Reason::kLastDeliveryMissing},
      {"three heartbeats are late", state(10, 3),
       [](Session& s) { return s.check.wait(s.now, s.now + 3s); }},
      {"three heartbeats are overdue", state(10, 3),
       [](Session& s) { return s.check.wait(s.now, s.now + 3001ms); }, Reason::kSilent},
  });
}

TEST_CASE("stream check: gaps") {
  check_rows({
      {"what the stream held at the start may be missing", state(10, 3),
       [](Session& s) {
         (void)s.entry(4);
         (void)s.entry(9);
         (void)s.entry(11);
         (void)s.heartbeat(11);
         return s.look();
       }},
      {"before another entry", state(10, 3),
       [](Session& s) {
         (void)s.entry(11);
         (void)s.entry(13);
         return s.look();
       },
       Reason::kGap},
      {"at the end", state(10, 3),
       [](Session& s) {
         (void)s.entry(11);
         (void)s.heartbeat(12);
         return s.look();
       },
       Reason::kGap},
      {"with history, the missing entries may be of other subjects",
       with(&BucketState::has_other_subjects, true, with(&BucketState::keeps_history, true)),
       [](Session& s) {
         (void)s.entry(13);
         (void)s.heartbeat(15);
         CHECK(s.check.delivered() == 15);
         return s.look();
       }},
      {"below where the stream begins now", with(&BucketState::discards_old, true),
       [](Session& s) {
         (void)s.entry(12);
         (void)s.entry(14);
         const BucketState report = with(&BucketState::discards_old, true, state(14, 2));
         (void)s.compare(with(&BucketState::first_seq, Revision{14}, report));
         return s.look();
       }},
      {"where the stream begins now", with(&BucketState::discards_old, true),
       [](Session& s) {
         (void)s.entry(12);
         (void)s.entry(14);
         const BucketState report = with(&BucketState::discards_old, true, state(14, 3));
         (void)s.compare(with(&BucketState::first_seq, Revision{13}, report));
         return s.look();
       },
       Reason::kGap},
  });
}

TEST_CASE("stream check: a gap is harmless if the stream holds as many entries as keys came") {
  check_rows({
      {"one key, overwritten again and again", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.again(5);
         (void)s.again(9);
         CHECK(s.compare(state(9, 2)) == Reason::kNone);
         CHECK(s.look() == Reason::kNone);
         return s.look_after(1h);
       }},
      {"the report is ahead of the deliveries, and gaps come behind it", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.again(5);
         CHECK(s.compare(state(8, 3)) == Reason::kNone);  // 6, 7 or 8 was a new key.
         CHECK(s.look() == Reason::kGap);                 // Not known to be harmless yet.
         (void)s.entry(8);
         (void)s.again(12);
         CHECK(s.look() == Reason::kNone);
         CHECK(s.look_after(3s) == Reason::kNone);
         CHECK(s.compare(state(12, 3)) == Reason::kNone);
         return s.look_after(1h);
       }},
      {"the report's last entry is overwritten before it was delivered", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         CHECK(s.compare(state(5, 3)) == Reason::kNone);  // 5: a new key, overwritten by 6.
         (void)s.entry(6);
         CHECK(s.compare(state(6, 3)) == Reason::kNone);
         return s.look_after(1h);
       }},
      {"a key that was there is gone, and with it what overwrote it", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.entry(5);
         CHECK(s.compare(state(5, 2)) == Reason::kNone);
         return s.look();
       },
       Reason::kGap},
      {"the gap after a harmless one is not", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.again(5);
         CHECK(s.compare(state(5, 2)) == Reason::kNone);
         CHECK(s.look() == Reason::kNone);
         (void)s.entry(8);
         CHECK(s.compare(state(8, 2)) == Reason::kNone);
         CHECK(s.look_after(3999ms) == Reason::kNone);
         return s.look_after(1ms);
       },
       Reason::kGap},
      {"keys that count twice are corrected while there is no gap", state(2, 2),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.entry(3);  // It was garbage, so the table does not know its key.
         CHECK(s.compare(state(3, 2)) == Reason::kNone);
         CHECK(s.look() == Reason::kNone);
         (void)s.again(6);
         CHECK(s.compare(state(6, 2)) == Reason::kNone);
         return s.look_after(1h);
       }},
      {"with other subjects in the stream nothing is counted",
       with(&BucketState::has_other_subjects, true, state(2, 2)),
       [](Session& s) {
         (void)s.entry(1);
         (void)s.entry(2);
         (void)s.again(5);
         (void)s.compare(with(&BucketState::has_other_subjects, true, state(5, 2)));
         return s.look();
       },
       Reason::kGap},
  });
}

TEST_CASE("stream check: states of the stream") {
  const BucketState before = state(10, 3);
  const BucketState full =
      with(&BucketState::first_seq, Revision{8}, with(&BucketState::discards_old, true));
  check_rows({
      {"what was delivered agrees", before,
       [](Session& s) {
         (void)s.entry(12);
         (void)s.entry(11);
         CHECK(s.check.delivered() == 12);
         return s.compare(state(12, 4));
       }},
      {"another creation time, whatever its sequence", before,
       [](Session& s) { return s.compare(with(&BucketState::epoch, Epoch{8})); },
       Reason::kRecreated},
      {"no stream", before, [](Session& s) { return s.check.no_answer(true, s.now); },
       Reason::kDeleted},
      {"no answer", before, [](Session& s) { return s.check.no_answer(false, s.now); }},
      {"another connection, at a look", before,
       [](Session& s) { return s.check.look(kOtherLink, 10, s.now); }, Reason::kConnectionLost},
      {"another connection, at a report", before,
       [](Session& s) { return s.check.compare(state(10, 3), kOtherLink, 10, kNow, s.now); },
       Reason::kConnectionLost},
      {"other rules: max_age", before,
       [](Session& s) { return s.compare(expiring(state(10, 3), 60s)); }, Reason::kConfigured},
      {"other rules: history", before,
       [](Session& s) { return s.compare(with(&BucketState::keeps_history, true)); },
       Reason::kConfigured},
      {"other rules: subjects", before,
       [](Session& s) { return s.compare(with(&BucketState::has_other_subjects, true)); },
       Reason::kConfigured},
      {"other rules: discard", before,
       [](Session& s) { return s.compare(with(&BucketState::discards_old, true)); },
       Reason::kConfigured},
      {"other rules: rollup", before,
       [](Session& s) { return s.compare(with(&BucketState::allows_rollup, true)); },
       Reason::kConfigured},
      {"a sequence that went backwards", before,
       [](Session& s) {
         (void)s.entry(12);
         return s.compare(state(11, 3));
       },
       Reason::kRolledBack},
      {"fewer entries", before, [](Session& s) { return s.compare(state(10, 2)); },
       Reason::kShrunk},
      {"fewer entries, and some still to be delivered", before,
       [](Session& s) {
         CHECK(s.compare(state(12, 1)) == Reason::kNone);
         (void)s.entry(11);
         return s.look();
       }},
      {"those are delivered, and none is a rollup", before,
       [](Session& s) {
         (void)s.compare(state(12, 1));
         (void)s.entry(11);
         (void)s.entry(12, Rollup::kKey);  // There is no history.
         return s.look();
       },
       Reason::kShrunk},
      {"those are delivered, and one is a rollup", before,
       [](Session& s) {
         (void)s.compare(state(12, 1));
         (void)s.entry(11, Rollup::kAll);
         (void)s.entry(12);
         CHECK(s.look() == Reason::kNone);
         return s.compare(state(12, 1));
       }},
      {"with history, the rollup of a key removes entries", with(&BucketState::keeps_history, true),
       [](Session& s) {
         (void)s.entry(11, Rollup::kKey);
         return s.compare(with(&BucketState::keeps_history, true, state(11, 1)));
       }},
      {"fewer entries after the rollup", before,
       [](Session& s) {
         (void)s.entry(11, Rollup::kAll);
         CHECK(s.compare(state(11, 1)) == Reason::kNone);
         return s.compare(state(11, 0));
       },
       Reason::kShrunk},
      {"a full bucket: fewer entries at its beginning", full,
       [](Session& s) {
         const BucketState after = with(&BucketState::discards_old, true, state(10, 1));
         return s.compare(with(&BucketState::first_seq, Revision{10}, after));
       }},
      {"a full bucket: fewer entries, but not at its beginning", full,
       [](Session& s) {
         const BucketState after = with(&BucketState::discards_old, true, state(10, 1));
         return s.compare(with(&BucketState::first_seq, Revision{8}, after));
       },
       Reason::kShrunk},
      {"fewer entries at the beginning of a bucket that discards none",
       with(&BucketState::first_seq, Revision{8}),
       [](Session& s) {
         return s.compare(with(&BucketState::first_seq, Revision{10}, state(10, 1)));
       },
       Reason::kShrunk},
      // The oldest is 100 s old, and the servers' clocks may be 5 s ahead.
      {"entries that may have expired", expiring(before, 105s),
       [](Session& s) { return s.compare(expiring(state(10, 2), 105s)); }},
      {"entries that cannot have expired", expiring(before, 106s),
       [](Session& s) { return s.compare(expiring(state(10, 2), 106s)); }, Reason::kShrunk},
      {"some left, though the newest entry cannot have expired", expiring(before, 60s),
       [](Session& s) {
         (void)s.entry(11, Rollup::kNone, kNow - 10s);
         return s.compare(expiring(state(11, 1), 60s));
       }},
      {"nothing left, and the newest entry may have expired", expiring(before, 60s),
       [](Session& s) {
         (void)s.entry(11, Rollup::kNone, kNow - 61s);
         return s.compare(expiring(state(11, 0), 60s));
       }},
      {"nothing left, and the newest entry cannot have expired", expiring(before, 60s),
       [](Session& s) {
         (void)s.entry(11, Rollup::kNone, kNow - 10s);
         return s.compare(expiring(state(11, 0), 60s));
       },
       Reason::kShrunk},
  });
}

TEST_CASE("stream check: a report of a server that is behind the one that delivers") {
  const BucketState before = with(&BucketState::has_replicas, true, state(10, 3));
  const auto report = [](Revision last_seq, std::uint64_t entries) {
    return with(&BucketState::has_replicas, true, state(last_seq, entries));
  };
  Session session(before);
  (void)session.entry(11);
  (void)session.entry(12);
  CHECK(session.compare(report(12, 5)) == Reason::kNone);
  (void)session.entry(13);
  CHECK(session.compare(report(12, 5)) == Reason::kNone);
  CHECK_FALSE(session.check.begin_compare(session.now + 249ms));
  CHECK(session.check.begin_compare(session.now + 250ms));
  SUBCASE("counts fewer entries for that") {
    CHECK(session.compare(report(11, 4)) == Reason::kNone);
    CHECK(session.look_after(1h) == Reason::kNone);
  }
  SUBCASE("counts fewer entries than another one that was ahead of the deliveries") {
    CHECK(session.compare(report(15, 8)) == Reason::kNone);
    CHECK(session.compare(report(14, 7)) == Reason::kNone);
    (void)session.entry(14);
    (void)session.entry(15);
    CHECK(session.look_after(1h) == Reason::kNone);
  }
  SUBCASE("is behind for good") {
    session.now += 3999ms;
    CHECK(session.compare(report(12, 5)) == Reason::kNone);
    session.now += 1ms;
    CHECK(session.compare(report(12, 5)) == Reason::kBehind);
  }
  SUBCASE("catches up, while more is delivered") {
    for (Revision revision = 14; revision < 40; ++revision) {
      (void)session.entry(revision);
      session.now += 1s;
      CHECK(session.compare(report(revision - 1, revision - 8)) == Reason::kNone);
    }
  }
  SUBCASE("has another epoch") {
    CHECK(session.compare(with(&BucketState::epoch, Epoch{8}, report(12, 5))) ==
          Reason::kRecreated);
  }
}

TEST_CASE("stream check: another consumer can go on if only this one is lost") {
  const auto place = [](auto&& steps, const BucketState& start = state(10, 3)) {
    Session session(start);
    (void)session.entry(9);
    (void)session.entry(10);
    session.install(1s);
    steps(session);
    return session.check.place();
  };
  const auto nothing = [](Session&) {};
  const std::optional<Place> whole = place([](Session& s) {
    (void)s.entry(12);
    (void)s.again(13);
    (void)s.heartbeat(14);
  });
  REQUIRE(whole);
  CHECK(whole->revision == 14);
  CHECK(whole->keys == 3);
  CHECK(whole->bucket.epoch == 7);
  CHECK(whole->anchors.back().revision == 13);
  // No anchors.
  CHECK_FALSE(Session(state(10, 0)).check.place());
  // Nothing to count by.
  CHECK_FALSE(place(nothing, with(&BucketState::keeps_history, true)));
  CHECK_FALSE(place(nothing, with(&BucketState::has_other_subjects, true)));
  // Something left, and waits for a calmer time.
  CHECK_FALSE(place([](Session& s) { s.check.purged(); }));
  CHECK_FALSE(place([](Session& s) { (void)s.compare(state(10, 2)); }));
  CHECK_FALSE(place([](Session& s) { (void)s.compare(state(12, 2)); }));
  CHECK_FALSE(place([](Session& s) { (void)s.entry(11, Rollup::kAll); }));
  CHECK_FALSE(place([](Session& s) {
    (void)s.entry(11, Rollup::kAll);
    (void)s.compare(state(13, 3), 11);
  }));
  // What expires is let go by the next one.
  const BucketState expiring_one = expiring(state(10, 3), 60s);
  CHECK(place([&](Session& s) { (void)s.compare(expiring_one, 9); }, expiring_one));
  CHECK(place(nothing)->keys);
}

TEST_CASE("stream check: the consumer that goes on") {
  Session session(state(14, 3));
  StreamCheck& check = session.check;
  (void)session.entry(13);
  (void)session.entry(15);
  StreamCheck::Calm calm;
  calm.count = session.now + 10s;
  SUBCASE("knows what was counted") {
    check.resumed(state(15, 4), true, calm);
    CHECK(check.delivered() == 15);
    CHECK(session.look_after(1h) == Reason::kNone);
    (void)session.again(17);
    CHECK(session.compare(state(17, 4)) == Reason::kNone);
    CHECK(session.look_after(1h) == Reason::kNone);
    CHECK(check.place()->keys == 4);
  }
  SUBCASE("notices what leaves from then on") {
    check.resumed(state(15, 4), true, {});
    CHECK(session.compare(state(15, 3)) == Reason::kShrunk);
  }
  SUBCASE("has the bucket read later if that could not be counted") {
    check.resumed(state(15, 4), false, calm);
    CHECK(session.look_after(9999ms) == Reason::kNone);
    CHECK_FALSE(check.place()->keys);
    CHECK(session.look_after(1ms) == Reason::kUnproven);
  }
  SUBCASE("lets go what expired meanwhile") {
    check.resumed(with(&BucketState::first_seq, Revision{9}, expiring(state(15, 3), 60s)), false,
                  calm);
    CHECK(session.look(15) == Reason::kNone);
    CHECK(check.take_begin() == 9);
  }
}

TEST_CASE("stream check: a backlog may take as long as it gets shorter") {
  Session session;
  CHECK(session.compare(state(13, 6)) == Reason::kNone);
  CHECK(session.check.owed() == 13);
  CHECK(session.look() == Reason::kNone);
  CHECK(session.look_after(1999ms) == Reason::kNone);
  (void)session.entry(11);
  CHECK(session.look() == Reason::kNone);
  CHECK(session.look_after(1999ms) == Reason::kNone);
  SUBCASE("and may arrive") {
    (void)session.entry(12);
    (void)session.entry(13);
    CHECK(session.look() == Reason::kNone);
    CHECK(session.look_after(10s) == Reason::kNone);
    CHECK(session.compare(state(13, 6)) == Reason::kNone);
  }
  SUBCASE("not when nothing comes for 2 s") {
    CHECK(session.look_after(1ms) == Reason::kUndelivered);
  }
}

TEST_CASE("stream check: a read is complete at the end that the stream has meanwhile") {
  Session session;
  StreamCheck& check = session.check;
  (void)session.entry(9);
  CHECK_FALSE(check.needs_new_end());
  SUBCASE("by an entry") { (void)session.entry(10); }
  SUBCASE("by a heartbeat, where the last entry is gone") { (void)session.heartbeat(10); }
  CHECK(check.needs_new_end());
  CHECK_FALSE(check.read_is_complete());
  check.set_new_end(state(12, 3));
  CHECK_FALSE(check.needs_new_end());
  CHECK_FALSE(check.read_is_complete());
  (void)session.entry(12);
  CHECK(check.read_is_complete());
}

TEST_CASE("stream check: a read is not complete before the end that the stream had at its start") {
  Session session;
  (void)session.heartbeat(10);
  session.check.set_new_end(state(9, 2));  // By a server that is behind.
  CHECK(session.check.read_is_complete());
  Session other;
  other.check.set_new_end(state(9, 2));
  (void)other.entry(9);
  CHECK_FALSE(other.check.read_is_complete());
}

TEST_CASE("stream check: an empty stream is read at once") {
  CHECK(Session(state(10, 0)).check.read_is_complete());
}

TEST_CASE("stream check: a read stalls 4 s after its last entry") {
  Session session;
  CHECK(session.check.idle_in_read(session.now) == Reason::kNone);
  CHECK(session.check.idle_in_read(session.now + 4s) == Reason::kNone);
  (void)session.entry(4);
  (void)session.heartbeat(4);
  CHECK(session.check.idle_in_read(session.now + 5s) == Reason::kNone);
  CHECK(session.check.idle_in_read(session.now + 9s) == Reason::kNone);
  SUBCASE("") { CHECK(session.check.idle_in_read(session.now + 9001ms) == Reason::kReadStalled); }
  SUBCASE("unless it is complete") {
    (void)session.heartbeat(10);
    session.check.set_new_end(state(10, 3));
    CHECK(session.check.idle_in_read(session.now + 9001ms) == Reason::kNone);
  }
}

TEST_CASE("stream check: which read is shown") {
  int doubtful = 0;
  const auto end = [&](auto&& steps, Link link = kLink) {
    Session session;
    steps(session);
    return text_of(session.check.end_read(link, doubtful));
  };
  const auto nothing = [](Session&) {};
  const auto purge = [](Session& s) { s.check.purged(); };
  CHECK(end(nothing).empty());
  CHECK(end(nothing, kOtherLink) == text_of(Reason::kConnectionLost));

  const auto rolled_up_at = [](Revision revision) {
    return [=](Session& s) {
      (void)s.entry(9);
      (void)s.entry(revision, Rollup::kKey);
    };
  };
  CHECK(end(rolled_up_at(10)).empty());
  CHECK(end(rolled_up_at(12)) == text_of(Reason::kRolledUpInRead));
  doubtful = 0;
  // Nothing can have been skipped between them.
  CHECK(end([](Session& s) {
          (void)s.entry(11);
          (void)s.entry(12, Rollup::kKey);
        }).empty());

  for (const auto& [steps, reason] :
       {std::pair<std::function<void(Session&)>, Reason>(purge, Reason::kPurged),
        std::pair<std::function<void(Session&)>, Reason>(rolled_up_at(12),
                                                         Reason::kRolledUpInRead)}) {
    for (int i = 0; i < 3; ++i) CHECK(end(steps) == text_of(reason));
    Session fourth;
    steps(fourth);
    CHECK(fourth.check.end_read(kLink, doubtful) == Reason::kNone);
    CHECK(fourth.check.suspicion() == reason);
    CHECK(doubtful == 0);
  }
}

TEST_CASE("stream check: entries that left the stream during the read leave the read") {
  int doubtful = 0;
  const auto begin = [&](const BucketState& start, Rollup rollup) {
    Session session(start);
    (void)session.entry(10, rollup);
    session.check.set_new_end(with(&BucketState::first_seq, Revision{9}, start));
    (void)session.check.end_read(kLink, doubtful);
    return session.check.take_begin();
  };
  CHECK(begin(state(10, 3), Rollup::kNone) == 0);
  CHECK(begin(state(10, 3), Rollup::kAll) == 9);
  CHECK(begin(expiring(state(10, 3), 60s), Rollup::kNone) == 9);
  CHECK(begin(with(&BucketState::discards_old, true), Rollup::kNone) == 9);
  CHECK(begin(with(&BucketState::first_seq, Revision{9}, expiring(state(10, 3), 60s)),
              Rollup::kNone) == 0);
}

TEST_CASE("stream check: entries that left the stream leave the table once the report is applied") {
  Session session(expiring(state(10, 3), 60s));
  const BucketState report =
      with(&BucketState::first_seq, Revision{9}, expiring(state(12, 2), 60s));
  CHECK(session.compare(report, 10) == Reason::kNone);
  CHECK(session.look(11) == Reason::kNone);
  CHECK(session.check.take_begin() == 0);
  CHECK(session.look(12) == Reason::kNone);
  CHECK(session.check.take_begin() == 9);
  CHECK(session.check.take_begin() == 0);
}

TEST_CASE("stream check: rolled-up entries leave at once if none was replaced") {
  Session session;
  (void)session.entry(11, Rollup::kAll);
  SUBCASE("") {
    CHECK(session.compare(with(&BucketState::first_seq, Revision{11}, state(13, 1)), 10) ==
          Reason::kNone);
    CHECK(session.check.take_begin() == 11);
  }
  SUBCASE("or later, as far as the stream says") {
    (void)session.compare(with(&BucketState::first_seq, Revision{4}, state(11, 3)), 10);
    CHECK(session.check.take_begin() == 0);
    CHECK(session.look(11) == Reason::kNone);
    CHECK(session.check.take_begin() == 4);
  }
}

TEST_CASE("stream check: how soon a bucket is read again grows with the time that takes") {
  const auto purge_calm = [](TimePoint::duration took) {
    Session session;
    session.install(took);
    session.check.purged();
    return session.check.calm_at() - session.now;
  };
  CHECK(purge_calm(1ms) == 500ms);
  CHECK(purge_calm(500ms) == 2s);
  CHECK(purge_calm(60s) == 4s);

  // True if a gap is a reason after `time`, and not a millisecond before.
  const auto gap_waits = [](TimePoint::duration took, bool hears, TimePoint::duration time) {
    Session session;
    session.install(took, hears);
    (void)session.entry(12);
    return session.look_after(time - 1ms) == Reason::kNone &&
           session.look_after(1ms) == Reason::kGap;
  };
  CHECK(gap_waits(1ms, false, 500ms));
  CHECK(gap_waits(1s, false, 20s));
  CHECK(gap_waits(60s, false, 300s));
  CHECK(gap_waits(100ms, true, 5s));
  CHECK(gap_waits(101ms, true, 20'200ms));
  CHECK(gap_waits(60s, true, 300s));

  Session session;
  session.install(100ms);
  CHECK(session.compare(state(10, 2)) == Reason::kNone);
  CHECK(session.compare(state(10, 2)) == Reason::kNone);
  CHECK(session.look_after(1999ms) == Reason::kNone);
  CHECK(session.look_after(1ms) == Reason::kShrunk);
}

TEST_CASE("stream check: when the stream is looked at and asked") {
  Session session;
  StreamCheck& check = session.check;
  CHECK(check.begin_look(kBegan));
  CHECK_FALSE(check.begin_look(kBegan + 249ms));
  CHECK(check.begin_look(kBegan + 250ms));

  CHECK_FALSE(check.begin_compare(kBegan + 1999ms));
  CHECK(check.begin_compare(kBegan + 2s));
  CHECK_FALSE(check.begin_compare(kBegan + 3s));
  check.doubt();
  CHECK(check.begin_compare(kBegan + 3s));
  CHECK(check.no_answer(false, kBegan + 3s) == Reason::kNone);
  CHECK_FALSE(check.begin_compare(kBegan + 3999ms));
  CHECK(check.begin_compare(kBegan + 4s));
}

TEST_CASE(
    "stream check: an entry that removed all others is asked about first, at most every 50 ms") {
  Session session;
  StreamCheck& check = session.check;
  const TimePoint now = kBegan;
  CHECK(check.begin_look(now));
  CHECK_FALSE(check.begin_compare_before({1, 11, kNow, Rollup::kNone}, now));
  CHECK_FALSE(check.begin_compare_before({1, 11, kNow, Rollup::kKey}, now));
  CHECK(check.begin_compare_before({1, 11, kNow, Rollup::kAll}, now));
  CHECK_FALSE(check.begin_compare_before({2, 12, kNow, Rollup::kAll}, now + 49ms));
  // The next look asks about it, and comes sooner.
  CHECK_FALSE(check.begin_look(now + 49ms));
  CHECK(check.begin_look(now + 50ms));
  CHECK(check.begin_compare(now + 50ms));
  CHECK(check.begin_compare_before({3, 13, kNow, Rollup::kAll}, now + 50ms));
}

}  // namespace
}  // namespace bide
