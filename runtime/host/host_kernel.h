#ifndef WEFT_RUNTIME_HOST_HOST_KERNEL_H_
#define WEFT_RUNTIME_HOST_HOST_KERNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "runtime/kernel.h"

namespace weft {

// What a host kernel's function gets: the operands as row-major views (present is false where an
// operand is absent) and the run's random key.
using HostFunction = std::function<absl::Status(const EvalContext&)>;

// A kernel of our own on row-major operands: a plain C++ function, which may use ParallelFor.
// `implementation` is what plans show ("fused sgd"). Every output may be computed in place where
// the op allows it, if `in_place`.
std::unique_ptr<Kernel> MakeHostKernel(const KernelRequest& request, std::string name,
                                       std::string implementation, HostFunction function,
                                       bool in_place = false);

// A kernel family's answer of one kernel.
Kernels Single(std::unique_ptr<Kernel> kernel);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_HOST_KERNEL_H_
