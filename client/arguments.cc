#include "client/arguments.h"

#include <algorithm>

namespace bide {

std::variant<Arguments, Misuse> Arguments::parse(std::span<const std::string> args,
                                                 std::span<const OptionSpec> specs) {
  Arguments parsed;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (arg == "--") {
      parsed.words_.insert(parsed.words_.end(), args.begin() + static_cast<long>(i) + 1,
                           args.end());
      break;
    }
    if (arg.size() < 2 || arg.front() != '-') {
      parsed.words_.push_back(arg);
      continue;
    }
    const std::size_t equals = arg.starts_with("--") ? arg.find('=') : std::string::npos;
    const std::string name = arg.substr(0, equals);
    const auto spec = std::ranges::find_if(
        specs, [&](const OptionSpec& s) { return name == s.name || name == s.short_name; });
    if (spec == specs.end()) return Misuse{"unknown option " + name};
    if (parsed.given(spec->name)) return Misuse{name + " is given twice"};

    std::string value;
    if (equals != std::string::npos) {
      if (!spec->takes_value) return Misuse{name + " takes no value"};
      value = arg.substr(equals + 1);
    } else if (spec->takes_value) {
      if (++i == args.size()) return Misuse{name + " needs a value"};
      value = args[i];
    }
    parsed.values_.emplace(spec->name, std::move(value));
  }
  return parsed;
}

std::optional<std::string> Arguments::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

}  // namespace bide
