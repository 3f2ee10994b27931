// server/api/known_parameters.h: Refuses query parameters that a resource does not know. If it were
// ignored, a misspelt `until` would let a script go on before its job is done.
//
// Thread safety: pure function.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "server/api/hold_query.h"
#include "server/http/message.h"

namespace bide {

// nullopt: all parameters are known, or begin with `_` (libraries add such parameters to get around
// caches). `known`: not empty. The 400 names the first unknown one, the nearest known one, and all
// others.
[[nodiscard]] std::optional<BadQuery> refuse_unknown_parameters(
    const http::Params& params, std::span<const std::string_view> known);

}  // namespace bide
