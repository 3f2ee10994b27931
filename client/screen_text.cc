#include "client/screen_text.h"

#include <langinfo.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cwchar>

#include "client/terminal.h"
#include "core/base/printable.h"
#include "core/base/timestamp.h"
#include "core/base/utf8_text.h"

namespace bide {
namespace {

constexpr std::size_t kMarksMax = 4;

enum class Charset : std::uint8_t {
  kUnknown,  // use_locale() has found no terminal.
  kUtf8,
  kAscii,
};
Charset charset_of_terminal = Charset::kUnknown;

// Makes the text piece by piece, so that it can end where the columns do.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) {}

  struct Piece {
    std::string_view bytes;
    std::size_t columns = 0;
  };
  // False: there is no more.
  bool next(Piece& piece) {
    while (!text_.empty()) {
      const Character first = first_character(text_);
      piece.bytes = text_.substr(0, first.bytes);
      text_.remove_prefix(first.valid ? first.bytes : 1);
      piece.columns = 1;
      if (!first.valid || !is_printable(first.code_point)) {
        piece.bytes = " ";
      } else if (first.code_point >= 0x80) {
        if (!measure(first.code_point, piece)) continue;
      }
      if (piece.columns > 0) marks_ = 0;
      begun_ = true;
      return true;
    }
    return false;
  }

 private:
  // False: it is left out.
  bool measure(char32_t c, Piece& piece) {
    if (charset_of_terminal == Charset::kUnknown) return true;
    const int width =
        charset_of_terminal == Charset::kUtf8 ? ::wcwidth(static_cast<wchar_t>(c)) : -1;
    if (width < 0) piece.bytes = "?";
    if (width != 0) {
      piece.columns = static_cast<std::size_t>(std::max(width, 1));
      return true;
    }
    // A mark needs a character to stand on, or it would change what stands before this text.
    piece.columns = 0;
    return begun_ && ++marks_ <= kMarksMax;
  }

  std::string_view text_;
  std::size_t marks_ = 0;
  bool begun_ = false;
};

struct Cut {
  std::string text;
  std::size_t columns = 0;
};

Cut cut_at_columns(std::string_view text, std::size_t columns_max) {
  Cut cut;
  Pieces pieces(text);
  for (Pieces::Piece piece; pieces.next(piece);) {
    if (cut.columns + piece.columns > columns_max) break;
    cut.text += piece.bytes;
    cut.columns += piece.columns;
  }
  return cut;
}

}  // namespace

void use_locale() {
  if (!stdout_is_terminal() && !stderr_is_terminal()) return;
  static_cast<void>(std::setlocale(LC_CTYPE, ""));
  const bool utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  charset_of_terminal = utf8 ? Charset::kUtf8 : Charset::kAscii;
}

std::string on_screen(std::string_view text) {
  return cut_at_columns(text, std::string::npos).text;
}

std::string lines_on_screen(std::string_view text) {
  std::string shown;
  for (bool more = true; more;) {
    const std::size_t end = text.find('\n');
    shown += on_screen(text.substr(0, end));
    more = end != std::string_view::npos;
    if (more) shown += '\n';
    if (more) text.remove_prefix(end + 1);
  }
  return shown;
}

std::size_t width_of(std::string_view text) {
  return cut_at_columns(text, std::string::npos).columns;
}

std::string cut_to(std::string_view text, std::size_t columns) {
  return cut_at_columns(text, columns).text;
}

std::string fitted(std::string_view text, std::size_t columns) {
  Cut fit = cut_at_columns(text, columns);
  fit.text.append(columns - fit.columns, ' ');
  return fit.text;
}

std::string json_on_screen(std::string_view json) {
  std::string shown;
  shown.reserve(json.size());
  while (!json.empty()) {
    const Character first = first_character(json);
    const bool space = first.code_point == '\n' || first.code_point == '\t';
    const bool foreign = first.code_point >= 0x80 && charset_of_terminal == Charset::kAscii;
    if (!first.valid) {
      shown += '?';
    } else if (space || (is_printable(first.code_point) && !foreign)) {
      shown += json.substr(0, first.bytes);
    } else if (first.code_point == '\r') {
      shown += ' ';
    } else {
      // Such characters stand only in strings, where an escape is the same character.
      const char32_t c = first.code_point;
      const char32_t above = c - 0x10000;
      std::array<char, 16> escape{};
      if (c < 0x10000) {
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      } else {
        std::snprintf(escape.data(), escape.size(), "\\u%04x\\u%04x",
                      static_cast<unsigned>(0xD800 + (above >> 10)),
                      static_cast<unsigned>(0xDC00 + (above & 0x3FF)));
      }
      shown += escape.data();
    }
    json.remove_prefix(first.valid ? first.bytes : 1);
  }
  return shown;
}

std::string age_of(std::string_view timestamp, WallTime now) {
  using namespace std::chrono;
  const auto begin = parse_timestamp(with_zone(std::string(timestamp)));
  if (!begin) return {};
  const auto age = std::max(floor<seconds>(now - *begin), seconds(0));
  if (age < minutes(1)) return std::to_string(age.count()) + "s";
  if (age < hours(1)) return std::to_string(age / minutes(1)) + "m";
  if (age < hours(48)) return std::to_string(age / hours(1)) + "h";
  return std::to_string(age / hours(24)) + "d";
}

}  // namespace bide
