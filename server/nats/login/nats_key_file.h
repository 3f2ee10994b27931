// server/nats/login/nats_key_file.h: Files that hold a NATS user's key: the seed of an nkey, or
// credentials, which are a JWT and a seed.
//
// nats.c reads such files, too, but takes the CR of a CRLF for a part of the key. So its callbacks
// are used, and the files are read here.
//
// Thread safety: pure functions; those with options from any thread, each with its own.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "server/nats/login/nats_handles.h"

namespace bide {

// Both stand on a line of their own, the seed bare or between markers, the JWT between markers.
// Blanks and CRs around them and a byte order mark do not matter. Empty: there is none.
[[nodiscard]] std::string_view find_seed(std::string_view text);
[[nodiscard]] std::string_view find_user_jwt(std::string_view text);

// Has the library log in with what the file says at every connection that it makes, reconnecting
// included. Needs no file to be there now.
[[nodiscard]] natsStatus use_nkey_file(natsOptions* options, const std::string& public_nkey,
                                       const std::filesystem::path& file);
[[nodiscard]] natsStatus use_creds_file(natsOptions* options, const std::filesystem::path& file);

}  // namespace bide
