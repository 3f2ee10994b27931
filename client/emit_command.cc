// `bide emit`: a worker or a CI step reports an event or a job.
#include <unistd.h>

#include <array>
#include <iostream>

#include "client/api_access.h"
#include "client/bucket_writer.h"
#include "client/commands.h"
#include "client/nats_access.h"
#include "client/usage.h"
#include "core/base/json_object.h"
#include "core/base/utf8_text.h"
#include "core/job/entry_codec.h"
#include "core/job/new_entry.h"
#include "server/nats/login/bucket_config.h"

namespace bide {
namespace {

constexpr std::string_view kCommand = "bide emit";
constexpr Setting kSettings[] = {
    {"agent", SettingKind::kText, "NAME", "",
     "the agent that reports (default: this host's name; for submitted: _api)", "a name"},
    {"data", SettingKind::kText, "JSON", "", "an object that is stored with the event",
     "one JSON object"},
    {"error", SettingKind::kText, "TEXT", "",
     "the error message: short for --data '{\"error\": TEXT}'", "a text"},
    {"operation", SettingKind::kText, "JSON", "{}", "the job's task, an object", "one JSON object"},
    {"expected-agents", SettingKind::kText, "A,B", "", "the job is done when all of these are",
     "names, separated by commas"},
    {"subject", SettingKind::kText, "SUBJECT", "",
     "the subject to which the job was sent, as osapi writes it", "a subject"},
    {"bucket", SettingKind::kText, "NAME", kDefaultBucket, "the key-value bucket",
     "a bucket name of letters, digits, _ and -", '\0', true}};

Command make_command() {
  Command command{.name = kCommand,
                  .settings = {},
                  .help_begin = R"(bide emit ID EVENT [--agent NAME] [--data JSON | --error TEXT]
bide emit ID define [--operation JSON] [--expected-agents A,B] [--subject SUBJECT]

Writes one event of a job (submitted, acknowledged, started, completed, failed, skipped, retried),
its progress, or its definition, and returns when it is stored. The first event defines the job if
nobody has defined it. Progress overwrites the agent's last: --data '{"percent":40}', and `message`
and `log`.

)",
                  .help_end = R"(
Exit code: 0 stored, 1 not stored or not known, 2 usage, 4 not allowed.
)",
                  .takes_words = true};
  for (const Setting& setting : kSettings) command.settings.push_back(&setting);
  for (const Setting& setting : nats_flags()) command.settings.push_back(&setting);
  return command;
}

const Command& emit_command() {
  static const Command command = make_command();
  return command;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "unknown";
  return name.data();
}

// The output of a program may be in another encoding. U+FFFD replaces bytes that are not UTF-8,
// because an event with such a text is worth more than none.
std::optional<std::string> find_text(const Arguments& arguments, std::string_view name) {
  const Assignment* const given = arguments.find(name);
  if (given == nullptr) return std::nullopt;
  std::string text = as_utf8(given->text);
  if (text != given->text) {
    std::cerr << std::string(kCommand) + ": warning: " + given->where +
                     " is not UTF-8; U+FFFD replaces the invalid bytes\n";
  }
  return text;
}

bool is_bucket_name(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// The text is inserted unchanged into a larger document, so it must be a JSON object by itself.
// Otherwise a `}` in it could end the document early. One level of depth is left for that document.
bool is_embeddable(std::string_view json) {
  if (json.size() > kValueBytesMax) return false;
  return std::holds_alternative<JsonObject>(JsonObject::parse(json, {}, kJsonDepthMax - 1));
}

Misuse not_taken(const Rejection& fault) {
  return Misuse{"bide would not take this: " + fault.detail};
}

std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    if (comma > begin) names.push_back(list.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return names;
}

// The entries to write: `define` needs only the definition, an event needs both.
struct EmitPlan {
  NewEntry definition;
  std::optional<NewEntry> event;
  std::string bucket;
};

std::optional<Misuse> find_misplaced(const Arguments& arguments, bool define) {
  constexpr std::array kOfEvents = {"agent", "data", "error"};
  constexpr std::array kOfDefinitions = {"operation", "expected-agents", "subject"};
  for (const char* name : define ? kOfEvents : kOfDefinitions) {
    if (!arguments.given(name)) continue;
    return Misuse{"--" + std::string(name) +
                  (define ? " goes with an event" : " goes with define")};
  }
  if (arguments.given("data") && arguments.given("error")) {
    return Misuse{"--data and --error exclude each other"};
  }
  return std::nullopt;
}

std::variant<NewEntry, Misuse> event_of(const std::string& id, const std::string& word,
                                        const Arguments& arguments, WallTime now) {
  const auto kind = event_from_word(word);
  if (!kind && word != kProgressWord) {
    return Misuse{
        "an event is submitted, acknowledged, started, progress, completed, failed, skipped or "
        "retried; or say define"};
  }
  NewEvent event{.job_id = id, .kind = kind, .agent = {}, .data = {}};
  const bool by_submitter = kind == EventKind::kSubmitted;
  event.agent = find_text(arguments, "agent")
                    .value_or(by_submitter ? std::string(kSubmitterAgent) : as_utf8(host_name()));
  event.data = find_text(arguments, "data").value_or("");
  if (arguments.given("data") && !is_embeddable(event.data)) {
    return arguments.unexpected("data");
  }
  if (const auto error = find_text(arguments, "error")) event.data = error_data(*error);
  NewEntry entry = event_entry(event, now);
  if (const auto fault = find_fault(entry)) return not_taken(*fault);
  return entry;
}

std::variant<NewEntry, Misuse> definition_of(const std::string& id, const Arguments& arguments,
                                             WallTime now) {
  NewDefinition definition;
  definition.job_id = id;
  definition.operation = find_text(arguments, "operation").value_or(arguments.value("operation"));
  if (!is_embeddable(definition.operation)) return arguments.unexpected("operation");
  definition.subject = find_text(arguments, "subject").value_or("");
  definition.expected_agents = names_in(find_text(arguments, "expected-agents").value_or(""));
  if (arguments.given("expected-agents") && definition.expected_agents.empty()) {
    return arguments.unexpected("expected-agents");
  }
  NewEntry entry = definition_entry(definition, now);
  if (const auto fault = find_fault(entry)) return not_taken(*fault);
  return entry;
}

std::variant<EmitPlan, Misuse> plan_of(const Arguments& arguments) {
  const auto& words = arguments.words();
  if (words.size() != 2) return Misuse{"expected a job id and an event, or define"};
  auto id = checked_job_id(words[0]);
  if (const auto* error = std::get_if<Misuse>(&id)) return *error;
  const bool define = words[1] == "define";
  if (auto error = find_misplaced(arguments, define)) return *error;

  EmitPlan plan;
  const WallTime now = std::chrono::system_clock::now();
  if (!define) {
    auto event = event_of(words[0], words[1], arguments, now);
    if (const auto* error = std::get_if<Misuse>(&event)) return *error;
    plan.event = std::move(std::get<NewEntry>(event));
  }
  auto definition = definition_of(words[0], arguments, now);
  if (const auto* error = std::get_if<Misuse>(&definition)) return *error;
  plan.definition = std::move(std::get<NewEntry>(definition));
  plan.bucket = arguments.value("bucket");
  if (!is_bucket_name(plan.bucket)) return arguments.unexpected("bucket");
  return plan;
}

// The definition was written, but then the event was refused.
std::string_view outcome_of(bool defined) {
  return defined ? "; the job is defined now, the event was not stored" : "; nothing was stored";
}

int write(const EmitPlan& plan, const NatsLogin& login) {
  auto opened = BucketWriter::open(login, plan.bucket);
  std::optional<BucketError> error;
  bool defined = false;
  if (auto* const refused = std::get_if<BucketError>(&opened)) {
    error = std::move(*refused);
  } else {
    BucketWriter& bucket = std::get<BucketWriter>(opened);
    error =
        plan.event ? bucket.put_if_absent(plan.definition, &defined) : bucket.put(plan.definition);
    if (!error && plan.event) error = bucket.put(*plan.event);
  }
  if (!error) return static_cast<int>(ExitCode::kCompleted);
  if (error->kind == BucketError::Kind::kFailed) {
    return fail(kCommand, ExitCode::kBideFailed, error->message);
  }
  return fail(kCommand, ExitCode::kAuth, error->message.append(outcome_of(defined)));
}

int emit(std::span<const std::string> args) {
  const auto parsed = Arguments::parse(args, emit_command());
  if (const auto* end = std::get_if<UsageError>(&parsed)) return finish(kCommand, *end);
  const auto& arguments = std::get<Arguments>(parsed);
  const auto planned = plan_of(arguments);
  if (const auto* error = std::get_if<Misuse>(&planned)) return fail_usage(kCommand, *error);
  const auto access = find_nats_access(arguments);
  if (const auto* error = std::get_if<NoNatsAccess>(&access)) {
    if (error->code == ExitCode::kUsage) return fail_usage(kCommand, Misuse{error->message});
    return fail(kCommand, error->code, error->message);
  }
  return write(std::get<EmitPlan>(planned), std::get<NatsLogin>(access));
}

}  // namespace

int run_emit(std::span<const std::string> args) {
  try {
    return emit(args);
  } catch (const std::exception& error) {
    return fail(kCommand, ExitCode::kBideFailed, error.what());
  }
}

}  // namespace bide
