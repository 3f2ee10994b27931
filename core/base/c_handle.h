// core/base/c_handle.h: Owners of what C libraries hand out and want back by a function of theirs.
//
// Thread safety: as std::unique_ptr.
#pragma once

#include <memory>

namespace bide {

template <auto kFree>
struct CFree {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

template <typename T, auto kFree>
using CHandle = std::unique_ptr<T, CFree<kFree>>;

}  // namespace bide
