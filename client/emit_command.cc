// `bide emit`: a worker or a CI step reports an event or a job.
#include <array>
#include <iostream>
#include <random>

#include "client/bucket_writer.h"
#include "client/carry_out.h"
#include "client/commands.h"
#include "client/http_writer.h"
#include "client/label_flag.h"
#include "client/retry.h"
#include "client/terminal.h"
#include "client/usage.h"
#include "client/write_access.h"
#include "core/base/duration.h"
#include "core/base/json_object.h"
#include "core/base/utf8_text.h"
#include "core/job/entry_codec.h"
#include "core/job/new_entry.h"

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
    {"timeout", SettingKind::kText, "TIME", "30s",
     "over HTTP, try again for this long if the server cannot be reached or cannot store",
     "a time above 0, such as 30s or 5m"}};

Command make_command() {
  Command command{
      .name = kCommand,
      .summary = "write a job's event, or its definition",
      .synopsis = {"ID EVENT [--agent NAME] [--data JSON | --error TEXT]",
                   "ID define [--operation JSON] [--expected-agents A,B] [--subject SUBJECT] "
                   "[--label NAME=VALUE]..."},
      .description =
          R"(Writes one event of a job (submitted, acknowledged, started, completed, failed, skipped,
retried), its progress, or its definition, and returns when it is stored. The first event defines
the job if nobody has defined it. Progress overwrites the agent's last: --data '{"percent":40}', and
`message` and `log`.)",
      .examples = {"bide emit build-7 started",
                   "bide emit build-7 progress --data '{\"percent\":40,\"message\":\"linking\"}'",
                   "bide emit build-7 failed --error 'tests failed'",
                   "bide emit build-8 define --expected-agents linux,mac --label release=42"},
      .settings = {},
      .notes = about_writing(),
      .exit_codes = {{"0", "stored"},
                     {"1", "not stored, or not known"},
                     {"2", "usage"},
                     {"4", "not allowed"},
                     {"130, 143", "ended by SIGINT or SIGTERM"}},
      .takes_words = true,
      .words = WordKind::kEvent};
  for (const Setting& setting : kSettings) command.settings.push_back(&setting);
  command.settings.push_back(&kLabelSetting);
  for (const Setting* const setting : write_flags()) command.settings.push_back(setting);
  return command;
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

// What to write: `define` needs only the definition, an event needs both over NATS.
struct EmitPlan {
  Report definition;
  std::optional<Report> event;
  std::chrono::milliseconds timeout{};
};

std::optional<Misuse> find_misplaced(const Arguments& arguments, bool define) {
  constexpr std::array kOfEvents = {"agent", "data", "error"};
  constexpr std::array kOfDefinitions = {"operation", "expected-agents", "subject", "label"};
  using Names = std::span<const char* const>;
  for (const char* name : define ? Names(kOfEvents) : Names(kOfDefinitions)) {
    if (!arguments.given(name)) continue;
    return Misuse{"--" + std::string(name) +
                  (define ? " goes with an event" : " goes with define")};
  }
  if (arguments.given("data") && arguments.given("error")) {
    return Misuse{"--data and --error exclude each other"};
  }
  return std::nullopt;
}

std::variant<Report, Misuse> event_of(const std::string& id, const std::string& word,
                                      const Arguments& arguments) {
  const auto kind = event_from_word(word);
  if (!kind && word != kProgressWord) {
    return Misuse{
        std::string(
            "an event is submitted, acknowledged, started, progress, completed, failed, skipped or "
            "retried; or say define") +
        meant(word, kEventWords)};
  }
  NewEvent event{.job_id = id, .kind = kind, .agent = {}, .data = {}};
  const bool by_submitter = kind == EventKind::kSubmitted;
  event.agent = find_text(arguments, "agent")
                    .value_or(by_submitter ? std::string(kSubmitterAgent) : host_name());
  event.data = find_text(arguments, "data").value_or("");
  if (arguments.given("data") && !is_embeddable(event.data)) {
    return arguments.unexpected("data");
  }
  if (const auto error = find_text(arguments, "error")) event.data = error_data(*error);
  Report report = report_of(std::move(event));
  if (const auto fault = find_fault(entry_of(report))) return not_taken(*fault);
  return report;
}

std::variant<Report, Misuse> definition_of(const std::string& id, const Arguments& arguments) {
  NewDefinition definition;
  definition.job_id = id;
  definition.operation = find_text(arguments, "operation").value_or(arguments.value("operation"));
  if (!is_embeddable(definition.operation)) return arguments.unexpected("operation");
  definition.subject = find_text(arguments, "subject").value_or("");
  definition.expected_agents = names_in(find_text(arguments, "expected-agents").value_or(""));
  if (arguments.given("expected-agents") && definition.expected_agents.empty()) {
    return arguments.unexpected("expected-agents");
  }
  auto labels = labels_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&labels)) return *error;
  definition.labels = std::get<std::string>(std::move(labels));
  Report report = report_of(std::move(definition));
  if (const auto fault = find_fault(entry_of(report))) return not_taken(*fault);
  return report;
}

std::variant<EmitPlan, Misuse> plan_of(const Arguments& arguments) {
  const auto& words = arguments.words();
  if (words.size() != 2) return Misuse{"expected a job id and an event, or define"};
  auto id = checked_job_id(words[0]);
  if (const auto* error = std::get_if<Misuse>(&id)) return *error;
  const bool define = words[1] == "define";
  if (auto error = find_misplaced(arguments, define)) return *error;

  EmitPlan plan;
  if (!define) {
    auto event = event_of(words[0], words[1], arguments);
    if (const auto* error = std::get_if<Misuse>(&event)) return *error;
    plan.event = std::move(std::get<Report>(event));
  }
  auto definition = definition_of(words[0], arguments);
  if (const auto* error = std::get_if<Misuse>(&definition)) return *error;
  plan.definition = std::move(std::get<Report>(definition));
  const auto timeout = parse_duration(arguments.value("timeout"));
  if (!timeout || timeout->count() == 0) return arguments.unexpected("timeout");
  plan.timeout = *timeout;
  return plan;
}

// The definition was written, but then the event was refused.
std::string_view outcome_of(bool defined) {
  return defined ? "; the job is defined now, the event was not stored" : "; nothing was stored";
}

int write_to_bucket(const EmitPlan& plan, const BucketAccess& access) {
  auto opened = BucketWriter::open(access.login, access.bucket);
  std::optional<BucketError> error;
  bool defined = false;
  if (auto* const refused = std::get_if<BucketError>(&opened)) {
    error = std::move(*refused);
  } else {
    BucketWriter& bucket = std::get<BucketWriter>(opened);
    const NewEntry definition = entry_of(plan.definition);
    error = plan.event ? bucket.put_if_absent(definition, &defined) : bucket.put(definition);
    if (!error && plan.event) error = bucket.put(entry_of(*plan.event));
  }
  if (!error) return static_cast<int>(ExitCode::kCompleted);
  if (error->kind == BucketError::Kind::kFailed) {
    return fail(kCommand, ExitCode::kBideFailed, error->message);
  }
  return fail(kCommand, ExitCode::kAuth, error->message.append(outcome_of(defined)));
}

int write_over_http(const EmitPlan& plan, const ApiAccess& access, const Arguments& arguments) {
  end_on_signals();
  warn_of_plain_token(kCommand, access);
  HttpWriter writer(access);
  Retry retry(std::random_device{}(), std::chrono::steady_clock::now() + plan.timeout);
  const WriteReply reply = retry.run([&](std::chrono::milliseconds patience) {
    return writer.send(plan.event ? *plan.event : plan.definition, patience);
  });
  if (std::holds_alternative<Stored>(reply)) return static_cast<int>(ExitCode::kCompleted);
  if (const auto* const refusal = std::get_if<ServerRefusal>(&reply)) {
    return fail(kCommand, exit_code_of(*refusal), refusal->detail + "; nothing was stored");
  }
  const std::string& trouble = std::get<Trouble>(reply).what;
  return fail(kCommand, ExitCode::kBideFailed,
              "not known to be stored after " + format_duration(plan.timeout) + ": " + trouble +
                  hint_about(trouble, arguments));
}

int emit(const Arguments& arguments) {
  const auto planned = plan_of(arguments);
  if (const auto* error = std::get_if<Misuse>(&planned)) return fail_usage(kCommand, *error);
  const auto& plan = std::get<EmitPlan>(planned);
  const auto access = find_write_access(arguments);
  if (const auto* error = std::get_if<NoAccess>(&access)) return fail(kCommand, *error);
  if (const auto* bucket = std::get_if<BucketAccess>(&access))
    return write_to_bucket(plan, *bucket);
  return write_over_http(plan, std::get<ApiAccess>(access), arguments);
}

}  // namespace

const Command& emit_command() {
  static const Command command = make_command();
  return command;
}

int run_emit(std::span<const std::string> args) { return carry_out(emit_command(), args, emit); }

}  // namespace bide
