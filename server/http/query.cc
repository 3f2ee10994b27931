#include "server/http/query.h"

#include <algorithm>

#include "server/http/byte_class.h"

namespace bide {

std::string decode_form_text(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && is(text[i + 1], kHexByte) &&
                        is(text[i + 2], kHexByte);
    if (escape) {
      decoded.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

void parse_query(std::string_view query, http::Params& params) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t sign = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(sign + 1, pair.size()));
    params.emplace(decode_form_text(pair.substr(0, sign)), decode_form_text(value));
  }
}

}  // namespace bide
