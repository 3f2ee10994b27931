#include "core/job/job_id.h"

#include <algorithm>
#include <cstring>

namespace bide {

JobId::~JobId() {
  if (size() > kInlineBytes) delete[] far();
}

std::string_view JobId::text() const {
  return {size() <= kInlineBytes ? bytes_.data() : far(), size()};
}

void JobId::assign(std::string_view text) {
  const std::size_t size = std::min(text.size(), kBytesMax);
  char* to = bytes_.data();
  if (size > kInlineBytes) {
    to = new char[size];
    std::memcpy(bytes_.data(), &to, sizeof to);
  }
  text.copy(to, size);
  bytes_.back() = static_cast<char>(size);
}

char* JobId::far() const {
  char* text = nullptr;
  std::memcpy(&text, bytes_.data(), sizeof text);
  return text;
}

}  // namespace bide
