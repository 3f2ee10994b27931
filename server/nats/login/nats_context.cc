#include "server/nats/login/nats_context.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/base/json_object.h"
#include "server/files/small_file.h"
#include "server/nats/login/nats_credentials.h"
#include "server/nats/login/nats_url.h"

namespace bide {
namespace {

constexpr std::string_view kSelected = "selected";
constexpr std::string_view kDefaultUrl = "nats://127.0.0.1:4222";
constexpr std::size_t kContextDepthMax = 8;

// Without these members bide would reach another server, or log in as another user.
constexpr std::array<std::string_view, 5> kNotHonoured = {"nsc", "socks_proxy", "tls_first",
                                                          "user_jwt", "user_seed"};
constexpr std::array<std::string_view, 12> kTexts = {"url",
                                                     "user",
                                                     "password",
                                                     "token",
                                                     "creds",
                                                     "nkey",
                                                     "cert",
                                                     "key",
                                                     "ca",
                                                     "inbox_prefix",
                                                     "jetstream_domain",
                                                     "jetstream_api_prefix"};

const std::vector<std::string_view> kMembers = [] {
  std::vector<std::string_view> all(kTexts.begin(), kTexts.end());
  all.insert(all.end(), kNotHonoured.begin(), kNotHonoured.end());
  return all;
}();

// Replaced as by the nats command line: with HOME, and only at the beginning.
std::filesystem::path expanded(const std::string& path) {
  const char* const home = std::getenv("HOME");
  if (!path.starts_with("~/") || home == nullptr) return path;
  return std::filesystem::path(home) / path.substr(2);
}

std::variant<std::filesystem::path, std::string> find_file(const std::filesystem::path& config_dir,
                                                           std::string_view name) {
  const std::filesystem::path folder = config_dir / "nats" / "context";
  const auto file_of = [&](std::string_view context) {
    return folder / (std::string(context) + ".json");
  };
  std::error_code ignored;
  if (name != kSelected || std::filesystem::exists(file_of(name), ignored)) return file_of(name);
  const std::filesystem::path choice = config_dir / "nats" / "context.txt";
  const auto read = read_small_file(choice);
  if (const auto* problem = std::get_if<Unreadable>(&read)) {
    return choice.string() + ": cannot be read (" + problem->why +
           "); no context is selected: `nats context select` does it, or name one";
  }
  std::string_view chosen = std::get<FileText>(read).text();
  while (!chosen.empty() && chosen.back() <= ' ') chosen.remove_suffix(1);
  const bool leaves = chosen.find("..") != chosen.npos || chosen.find('/') != chosen.npos;
  // Messages contain the name.
  const bool garbage = std::any_of(chosen.begin(), chosen.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7F';
  });
  if (chosen.empty() || leaves || garbage) {
    return choice.string() + ": expected the name of a context";
  }
  return file_of(chosen);
}

// The message names members, not values.
std::variant<NatsContext, std::string> take(const JsonObject& json) {
  for (const std::string_view name : kNotHonoured) {
    const JsonMember& member = json[name];
    const bool says_nothing = !member.present() || member.raw == "false" || member.raw == "\"\"";
    if (!says_nothing) return std::string(name) + " is not supported by bide";
  }
  for (const std::string_view name : kTexts) {
    const JsonMember& member = json[name];
    if (member.present() && member.kind != JsonMember::Kind::kString) {
      return std::string(name) + " is not a string";
    }
  }
  NatsContext context{.url = json["url"].text,
                      .user = json["user"].text,
                      .password = json["password"].text,
                      .token = json["token"].text,
                      .creds = expanded(json["creds"].text),
                      .nkey = expanded(json["nkey"].text),
                      .cert = expanded(json["cert"].text),
                      .key = expanded(json["key"].text),
                      .ca = expanded(json["ca"].text),
                      .inbox_prefix = json["inbox_prefix"].text,
                      .domain = json["jetstream_domain"].text,
                      .js_prefix = json["jetstream_api_prefix"].text};
  if (context.url.empty()) context.url = kDefaultUrl;
  if (has_bad_escape(context.url)) {
    return std::string("in the user, password or token of url % is written %25");
  }
  if (!is_nats_url_list(context.url)) return std::string("url is not such as nats://HOST:PORT");
  const auto ways =
      std::array{!context.user.empty(), !context.token.empty(), !context.creds.empty(),
                 !context.nkey.empty(), names_user(context.url)};
  if (std::count(ways.begin(), ways.end(), true) > 1) {
    return std::string("expected one of user, token, creds, nkey and a user in url, found several");
  }
  if (context.cert.empty() != context.key.empty()) {
    return std::string("cert and key need each other");
  }
  if (!context.domain.empty() && !context.js_prefix.empty()) {
    return std::string("jetstream_domain and jetstream_api_prefix exclude each other");
  }
  for (const auto& [flag, value] : {std::pair("--nats-domain", &context.domain),
                                    std::pair("--nats-js-prefix", &context.js_prefix)}) {
    if (value->empty()) continue;
    const auto all = nats_settings();
    const auto same = std::ranges::find(all, std::string_view(flag), &NatsSetting::flag);
    NatsCredentials ignored;
    if (!same->set(ignored, *value)) {
      return (value == &context.domain ? "jetstream_domain is not "
                                       : "jetstream_api_prefix is not ") +
             std::string(same->expected);
    }
  }
  return context;
}

}  // namespace

std::variant<NatsContext, std::string> read_nats_context(const std::filesystem::path& config_dir,
                                                         std::string_view name) {
  if (config_dir.empty()) return std::string("--nats-context needs HOME or XDG_CONFIG_HOME");
  auto found = find_file(config_dir, name);
  if (auto* error = std::get_if<std::string>(&found)) return std::move(*error);
  const auto& file = std::get<std::filesystem::path>(found);
  const auto read = read_small_file(file);
  if (const auto* problem = std::get_if<Unreadable>(&read)) {
    return file.string() + ": cannot be read (" + problem->why +
           "); --nats-context expects a name that `nats context ls` shows";
  }
  const auto json = JsonObject::parse(std::get<FileText>(read).text(), kMembers, kContextDepthMax);
  if (std::holds_alternative<JsonError>(json)) {
    return file.string() + ": expected one JSON object, as `nats context add` writes it";
  }
  auto taken = take(std::get<JsonObject>(json));
  if (const auto* error = std::get_if<std::string>(&taken)) return file.string() + ": " + *error;
  return taken;
}

}  // namespace bide
