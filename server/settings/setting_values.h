// server/settings/setting_values.h: Parses the values of settings. Each function returns false, and
// changes nothing, if the text is not what is expected.
//
// Thread safety: pure functions.
#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "server/settings/options.h"

namespace bide {

// The range includes `low` and `high`.
template <typename Number>
bool parse_number(std::string_view text, Number low, Number high, Number& out) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  // In this form a NaN fails, too.
  if (error != std::errc() || parsed != end || !(number >= low && number <= high)) return false;
  out = number;
  return true;
}
[[nodiscard]] bool parse_duration_within(std::string_view text, std::chrono::milliseconds low,
                                         std::chrono::milliseconds high,
                                         std::chrono::milliseconds& out);
// A number of bytes, with or without a unit: KiB, MiB, GiB. It must be 0, or at least `low`.
[[nodiscard]] bool parse_bytes(std::string_view text, std::size_t low, std::size_t& out);
[[nodiscard]] bool set_listen(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_listen_mode(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_nats(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_file(std::filesystem::path& file, std::string_view text);
[[nodiscard]] bool set_cluster_listen(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_cluster_peers(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_bucket(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_base_path(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_access_log(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_auth(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_text(std::string& to, std::string_view text);
[[nodiscard]] bool set_cookie(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_cors_origins(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_allowed_hosts(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_max_connections(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_trusted_proxies(ServeOptions& options, std::string_view text);
[[nodiscard]] bool set_switch(bool& to, std::string_view text);

}  // namespace bide
