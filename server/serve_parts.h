// server/serve_parts.h: What `bide serve` is made of, as its options say.
//
// Thread safety: pure functions, but that those that throw read files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "core/table/job_table.h"
#include "server/auth/authority.h"
#include "server/http/served_hosts.h"
#include "server/net/front.h"
#include "server/net/tls_context.h"
#include "server/settings/options.h"

namespace bide {

[[nodiscard]] std::size_t cores();
// In a cluster of bide's own nats-servers three, or as many as there are, if nothing else is given.
[[nodiscard]] int replicas_of(const ServeOptions& options);
[[nodiscard]] JobTable::Options table_options(const ServeOptions& options);
[[nodiscard]] Front::Limits front_limits(const ServeOptions& options);
// Where snapshots of the table are kept. Empty: nowhere.
[[nodiscard]] std::filesystem::path snapshot_dir_of(const ServeOptions& options);
// Null: everybody may read. Throws StartError.
[[nodiscard]] std::unique_ptr<Authority> make_authority(const AuthOptions& options);
// Null: any Host is answered, because clients have to show who they are.
[[nodiscard]] std::unique_ptr<ServedHosts> make_served_hosts(const ServeOptions& options);
// Null: without TLS. Throws StartError.
[[nodiscard]] std::unique_ptr<TlsContext> make_tls(const ServeOptions& options);

}  // namespace bide
