// core/base/printable.h: Makes text from outside safe to show on a terminal or in a log.
//
// Control characters (C0, DEL, C1) move the cursor and colour what follows, bidirectional marks and
// overrides reorder what stands around them, and U+2028 and U+2029 end a line for some readers.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace bide {

// False for control characters and for those that end lines or change the direction of writing.
[[nodiscard]] bool is_printable(char32_t code_point);

// `text` with `instead` in place of each character that is not printable and each byte that is not
// UTF-8.
[[nodiscard]] std::string printable(std::string_view text, std::string_view instead);

}  // namespace bide
