// client/man_page.h: The man pages, made from the commands' tables.
//
// Thread safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "server/settings/command_line.h"

namespace bide {

// For the header and footer of each page.
struct Release {
  std::string version;  // `0.1.0`.
  std::string date;     // `2026-11-30`.
};

struct ManPage {
  std::string file;  // `bide-wait.1`.
  std::string text;  // roff with the macros of man(7).
};

// bide(1), a page for each command, and bide.toml(5).
[[nodiscard]] std::vector<ManPage> man_pages_of(std::span<const Command* const> commands,
                                                const Release& release);

}  // namespace bide
