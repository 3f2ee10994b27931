// core/base/c_handle.h: Owning pointers for objects that a C library allocates and frees by a
// function of its own.
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
