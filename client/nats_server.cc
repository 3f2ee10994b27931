#include "client/nats_server.h"

#include <filesystem>

#include "client/api_access.h"
#include "server/files/state_dir.h"

namespace bide {

std::variant<std::string, Misuse> find_nats_server() {
  const auto data_dir = from_environment("BIDE_DATA_DIR");
  const std::filesystem::path dir =
      data_dir ? std::filesystem::path(*data_dir) : default_state_dir();
  if (dir.empty()) return Misuse{"no NATS server is known: give --nats or set BIDE_NATS"};
  auto url = read_nats_url(dir);
  if (auto* found = std::get_if<std::string>(&url)) return std::move(*found);
  return Misuse{"no NATS server is known: start `bide serve`, or give --nats or set BIDE_NATS (" +
                std::get<PrivateDir::Fault>(url).text + ")"};
}

}  // namespace bide
