#include "client/config_template.h"

#include "server/settings/command_help.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

constexpr std::size_t kColumns = 98;  // Of a comment, without the `# ` in front.

std::string comment(std::string_view text) {
  std::string out;
  std::string lines = wrapped(text, 0, kColumns);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::size_t end = rest.find('\n') + 1;
    out.append("# ").append(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::string toml_default_of(const Setting& setting) {
  if (setting.default_text.empty()) return "";
  const bool quoted = setting.kind == SettingKind::kText || setting.kind == SettingKind::kDuration;
  const std::string text(setting.default_text);
  return quoted ? "\"" + text + "\"" : text;
}

std::string config_template() {
  std::string text = comment(
      "Settings of `bide serve --config FILE`; see bide.toml(5). Each line that begins with `#` "
      "and "
      "a name shows a default, or what kind of value is expected. Remove the `#` to change it. A "
      "flag or a variable overrides what is here: --max-wait 30s, BIDE_MAX_WAIT=30s.");
  for (const SettingGroup& group : groups_of(serve_command())) {
    std::string lines;
    for (const Setting* const setting : group.settings) {
      if (find_serve_setting(setting->name) == nullptr) continue;  // --config and --help.
      lines += "\n" + comment(std::string(setting->doc) +
                              ". Expected: " + std::string(setting->expected) + ".");
      const std::string value = toml_default_of(*setting);
      lines.append("#").append(setting->name).append(" = ");
      lines += (value.empty() ? "\"" + std::string(setting->placeholder) + "\"" : value) + "\n";
    }
    if (!lines.empty()) text.append("\n## ").append(group.heading).append("\n").append(lines);
  }
  return text;
}

}  // namespace bide
