#include "core/job/status.h"

#include <doctest/doctest.h>

#include <ostream>
#include <set>

using namespace bide;

TEST_CASE("status: every status and event reads back from its word") {
  for (const Status status : kAllStatuses) CHECK(status_from_word(word_of(status)) == status);
  for (int i = 0; i <= static_cast<int>(EventKind::kRetried); ++i) {
    const auto event = static_cast<EventKind>(i);
    CHECK(event_from_word(word_of(event)) == event);
  }
}

TEST_CASE("status: the words are those of the contract, and no others") {
  CHECK(word_of(Status::kPartialFailure) == "partial_failure");
  CHECK(word_of(EventKind::kAcknowledged) == "acknowledged");
  CHECK_FALSE(status_from_word("acknowledged"));
  CHECK_FALSE(event_from_word("processing"));
  for (const std::string_view word : {"", "Completed", "completed ", "complete"}) {
    CHECK_FALSE(status_from_word(word));
    CHECK_FALSE(event_from_word(word));
  }
}

TEST_CASE("status: terminal means that no agent works on it") {
  std::set<std::string_view> terminal;
  for (const Status status : kAllStatuses) {
    if (is_terminal(status)) terminal.insert(word_of(status));
  }
  CHECK(terminal ==
        std::set<std::string_view>{"completed", "failed", "partial_failure", "skipped"});
}

TEST_CASE("status: ranks order the events of one agent") {
  CHECK(rank_of(EventKind::kSubmitted) == 0);
  CHECK(rank_of(EventKind::kAcknowledged) == 1);
  CHECK(rank_of(EventKind::kStarted) == 2);
  CHECK(rank_of(EventKind::kFailed) == 3);
  CHECK(rank_of(EventKind::kSkipped) == 3);
  CHECK(rank_of(EventKind::kCompleted) == 4);
  CHECK(rank_of(EventKind::kRetried) == 4);
  CHECK_FALSE(is_terminal(EventKind::kStarted));
  CHECK(is_terminal(EventKind::kFailed));
  CHECK(is_terminal(EventKind::kRetried));
}
