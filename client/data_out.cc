#include "client/data_out.h"

#include <ostream>

#include "client/screen_text.h"

namespace bide {

void DataOut::text(std::string_view text) { out_ << text; }

void DataOut::json(std::string_view value) {
  if (!filter_) {
    plain_json(value);
    return;
  }
  auto error = filter_->run(value, [&](const JqFilter::Output& output) {
    if (!output.is_string) {
      plain_json(output.text);
    } else {
      out_ << (terminal_ ? lines_on_screen(output.text) : std::string(output.text)) << '\n';
    }
    return static_cast<bool>(out_);  // Ends an endless filter when nobody reads its output.
  });
  if (error && !filter_error_) filter_error_ = std::move(error);
}

void DataOut::plain_json(std::string_view value) {
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

std::optional<std::string> DataOut::failure() {
  if (!flush()) return "cannot write to stdout";
  return filter_error_;
}

}  // namespace bide
