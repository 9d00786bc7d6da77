#ifndef WEFT_RUNTIME_HOST_PACK_KERNEL_H_
#define WEFT_RUNTIME_HOST_PACK_KERNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "runtime/kernel.h"

namespace weft {

// A reorder of row-major f32 weights to a layout of our own, `to`, which `pack(from, to)` fills on
// the run's threads. Unimplemented where `from` is another layout.
absl::StatusOr<std::unique_ptr<Kernel>> MakePackKernel(
    const Layout& from, const Layout& to, std::string implementation,
    std::function<void(const float*, float*)> pack);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_PACK_KERNEL_H_
