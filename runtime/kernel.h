#ifndef WEFT_RUNTIME_KERNEL_H_
#define WEFT_RUNTIME_KERNEL_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/op.h"
#include "runtime/layout.h"

namespace weft {

// Where a kernel finds its operands in one context. A pointer is null for an absent operand, for an
// input that is not read, and for one in the caller's memory until SetInput or SetOutput gives it.
struct Bindings {
  std::vector<std::byte*> inputs{};
  std::vector<std::byte*> outputs{};
  std::byte* scratch = nullptr;    // Kernel::scratch_bytes() bytes, 64-byte aligned
  std::byte* workspace = nullptr;  // the kernel's own, or that of the kernel it shares with
};

// A kernel with its operands, ready to run again and again without allocating. Belongs to one
// context, so one thread uses it at a time.
class BoundKernel {
 public:
  virtual ~BoundKernel() = default;
  // Whatever Run would report on account of the values of Kernel::CheckedInputs(), which is all
  // that is looked at.
  virtual absl::Status Check() { return absl::OkStatus(); }
  virtual absl::Status Run(const RandomKey& key) = 0;
  // New memory for an operand that the caller of a run owns.
  virtual void SetInput(int i, std::byte* data) = 0;
  virtual void SetOutput(int i, std::byte* data) = 0;
};

// One way to compute a node: which layouts it wants, what memory it needs. Immutable and shared by
// threads. May refer to the node it was made for, which outlives it.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::string name() const = 0;            // "onednn", "weft", "reference"
  virtual std::string implementation() const = 0;  // the library's name: "jit:avx512_core"
  // The layouts of inputs and outputs, one each (a default Layout where an operand is absent).
  const std::vector<Layout>& inputs() const { return inputs_; }
  const std::vector<Layout>& outputs() const { return outputs_; }
  size_t scratch_bytes() const { return scratch_bytes_; }
  // Hidden output that this kernel's gradient kernel reads (max-pool indices); 0 for none.
  size_t workspace_bytes() const { return workspace_bytes_; }
  // The kernel whose workspace this one reads, or null.
  const Kernel* workspace_owner() const { return workspace_owner_; }
  // Whether output may lie in the memory of input; asked only where the op declares the alias.
  virtual bool AllowsInPlace(int output, int input) const = 0;
  // Whether the elements of input `i` are read (beyond the op's shape-only inputs).
  virtual bool Reads(int i) const {
    (void)i;
    return true;
  }
  // The inputs whose values may be refused (labels): where BoundKernel::Check passes, Run succeeds.
  // Empty for a kernel that takes any values, nullopt where only Run finds out.
  virtual std::optional<std::vector<int>> CheckedInputs() const { return std::nullopt; }
  virtual absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const = 0;

 protected:
  std::vector<Layout> inputs_;
  std::vector<Layout> outputs_;
  size_t scratch_bytes_ = 0;
  size_t workspace_bytes_ = 0;
  const Kernel* workspace_owner_ = nullptr;
};

// What the planner tells a kernel family about a node.
struct KernelRequest {
  const Node& node;              // all types static
  std::vector<Layout> inputs{};  // as they are available now (default where absent)
  std::vector<Dims> outputs{};
  std::vector<bool> constant{};     // per input: reordering it costs nothing at run time
  bool has_gradient = false;        // some node's forward() is this one
  const Kernel* forward = nullptr;  // the kernel chosen for node.forward(), or null
  int threads = 1;

  bool has(int i) const { return static_cast<size_t>(i) < inputs.size() && !node.input(i).null(); }
  const Layout& in(int i) const { return inputs[static_cast<size_t>(i)]; }
};

using Kernels = std::vector<std::unique_ptr<Kernel>>;

// A kernel family: the kernels that can compute the node, best first; none if it does not apply
// (another dtype, an attribute the library lacks).
// Called within a RunScope of the request's threads: the library lays out its scratch memory for
// the number that is in force.
using KernelFamily = absl::StatusOr<Kernels> (*)(const KernelRequest&);

// All families for an op, in order of preference; empty for an op that only has its reference
// kernel. The explicit list is runtime/families.cc.
std::span<const KernelFamily> FamiliesFor(std::string_view op);
// Instead of a family that takes long to make all its kernels, one that makes the best of them and
// few others; of others themselves.
KernelFamily BestOf(KernelFamily family);

// The fallback: the op's reference kernel, on row-major operands.
std::unique_ptr<Kernel> MakeReferenceKernel(const KernelRequest& request);

// A kernel with one input and one output that copies between layouts of the same dtype and dims.
absl::StatusOr<std::unique_ptr<Kernel>> MakeReorder(const Layout& from, const Layout& to);

}  // namespace weft

#endif  // WEFT_RUNTIME_KERNEL_H_
