#include "client/watch_view.h"

#include <doctest/doctest.h>

using namespace bide;

namespace {

Followed state(const std::string& id, const std::string& status, const std::string& more = "") {
  return {.kind = Followed::Kind::kState,
          .text = R"({"id":")" + id + R"(","status":")" + status +
                  R"(","created":"2026-01-01T00:00:00Z")" + more + "}"};
}

std::string screen_of(WatchView& view, std::size_t lines = 10, std::size_t columns = 80) {
  std::string text;
  const auto screen = view.render(lines, columns, WallTime(std::chrono::hours(500'000)));
  CHECK(screen.size() == lines);
  for (const ScreenLine& line : screen) {
    CHECK(line.text.size() < columns);
    text += (line.selected ? "> " : "") + line.text + "\n";
  }
  return text;
}

bool shows(WatchView& view, std::string_view text) {
  return screen_of(view).find(text) != std::string::npos;
}

void type(WatchView& view, std::string_view text) {
  for (const char c : text) static_cast<void>(view.type(c));
}

}  // namespace

TEST_CASE("watch_view: a row for each job, and what is wrong") {
  WatchView view({});
  view.take(state("a", "failed", R"(,"error":"no \u001b[2Jspace")"));
  view.take(state("b", "processing"));
  CHECK(shows(view, "2 jobs: 1 processing, 1 failed"));
  CHECK(shows(view, "no  [2Jspace"));
  view.take(state("b", "completed"));
  CHECK(shows(view, "1 completed, 1 failed"));
  view.take({.kind = Followed::Kind::kTrouble, .text = "away"});
  CHECK(shows(view, "trying again: away"));
  view.take({.kind = Followed::Kind::kTouch});
  CHECK(!shows(view, "away"));
}

TEST_CASE("watch_view: ids that were given have rows from the beginning, in their order") {
  WatchView view({"z", "a"});
  view.take({.kind = Followed::Kind::kAbsent, .text = "a"});
  const std::string screen = screen_of(view);
  CHECK(screen.find("does not exist yet") != std::string::npos);
  CHECK(screen.find("\n> z") < screen.find("\na "));
}

TEST_CASE("watch_view: the filter is typed, kept, and left") {
  WatchView view({});
  for (const char* id : {"build-1", "build-2", "test-1"}) view.take(state(id, "submitted"));
  type(view, "/TEST");
  CHECK(shows(view, "/TEST"));
  CHECK(!shows(view, "build-1"));
  CHECK(view.press(WatchView::Key::kErase) == WatchView::Wish::kNothing);
  CHECK(view.press(WatchView::Key::kEnter) == WatchView::Wish::kNothing);
  CHECK(shows(view, "1 with TES"));
  CHECK(view.press(WatchView::Key::kEscape) == WatchView::Wish::kNothing);
  CHECK(shows(view, "build-1"));
  type(view, "/build\u00e9");
  CHECK(!shows(view, "build-1"));
  CHECK(view.press(WatchView::Key::kErase) == WatchView::Wish::kNothing);
  CHECK(shows(view, "build-1"));  // Both bytes of the letter are gone.
  CHECK(view.press(WatchView::Key::kEscape) == WatchView::Wish::kNothing);
  type(view, "/q");  // A letter of the filter, and not the end.
  CHECK(shows(view, "/q"));
}

TEST_CASE("watch_view: Enter opens the selected job, q closes it, and then leaves") {
  WatchView view({});
  view.take(state("a", "submitted"));
  view.take(state("b", "submitted"));
  CHECK(view.press(WatchView::Key::kDown) == WatchView::Wish::kNothing);
  CHECK(view.press(WatchView::Key::kEnter) == WatchView::Wish::kOpen);
  CHECK(view.opened() == "b");
  view.take_opened(state("b", "failed",
                         R"(,"timeline":[{"timestamp":"2026-01-01T00:00:01Z",)"
                         R"("event":"failed","hostname":"w","error":"why"}])"));
  CHECK(shows(view, "00:00:01  failed  w: why"));
  CHECK(view.type('q') == WatchView::Wish::kClose);
  CHECK(view.opened().empty());
  CHECK(view.type('q') == WatchView::Wish::kQuit);
}

TEST_CASE("watch_view: a timeline shows the newest events first, and scrolls within them") {
  WatchView view({"a"});
  CHECK(view.press(WatchView::Key::kEnter) == WatchView::Wish::kOpen);
  std::string events;
  for (int i = 10; i < 30; ++i) {
    events += (events.empty() ? "" : ",") +
              (R"({"timestamp":"2026-01-01T00:00:)" + std::to_string(i)) +
              R"(Z","event":"started","hostname":"w"})";
  }
  view.take_opened(state("a", "processing", R"(,"timeline":[)" + events + "]"));
  CHECK(shows(view, "00:00:29"));
  CHECK(!shows(view, "00:00:22"));  // 10 lines have room for 7 events.
  CHECK(view.press(WatchView::Key::kUp) == WatchView::Wish::kNothing);
  CHECK(!shows(view, "00:00:29"));
  CHECK(shows(view, "00:00:22"));
  CHECK(view.press(WatchView::Key::kHome) == WatchView::Wish::kNothing);
  CHECK(shows(view, "00:00:10"));
  CHECK(view.press(WatchView::Key::kDown) == WatchView::Wish::kNothing);
  CHECK(!shows(view, "00:00:10"));
  CHECK(view.press(WatchView::Key::kEnd) == WatchView::Wish::kNothing);
  CHECK(shows(view, "00:00:29"));
  view.take_opened({.kind = Followed::Kind::kGone, .text = "a"});
  CHECK(shows(view, "a: gone"));
}

TEST_CASE("watch_view: a job that is gone is not counted under its last status") {
  WatchView given({"a", "b"});
  given.take(state("a", "processing"));
  given.take(state("b", "processing"));
  CHECK(shows(given, "2 jobs: 2 processing"));
  given.take({.kind = Followed::Kind::kGone, .text = "a"});
  CHECK(shows(given, "2 jobs: 1 processing"));
  CHECK(shows(given, "a         gone"));
}

TEST_CASE("watch_view: the table learns from a timeline that a job is gone") {
  for (const auto kind : {Followed::Kind::kGone, Followed::Kind::kAbsent}) {
    WatchView view({});
    view.take(state("a", "processing"));
    CHECK(view.press(WatchView::Key::kEnter) == WatchView::Wish::kOpen);
    view.take_opened({.kind = kind, .text = "a"});
    CHECK(view.type('q') == WatchView::Wish::kClose);
    CHECK(shows(view, "a         gone"));
    view.take(state("a", "submitted"));  // Defined again.
    CHECK(shows(view, "a         submitted"));
  }
  WatchView given({"a"});
  given.take({.kind = Followed::Kind::kAbsent, .text = "a"});
  CHECK(given.press(WatchView::Key::kEnter) == WatchView::Wish::kOpen);
  given.take_opened({.kind = Followed::Kind::kAbsent, .text = "a"});
  CHECK(given.type('q') == WatchView::Wish::kClose);
  CHECK(shows(given, "does not exist yet"));
}

TEST_CASE("watch_view: it scrolls, and no more jobs than its limit are kept") {
  WatchView view({});
  for (std::size_t i = 0; i < 2 * WatchView::kRowsMax + 5; ++i) {
    view.take(state("j" + std::to_string(i), "submitted"));
  }
  CHECK(shows(view, std::to_string(WatchView::kRowsMax) + " jobs"));
  const std::string before = screen_of(view);
  static_cast<void>(view.press(WatchView::Key::kEnd));
  CHECK(screen_of(view) != before);
  static_cast<void>(view.press(WatchView::Key::kHome));
  CHECK(screen_of(view) == before);
}

TEST_CASE("watch_view: any size of the terminal is enough") {
  WatchView view({});
  view.take(state(std::string(128, 'x'), "partial_failure", R"(,"error":"long, long, long")"));
  for (std::size_t lines = 1; lines < 8; ++lines) {
    for (const std::size_t columns : {2, 3, 10, 40, 41, 200}) screen_of(view, lines, columns);
  }
}
