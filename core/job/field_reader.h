// core/job/field_reader.h: Reads typed fields of a JSON object and remembers the first problem.
//
// After a problem, reading goes on with empty results. So a decoder is a list of its fields, and
// checks problem() once, at the end. `null` counts as absent everywhere.
//
// Thread safety: none; lives on one stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_object.h"
#include "core/job/entry_codec.h"

namespace bide {

class FieldReader {
 public:
  enum class Need : std::uint8_t { kRequired, kOptional };

  // `object` must outlive the reader, and must have been parsed for every name that is read here.
  explicit FieldReader(const JsonObject& object) : object_(object) {}

  // A string without NUL, at most `bytes_max` long and, if required, not empty. Empty when absent.
  std::string text(std::string_view name, Need need, std::size_t bytes_max);
  // As text(), with the shape of RFC 3339. A timestamp without a zone gets that of UTC.
  std::string timestamp(std::string_view name);
  // A string equal to `expected`. Any other string is a kMismatch.
  void expect(std::string_view name, Need need, std::string_view expected);
  std::optional<bool> boolean(std::string_view name);
  // nullopt: absent or not an integer that fits; no problem either way.
  std::optional<std::int64_t> integer(std::string_view name) const;
  // A number from 0 to 100, as written; empty when absent.
  std::string percent(std::string_view name);
  // Raw JSON; empty when absent.
  std::string any(std::string_view name) const { return std::string(raw(name)); }
  std::string object(std::string_view name);
  // See Definition::expected_agents.
  decltype(Definition::expected_agents) agents(std::string_view name);
  // An object of strings within the limits of core/job/labels.h; anything else is a kLabels. A
  // label whose value is null is left out.
  Labels labels(std::string_view name);

  [[nodiscard]] const std::optional<Rejection>& problem() const { return problem_; }

 private:
  std::string_view raw(std::string_view name) const;
  void reject(std::string_view name, std::string_view expectation,
              RejectReason reason = RejectReason::kField);

  const JsonObject& object_;
  std::optional<Rejection> problem_;
};

}  // namespace bide
