#include "server/nats/login/bucket_config.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/json_object.h"

namespace bide {
namespace {

constexpr std::string_view kStreamPrefix = "KV_";
constexpr std::string_view kSubjectPrefix = "$KV.";
constexpr std::size_t kInfoDepthMax = 64;
// Further sources are ignored: no real configuration has so many.
constexpr std::size_t kSourcesMax = 256;

constexpr std::array kPowers = {
    WriterPower{"allow_rollup_hdrs",
                "a writer of a single key can erase the whole bucket with one message that has the "
                "header Nats-Rollup: all",
                "turn it off: nats stream edit STREAM --no-allow-rollup; then clients can still "
                "delete keys, but not purge them"},
    WriterPower{"allow_msg_schedules",
                "a writer of a single key can have the server write other keys, by the header "
                "Nats-Schedule-Target",
                "it cannot be turned off: copy the entries into a bucket without it"},
    WriterPower{"allow_msg_ttl",
                "a writer can let its entries expire without notice, by the header Nats-TTL, and "
                "each time bide has to compare the whole bucket",
                "it cannot be turned off: copy the entries into a bucket without it"},
    WriterPower{"allow_msg_counter", "values are counters, which bide cannot read",
                "it cannot be turned off: use another bucket"},
};

std::variant<JsonObject, ConfigFailure> parsed(std::string_view json,
                                               const std::vector<std::string_view>& names) {
  auto result = JsonObject::parse(json, names, kInfoDepthMax);
  if (auto* const object = std::get_if<JsonObject>(&result)) return std::move(*object);
  return ConfigFailure{false, NATS_OK, "an answer that cannot be read"};
}

// The part before the first wildcard or placeholder: `$KV.edge.` for `$KV.edge.>`.
std::string literal_prefix_of(std::string_view subject) {
  const std::size_t wild = subject.find_first_of("*>{");
  const std::size_t dot = subject.substr(0, wild).rfind('.');
  return std::string(subject.substr(0, dot == std::string_view::npos ? 0 : dot + 1));
}

// The destination of a transform `{"src":…,"dest":…}`.
void add_destination(std::string_view transform, std::vector<std::string>& prefixes) {
  const auto read = parsed(transform, {"dest"});
  const auto* const object = std::get_if<JsonObject>(&read);
  if (object == nullptr) return;
  std::string prefix = literal_prefix_of((*object)["dest"].text);
  const bool known = std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
  if (!prefix.empty() && !known) prefixes.push_back(std::move(prefix));
}

// The bucket of a mirror or a source, `{"name":"KV_origin",…}`.
std::string take_origin(std::string_view origin, std::vector<std::string>& prefixes) {
  const auto read = parsed(origin, {"name", "subject_transforms"});
  const auto* const object = std::get_if<JsonObject>(&read);
  if (object == nullptr) return {};
  if (const auto list = split_json_array((*object)["subject_transforms"].raw)) {
    for (const std::string_view transform : *list) add_destination(transform, prefixes);
  }
  return std::string(bucket_of((*object)["name"].text));
}

// Whether a mirror takes only some entries, or changes their subjects.
bool selects(std::string_view origin) {
  const auto read = parsed(origin, {"filter_subject", "subject_transforms"});
  const auto* const object = std::get_if<JsonObject>(&read);
  if (object == nullptr) return true;
  const auto transforms = split_json_array((*object)["subject_transforms"].raw);
  return !(*object)["filter_subject"].text.empty() || (transforms && !transforms->empty());
}

BucketConfig config_of(std::string_view bucket, const JsonObject& config) {
  std::vector<std::string> prefixes = {subject_prefix_of(bucket)};
  BucketConfig found{.keys = KeySubjects(bucket)};
  if (config["mirror"].present()) found.mirrors_a_part = selects(config["mirror"].raw);
  if (config["mirror"].present()) found.mirror_of = take_origin(config["mirror"].raw, prefixes);
  if (const auto list = split_json_array(config["sources"].raw)) {
    for (const std::string_view source : *list) {
      if (found.sources.size() == kSourcesMax) break;
      found.sources.push_back(take_origin(source, prefixes));
    }
  }
  add_destination(config["subject_transform"].raw, prefixes);
  const auto subjects = parse_string_array(config["subjects"].raw);
  const std::string own = prefixes.front() + ">";
  found.has_own_subjects =
      subjects && std::find(subjects->begin(), subjects->end(), own) != subjects->end();
  const bool has_origins = !found.mirror_of.empty() || !found.sources.empty();
  found.keys = KeySubjects(std::move(prefixes), has_origins);
  found.allow_direct = config["allow_direct"].raw == "true";
  const std::string_view replicas = config["num_replicas"].raw;
  std::from_chars(replicas.data(), replicas.data() + replicas.size(), found.replicas);
  for (const WriterPower& power : kPowers) {
    if (config[power.option].raw == "true") found.powers.push_back(power.option);
  }
  return found;
}

}  // namespace

std::string stream_of(std::string_view bucket) {
  return std::string(kStreamPrefix) + std::string(bucket);
}

std::string_view bucket_of(std::string_view stream) {
  return stream.starts_with(kStreamPrefix) ? stream.substr(kStreamPrefix.size()) : stream;
}

std::string subject_prefix_of(std::string_view bucket) {
  return std::string(kSubjectPrefix) + std::string(bucket) + ".";
}

std::string_view KeySubjects::key_of(std::string_view subject) const {
  for (const std::string& prefix : prefixes_) {
    if (subject.starts_with(prefix)) return subject.substr(prefix.size());
  }
  if (!of_all_buckets_ || !subject.starts_with(kSubjectPrefix)) return {};
  const std::size_t dot = subject.find('.', kSubjectPrefix.size());
  return dot == std::string_view::npos ? std::string_view() : subject.substr(dot + 1);
}

std::vector<std::string> KeySubjects::subjects_of(std::string_view key) const {
  std::vector<std::string> subjects;
  for (const std::string& prefix : prefixes_) subjects.push_back(prefix + std::string(key));
  if (of_all_buckets_) subjects.push_back(std::string(kSubjectPrefix) + "*." + std::string(key));
  return subjects;
}

std::string KeySubjects::filter() const {
  return of_all_buckets_ || prefixes_.size() > 1 ? ">" : prefixes_.front() + ">";
}

std::span<const WriterPower> writer_powers() { return kPowers; }

std::variant<BucketConfig, ConfigFailure> parse_bucket_config(std::string_view bucket,
                                                              std::string_view json) {
  const auto answer = parsed(json, {"config", "error"});
  if (const auto* failure = std::get_if<ConfigFailure>(&answer)) return *failure;
  const auto& members = std::get<JsonObject>(answer);
  if (members["error"].present()) {
    const auto error = parsed(members["error"].raw, {"code", "description"});
    if (const auto* failure = std::get_if<ConfigFailure>(&error)) return *failure;
    const auto& said = std::get<JsonObject>(error);
    return ConfigFailure{said["code"].raw == "404", NATS_OK, said["description"].text};
  }
  std::vector<std::string_view> names = {"subjects",          "mirror",       "sources",
                                         "subject_transform", "allow_direct", "num_replicas"};
  for (const WriterPower& power : kPowers) names.push_back(power.option);
  const auto config = parsed(members["config"].raw, names);
  if (const auto* failure = std::get_if<ConfigFailure>(&config)) return *failure;
  return config_of(bucket, std::get<JsonObject>(config));
}

std::variant<BucketConfig, ConfigFailure> read_bucket_config(natsConnection* connection,
                                                             const JsApi& api,
                                                             std::string_view bucket,
                                                             std::chrono::milliseconds timeout) {
  const std::string subject = api.subject("$JS.API.STREAM.INFO." + stream_of(bucket));
  natsMsg* raw = nullptr;
  const natsStatus status =
      natsConnection_Request(&raw, connection, subject.c_str(), nullptr, 0, timeout.count());
  const NatsMsgPtr answer(raw);
  if (status != NATS_OK) return ConfigFailure{false, status, {}};
  const auto bytes = static_cast<std::size_t>(natsMsg_GetDataLength(raw));
  return parse_bucket_config(bucket, {natsMsg_GetData(raw), bytes});
}

// Cheap for messages without headers, which most entries are.
bool is_deletion(natsMsg* message) {
  const char* value = nullptr;
  if (natsMsgHeader_Get(message, "KV-Operation", &value) == NATS_OK && value != nullptr) {
    const std::string_view operation = value;
    if (operation == "DEL" || operation == "PURGE") return true;
  }
  return natsMsgHeader_Get(message, "Nats-Marker-Reason", &value) == NATS_OK && value != nullptr &&
         *value != '\0';
}

}  // namespace bide
