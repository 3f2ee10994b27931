// client/version.h: What a program was made of.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "client/man_page.h"

namespace bide {

// The version and the commit, and below them the compiler and the libraries, one a line.
// `libraries`: lines of those that only this program has, each `name: version` with a line end.
[[nodiscard]] std::string version_text(std::string_view libraries = {});

// For man pages.
[[nodiscard]] Release release();

}  // namespace bide
