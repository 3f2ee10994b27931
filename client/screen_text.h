// client/screen_text.h: Text from a server, made fit for a terminal: nothing that moves the cursor,
// colours or reorders other text, and as wide as the caller says.
//
// Widths are those of wcwidth() in the user's locale. If that is not UTF-8, every character beyond
// ASCII is shown as `?`. If there is no terminal, text stays UTF-8 whatever the locale is.
//
// Thread safety: use_locale() once, before there are threads; the others are pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace bide {

// Takes the user's locale for characters if stdout or stderr is a terminal.
void use_locale();

// What the terminal can show of `text`: one line. At most kMarksMax combining marks follow a
// character.
[[nodiscard]] std::string on_screen(std::string_view text);
// The same for text of several lines, which stay lines.
[[nodiscard]] std::string lines_on_screen(std::string_view text);
// The number of columns that on_screen(text) takes.
[[nodiscard]] std::size_t width_of(std::string_view text);
// on_screen(text) cut to `columns`. A wide character is not cut in half.
[[nodiscard]] std::string cut_to(std::string_view text, std::size_t columns);
// The same, filled with blanks to exactly `columns`.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns);

// JSON for a terminal: the same value, with the characters that are not printable as escapes.
// White space between the tokens stays.
[[nodiscard]] std::string json_on_screen(std::string_view json);

// The time from `timestamp` to `now`: `3s`, `12m`, `5h`, `40d`. Empty if `timestamp` is malformed.
[[nodiscard]] std::string age_of(std::string_view timestamp, WallTime now);

}  // namespace bide
