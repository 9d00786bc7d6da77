#ifndef WEFT_RUNTIME_ONEDNN_PRIMITIVE_KERNEL_H_
#define WEFT_RUNTIME_ONEDNN_PRIMITIVE_KERNEL_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/onednn/common.h"

namespace weft {

// A kernel that runs primitives, one after the other; most have one. Built step by step by its
// family: AddPrimitive, then the operands of that primitive. Throws dnnl::error while being built.
class PrimitiveKernel : public Kernel {
 public:
  // Plain C++ with the operands' present addresses, after the primitives, one after the other.
  using HostStep = std::function<void(const Bindings&)>;

  explicit PrimitiveKernel(const KernelRequest& request);
  // For what no node stands for (reorders).
  PrimitiveKernel(std::vector<Layout> inputs, std::vector<Layout> outputs, int threads);

  // The next primitive, with its scratchpad and its share of implementation().
  void AddPrimitive(const dnnl::primitive_desc_base& desc);
  // Operands of the primitive added last, by the library's argument id; the kernel asks for `desc`.
  void Input(int id, int index, const MemoryDesc& desc);
  void Output(int id, int index, const MemoryDesc& desc);
  // Operands that keep the layout they have so far, row-major unless the constructor was given
  // others, whatever view of them the primitive takes.
  void PlainInput(int id, int index, const MemoryDesc& view);
  void PlainOutput(int id, int index, const MemoryDesc& view);
  // `bytes` of scratch memory that lives for one run; returns its offset, for Scratch.
  size_t AddScratch(size_t bytes);
  void Scratch(int id, size_t offset, const MemoryDesc& desc);
  // The kernel's hidden output; or with `owner`, that of another kernel.
  void Workspace(int id, const MemoryDesc& desc, const Kernel* owner = nullptr);
  // The same before them.
  void SetFirstStep(HostStep step) { first_step_ = std::move(step); }
  void AddHostStep(HostStep step) { host_steps_.push_back(std::move(step)); }
  // An operand that such a step reads besides those of the primitives.
  void HostInput(int index, const MemoryDesc& desc);
  void AllowInPlace(int output, int input) { in_place_.emplace_back(output, input); }

  std::string name() const override { return "onednn"; }
  std::string implementation() const override { return implementation_; }
  bool AllowsInPlace(int output, int input) const override;
  bool Reads(int i) const override;
  // A primitive that could be made takes any values.
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override;

  // Where an argument's memory is. Inside, for the bound kernel.
  struct Argument {
    enum class Where { kInput, kOutput, kScratch, kWorkspace };
    int id = 0;
    Where where = Where::kInput;
    size_t index = 0;   // of the operand
    size_t offset = 0;  // in the scratch memory; for outputs, where unread ones go
    MemoryDesc desc;
  };
  struct Stage {
    dnnl::primitive_desc_base primitive;
    bool independent_parts = false;  // as in team.h
    std::vector<Argument> arguments;
  };

 private:
  std::string implementation_;
  std::vector<Stage> stages_;
  HostStep first_step_;
  std::vector<HostStep> host_steps_;
  std::vector<std::pair<int, int>> in_place_;
  std::vector<bool> reads_;          // inputs
  std::vector<bool> may_be_unread_;  // outputs
  int threads_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_PRIMITIVE_KERNEL_H_
