// core/base/terminal_width.h: How wide a line may be.
//
// Thread safety: reads the process's environment, otherwise pure.
#pragma once

#include <cstddef>

namespace bide {

// The variable COLUMNS if it is a number from 20 on, else the width of the terminal at `fd`, else
// 80. Never above 1000.
[[nodiscard]] std::size_t columns_of(int fd);

}  // namespace bide
