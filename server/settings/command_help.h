// server/settings/command_help.h: The text of `bide COMMAND --help`, made from the command's table.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/settings/command_line.h"

namespace bide {

// `columns`: where lines are wrapped; examples are not. Flags stand in two columns where there is
// room for both.
[[nodiscard]] std::string help_of(const Command& command, std::size_t columns = 80);

// `text` wrapped at words, each line `indent` to the right. Paragraphs are separated by an empty
// line; within one, line ends are blanks. Ends with a line end.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns);
// Rows of a term and its meaning, in two columns. With few `columns` the meaning stands below.
[[nodiscard]] std::string rows_of(const std::vector<std::pair<std::string, std::string>>& rows,
                                  std::size_t indent, std::size_t columns);

// `-o, --output FORMAT`.
[[nodiscard]] std::string flag_of(const Setting& setting);
// What --help says of a setting: the doc, and its variable and default in parentheses.
[[nodiscard]] std::string meaning_of(const Setting& setting);

struct SettingGroup {
  std::string_view heading;  // Empty: the command has no groups.
  std::vector<const Setting*> settings;
};
// In the order in which the groups first occur in the table. The last group also has --help.
[[nodiscard]] std::vector<SettingGroup> groups_of(const Command& command);

}  // namespace bide
