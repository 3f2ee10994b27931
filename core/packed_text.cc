#include "core/packed_text.h"

#include <algorithm>

namespace bide {
namespace {

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

PackedText::PackedText(std::initializer_list<std::string_view> strings) {
  std::size_t size = 0;
  for (const std::string_view text : strings) size += until_nul(text).size() + 1;
  bytes_ = std::make_unique_for_overwrite<char[]>(size);
  char* out = bytes_.get();
  for (const std::string_view text : strings) {
    const std::string_view kept = until_nul(text);
    out = std::copy(kept.begin(), kept.end(), out);
    *out++ = '\0';
  }
}

std::string_view PackedText::operator[](std::size_t index) const {
  std::string_view text(bytes_.get());
  for (; index > 0; --index) text = std::string_view(text.data() + text.size() + 1);
  return text;
}

}  // namespace bide
