#include "bench/load/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>

#include "bench/kit/address.h"
#include "bench/load/road.h"
#include "core/base/duration.h"
#include "server/files/state_dir.h"

namespace bench::load {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kClientsMax = 100'000;
constexpr std::uint32_t kRateMax = 100'000;
constexpr double kEventsMax = 10e6;  // Each is kept, in about 100 bytes.
constexpr std::string_view kScheme = "http://";

constexpr std::string_view kHelp =
    R"(Usage: bide-load [OPTION]...

Lets many clients follow jobs on a running bide while events are written, and
reports how long they took to hear of each: from the time the event was due to
be written, to the answer.

  --server HOST:PORT    the bide to load, a numeric address (127.0.0.1:8080)
  --nats URL[,URL]...   the NATS it watches; or
  --nats-url-file FILE  the file `nats-url` that `bide serve` leaves in its data
                        directory (that of the default data directory)
  --bucket NAME         the bucket it watches (job-queue)
  --scenario NAME       steady: events at a rate, for jobs without end; or story
                        (steady)
  --clients N           each follows a job of its own (1000)
  --dashboards N        more clients, which all follow one job of many agents; of
                        the story (0)
  --agents N            that acknowledge, start and complete that job (0)
  --road ROAD           long-poll; poll, conditionally; plain-poll, with a body
                        each time; sse; sse-patches; sse-every; or ws (long-poll)
  --every T             between two polls of a client, or records of sse-every (2s)
  --wait T              how long a request may be held, and how long after the
                        last event clients may still hear of it (25s)
  --rate N              events a second, at random times (100)
  --duration T          of the schedule of events (30s)
  --token-env NAME      the environment variable with the bearer token to send
  --json                the report as one JSON object

In the story each client's one job is started and completed, at random times; at
its beginning a line `begin <seconds of CLOCK_MONOTONIC>` is printed.

Durations: 30s, 1m30s, 500ms. The jobs stay in the bucket: `load-<pid>-...`.
Ctrl-C ends the schedule and reports what there is.

Exit: 0 all was told, 1 could not run, 2 usage, 3 events were missed or answers went backwards.
)";

bool set_count(std::uint32_t& into, std::string_view text, std::uint32_t min, std::uint32_t max) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return false;
  return into >= min && into <= max;
}

bool set_duration(std::chrono::milliseconds& into, std::string_view text,
                  std::chrono::milliseconds min, std::chrono::milliseconds max) {
  const auto value = bide::parse_duration(text);
  if (!value || *value < min || *value > max) return false;
  into = *value;
  return true;
}

bool set_server(Options& options, std::string_view text) {
  if (text.starts_with(kScheme)) text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  options.server = text;
  return Address::parse(text).has_value();
}

bool set_bucket(Options& options, std::string_view text) {
  options.bucket = text;
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
}

// A line break in it would end the header field and begin another.
bool set_token(Options& options, std::string_view name) {
  const char* const token = std::getenv(std::string(name).c_str());
  if (token != nullptr) options.token = token;
  return !options.token.empty() &&
         std::ranges::all_of(options.token, [](char c) { return c > ' ' && c < '\x7f'; });
}

struct Flag {
  std::string_view name;
  std::string_view expects;
  bool (*set)(Options&, std::string_view value);
};

constexpr std::array<Flag, 14> kFlags = {{
    {"--server", "a numeric address and a port like 127.0.0.1:8080", set_server},
    {"--nats", "a URL like nats://127.0.0.1:4222, or several with commas between them",
     [](Options& o, std::string_view v) { return !(o.nats_urls = v).empty(); }},
    {"--nats-url-file", "the path of a file",
     [](Options& o, std::string_view v) { return !(o.nats_url_file = v).empty(); }},
    {"--bucket", "a name of letters, digits, - and _", set_bucket},
    {"--clients", "a whole number from 1 to 100000",
     [](Options& o, std::string_view v) {
       return set_count(o.audience.clients, v, 1, kClientsMax);
     }},
    {"--scenario", "steady or story",
     [](Options& o, std::string_view v) { return (o.scenario = v) == "steady" || o.is_story(); }},
    {"--dashboards", "a whole number up to 100000",
     [](Options& o, std::string_view v) {
       return set_count(o.audience.dashboards, v, 0, kClientsMax);
     }},
    {"--agents", "a whole number up to 100000",
     [](Options& o, std::string_view v) {
       return set_count(o.audience.agents, v, 0, kClientsMax);
     }},
    {"--road", "",  // Said by road_names().
     [](Options& o, std::string_view v) { return make_road(o.road = v, {}) != nullptr; }},
    {"--every", "a duration from 10ms to 1h",
     [](Options& o, std::string_view v) { return set_duration(o.every, v, 10ms, 1h); }},
    {"--wait", "a duration from 1s to 10m",
     [](Options& o, std::string_view v) { return set_duration(o.wait, v, 1s, 10min); }},
    {"--rate", "a whole number from 1 to 100000, in events a second",
     [](Options& o, std::string_view v) { return set_count(o.rate, v, 1, kRateMax); }},
    {"--duration", "a duration from 1s to 24h",
     [](Options& o, std::string_view v) { return set_duration(o.duration, v, 1s, 24h); }},
    {"--token-env", "the name of an environment variable that holds a token without spaces",
     set_token},
}};

Ending misuse(const std::string& what) {
  return {2, "bide-load: " + what + "; `bide-load --help` tells more\n"};
}

// What every run needs beyond single flags. nullopt: all is well.
std::optional<Ending> complete(Options& options) {
  options.audience.endless = !options.is_story();
  const bool crowd = options.audience.dashboards > 0 || options.audience.agents > 0;
  if (crowd && !options.is_story()) {
    return misuse("--dashboards and --agents: expected with --scenario story");
  }
  if (options.rate * std::chrono::duration<double>(options.duration).count() > kEventsMax) {
    return misuse("--rate and --duration make more than 10 million events: expected fewer");
  }
  if (!options.nats_urls.empty()) {
    if (options.nats_url_file.empty()) return std::nullopt;
    return misuse("expected one of --nats and --nats-url-file, got both");
  }
  if (options.nats_url_file.empty()) {
    options.nats_url_file = bide::nats_url_file(bide::default_state_dir()).string();
  }
  std::ifstream file(options.nats_url_file);
  if (std::getline(file, options.nats_urls) && !options.nats_urls.empty()) return std::nullopt;
  return Ending{1, "bide-load: cannot read the NATS URL from " + options.nats_url_file +
                       ": give --nats, or --nats-url-file with the file `nats-url` of the "
                       "server's data directory\n"};
}

}  // namespace

std::variant<Options, Ending> read_options(std::span<char* const> arguments) {
  Options options;
  std::set<std::string> given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") return Ending{0, std::string(kHelp)};
    if (argument == "--json") {
      options.json = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    const auto* const flag = std::ranges::find(kFlags, name, &Flag::name);
    if (flag == kFlags.end()) return misuse("there is no option " + std::string(argument));
    if (!given.insert(name).second) return misuse(name + " is given twice");
    const bool inline_value = equals != argument.npos;
    if (!inline_value && i + 1 == arguments.size()) return misuse(name + " needs a value");
    const std::string_view value = inline_value ? argument.substr(equals + 1) : arguments[++i];
    if (flag->set(options, value)) continue;
    const std::string expects = name == "--road" ? road_names() : std::string(flag->expects);
    std::string what = name + ": expected ";
    return misuse(what.append(expects).append(", got: ").append(value));
  }
  if (auto ending = complete(options)) return std::move(*ending);
  return options;
}

}  // namespace bench::load
