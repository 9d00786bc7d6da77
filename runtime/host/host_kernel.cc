#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

// The views of a node's operands over one context's memory.
class BoundHostKernel : public BoundKernel {
 public:
  BoundHostKernel(const HostFunction& function, const HostCheck& check,
                  const AttributeMap& attributes, const std::vector<Layout>& inputs,
                  const std::vector<Layout>& outputs, const std::vector<bool>& present,
                  const Bindings& bindings)
      : function_(function), check_(check), attributes_(attributes), scratch_(bindings.scratch) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      inputs_.push_back({inputs[i].dtype(), inputs[i].dims(), bindings.inputs[i], present[i]});
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      outputs_.push_back({outputs[i].dtype(), outputs[i].dims(), bindings.outputs[i], true});
    }
  }

  absl::Status Check() override {
    return check_ ? check_(EvalContext{attributes_, inputs_, outputs_, {}}) : absl::OkStatus();
  }
  absl::Status Run(const RandomKey& key) override {
    return function_(HostContext{{attributes_, inputs_, outputs_, key}, scratch_});
  }
  void SetInput(int i, std::byte* data) override { inputs_[static_cast<size_t>(i)].data = data; }
  void SetOutput(int i, std::byte* data) override { outputs_[static_cast<size_t>(i)].data = data; }

 private:
  const HostFunction& function_;
  const HostCheck& check_;
  const AttributeMap& attributes_;
  std::vector<TensorView> inputs_;
  std::vector<TensorView> outputs_;
  std::byte* scratch_;
};

}  // namespace

HostKernel::HostKernel(const KernelRequest& request, std::string name, std::string implementation,
                       HostFunction function, bool in_place, bool may_fail, size_t scratch_bytes)
    : name_(std::move(name)),
      implementation_(std::move(implementation)),
      function_(std::move(function)),
      attributes_(request.node.attributes()),
      in_place_(in_place) {
  scratch_bytes_ = scratch_bytes;
  if (!may_fail) checked_.emplace();
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

void HostKernel::SetLayouts(std::vector<Layout> inputs, std::vector<Layout> outputs) {
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
  present_.resize(inputs_.size(), true);
}

void HostKernel::SetCheck(std::vector<int> inputs, HostCheck check) {
  checked_ = std::move(inputs);
  check_ = std::move(check);
}

absl::StatusOr<std::unique_ptr<BoundKernel>> HostKernel::Bind(const Bindings& bindings) const {
  return std::make_unique<BoundHostKernel>(function_, check_, attributes_, inputs_, outputs_,
                                           present_, bindings);
}

Kernels Single(std::unique_ptr<Kernel> kernel) {
  Kernels kernels;
  kernels.push_back(std::move(kernel));
  return kernels;
}

std::unique_ptr<Kernel> MakeReferenceKernel(const KernelRequest& request) {
  return MakeHostKernel(request, "reference", "loops", request.node.op().evaluate);
}

}  // namespace weft
