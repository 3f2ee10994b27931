#include "core/job/entry_codec.h"

#include <utility>

#include "core/base/base64.h"
#include "core/base/json_object.h"
#include "core/base/timestamp.h"
#include "core/job/entry_key.h"
#include "core/job/field_reader.h"

namespace bide {
namespace {

using Kind = JsonMember::Kind;
using Need = FieldReader::Need;
using Names = std::vector<std::string_view>;
template <typename T>
using OrRejection = std::variant<T, Rejection>;

// Every value may be a signed envelope, so these two members are always requested.
constexpr std::string_view kPayload = "payload", kSignature = "signature";

Rejection rejection_of(JsonError error) {
  switch (error) {
    case JsonError::kSyntax:
      return {RejectReason::kJson, "value: expected one JSON object in UTF-8"};
    case JsonError::kDepth:
      return {RejectReason::kDepth, "value: nested too deep"};
    case JsonError::kDuplicate:
      return {RejectReason::kJson, "value: a member stands twice"};
  }
  return {RejectReason::kJson, {}};
}

bool is_envelope(const JsonObject& object) {
  return object[kPayload].kind == Kind::kString && object[kSignature].kind == Kind::kString;
}

// The members of the value, or of its payload if it is an envelope. They refer to `value` or to
// `payload`, so the caller owns both.
OrRejection<JsonObject> open_value(std::string_view value, Names names, std::string& payload) {
  names.insert(names.end(), {kPayload, kSignature});
  auto outer = JsonObject::parse(value, names, kJsonDepthMax);
  if (const auto* error = std::get_if<JsonError>(&outer)) return rejection_of(*error);
  if (!is_envelope(std::get<JsonObject>(outer))) return std::get<JsonObject>(std::move(outer));

  const Rejection bad{RejectReason::kEnvelope, "payload: expected base64 of one JSON object"};
  // Base64 shrinks when decoded, so kValueBytesMax holds for the payload as well.
  auto decoded = decode_base64(std::get<JsonObject>(outer)[kPayload].text);
  if (!decoded) return bad;
  payload = *std::move(decoded);
  auto inner = JsonObject::parse(payload, names, kJsonDepthMax);
  if (const auto* error = std::get_if<JsonError>(&inner)) {
    return *error == JsonError::kDepth ? rejection_of(*error) : bad;
  }
  if (is_envelope(std::get<JsonObject>(inner))) return bad;
  return std::get<JsonObject>(std::move(inner));
}

OrRejection<Definition> decode_definition(const EntryKey& key, std::string_view value) {
  std::string payload;
  auto object = open_value(
      value, {"id", "created", "subject", "operation", "expected_agents", "labels"}, payload);
  if (auto* rejection = std::get_if<Rejection>(&object)) return std::move(*rejection);
  FieldReader read(std::get<JsonObject>(object));
  read.expect("id", Need::kOptional, key.job_id);
  Definition definition;
  definition.created = with_zone(read.text("created", Need::kOptional, kValueBytesMax));
  definition.subject = read.text("subject", Need::kOptional, kValueBytesMax);
  definition.operation = read.object("operation");
  definition.expected_agents = read.agents("expected_agents");
  definition.labels = read.labels("labels");
  if (read.problem()) return *read.problem();
  return definition;
}

// Workers may put anything into an event's data. Only two strings in it matter to the job, and they
// are rejected only if they contain a NUL.
std::optional<Rejection> read_event_data(const JsonMember& data, Event& event) {
  if (data.kind != Kind::kObject) return std::nullopt;
  const auto parsed = JsonObject::parse(data.raw, {"error", "new_job_id"}, kJsonDepthMax);
  const auto* object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr) return std::nullopt;  // Impossible: it was parsed as part of the value.
  FieldReader read(*object);
  const auto text_if_string = [&](std::string_view name) {
    if ((*object)[name].kind != Kind::kString) return std::string();
    return read.text(name, Need::kOptional, kValueBytesMax);
  };
  event.error = text_if_string("error");
  event.new_job_id = text_if_string("new_job_id");
  return read.problem();
}

bool is_kept_in_keys(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// In the key, the agent is its name with `_` in place of every other character; some writers put
// one `_` for each byte of a character. The permissions of NATS limit which keys a worker may
// write, so its value must not speak for another agent.
std::optional<Rejection> check_agent(const EntryKey& key, std::string_view hostname) {
  std::string by_character, by_byte;
  for (const char c : hostname) {
    const char kept = is_kept_in_keys(c) ? c : '_';
    by_byte += kept;
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (!continues) by_character += kept;
  }
  if (key.agent == by_byte || key.agent == by_character) return std::nullopt;
  return Rejection{RejectReason::kAgentMismatch, "hostname: expected the agent that the key names"};
}

OrRejection<Event> decode_event(const EntryKey& key, std::string_view value) {
  std::string payload;
  auto object =
      open_value(value, {"job_id", "event", "hostname", "timestamp", "unix_nano", "data"}, payload);
  if (auto* rejection = std::get_if<Rejection>(&object)) return std::move(*rejection);
  FieldReader read(std::get<JsonObject>(object));
  read.expect("job_id", Need::kRequired, key.job_id);
  read.expect("event", Need::kRequired, word_of(key.event));
  Event event;
  event.kind = key.event;
  event.hostname = read.text("hostname", Need::kRequired, kHostnameBytesMax);
  event.timestamp = read.timestamp("timestamp");
  event.unix_nano = read.integer("unix_nano").value_or(key.unix_nano);
  if (read.problem()) return *read.problem();
  if (auto rejection = check_agent(key, event.hostname)) return *std::move(rejection);
  const auto& data = std::get<JsonObject>(object)["data"];
  if (auto rejection = read_event_data(data, event)) return *std::move(rejection);
  return event;
}

// In `data` of progress nothing is left to the workers: bide shows all of it.
OrRejection<ProgressReport> decode_progress(const EntryKey& key, std::string_view value) {
  std::string payload;
  auto object = open_value(value, {"job_id", "event", "hostname", "timestamp", "data"}, payload);
  if (auto* rejection = std::get_if<Rejection>(&object)) return std::move(*rejection);
  FieldReader read(std::get<JsonObject>(object));
  read.expect("job_id", Need::kRequired, key.job_id);
  read.expect("event", Need::kRequired, kProgressWord);
  ProgressReport progress;
  progress.hostname = read.text("hostname", Need::kRequired, kHostnameBytesMax);
  (void)read.timestamp("timestamp");
  const std::string data = read.object("data");
  if (read.problem()) return *read.problem();
  if (auto rejection = check_agent(key, progress.hostname)) return *std::move(rejection);
  if (progress.hostname == kSubmitterAgent) {
    return Rejection{RejectReason::kField, "hostname: expected an agent, not the submitter"};
  }
  if (data.empty()) return progress;
  auto parsed = JsonObject::parse(data, {"percent", "message", "log"}, kJsonDepthMax);
  if (const auto* error = std::get_if<JsonError>(&parsed)) return rejection_of(*error);
  FieldReader read_data(std::get<JsonObject>(parsed));
  progress.percent = read_data.percent("percent");
  progress.message = read_data.text("message", Need::kOptional, kValueBytesMax);
  progress.log = read_data.text("log", Need::kOptional, kValueBytesMax);
  if (read_data.problem()) return *read_data.problem();
  return progress;
}

OrRejection<Response> decode_response(const EntryKey& key, std::string_view value) {
  std::string payload;
  auto object =
      open_value(value, {"job_id", "status", "hostname", "data", "error", "changed"}, payload);
  if (auto* rejection = std::get_if<Rejection>(&object)) return std::move(*rejection);
  FieldReader read(std::get<JsonObject>(object));
  read.expect("job_id", Need::kOptional, key.job_id);
  Response response;
  response.hostname = read.text("hostname", Need::kOptional, kHostnameBytesMax);
  if (response.hostname.empty()) response.hostname = key.agent;
  response.status = read.text("status", Need::kOptional, kValueBytesMax);
  response.data = read.any("data");
  response.error = read.text("error", Need::kOptional, kValueBytesMax);
  response.changed = read.boolean("changed");
  if (read.problem()) return *read.problem();
  if (auto rejection = check_agent(key, response.hostname)) return *std::move(rejection);
  return response;
}

// Moves the decoded value into the entry, or passes the rejection on.
template <typename T>
std::variant<Entry, Rejection> finish(Entry entry, OrRejection<T> decoded) {
  if (auto* rejection = std::get_if<Rejection>(&decoded)) return std::move(*rejection);
  entry.what = std::get<T>(std::move(decoded));
  return entry;
}

}  // namespace

std::string_view word_of(RejectReason reason) {
  constexpr std::array<std::string_view, kRejectReasons> kWords = {
      "key",      "size",           "json",   "depth",    "field",     "envelope",
      "mismatch", "agent_mismatch", "labels", "job_full", "table_full"};
  return kWords[static_cast<std::size_t>(reason)];
}

std::variant<Entry, Rejection> decode(const RawEntry& raw) {
  const std::optional<EntryKey> key =
      raw.key.size() <= kKeyBytesMax ? parse_key(raw.key) : std::nullopt;
  if (!key)
    return Rejection{RejectReason::kKey, "key: expected a job's, an event's or a response's"};

  Entry entry{.job_id = std::string(key->job_id),
              .key_rest = std::string(key->rest),
              .family = key->family,
              .revision = raw.revision,
              .written = raw.written,
              .what = Deletion{}};
  if (raw.deleted) return entry;
  if (raw.value.size() > kValueBytesMax) {
    return Rejection{RejectReason::kSize,
                     "value: expected at most " + std::to_string(kValueBytesMax) + " bytes"};
  }
  switch (key->family) {
    case Entry::Family::kJob:
      return finish(std::move(entry), decode_definition(*key, raw.value));
    case Entry::Family::kStatus:
      return finish(std::move(entry), decode_event(*key, raw.value));
    case Entry::Family::kResponse:
      return finish(std::move(entry), decode_response(*key, raw.value));
    case Entry::Family::kProgress:
      return finish(std::move(entry), decode_progress(*key, raw.value));
  }
  return Rejection{RejectReason::kKey, {}};
}

}  // namespace bide
