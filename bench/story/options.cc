#include "bench/story/options.h"

#include <array>
#include <charconv>
#include <fstream>
#include <string_view>

#include "bench/kit/address.h"
#include "core/base/duration.h"

namespace bench::story {
namespace {

constexpr std::uint32_t kCountMax = 100'000;

bool set_count(std::uint32_t& into, std::string_view text) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && into <= kCountMax;
}

bool set_duration(std::chrono::milliseconds& into, std::string_view text) {
  const auto value = bide::parse_duration(text);
  into = value.value_or(into);
  return value.has_value() && into > std::chrono::milliseconds(0);
}

bool set_nats_url(Options& options, std::string_view path) {
  std::ifstream file{std::string(path)};
  return std::getline(file, options.nats_url) && !options.nats_url.empty();
}

struct Flag {
  std::string_view name;
  bool (*set)(Options&, std::string_view value);
};

constexpr std::array<Flag, 9> kFlags = {{
    {"--server", [](Options& o, std::string_view v) { return !(o.server = v).empty(); }},
    {"--nats-url-file", set_nats_url},
    {"--road",
     [](Options& o, std::string_view v) { return load::make_road(o.road = v, {}) != nullptr; }},
    {"--every", [](Options& o, std::string_view v) { return set_duration(o.times.every, v); }},
    {"--wait", [](Options& o, std::string_view v) { return set_duration(o.times.wait, v); }},
    {"--clients", [](Options& o, std::string_view v) { return set_count(o.cast.clients, v); }},
    {"--agents", [](Options& o, std::string_view v) { return set_count(o.cast.agents, v); }},
    {"--dashboards",
     [](Options& o, std::string_view v) { return set_count(o.cast.dashboards, v); }},
    {"--duration", [](Options& o, std::string_view v) { return set_duration(o.cast.duration, v); }},
}};

}  // namespace

Options read_options(std::span<char* const> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    bool well = false;
    for (const Flag& flag : kFlags) {
      if (flag.name != name || i + 1 == arguments.size()) continue;
      well = flag.set(options, arguments[i + 1]);
    }
    if (!well) die("what is meant by " + std::string(name) + "? bench/evaluate shows the use");
  }
  if (options.server.empty() || options.nats_url.empty()) {
    die("needs --server HOST:PORT and --nats-url-file FILE");
  }
  return options;
}

}  // namespace bench::story
