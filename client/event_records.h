// client/event_records.h: Reads server-sent events (WHATWG HTML section 9.2) from the pieces in
// which they arrive.
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace bide {

class EventRecords {
 public:
  // Beyond any record that bide sends.
  static constexpr std::size_t kRecordBytesMax = 256U << 20;

  struct Record {
    std::string event;  // Empty: none was named.
    std::string id;     // Empty: none.
    std::string data;
  };
  // Calls `take` with each record that is complete. False: `take` has returned false, or a record
  // is too long.
  [[nodiscard]] bool feed(std::string_view bytes, const std::function<bool(const Record&)>& take);

 private:
  [[nodiscard]] bool line(std::string_view text, const std::function<bool(const Record&)>& take);

  std::string unread_;  // The beginning of a line.
  Record record_;
  bool any_ = false;  // The record has a field.
};

}  // namespace bide
