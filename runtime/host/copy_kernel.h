#ifndef WEFT_RUNTIME_HOST_COPY_KERNEL_H_
#define WEFT_RUNTIME_HOST_COPY_KERNEL_H_

#include <memory>

#include "runtime/kernel.h"

namespace weft {

// Copies the bytes of one value: where a graph output or an update needs memory of its own.
std::shared_ptr<const Kernel> MakeCopy(const Layout& layout);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_COPY_KERNEL_H_
