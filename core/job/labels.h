// core/job/labels.h: The labels of a job, names with values, by which clients select jobs.
//
// In memory they are one block of packed text that copies share, and a pointer: a job without
// labels has the pointer alone.
//
// Thread safety: immutable values; copies may be used and destroyed on any thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/packed_text.h"

namespace bide {

class Labels {
 public:
  static constexpr std::size_t kLabelsMax = 16;
  static constexpr std::size_t kNameBytesMax = 63;
  static constexpr std::size_t kValueBytesMax = 128;

  // 1 to kNameBytesMax of a-z 0-9 . _ / -
  [[nodiscard]] static bool is_name(std::string_view text);
  // At most kValueBytesMax of UTF-8, without NUL. May be empty.
  [[nodiscard]] static bool is_value(std::string_view text);

  Labels() = default;
  // At most kLabelsMax labels, with valid names and values.
  explicit Labels(const std::map<std::string, std::string>& labels);

  // The labels whose text() this is. nullopt: it is not the text of any.
  [[nodiscard]] static std::optional<Labels> of_text(std::string_view text);

  [[nodiscard]] bool empty() const { return !packed_; }
  [[nodiscard]] bool contains(std::string_view label) const;  // `name=value`.
  // Calls `visit` with each label as `name=value`, by name. Names have no `=`. The views live as
  // long as the labels or a copy of them.
  template <typename F>
  void for_each(F&& visit) const {
    std::string_view rest = text();
    while (!rest.empty()) {
      const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest.front()));
      visit(rest.substr(1, size));
      rest.remove_prefix(1 + size);
    }
  }
  [[nodiscard]] std::size_t count() const;
  // The block's text: the same for equal labels.
  [[nodiscard]] std::string_view text() const { return packed_ ? packed_[0] : std::string_view(); }

  friend bool operator==(const Labels& a, const Labels& b) { return a.text() == b.text(); }

 private:
  // For each label a byte with the size of `name=value`, which is never 0, and `name=value`.
  PackedText packed_;
};

// The jobs that a client asks for: those that have all these labels and whose id contains this
// part.
struct Selection {
  std::vector<std::string> labels;  // `name=value`, sorted, each once; at most Labels::kLabelsMax.
  std::string id_part;              // Empty: any id.

  [[nodiscard]] bool takes(const Labels& of_job) const;  // By its labels.
  friend bool operator==(const Selection&, const Selection&) = default;
};
using SelectionPtr = std::shared_ptr<const Selection>;  // Null: all jobs.

}  // namespace bide
