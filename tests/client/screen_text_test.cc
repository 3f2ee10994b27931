#include "client/screen_text.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

using namespace bide;

namespace {

// Gives the process a terminal at stderr for a moment: without one the locale is not looked at.
void use_locale_named(const char* name) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const int slave = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(slave >= 0);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(slave, STDERR_FILENO);
  ::setenv("LC_ALL", name, 1);
  use_locale();
  ::dup2(before, STDERR_FILENO);
  for (const int fd : {before, slave, master}) ::close(fd);
}

}  // namespace

TEST_CASE("screen_text: nothing that moves the cursor or reorders text gets through") {
  for (const char* locale : {"C.UTF-8", "C"}) {
    use_locale_named(locale);
    for (const char* hostile : {"\033[2J", "a\nb", "a\rb", "a\tb", "\x07", "\x7f",
                                "\xC2\x9B"
                                "31m",
                                "\xE2\x80\xAE", "\xE2\x81\xA6", "\xE2\x80\xA8", "\xff", "\xC3"}) {
      CAPTURE(hostile);
      const std::string shown = on_screen(hostile);
      CHECK(shown.find_first_of("\033\n\r\t\x07\x7f\xff\xC2\xE2\xC3") == std::string::npos);
      CHECK(width_of(hostile) == shown.size());
    }
  }
}

TEST_CASE("screen_text: wide characters take two columns and are not cut in half") {
  use_locale_named("C.UTF-8");
  const std::string wide = "\xE6\x97\xA5\xE6\x9C\xAC";  // 日本
  CHECK(width_of(wide) == 4);
  CHECK(cut_to(wide, 3) == "\xE6\x97\xA5");
  CHECK(fitted(wide, 3) == "\xE6\x97\xA5 ");
  CHECK(fitted("ab", 4) == "ab  ");
  CHECK(fitted("abcdef", 4) == "abcd");
}

TEST_CASE("screen_text: combining marks stand on a character, and a tower of them is cut") {
  use_locale_named("C.UTF-8");
  const std::string acute = "\xCC\x81";
  CHECK(on_screen("e" + acute + "x") == "e" + acute + "x");
  CHECK(width_of("e" + acute + "x") == 2);
  CHECK(on_screen(acute + "x") == "x");
  std::string tower = "e";
  for (int i = 0; i < 100; ++i) tower += acute;
  CHECK(on_screen(tower).size() == 1 + 4 * acute.size());
}

TEST_CASE("screen_text: where the terminal is not UTF-8, other characters are question marks") {
  use_locale_named("C");
  CHECK(on_screen("caf\xC3\xA9 \xE6\x97\xA5!") == "caf? ?!");
  CHECK(json_on_screen("{\"a\":\"\xC3\xA9\"}") == "{\"a\":\"\\u00e9\"}");
}

TEST_CASE("screen_text: JSON on a terminal is the same value") {
  use_locale_named("C.UTF-8");
  CHECK(json_on_screen("{\n\t\"a\": \"\xC3\xA9\"\r\n}") == "{\n\t\"a\": \"\xC3\xA9\" \n}");
  CHECK(json_on_screen("\"\x7f\xC2\x9B\xE2\x80\xAE\"") == "\"\\u007f\\u009b\\u202e\"");
  use_locale_named("C");
  CHECK(json_on_screen("\"\xF0\x9F\x98\x80\"") == "\"\\ud83d\\ude00\"");
}

TEST_CASE("screen_text: ages are short") {
  using namespace std::chrono_literals;
  const WallTime noon = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + 12h;
  CHECK(age_of("2026-01-31T11:59:58.5Z", noon) == "1s");
  CHECK(age_of("2026-01-31T13:00:01+02:00", noon) == "59m");
  CHECK(age_of("2026-01-30T12:00:00Z", noon) == "24h");
  CHECK(age_of("2026-01-01T12:00:00", noon) == "30d");
  CHECK(age_of("2026-02-01T00:00:00Z", noon) == "0s");
  CHECK(age_of("yesterday", noon).empty());
}
