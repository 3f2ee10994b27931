// server/api/embedded_files.h: Files that are part of the program (cmake/embed.cmake), served over
// HTTP: the page and its assets.
//
// They are the same for everybody and hold no secrets, so they need no token. Their entity tags are
// strong, and made of a hash of their bytes. A file below `/assets/HASH/` never changes under its
// name and is `immutable`; any other is asked for again each time (`no-cache`).
//
// A page may load scripts, styles, workers and data from its own origin only, and none of it inline
// (Content-Security-Policy). No page may frame it.
//
// Thread safety: constant after construction.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/entity_tag.h"
#include "server/http/message.h"

namespace bide {

struct EmbeddedFile {
  std::string_view path;  // Below the base path, like `/assets/HASH/app.js`.
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;

  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes), size};
  }
};

extern const std::span<const EmbeddedFile> kPageFiles;

class EmbeddedFiles {
 public:
  struct File {
    const EmbeddedFile* file = nullptr;
    EntityTag tag;
  };

  explicit EmbeddedFiles(std::span<const EmbeddedFile> files);

  // `/` is `/index.html`. Null: there is no such file.
  [[nodiscard]] const File* find(std::string_view path) const;
  // 200, or by the conditions of the request 304 or 412; 400 if they are malformed.
  [[nodiscard]] static http::Response render(const File& file, const http::Request& request);

 private:
  std::vector<File> files_;
};

}  // namespace bide
