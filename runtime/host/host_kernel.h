#ifndef WEFT_RUNTIME_HOST_HOST_KERNEL_H_
#define WEFT_RUNTIME_HOST_HOST_KERNEL_H_

#include <functional>
#include <memory>
#include <string>

#include "runtime/kernel.h"
#include "runtime/scratch.h"

namespace weft {

// What a host kernel's function gets: the operands as row-major views (present is false where an
// operand is absent), the run's random key and the kernel's scratch memory.
struct HostContext : EvalContext {
  std::byte* scratch = nullptr;
};
using HostFunction = std::function<absl::Status(const HostContext&)>;

// A kernel of our own on row-major operands: a plain C++ function, which may use ParallelFor.
// `implementation` is what plans show ("fused sgd"). Every output may be computed in place where
// the op allows it, if `in_place`. `scratch`: what the function needs besides its operands; it must
// not allocate.
std::unique_ptr<Kernel> MakeHostKernel(const KernelRequest& request, std::string name,
                                       std::string implementation, HostFunction function,
                                       bool in_place = false,
                                       const ScratchPlan& scratch = ScratchPlan(1));

// A kernel family's answer of one kernel.
Kernels Single(std::unique_ptr<Kernel> kernel);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_HOST_KERNEL_H_
