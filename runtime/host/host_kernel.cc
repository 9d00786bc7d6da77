#include "runtime/host/host_kernel.h"

#include <utility>

namespace weft {
namespace {

// The views of a node's operands over one context's memory.
class BoundHostKernel : public BoundKernel {
 public:
  BoundHostKernel(const HostFunction& function, const AttributeMap& attributes,
                  const std::vector<Layout>& inputs, const std::vector<Layout>& outputs,
                  const std::vector<bool>& present, const Bindings& bindings)
      : function_(function), attributes_(attributes), scratch_(bindings.scratch) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      inputs_.push_back({inputs[i].dtype(), inputs[i].dims(), bindings.inputs[i], present[i]});
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs_.push_back({outputs[i].dtype(), outputs[i].dims(), bindings.outputs[i], true});
    }
  }

  absl::Status Run(const RandomKey& key) override {
    return function_(HostContext{{attributes_, inputs_, outputs_, key}, scratch_});
  }
  void SetInput(int i, std::byte* data) override { inputs_[static_cast<size_t>(i)].data = data; }
  void SetOutput(int i, std::byte* data) override { outputs_[static_cast<size_t>(i)].data = data; }

 private:
  const HostFunction& function_;
  const AttributeMap& attributes_;
  std::vector<TensorView> inputs_;
  std::vector<TensorView> outputs_;
  std::byte* scratch_;
};

class HostKernel : public Kernel {
 public:
  HostKernel(const KernelRequest& request, std::string name, std::string implementation,
             HostFunction function, bool in_place, size_t scratch_bytes)
      : name_(std::move(name)),
        implementation_(std::move(implementation)),
        function_(std::move(function)),
        attributes_(request.node.attributes()),
        in_place_(in_place) {
    scratch_bytes_ = scratch_bytes;
    for (int i = 0; i < request.node.num_inputs(); ++i) {
      present_.push_back(request.has(i));
      inputs_.push_back(request.has(i) ? Layout::Plain(request.in(i).dtype(), request.in(i).dims())
                                       : Layout());
    }
    for (int i = 0; i < request.node.num_outputs(); ++i) {
      outputs_.push_back(
          Layout::Plain(request.node.type(i).dtype, request.outputs[static_cast<size_t>(i)]));
    }
  }

  std::string name() const override { return name_; }
  std::string implementation() const override { return implementation_; }
  bool AllowsInPlace(int, int) const override { return in_place_; }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundHostKernel>(function_, attributes_, inputs_, outputs_, present_,
                                             bindings);
  }

 private:
  std::string name_;
  std::string implementation_;
  HostFunction function_;
  const AttributeMap& attributes_;  // the node's
  std::vector<bool> present_;
  bool in_place_;
};

}  // namespace

std::unique_ptr<Kernel> MakeHostKernel(const KernelRequest& request, std::string name,
                                       std::string implementation, HostFunction function,
                                       bool in_place, const ScratchPlan& scratch) {
  return std::make_unique<HostKernel>(request, std::move(name), std::move(implementation),
                                      std::move(function), in_place, scratch.bytes());
}

Kernels Single(std::unique_ptr<Kernel> kernel) {
  Kernels kernels;
  kernels.push_back(std::move(kernel));
  return kernels;
}

std::unique_ptr<Kernel> MakeReferenceKernel(const KernelRequest& request) {
  const EvaluateFn evaluate = request.node.op().evaluate;
  return MakeHostKernel(request, "reference", "loops", evaluate, /*in_place=*/false);
}

}  // namespace weft
