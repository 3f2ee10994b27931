// server/nats/login/nats_url.h: NATS URLs as people write them: `nats://host:4222`,
// `tls://user:secret@host`, `host:4222`, or several of these separated by commas. User, password
// and token are percent-encoded (RFC 3986 section 3.2.1): `%40` is `@`, `%25` is `%`.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bide {

// The URLs of a list that is separated by commas, without surrounding spaces. Empty parts are kept;
// they are not valid.
[[nodiscard]] std::vector<std::string> split_nats_urls(std::string_view list);

// Every URL of the list has a host. A scheme must be `nats` or `tls`, a port 1 to 65535. There must
// be no path, no white space or control character, and no `%` that is not an escape. Names are not
// resolved.
[[nodiscard]] bool is_nats_url_list(std::string_view list);

// A URL of the list has an identity: a user with or without a password, or a token.
[[nodiscard]] bool names_user(std::string_view list);

// For error messages: the list is not valid only because of a `%` that is not an escape.
[[nodiscard]] bool has_bad_escape(std::string_view list);

// nats.c copies user, password and token unchanged into the JSON of its CONNECT, up to version 3.9
// without decoding them. So they are decoded here and escaped for JSON: `"` becomes `\u0022`. That
// also hides characters that would end the user or the host in its parser of URLs.
[[nodiscard]] std::string escaped_for_connect(std::string_view text);
// A valid URL with its user, password or token in that form.
[[nodiscard]] std::string with_user_for_connect(std::string_view url);

// The list without users, passwords and tokens.
[[nodiscard]] std::string without_users(std::string_view list);

// The list with user, password and token replaced by `***`: the only form that may be printed.
[[nodiscard]] std::string redacted(std::string_view list);

}  // namespace bide
