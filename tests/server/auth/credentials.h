// tests/server/auth/credentials.h: What the tests of who may read have in common.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <variant>

#include "server/auth/authority.h"

namespace bide::testing {

// In place, as `echo >` does it.
inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  REQUIRE(file.good());
}

// By a new file under the old name, as editors and secret stores do it.
inline void replace_file(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::path next = path;
  next += ".next";
  write_file(next, text);
  std::filesystem::rename(next, path);
}

inline std::string outcome(const std::variant<Permit, Denial>& judged) {
  if (std::holds_alternative<Permit>(judged)) return "permit";
  switch (std::get<Denial>(judged)) {
    case Denial::kInvalid:
      return "invalid";
    case Denial::kExpired:
      return "expired";
    case Denial::kForbidden:
      return "forbidden";
  }
  return "?";
}

}  // namespace bide::testing
