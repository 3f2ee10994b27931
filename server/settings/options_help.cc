#include "server/settings/settings.h"

namespace bide {
namespace {

constexpr std::size_t kIndent = 32;
constexpr std::size_t kColumns = 80;

// Wraps `text` at words, to stand right of column kIndent.
void append_wrapped(std::string& out, std::string_view text) {
  std::size_t column = kIndent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (column > kIndent && column + 1 + end > kColumns) {
      out += '\n';
      out.append(kIndent, ' ');
      column = kIndent;
    } else if (column > kIndent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, end);
    column += end;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += '\n';
}

void append_flag(std::string& out, std::string_view name, std::string_view placeholder,
                 std::string_view doc) {
  std::string flag = "  --" + std::string(name);
  if (!placeholder.empty()) flag += " " + std::string(placeholder);
  out += flag;
  // A long one stands on a line of its own.
  if (flag.size() >= kIndent) out += '\n';
  out.append(flag.size() >= kIndent ? kIndent : kIndent - flag.size(), ' ');
  append_wrapped(out, doc);
}

}  // namespace

std::string serve_help() {
  std::string out =
      "Usage: bide serve [FLAG]...\n"
      "\n"
      "Watches a NATS bucket of jobs and serves their state over HTTP: at once,\n"
      "conditionally, or held until there is news. Without --nats it runs its own\n"
      "nats-server, which `bide emit` on this machine finds by itself.\n"
      "\n";
  for (const Setting& setting : serve_settings()) {
    std::string doc(setting.doc);
    if (!setting.default_text.empty() && setting.kind != SettingKind::kSwitch) {
      doc += " (default: " + std::string(setting.default_text) + ")";
    }
    append_flag(out, setting.name, setting.placeholder, doc);
  }
  append_flag(out, "config", "FILE", "read settings from this TOML file");
  append_flag(out, "help", "", "print this and exit");
  out +=
      "\n"
      "Every flag is also a variable (--max-wait 30s is BIDE_MAX_WAIT=30s) and a line\n"
      "of the file (max-wait = \"30s\"). A flag beats a variable, a variable beats the\n"
      "file. Durations: 500ms, 30s, 1m30s, 1h, or bare seconds.\n";
  return out;
}

}  // namespace bide
