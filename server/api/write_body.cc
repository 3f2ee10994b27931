#include "server/api/write_body.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "core/base/json_object.h"
#include "core/base/json_text.h"
#include "core/base/timestamp.h"
#include "core/base/utf8_text.h"
#include "core/job/entry_codec.h"
#include "server/http/field_syntax.h"
#include "server/http/query.h"

namespace bide {
namespace {

using Kind = JsonMember::Kind;

constexpr std::size_t kFormPairsMax = 16;

enum class Form : std::uint8_t { kNone, kJson, kForm };

// nullopt: another media type. A body without Content-Type is read as it looks.
std::optional<Form> form_of(const http::Request& request) {
  constexpr std::string_view kContentType = "Content-Type";
  std::string_view body = request.body;
  body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  if (body.empty()) return Form::kNone;
  const auto [first, last] = field_lines(request.headers, kContentType);
  if (first != last) {
    const std::string_view type =
        trim_ows(std::string_view(first->second).substr(0, first->second.find(';')));
    if (equals_ignoring_case(type, "application/json")) return Form::kJson;
    if (!equals_ignoring_case(type, "application/x-www-form-urlencoded")) return std::nullopt;
  }
  return body.front() == '{' ? Form::kJson : Form::kForm;
}

BadQuery wrong_type() {
  return {415, "the body is application/json, or a form as `curl -d` sends it"};
}

// The fields of an event, however they were written.
struct EventFields {
  std::string event;
  std::optional<std::string> agent;
  std::optional<std::string> timestamp;
  std::string data;  // A JSON object; empty: none.
};

template <std::size_t kNames>
std::string listed(const std::array<std::string_view, kNames>& names) {
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

// An object with these members and no others. A misspelt one would be lost in silence.
template <std::size_t kNames>
std::variant<JsonObject, BadQuery> read_object(const std::string& body,
                                               const std::array<std::string_view, kNames>& names) {
  auto parsed = JsonObject::parse(body, {names.begin(), names.end()}, kJsonDepthMax - 1,
                                  JsonDuplicates::kRefused);
  if (const auto* const error = std::get_if<JsonError>(&parsed)) {
    if (*error == JsonError::kDepth) return BadQuery{400, "the body is nested too deeply"};
    if (*error == JsonError::kDuplicate)
      return BadQuery{400, "a member of the body is there twice"};
    return BadQuery{400, "the body is not a JSON object (RFC 8259, UTF-8)"};
  }
  auto& object = std::get<JsonObject>(parsed);
  const auto known = std::count_if(names.begin(), names.end(), [&](std::string_view name) {
    return object[name].kind != Kind::kAbsent;
  });
  if (static_cast<std::size_t>(known) != object.member_count()) {
    return BadQuery{400,
                    "the body has a member that is not known here; there are " + listed(names)};
  }
  return std::move(object);
}

std::optional<BadQuery> read_text(const JsonObject& object, std::string_view name,
                                  std::optional<std::string>& into) {
  const JsonMember& member = object[name];
  if (!member.present()) return std::nullopt;
  if (member.kind != Kind::kString) return BadQuery{400, std::string(name) + " is a string"};
  into = member.text;
  return std::nullopt;
}

std::variant<EventFields, BadQuery> read_json(const std::string& body) {
  constexpr std::array<std::string_view, 4> kNames = {"event", "agent", "timestamp", "data"};
  auto read = read_object(body, kNames);
  if (auto* const bad = std::get_if<BadQuery>(&read)) return std::move(*bad);
  const auto& object = std::get<JsonObject>(read);
  EventFields fields;
  std::optional<std::string> event;
  if (auto bad = read_text(object, "event", event)) return *std::move(bad);
  if (auto bad = read_text(object, "agent", fields.agent)) return *std::move(bad);
  if (auto bad = read_text(object, "timestamp", fields.timestamp)) return *std::move(bad);
  fields.event = event.value_or("");
  const JsonMember& data = object["data"];
  if (data.present() && data.kind != Kind::kObject) return BadQuery{400, "data is an object"};
  if (data.present()) fields.data = data.raw;
  return fields;
}

// The output of a program may be in another encoding. U+FFFD replaces bytes that are not UTF-8,
// because an event with such a text is worth more than none.
class FormReader {
 public:
  explicit FormReader(const http::Params& pairs) : pairs_(pairs) {}
  // Null: it is not given.
  [[nodiscard]] std::optional<std::string> find(const char* name) const {
    const auto it = pairs_.find(name);
    return it == pairs_.end() ? std::nullopt : std::optional(as_utf8(it->second));
  }

 private:
  const http::Params& pairs_;
};

std::optional<BadQuery> refuse_pairs(const http::Params& pairs) {
  constexpr std::array<std::string_view, 9> kNames = {
      "event", "agent", "timestamp", "data", "error", "message", "log", "exit", "progress"};
  for (const auto& [name, value] : pairs) {
    if (pairs.count(name) > 1) return BadQuery{400, "a field of the form is there twice"};
    if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) continue;
    return BadQuery{400,
                    "the form has a field that is not known here; there are " + listed(kNames)};
  }
  return std::nullopt;
}

// `exit=` and `progress=` name the event.
std::optional<BadQuery> read_short_forms(const FormReader& form, EventFields& fields,
                                         std::optional<std::string>& error,
                                         std::optional<std::string>& percent) {
  const auto exit = form.find("exit");
  percent = form.find("progress");
  const int said = (fields.event.empty() ? 0 : 1) + (exit ? 1 : 0) + (percent ? 1 : 0);
  if (said > 1) return BadQuery{400, "event, exit and progress exclude each other"};
  if (percent) {
    double number = 0;
    const char* const end = percent->data() + percent->size();
    const auto [stop, fault] = std::from_chars(percent->data(), end, number);
    if (fault != std::errc() || stop != end || !(number >= 0 && number <= 100)) {
      return BadQuery{400, "progress is a number from 0 to 100"};
    }
    JsonText text;
    text.real(number);
    percent = text.take();
    fields.event = kProgressWord;
  }
  if (!exit) return std::nullopt;
  int status = 0;
  const char* const end = exit->data() + exit->size();
  const auto [stop, fault] = std::from_chars(exit->data(), end, status);
  if (fault != std::errc() || stop != end) {
    return BadQuery{400, "exit is an exit status, a whole number"};
  }
  fields.event = status == 0 ? "completed" : "failed";
  if (status != 0 && !error) error = "exit status " + std::to_string(status);
  return std::nullopt;
}

std::variant<EventFields, BadQuery> read_form(std::string_view body) {
  if (std::count(body.begin(), body.end(), '&') >= static_cast<std::ptrdiff_t>(kFormPairsMax)) {
    return BadQuery{400, "the form has too many fields"};
  }
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  EventFields fields;
  if (body.find_first_of("=&") == std::string_view::npos) {
    fields.event = decode_form_text(body);
    return fields;
  }
  // The event may stand alone among other fields, too: `started&agent=web-01`.
  http::Params pairs;
  const std::string_view first = body.substr(0, body.find('&'));
  if (first.find('=') == std::string_view::npos) {
    fields.event = decode_form_text(first);
    body.remove_prefix(std::min(first.size() + 1, body.size()));
  }
  parse_query(body, pairs);
  if (auto bad = refuse_pairs(pairs)) return *std::move(bad);
  const FormReader form(pairs);
  if (const auto event = form.find("event")) {
    if (!fields.event.empty()) return BadQuery{400, "the form names two events"};
    fields.event = *event;
  }
  fields.agent = form.find("agent");
  fields.timestamp = form.find("timestamp");
  auto error = form.find("error");
  std::optional<std::string> percent;
  if (auto bad = read_short_forms(form, fields, error, percent)) return *std::move(bad);
  const auto message = form.find("message");
  const auto log = form.find("log");
  const bool composed = error || message || log || percent;
  if (const auto data = form.find("data")) {
    if (composed) return BadQuery{400, "data excludes error, message, log and progress"};
    const auto parsed = JsonObject::parse(*data, {}, kJsonDepthMax - 1);
    if (std::holds_alternative<JsonError>(parsed)) return BadQuery{400, "data is a JSON object"};
    fields.data = *data;
  } else if (composed) {
    JsonText json;
    json.begin_object();
    json.raw_if("percent", percent.value_or(""));
    if (error) json.member("error", *error);
    if (message) json.member("message", *message);
    if (log) json.member("log", *log);
    json.end_object();
    fields.data = json.take();
  }
  return fields;
}

BadQuery not_taken(const Rejection& fault) {
  const bool large = fault.reason == RejectReason::kSize;
  return {large ? 413 : 400, "this cannot be stored: " + fault.detail};
}

}  // namespace

std::variant<NewEntry, BadQuery> parse_event(const http::Request& request,
                                             const std::string& job_id, WallTime now) {
  const auto form = form_of(request);
  if (!form) return wrong_type();
  if (*form == Form::kNone) {
    return BadQuery{400, "the body is empty; send an event, for example -d started"};
  }
  auto read = *form == Form::kJson ? read_json(request.body) : read_form(request.body);
  if (auto* const bad = std::get_if<BadQuery>(&read)) return std::move(*bad);
  auto& fields = std::get<EventFields>(read);
  const auto kind = event_from_word(fields.event);
  if (!kind && fields.event != kProgressWord) {
    return BadQuery{fields.event.empty() ? 400 : 422,
                    "event is submitted, acknowledged, started, progress, completed, failed, "
                    "skipped or retried"};
  }
  WallTime when = now;
  if (fields.timestamp) {
    const auto given = parse_timestamp(*fields.timestamp);
    if (!given) {
      return BadQuery{400, "timestamp is a time like 2026-01-31T12:00:00.5Z (RFC 3339)"};
    }
    when = *given;
  }
  const std::string_view reporter = kind == EventKind::kSubmitted ? kSubmitterAgent : kDefaultAgent;
  NewEntry entry = event_entry({.job_id = job_id,
                                .kind = kind,
                                .agent = fields.agent.value_or(std::string(reporter)),
                                .data = std::move(fields.data)},
                               when);
  if (const auto fault = find_fault(entry)) return not_taken(*fault);
  return entry;
}

std::variant<NewEntry, BadQuery> parse_definition(const http::Request& request,
                                                  const std::string& job_id, WallTime now) {
  constexpr std::array<std::string_view, 4> kNames = {"operation", "subject", "expected_agents",
                                                      "labels"};
  const auto form = form_of(request);
  if (!form) return wrong_type();
  if (*form == Form::kForm) {
    return BadQuery{400, "a definition is a JSON object with " + listed(kNames) + ", or no body"};
  }
  NewDefinition definition;
  definition.job_id = job_id;
  if (*form == Form::kJson) {
    auto read = read_object(request.body, kNames);
    if (auto* const bad = std::get_if<BadQuery>(&read)) return std::move(*bad);
    const auto& object = std::get<JsonObject>(read);
    std::optional<std::string> subject;
    if (auto bad = read_text(object, "subject", subject)) return *std::move(bad);
    definition.subject = subject.value_or("");
    const auto raw = [&](std::string_view name) {
      return object[name].present() ? std::string(object[name].raw) : std::string();
    };
    if (object["operation"].present()) definition.operation = raw("operation");
    definition.expected_agents_json = raw("expected_agents");
    definition.labels = raw("labels");
  }
  NewEntry entry = definition_entry(definition, now);
  if (const auto fault = find_fault(entry)) return not_taken(*fault);
  return entry;
}

}  // namespace bide
