#ifndef WEFT_RUNTIME_HOST_HOST_KERNEL_H_
#define WEFT_RUNTIME_HOST_HOST_KERNEL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/kernel.h"
#include "runtime/scratch.h"

namespace weft {

// What a host kernel's function gets: the operands as views, row-major unless SetLayouts says
// otherwise (present is false where an operand is absent), the run's random key and the kernel's
// scratch memory.
struct HostContext : EvalContext {
  std::byte* scratch = nullptr;
};
using HostFunction = std::function<absl::Status(const HostContext&)>;
using HostCheck = std::function<absl::Status(const EvalContext&)>;

// A kernel of our own: a plain C++ function, which may use ParallelFor. Made by MakeHostKernel.
class HostKernel : public Kernel {
 public:
  HostKernel(const KernelRequest& request, std::string name, std::string implementation,
             HostFunction function, bool in_place, bool may_fail, size_t scratch_bytes);

  // Layouts other than row-major; the function sees the operands' bytes as they lie. Inputs that
  // the node does not have may follow those of the node.
  void SetLayouts(std::vector<Layout> inputs, std::vector<Layout> outputs);
  // The only values that the function refuses: those of `inputs` that `check` refuses, which is
  // given the operands before their other values are known.
  void SetCheck(std::vector<int> inputs, HostCheck check);

  std::string name() const override { return name_; }
  std::string implementation() const override { return implementation_; }
  bool AllowsInPlace(int, int) const override { return in_place_; }
  std::optional<std::vector<int>> CheckedInputs() const override { return checked_; }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override;

 private:
  std::string name_;
  std::string implementation_;
  HostFunction function_;
  HostCheck check_;
  std::optional<std::vector<int>> checked_;
  const AttributeMap& attributes_;  // the node's
  std::vector<bool> present_;
  bool in_place_;
};

// `implementation` is what plans show ("fused sgd"). Every output may be computed in place where
// the op allows it, if `in_place`. `scratch`: what the function needs besides its operands; it must
// not allocate. A function that returns nothing takes any values; one that returns a Status may
// refuse some when it runs.
template <typename F>
std::unique_ptr<HostKernel> MakeHostKernel(const KernelRequest& request, std::string name,
                                           std::string implementation, F function,
                                           bool in_place = false,
                                           const ScratchPlan& scratch = ScratchPlan(1)) {
  constexpr bool may_fail = !std::is_void_v<std::invoke_result_t<F&, const HostContext&>>;
  HostFunction run;
  if constexpr (may_fail) {
    run = std::move(function);
  } else {
    run = [function = std::move(function)](const HostContext& c) {
      function(c);
      return absl::OkStatus();
    };
  }
  return std::make_unique<HostKernel>(request, std::move(name), std::move(implementation),
                                      std::move(run), in_place, may_fail, scratch.bytes());
}

// A kernel family's answer of one kernel.
Kernels Single(std::unique_ptr<Kernel> kernel);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_HOST_KERNEL_H_
