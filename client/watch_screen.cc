#include "client/watch_screen.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "client/followers.h"
#include "client/watch_view.h"

#define NCURSES_NOMACROS
#include <ncurses.h>

namespace bide {
namespace {

std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free, "written in a signal handler");

// poll() is interrupted by it. If it comes just before poll(), the screen ends at the next tick.
extern "C" void on_ending_signal(int signal_number) { caught = signal_number; }

constexpr int kTickMs = 250;
constexpr short kFirstPair = 1;

// ncurses between here and the destructor.
class Screen {
 public:
  explicit Screen(bool colour) : screen_(::newterm(nullptr, stdout, stdin)) {
    if (screen_ == nullptr) return;
    ::set_escdelay(25);
    ::cbreak();
    ::noecho();
    ::nonl();
    ::keypad(::stdscr, true);
    ::nodelay(::stdscr, true);
    ::curs_set(0);
    colour_ = colour && ::has_colors() && ::start_color() == OK && ::use_default_colors() == OK;
    if (!colour_) return;
    constexpr std::array<short, 4> kColours = {COLOR_GREEN, COLOR_RED, COLOR_YELLOW, COLOR_CYAN};
    for (std::size_t i = 0; i < kColours.size(); ++i) {
      ::init_pair(static_cast<short>(kFirstPair + i), kColours[i], -1);
    }
  }
  ~Screen() {
    if (screen_ == nullptr) return;
    ::endwin();
    ::delscreen(screen_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  [[nodiscard]] bool good() const { return screen_ != nullptr; }

  void draw(WatchView& view) {
    const int lines = ::getmaxy(::stdscr);
    const int columns = ::getmaxx(::stdscr);
    if (lines <= 0 || columns <= 0) return;
    ::werase(::stdscr);
    const auto text =
        view.render(static_cast<std::size_t>(lines), static_cast<std::size_t>(columns),
                    std::chrono::system_clock::now());
    for (std::size_t i = 0; i < text.size(); ++i) {
      const attr_t look = look_of(text[i]);
      ::wattr_on(::stdscr, look, nullptr);
      ::wmove(::stdscr, static_cast<int>(i), 0);
      ::waddstr(::stdscr, text[i].text.c_str());
      ::wattr_off(::stdscr, look, nullptr);
    }
    ::wrefresh(::stdscr);
  }

 private:
  [[nodiscard]] attr_t look_of(const ScreenLine& line) const {
    const attr_t selected = line.selected ? A_REVERSE : A_NORMAL;
    if (line.style == ScreenLine::Style::kHead) return selected | A_BOLD;
    if (!colour_ || line.style == ScreenLine::Style::kPlain) return selected;
    const auto pair = static_cast<int>(line.style) - static_cast<int>(ScreenLine::Style::kGood);
    return selected | static_cast<attr_t>(COLOR_PAIR(kFirstPair + pair));
  }

  SCREEN* const screen_;
  bool colour_ = false;
};

WatchView::Wish press(WatchView& view, int key) {
  using Key = WatchView::Key;
  switch (key) {
    case KEY_UP:
      return view.press(Key::kUp);
    case KEY_DOWN:
      return view.press(Key::kDown);
    case KEY_PPAGE:
      return view.press(Key::kPageUp);
    case KEY_NPAGE:
      return view.press(Key::kPageDown);
    case KEY_HOME:
      return view.press(Key::kHome);
    case KEY_END:
      return view.press(Key::kEnd);
    case '\r':
    case '\n':
    case KEY_ENTER:
      return view.press(Key::kEnter);
    case 0x1B:
      return view.press(Key::kEscape);
    case KEY_BACKSPACE:
    case 0x7F:
    case '\b':
      return view.press(Key::kErase);
    default:
      // KEY_RESIZE, too, is a key: the next drawing has the new size.
      return key > 0 && key < 256 ? view.type(static_cast<char>(key)) : WatchView::Wish::kNothing;
  }
}

class Watch {
 public:
  Watch(const ApiAccess& access, const std::vector<std::string>& ids,
        const std::vector<JobFollower::Target>& targets)
      : view_(ids), followers_(access) {
    for (const JobFollower::Target& target : targets) followers_.follow(target);
    first_opened_ = targets.size();
  }

  WatchEnd run(Screen& screen) {
    for (;;) {
      for (const Followers::Report& report : followers_.take()) {
        if (report.from >= first_opened_) {
          if (report.from == follower_of_opened_) view_.take_opened(report.what);
          continue;
        }
        view_.take(report.what);
        if (report.what.kind == Followed::Kind::kRefused) {
          return {static_cast<int>(report.what.code), report.what.text};
        }
      }
      for (int key = ::wgetch(::stdscr); key != ERR; key = ::wgetch(::stdscr)) {
        if (!obey(press(view_, key))) return {};
      }
      screen.draw(view_);
      if (caught != 0) return {128 + caught, {}};
      std::array<pollfd, 2> ready = {pollfd{STDIN_FILENO, POLLIN, 0},
                                     pollfd{followers_.descriptor(), POLLIN, 0}};
      if (::poll(ready.data(), ready.size(), kTickMs) <= 0) continue;
      if ((ready[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return {};  // No terminal.
    }
  }

 private:
  // False: the user leaves.
  bool obey(WatchView::Wish wish) {
    if (wish == WatchView::Wish::kOpen) {
      follower_of_opened_ =
          followers_.follow({.job_id = view_.opened(), .labels = {}, .newest_jobs = 0});
    } else if (wish == WatchView::Wish::kClose) {
      followers_.leave(follower_of_opened_);
    }
    return wish != WatchView::Wish::kQuit;
  }

  WatchView view_;
  Followers followers_;
  std::size_t first_opened_ = 0;
  std::size_t follower_of_opened_ = 0;
};

}  // namespace

std::optional<WatchEnd> watch_on_screen(const ApiAccess& access,
                                        const std::vector<std::string>& ids,
                                        const std::vector<JobFollower::Target>& targets,
                                        bool colour) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    action.sa_handler = on_ending_signal;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
  std::optional<WatchEnd> end;
  {
    Screen screen(colour);
    if (!screen.good()) return std::nullopt;
    Watch watch(access, ids, targets);
    end = watch.run(screen);
  }
  return end;
}

}  // namespace bide
