#include "client/data_out.h"

#include <ostream>

#include "client/screen_text.h"

namespace bide {

void DataOut::text(std::string_view text) { out_ << text; }

void DataOut::json(std::string_view value) {
  if (terminal_) {
    out_ << json_on_screen(value) << '\n';
  } else {
    out_ << value << '\n';
  }
}

bool DataOut::flush() {
  out_ << std::flush;
  return static_cast<bool>(out_);
}

}  // namespace bide
