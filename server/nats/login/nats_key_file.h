// server/nats/login/nats_key_file.h: Files with a NATS user's key: the seed of an nkey, or
// credentials, which are a JWT and a seed.
//
// nats.c can read such files, but takes the CR of a CRLF for a part of the key. So bide reads them,
// in callbacks of nats.c.
//
// Thread safety: pure functions. Those with `options` may be called from any thread with different
// options.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "server/nats/login/nats_handles.h"

namespace bide {

// The seed is on a line of its own, bare or between markers; the JWT is on a line between markers.
// Blanks and CRs around them and a byte order mark are ignored. Empty: there is none.
[[nodiscard]] std::string_view find_seed(std::string_view text);
[[nodiscard]] std::string_view find_user_jwt(std::string_view text);

// Makes the library log in with the current content of the file whenever it connects or reconnects.
// The file need not exist yet.
[[nodiscard]] natsStatus use_nkey_file(natsOptions* options, const std::string& public_nkey,
                                       const std::filesystem::path& file);
[[nodiscard]] natsStatus use_creds_file(natsOptions* options, const std::filesystem::path& file);

}  // namespace bide
