// server/http/query.h: The query of a target as names and values.
//
// Read as HTML forms and URLSearchParams write it (WHATWG URL, application/x-www-form-urlencoded
// parsing): pairs between `&`, `+` is a space, then percent escapes. Bytes are kept as they are,
// UTF-8 or not.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"

namespace bide {

// Adds the pairs to `params`, in order; a name that occurs twice is there twice. `a` and `a=` both
// have the value "". Empty pairs (`&&`) are skipped.
void parse_query(std::string_view query, http::Params& params);

// `+` and percent escapes undone. A `%` without two hex digits after it stands for itself.
[[nodiscard]] std::string decode_form_text(std::string_view text);

}  // namespace bide
