#include "client/jq_filter.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "core/base/printable.h"

extern "C" {
#include <jq.h>
#include <jv.h>
}

namespace bide {
namespace {

constexpr std::size_t kErrorBytesMax = 300;
// jq's `stderr` would write text to the terminal that has not been made safe for it.
constexpr std::string_view kPrelude = "def stderr: .; ";

extern "C" void on_filter_cpu_used_up(int) {
  constexpr std::string_view kText = "bide: --jq: the filter takes too long\n";
  const ssize_t ignored = ::write(STDERR_FILENO, kText.data(), kText.size());
  static_cast<void>(ignored);
  ::_exit(1);
}

// While it lives, the process ends after so much time of the processor.
class CpuLimit {
 public:
  explicit CpuLimit(std::chrono::milliseconds max) {
    struct sigaction action {};
    action.sa_handler = on_filter_cpu_used_up;
    sigemptyset(&action.sa_mask);
    sigaction(SIGVTALRM, &action, nullptr);
    set(max);
  }
  ~CpuLimit() { set(std::chrono::milliseconds(0)); }
  CpuLimit(const CpuLimit&) = delete;
  CpuLimit& operator=(const CpuLimit&) = delete;

 private:
  static void set(std::chrono::milliseconds time) {
    itimerval timer{};
    timer.it_value.tv_sec = static_cast<time_t>(time.count() / 1000);
    timer.it_value.tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000);
    static_cast<void>(setitimer(ITIMER_VIRTUAL, &timer, nullptr));
  }
};

std::string text_of(jv string) {
  std::string text(jv_string_value(string),
                   static_cast<std::size_t>(jv_string_length_bytes(jv_copy(string))));
  jv_free(string);
  return text;
}

// The beginning of a value, to be shown in an error message.
std::string message_of(jv value) {
  std::string text =
      text_of(jv_get_kind(value) == JV_KIND_STRING ? value : jv_dump_string(value, 0));
  text.resize(std::min(text.size(), kErrorBytesMax));
  return printable(text, " ");
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// The first two hexadecimal digits of the escape `\uXXXX` at `at`; 0: there is none.
unsigned escape_begin(std::string_view json, std::size_t at) {
  const std::string_view escape = json.substr(std::min(at, json.size()), 6);
  if (escape.size() < 6 || !escape.starts_with("\\u") || !is_hex(escape.substr(2))) return 0;
  return static_cast<unsigned>(std::stoul(std::string(escape.substr(2, 2)), nullptr, 16));
}

// With U+FFFD in place of escaped surrogates that stand alone: JSON allows them, and jq 1.6 refuses
// the whole text.
std::string without_lone_surrogates(std::string_view json) {
  std::string text(json);
  for (std::size_t at = text.find('\\'); at < text.size(); at = text.find('\\', at)) {
    const unsigned begin = escape_begin(text, at);
    const bool high = begin >= 0xD8 && begin <= 0xDB;
    const bool low = begin >= 0xDC && begin <= 0xDF;
    const unsigned next = high ? escape_begin(text, at + 6) : 0;
    if (next >= 0xDC && next <= 0xDF) {
      at += 12;
      continue;
    }
    if (high || low) text.replace(at + 2, 4, "fffd");
    at += begin != 0 ? 6 : 2;
  }
  return text;
}

}  // namespace

class JqFilter::State {
 public:
  explicit State(std::chrono::milliseconds max) : cpu_max(max), jq(jq_init()) {
    if (jq == nullptr) throw std::bad_alloc();
    jq_set_error_cb(jq, on_error, this);
    // jq 1.6 leaves both unset, and calls them.
    jq_set_input_cb(
        jq, [](jq_state*, void*) { return jv_invalid(); }, nullptr);
    jq_set_debug_cb(
        jq, [](void*, jv message) { jv_free(message); }, nullptr);
    // Without these, a program that imports a module ends the process.
    jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
    jq_set_attr(jq, jv_string("JQ_ORIGIN"), jv_string("."));
    jq_set_attr(jq, jv_string("PROGRAM_ORIGIN"), jv_string("."));
  }
  ~State() { jq_teardown(&jq); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const std::chrono::milliseconds cpu_max;
  jq_state* jq;
  std::string complaint;  // The first that jq has made.

 private:
  static void on_error(void* self, jv message) {
    auto& complaint = static_cast<State*>(self)->complaint;
    std::string text = message_of(jq_format_error(message));
    if (complaint.empty()) complaint = std::move(text);
  }
};

JqFilter::JqFilter(std::unique_ptr<State> state) : state_(std::move(state)) {}
JqFilter::~JqFilter() = default;

std::variant<std::shared_ptr<JqFilter>, Misuse> JqFilter::compile(
    const std::string& program, std::chrono::milliseconds cpu_max) {
  auto state = std::make_unique<State>(cpu_max);
  const CpuLimit limit(cpu_max);
  // jq takes a text up to the first NUL, and no text at all for `.`.
  const std::string whole = std::string(kPrelude) + (program.empty() ? "." : program);
  if (jq_compile(state->jq, whole.c_str()) != 0)
    return std::shared_ptr<JqFilter>(new JqFilter(std::move(state)));
  std::string why = state->complaint;
  for (const std::string_view word : {"jq: error: ", "error: "}) {
    if (why.starts_with(word)) why.erase(0, word.size());
  }
  // jq names only the line, which is always 1.
  for (const std::string_view noise : {" (Unix shell quoting issues?)", " at <top-level>"}) {
    const std::size_t at = why.find(noise);
    if (at != std::string::npos) why.erase(at, noise.size());
  }
  why.resize(std::min(why.size(), why.find(", line 1:")));
  return Misuse{"--jq: " + why};
}

std::optional<std::string> JqFilter::run(std::string_view json,
                                         const std::function<bool(const Output&)>& take) {
  jq_state* const jq = state_->jq;
  const CpuLimit limit(state_->cpu_max);
  const std::string text = without_lone_surrogates(json);
  jv input = jv_parse_sized(text.data(), static_cast<int>(text.size()));
  if (!jv_is_valid(input)) {
    std::string why = message_of(jv_invalid_get_msg(input));
    why.resize(std::min(why.size(), why.find(" (while parsing")));
    return "--jq: jq cannot read the state: " + why;
  }
  state_->complaint.clear();
  jq_start(jq, input, 0);
  for (;;) {
    jv output = jq_next(jq);
    if (!jv_is_valid(output)) {
      if (!jv_invalid_has_msg(jv_copy(output))) {
        jv_free(output);
        break;
      }
      return "--jq: " + message_of(jv_invalid_get_msg(output));
    }
    const bool is_string = jv_get_kind(output) == JV_KIND_STRING;
    const std::string shown = text_of(is_string ? output : jv_dump_string(output, 0));
    if (!take({shown, is_string})) return std::nullopt;
  }
  if (jq_halted(jq) == 0) return std::nullopt;
  jv code = jq_get_exit_code(jq);
  const bool asked = jv_is_valid(code);  // halt_error, and not halt.
  jv_free(code);
  jv message = jq_get_error_message(jq);
  if (!asked || !jv_is_valid(message)) {
    jv_free(message);
    return std::nullopt;
  }
  return "--jq: " + message_of(message);
}

}  // namespace bide
