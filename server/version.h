// server/version.h: The versions of bide, its compiler and its libraries.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "client/man_page.h"
#include "server/settings/command_line.h"

namespace bide {

// The version and the commit, and below them the compiler and the libraries, one a line.
[[nodiscard]] std::string version_text();

[[nodiscard]] const Command& version_command();
// For man pages.
[[nodiscard]] Release release();

}  // namespace bide
