#include "server/api/embedded_files.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "server/http/field_syntax.h"
#include "server/http/problem.h"

namespace bide {
namespace {

constexpr std::string_view kIndex = "/index.html";
constexpr std::string_view kAssets = "/assets/";

// `default-src 'none'` does not cover the last three.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

const char* media_type_of(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, const char*>, 5> kTypes = {{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".json", "application/json"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

// Empty: the request has no such field.
std::string joined(const http::Headers& headers, std::string_view name) {
  std::string all;
  const auto [first, last] = field_lines(headers, name);
  for (auto line = first; line != last; ++line) {
    if (!all.empty()) all += ", ";
    all += line->second;
  }
  return all;
}

// Whether the field lists the tag. nullopt: it is malformed.
std::optional<bool> lists(const std::string& field, const EntityTag& tag, Comparison comparison) {
  const auto validators = ValidatorList::parse(field, comparison);
  if (!validators) return std::nullopt;
  return validators->matches(tag);
}

}  // namespace

EmbeddedFiles::EmbeddedFiles(std::span<const EmbeddedFile> files) {
  files_.reserve(files.size());
  for (const EmbeddedFile& file : files) {
    files_.push_back({&file, {.epoch = 0, .revision = 0, .hash = hash_of(file.text())}});
  }
}

const EmbeddedFiles::File* EmbeddedFiles::find(std::string_view path) const {
  if (path == "/") path = kIndex;
  const auto found = std::find_if(files_.begin(), files_.end(),
                                  [path](const File& file) { return file.file->path == path; });
  return found == files_.end() ? nullptr : &*found;
}

http::Response EmbeddedFiles::render(const File& file, const http::Request& request) {
  const std::string if_match = joined(request.headers, "If-Match");
  const std::string if_none_match = joined(request.headers, "If-None-Match");
  const auto wanted = lists(if_match, file.tag, Comparison::kStrong);
  const auto known = lists(if_none_match, file.tag, Comparison::kWeak);
  if ((!if_match.empty() && !wanted) || (!if_none_match.empty() && !known)) {
    return problem(400, "If-Match or If-None-Match is not * or a list of entity tags");
  }
  if (!if_match.empty() && !*wanted) {
    return problem(412, "If-Match does not list the tag of this file");
  }
  const bool immutable = file.file->path.starts_with(kAssets);
  http::Response response;
  response.status = !if_none_match.empty() && *known ? 304 : 200;
  response.set_header("ETag", '"' + opaque_tag(file.tag) + '"');
  response.set_header("Cache-Control",
                      immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.set_header("Content-Security-Policy", kContentSecurityPolicy);
  response.set_header("Referrer-Policy", "no-referrer");
  if (response.status == 200) {
    response.set_content(std::string(file.file->text()), media_type_of(file.file->path));
  }
  return response;
}

}  // namespace bide
