#include "server/http/media_type.h"

#include <string>
#include <string_view>

#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"

namespace bide {
namespace {

constexpr int kQualityMax = 1000;  // Qualities are counted in thousandths.

struct Range {
  std::string_view type;
  std::string_view subtype;
  bool charset = false;  // Says charset=utf-8.
  bool foreign = false;  // Has a parameter that nothing of ours has.
  int quality = kQualityMax;
};

// `0`, `0.5`, `1.000`: at most three digits, at most 1. nullopt: malformed.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int quality = (text[0] - '0') * kQualityMax;
  if (text.size() == 1) return quality;
  const std::string_view decimals = text.substr(2);
  if (text[1] != '.' || decimals.size() > 3) return std::nullopt;
  if (run_of(decimals, kDigitByte) != decimals.size()) return std::nullopt;
  int weight = kQualityMax;
  for (const char digit : decimals) quality += (digit - '0') * (weight /= 10);
  return quality <= kQualityMax ? std::optional<int>(quality) : std::nullopt;
}

bool parse_names(std::string_view text, Range& range) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  range.type = text.substr(0, slash);
  range.subtype = text.substr(slash + 1);
  return is_token(range.type) && is_token(range.subtype) &&
         (range.type != "*" || range.subtype == "*");
}

// nullopt: malformed.
std::optional<Range> parse_range(std::string_view text) {
  Range range;
  const auto names = next_part(text, ';');
  if (!names || !parse_names(*names, range)) return std::nullopt;
  bool extensions = false;
  while (const auto part = next_part(text, ';')) {
    const Parameter parameter = split_parameter(*part);
    if (!is_token(parameter.name)) return std::nullopt;
    if (extensions) continue;
    const auto value = unquote(parameter.value);
    if (!value) return std::nullopt;
    if (equals_ignoring_case(parameter.name, "q")) {
      const auto quality = parse_quality(parameter.value);
      if (!quality) return std::nullopt;
      range.quality = *quality;
      extensions = true;
    } else if (equals_ignoring_case(parameter.name, "charset") &&
               equals_ignoring_case(*value, "utf-8")) {
      range.charset = true;
    } else {
      range.foreign = true;
    }
  }
  return range;
}

// One representation, with the most specific range so far that matches it, and its quality.
struct Offer {
  std::string_view type;
  std::string_view subtype;
  int specificity = -1;
  int quality = 0;

  void weigh(const Range& range) {
    const int specific = match(range);
    if (specific < 0 || specific < specificity) return;
    // The higher quality of two equally specific ranges counts.
    quality = specific == specificity ? std::max(quality, range.quality) : range.quality;
    specificity = specific;
  }
  [[nodiscard]] bool is_named() const { return specificity >= kNamed; }

 private:
  static constexpr int kNamed = 4;

  // How closely the range describes this representation; -1: not at all.
  [[nodiscard]] int match(const Range& range) const {
    if (range.foreign) return -1;
    const int parameters = range.charset ? 1 : 0;
    if (range.type == "*") return 0 + parameters;
    if (!equals_ignoring_case(range.type, type)) return -1;
    if (range.subtype == "*") return 2 + parameters;
    return equals_ignoring_case(range.subtype, subtype) ? kNamed + parameters : -1;
  }
};

// False: there is no usable Accept, so it is JSON.
bool weigh_all(const http::Headers& headers, Offer& json, Offer& text) {
  constexpr std::string_view kAccept = "Accept";
  bool said_anything = false;
  const auto [first, last] = field_lines(headers, kAccept);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (const auto member = next_part(rest, ',')) {
      const auto range = parse_range(*member);
      if (!range) return false;
      json.weigh(*range);
      text.weigh(*range);
      said_anything = true;
    }
  }
  return said_anything;
}

}  // namespace

std::optional<MediaType> negotiate(const http::Headers& headers) {
  Offer json{"application", "json"};
  Offer text{"text", "plain"};
  if (!weigh_all(headers, json, text)) return MediaType::kJson;
  if (json.quality == 0 && text.quality == 0) return std::nullopt;
  return text.quality > json.quality ? MediaType::kText : MediaType::kJson;
}

bool asks_for_json(const http::Headers& headers) {
  Offer json{"application", "json"};
  Offer text{"text", "plain"};
  return weigh_all(headers, json, text) && json.is_named() && json.quality > 0 &&
         json.quality >= text.quality;
}

bool accepts_json(const http::Headers& headers) {
  Offer json{"application", "json"};
  Offer text{"text", "plain"};
  return !weigh_all(headers, json, text) || json.quality > 0;
}

}  // namespace bide
