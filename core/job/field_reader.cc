#include "core/job/field_reader.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "core/base/timestamp.h"

namespace bide {
namespace {

constexpr std::size_t kTimestampBytesMax = 64;

template <typename Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value = 0;
  if (text == "-0") return value;  // from_chars() accepts no sign for unsigned types.
  const auto [ptr, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_agent_name(const std::string& name) {
  return !name.empty() && name.size() <= kHostnameBytesMax && name.find('\0') == std::string::npos;
}

}  // namespace

std::string FieldReader::text(std::string_view name, Need need, std::size_t bytes_max) {
  const JsonMember& member = object_[name];
  const bool empty =
      !member.present() || (member.kind == JsonMember::Kind::kString && member.text.empty());
  if (empty) {
    if (need == Need::kRequired) reject(name, "a string that is not empty");
    return {};
  }
  if (member.kind != JsonMember::Kind::kString || member.text.find('\0') != std::string::npos) {
    reject(name, "a string without NUL");
    return {};
  }
  if (member.text.size() > bytes_max) {
    reject(name, "at most " + std::to_string(bytes_max) + " bytes");
    return {};
  }
  return member.text;
}

std::string FieldReader::timestamp(std::string_view name) {
  std::string value = text(name, Need::kRequired, kTimestampBytesMax);
  const TimestampShape shape = shape_of_timestamp(value);
  if (shape == TimestampShape::kNone && !value.empty()) reject(name, "a time as in RFC 3339");
  if (shape == TimestampShape::kWithoutZone) value += 'Z';
  return value;
}

void FieldReader::expect(std::string_view name, Need need, std::string_view expected) {
  const std::string value = text(name, need, kValueBytesMax);
  if (!value.empty() && value != expected)
    reject(name, "the value in the key", RejectReason::kMismatch);
}

std::optional<bool> FieldReader::boolean(std::string_view name) {
  const JsonMember& member = object_[name];
  if (!member.present()) return std::nullopt;
  if (member.kind != JsonMember::Kind::kBool) reject(name, "true or false");
  return member.raw == "true";
}

std::optional<std::int64_t> FieldReader::integer(std::string_view name) const {
  if (object_[name].kind != JsonMember::Kind::kNumber) return std::nullopt;
  return parse_integer<std::int64_t>(raw(name));
}

std::string FieldReader::percent(std::string_view name) {
  constexpr std::size_t kBytesMax = 32;
  const JsonMember& member = object_[name];
  if (!member.present()) return {};
  double value = -1;
  if (member.kind == JsonMember::Kind::kNumber && member.raw.size() <= kBytesMax) {
    (void)std::from_chars(member.raw.data(), member.raw.data() + member.raw.size(), value);
  }
  if (!(value >= 0 && value <= 100)) reject(name, "a number from 0 to 100");
  return any(name);
}

std::string FieldReader::object(std::string_view name) {
  const JsonMember& member = object_[name];
  if (member.present() && member.kind != JsonMember::Kind::kObject) reject(name, "an object");
  return any(name);
}

decltype(Definition::expected_agents) FieldReader::agents(std::string_view name) {
  const JsonMember& member = object_[name];
  if (!member.present()) return {};
  if (member.kind == JsonMember::Kind::kNumber) {
    const auto count = parse_integer<std::uint32_t>(member.raw);
    if (!count) reject(name, "a count or names");
    if (count.value_or(0) == 0) return {};
    return *count;
  }
  if (member.kind != JsonMember::Kind::kArray) {
    reject(name, "a count or names");
    return {};
  }
  auto names = parse_string_array(member.raw);
  if (!names || !std::all_of(names->begin(), names->end(), is_agent_name)) {
    reject(name, "an array of agents' names");
    return {};
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  names->shrink_to_fit();
  if (names->empty()) return {};
  return *std::move(names);
}

// Names and values are decoded together, as the strings of one array: name, value, name, ...
Labels FieldReader::labels(std::string_view name) {
  const JsonMember& member = object_[name];
  if (!member.present()) return {};
  const auto refuse = [&](std::string_view expectation) {
    reject(name, expectation, RejectReason::kLabels);
    return Labels();
  };
  if (member.kind != JsonMember::Kind::kObject) return refuse("an object of strings");
  std::vector<RawJsonMember> members = split_json_object(member.raw);
  std::erase_if(members, [](const RawJsonMember& one) { return one.value == "null"; });
  if (members.size() > Labels::kLabelsMax) {
    return refuse("at most " + std::to_string(Labels::kLabelsMax) + " labels");
  }
  std::string array = "[";
  for (const RawJsonMember& one : members) {
    if (array.size() > 1) array += ',';
    array.append("\"").append(one.name).append("\",").append(one.value);
  }
  const auto texts = parse_string_array(array += ']');
  if (!texts) return refuse("an object of strings");
  std::map<std::string, std::string> labels;
  for (std::size_t i = 0; i < texts->size(); i += 2) {
    if (!Labels::is_name((*texts)[i])) return refuse("names of 1 to 63 of a-z 0-9 . _ / -");
    if (!Labels::is_value((*texts)[i + 1])) return refuse("values of at most 128 bytes, no NUL");
    if (!labels.emplace((*texts)[i], (*texts)[i + 1]).second) return refuse("each name once");
  }
  return Labels(labels);
}

std::string_view FieldReader::raw(std::string_view name) const {
  const JsonMember& member = object_[name];
  return member.present() ? member.raw : std::string_view();
}

void FieldReader::reject(std::string_view name, std::string_view expectation, RejectReason reason) {
  if (problem_) return;
  problem_ = Rejection{reason, std::string(name) + ": expected " + std::string(expectation)};
}

}  // namespace bide
