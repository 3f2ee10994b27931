#include "core/base/packed_text.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

namespace bide {
namespace {

using Count = std::atomic<std::uint32_t>;

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

Count& count_of(char* bytes) {
  return *std::launder(reinterpret_cast<Count*>(bytes - sizeof(Count)));
}

// For one owner.
char* allocate(std::size_t size) {
  void* const block = ::operator new(sizeof(Count) + size);
  new (block) Count(1);
  return static_cast<char*>(block) + sizeof(Count);
}

}  // namespace

PackedText::PackedText(std::initializer_list<std::string_view> strings) {
  std::array<std::string_view, kStringsMax> kept;
  std::size_t size = 0, count = 0;
  for (const std::string_view text : strings) {
    kept[count] = until_nul(text);
    size += kept[count++].size() + 1;
  }
  bytes_ = allocate(size);
  char* out = bytes_;
  for (std::size_t i = 0; i < count; ++i) {
    out = std::copy(kept[i].begin(), kept[i].end(), out);
    *out++ = '\0';
  }
}

PackedText::PackedText(Packed packed) : bytes_(allocate(packed.bytes.size())) {
  std::copy(packed.bytes.begin(), packed.bytes.end(), bytes_);
}

PackedText::PackedText(const PackedText& other) noexcept : bytes_(other.bytes_) {
  if (bytes_ != nullptr) count_of(bytes_).fetch_add(1, std::memory_order_relaxed);
}

void PackedText::reset() noexcept {
  char* const bytes = std::exchange(bytes_, nullptr);
  if (bytes == nullptr) return;
  Count& count = count_of(bytes);
  // Most are never shared. For them a plain load replaces the locked instruction.
  const bool last = count.load(std::memory_order_acquire) == 1 ||
                    count.fetch_sub(1, std::memory_order_acq_rel) == 1;
  if (last) ::operator delete(bytes - sizeof(Count));
}

std::string_view PackedText::operator[](std::size_t index) const {
  std::string_view text(bytes_);
  for (; index > 0; --index) text = std::string_view(text.data() + text.size() + 1);
  return text;
}

}  // namespace bide
