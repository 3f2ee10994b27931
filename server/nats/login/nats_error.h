// server/nats/login/nats_error.h: Error messages for the statuses of nats.c.
//
// Thread safety: to be called on the thread to which the library returned the status.
#pragma once

#include <nats/nats.h>

#include <string>
#include <string_view>

namespace bide {

// The library's text for `status`, and its text about the last error, if it has one.
[[nodiscard]] std::string describe_nats_error(natsStatus status);

// The same for an attempt to connect, with a hint at what to check.
[[nodiscard]] std::string describe_connect_error(natsStatus status);

// The server was reached, but refused our identity or asked for a certificate.
[[nodiscard]] bool is_refusal(natsStatus status_of_connect);

// Whether a refusal (NatsConnection::denial()) is about the subscription that receives answers.
// Without it no request can succeed.
[[nodiscard]] bool denies_answers(std::string_view denial);

}  // namespace bide
