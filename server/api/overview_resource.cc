#include "server/api/overview_resource.h"

#include <utility>

#include "server/api/job_query.h"
#include "server/http/byte_class.h"
#include "server/http/problem.h"

namespace bide {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if (is(byte, kUnreservedByte)) {
      out += byte;
    } else {
      (out += '%').append({kDigits[value / 16], kDigits[value % 16]});
    }
  }
}

}  // namespace

void OverviewResource::handle(const http::Request& request, Exchange& exchange) {
  if (!std::holds_alternative<Statistics>(exchange.target())) return handle_page(request, exchange);
  std::variant<StatisticsQuery, BadQuery> parsed = parse_overview_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<StatisticsQuery>(parsed);
  exchange.target() = Statistics{std::move(query.selection)};
  serve(std::move(query.hold), Condition::change(), MediaType::kJson, exchange);
}

void OverviewResource::handle_page(const http::Request& request, Exchange& exchange) {
  std::variant<ListQuery, BadQuery> parsed = parse_list_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<ListQuery>(parsed);
  exchange.target() = query.page;
  serve(std::move(query.hold), Condition::change(), MediaType::kJson, exchange);
}

// The same request with the cursor: a reference that is relative to its own target, so that it
// holds behind every proxy and base path.
std::string OverviewResource::link_of(const Target& target, const Snapshot& state) const {
  const auto* const page = std::get_if<PageQuery>(&target);
  if (page == nullptr || state.next == 0) return {};
  std::string line = "Link: <?";
  if (page->selection != nullptr) {
    for (const std::string& label : page->selection->labels) {
      append_escaped(line += "label=", label);
      line += '&';
    }
    const std::string& part = page->selection->id_part;
    if (!part.empty()) line.append("q=").append(part) += '&';
  }
  if (page->status) line.append("status=").append(word_of(*page->status)) += '&';
  line.append("limit=").append(std::to_string(page->limit));
  line.append("&cursor=").append(std::to_string(state.next));
  return line += ">; rel=\"next\"\r\n";
}

// Never called: the statistics and every page always exist.
http::Response OverviewResource::absent(const Target& /*target*/, Outcome /*outcome*/) const {
  return problem(404, "there is no such page");
}

}  // namespace bide
