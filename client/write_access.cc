#include "client/write_access.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

bool is_bucket_name(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool has_flag(const Arguments& arguments, std::string_view name) {
  const Assignment* const given = arguments.find(name);
  return given != nullptr && given->where.starts_with("--");
}

enum class Way : std::uint8_t { kHttp, kNats };

std::variant<Way, NoAccess> way_of(const Arguments& arguments) {
  const bool http = has_flag(arguments, "server") || has_flag(arguments, "cacert");
  const bool nats = std::ranges::any_of(
      nats_flags(), [&](const Setting& setting) { return has_flag(arguments, setting.name); });
  if (http && nats) {
    return NoAccess{
        ExitCode::kUsage,
        "--server and --cacert go with HTTP, --bucket and --nats... with NATS; not both"};
  }
  if (http || nats) return http ? Way::kHttp : Way::kNats;
  if (arguments.given("server")) return Way::kHttp;
  if (arguments.given("nats") || arguments.given("nats-context")) return Way::kNats;
  return std::holds_alternative<std::string>(find_nats_server()) ? Way::kNats : Way::kHttp;
}

}  // namespace

std::vector<const Setting*> write_flags() {
  std::vector<const Setting*> all = {&kServerSetting, &kCacertSetting};
  for (const Setting& setting : nats_flags()) all.push_back(&setting);
  return all;
}

int fail(std::string_view command, const NoAccess& error) {
  if (error.code == ExitCode::kUsage) return fail_usage(command, Misuse{error.message});
  return fail(command, error.code, error.message);
}

WriteAccess find_write_access(const Arguments& arguments) {
  auto way = way_of(arguments);
  if (auto* const none = std::get_if<NoAccess>(&way)) return std::move(*none);
  if (std::get<Way>(way) == Way::kHttp) {
    auto found = find_api_access(arguments);
    if (auto* const misuse = std::get_if<Misuse>(&found)) {
      return NoAccess{ExitCode::kUsage, std::move(misuse->message)};
    }
    return std::get<ApiAccess>(std::move(found));
  }
  std::string bucket = arguments.value("bucket");
  if (!is_bucket_name(bucket)) {
    return NoAccess{ExitCode::kUsage, arguments.unexpected("bucket").message};
  }
  auto found = find_nats_access(arguments);
  if (auto* const none = std::get_if<NoNatsAccess>(&found)) {
    return NoAccess{none->code, std::move(none->message)};
  }
  return BucketAccess{std::get<NatsLogin>(std::move(found)), std::move(bucket)};
}

std::string hint_about(std::string_view trouble, const Arguments& arguments) {
  const bool unreachable = trouble.find("cannot connect to") != std::string_view::npos;
  if (!unreachable || arguments.given("server") || arguments.given("nats")) return {};
  return "; start `bide serve`, or name the server with --server, BIDE_SERVER or --nats";
}

}  // namespace bide
