#include "bench/probe/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "bench/kit/address.h"

namespace bench {
namespace {

constexpr std::array<std::string_view, 11> kNames = {"kind",    "server", "nats",    "pids",
                                                     "clients", "jobs",   "samples", "seconds",
                                                     "parked",  "prefix", "over"};

int to_number(std::string_view name, std::string_view text) {
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return value;
  die(std::string(name) + " is a number, got: " + std::string(text));
}

}  // namespace

Options::Options(int argc, char** argv) {
  for (int i = 0; i < argc; i += 2) {
    std::string_view name = argv[i];
    if (!name.starts_with("--") || i + 1 == argc)
      die("expected --name value, got: " + std::string(name));
    name.remove_prefix(2);
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) {
      die("there is no option --" + std::string(name));
    }
    given_[std::string(name)] = argv[i + 1];
  }
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

int Options::number(const std::string& name, int otherwise) const {
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : to_number(name, found->second);
}

std::vector<int> Options::pids() const {
  std::vector<int> pids;
  std::string_view rest = given_.contains("pids") ? given_.at("pids") : std::string_view();
  while (!rest.empty()) {
    const std::string_view pid = rest.substr(0, rest.find(','));
    pids.push_back(to_number("pids", pid));
    rest.remove_prefix(std::min(pid.size() + 1, rest.size()));
  }
  return pids;
}

}  // namespace bench
