// core/job/job_id.h: A job's id, as parked requests carry it.
//
// Ids are mostly UUIDs, and a server holds many requests. So an id of up to kInlineBytes stands in
// the object itself, which takes 40 bytes and no allocation. A std::string takes 32 bytes and
// another 48 of the heap for a UUID.
//
// Thread safety: a value.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bide {

class JobId {
 public:
  static constexpr std::size_t kInlineBytes = 39;
  static constexpr std::size_t kBytesMax = 255;  // An id has up to 128 (is_job_id()).

  JobId() = default;
  // At most kBytesMax of `text` are kept. Throws std::bad_alloc, for long ids.
  template <std::convertible_to<std::string_view> Text>
  JobId(const Text& text) {  // NOLINT(google-explicit-constructor): it is one.
    assign(text);
  }
  JobId(const JobId& other) { assign(other.text()); }
  JobId(JobId&& other) noexcept : bytes_(other.bytes_) { other.bytes_.back() = 0; }
  JobId& operator=(JobId other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~JobId();

  [[nodiscard]] std::string_view text() const;
  operator std::string_view() const { return text(); }  // NOLINT(google-explicit-constructor)

  friend bool operator==(const JobId& a, const JobId& b) { return a.text() == b.text(); }

 private:
  void assign(std::string_view text);
  [[nodiscard]] std::size_t size() const { return static_cast<std::uint8_t>(bytes_.back()); }
  [[nodiscard]] char* far() const;

  // The text and, in the last byte, its size. A longer text is on the heap; its address stands here
  // instead.
  std::array<char, kInlineBytes + 1> bytes_{};
};

}  // namespace bide
