// tests/server/auth/credentials.h: Shared by the tests of authorities.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <variant>

#include "server/auth/authority.h"

namespace bide::testing {

// Writes the file in place, as `echo >` does.
inline void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  REQUIRE(file.good());
}

// Replaces the file by a new one, as editors and secret stores do.
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
