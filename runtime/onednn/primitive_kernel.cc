#include "runtime/onednn/primitive_kernel.h"

#include "runtime/exec/parallel.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

using Argument = PrimitiveKernel::Argument;
using Where = PrimitiveKernel::Argument::Where;

std::byte* AddressOf(const Argument& argument, const Bindings& bindings) {
  switch (argument.where) {
    case Where::kInput:
      return bindings.inputs[argument.index];
    case Where::kOutput: {
      std::byte* output = bindings.outputs[argument.index];
      return output != nullptr ? output : bindings.scratch + argument.offset;
    }
    case Where::kScratch:
      return bindings.scratch + argument.offset;
    case Where::kWorkspace:
      return bindings.workspace;
  }
  return nullptr;
}

// Whether the threads of a primitive never wait for one another. Where several sum up for the same
// result, and in the library's large matrix products, they do.
bool HasIndependentParts(const dnnl::primitive_desc_base& desc) {
  if (std::string_view(desc.impl_info_str()).find("gemm") != std::string_view::npos) return false;
  dnnl_prop_kind_t pass = dnnl_prop_kind_undef;  // stays so where a primitive has none
  dnnl_primitive_desc_query(desc.get(), dnnl_query_prop_kind, 0, &pass);
  switch (PrimitiveKindOf(desc)) {
    case dnnl_convolution:
      return pass == dnnl_forward_inference || pass == dnnl_forward_training ||
             pass == dnnl_backward_data;
    case dnnl_binary:
    case dnnl_concat:
    case dnnl_eltwise:
    case dnnl_matmul:
    case dnnl_pooling:
    case dnnl_reorder:
      return true;
    default:
      return false;
  }
}

// Primitives with their memory objects. The argument lists are made once: running them allocates
// nothing here.
class BoundPrimitives : public BoundKernel {
 public:
  BoundPrimitives(const std::vector<PrimitiveKernel::Stage>& stages,
                  const PrimitiveKernel::HostStep& first_step,
                  const std::vector<PrimitiveKernel::HostStep>& host_steps,
                  const Bindings& bindings)
      : first_step_(first_step),
        host_steps_(host_steps),
        bindings_(bindings),
        stream_(DnnlEngine()) {
    for (const PrimitiveKernel::Stage& stage : stages) {
      Call& call = calls_.emplace_back();
      call.primitive = dnnl::primitive(stage.primitive.get());
      call.independent_parts = stage.independent_parts;
      for (const Argument& argument : stage.arguments) {
        call.memories.emplace_back(argument.desc, DnnlEngine(), AddressOf(argument, bindings_));
        call.arguments.push_back({argument.id, call.memories.back().get()});
        if (argument.where == Where::kInput || argument.where == Where::kOutput) {
          operands_.push_back({argument.where, argument.index, call.memories.back()});
        }
      }
    }
  }

  absl::Status Run(const RandomKey&) override {
    if (first_step_) first_step_(bindings_);
    for (const Call& call : calls_) {
      const IndependentParts parts(call.independent_parts);
      const dnnl_status_t code =
          dnnl_primitive_execute(call.primitive.get(), stream_.get(),
                                 static_cast<int>(call.arguments.size()), call.arguments.data());
      if (code != dnnl_success) return DnnlStatus(code, "could not run a primitive");
    }
    for (const PrimitiveKernel::HostStep& step : host_steps_) step(bindings_);
    return absl::OkStatus();
  }

  void SetInput(int i, std::byte* data) override {
    bindings_.inputs[static_cast<size_t>(i)] = data;
    SetOperand(Where::kInput, static_cast<size_t>(i), data);
  }
  void SetOutput(int i, std::byte* data) override {
    bindings_.outputs[static_cast<size_t>(i)] = data;
    SetOperand(Where::kOutput, static_cast<size_t>(i), data);
  }

 private:
  struct Call {
    dnnl::primitive primitive;
    bool independent_parts = false;
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
  };
  struct Operand {
    Where where;
    size_t index;
    dnnl::memory memory;
  };

  void SetOperand(Where where, size_t index, std::byte* data) {
    for (Operand& operand : operands_) {
      if (operand.where != where || operand.index != index) continue;
      // Fails for a null memory object only.
      dnnl_memory_set_data_handle(operand.memory.get(), data);
    }
  }

  const PrimitiveKernel::HostStep& first_step_;
  const std::vector<PrimitiveKernel::HostStep>& host_steps_;
  Bindings bindings_;
  dnnl::stream stream_;
  std::vector<Call> calls_;
  std::vector<Operand> operands_;
};

// Until a primitive asks for more, every operand is plain.
std::vector<Layout> PlainInputs(const KernelRequest& request) {
  std::vector<Layout> layouts(request.inputs.size());
  for (size_t i = 0; i < layouts.size(); ++i) {
    if (!request.has(static_cast<int>(i))) continue;
    layouts[i] = Layout::Plain(request.inputs[i].dtype(), request.inputs[i].dims());
  }
  return layouts;
}

std::vector<Layout> PlainOutputs(const KernelRequest& request) {
  std::vector<Layout> layouts;
  for (size_t i = 0; i < request.outputs.size(); ++i) {
    layouts.push_back(
        Layout::Plain(request.node.type(static_cast<int>(i)).dtype, request.outputs[i]));
  }
  return layouts;
}

}  // namespace

PrimitiveKernel::PrimitiveKernel(const KernelRequest& request)
    : PrimitiveKernel(PlainInputs(request), PlainOutputs(request), request.threads) {
  for (size_t i = 0; outputs_.size() > 1 && i < outputs_.size(); ++i) {
    may_be_unread_[i] = request.node.uses(static_cast<int>(i)).empty();
  }
}

PrimitiveKernel::PrimitiveKernel(std::vector<Layout> inputs, std::vector<Layout> outputs,
                                 int threads)
    : reads_(inputs.size()), may_be_unread_(outputs.size()), threads_(threads) {
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
}

void PrimitiveKernel::AddPrimitive(const dnnl::primitive_desc_base& desc) {
  stages_.push_back({desc, HasIndependentParts(desc), {}});
  if (!implementation_.empty()) implementation_ += " + ";
  implementation_ += desc.impl_info_str();
  const MemoryDesc scratchpad = desc.scratchpad_desc();
  if (scratchpad.get_size() > 0) {
    Scratch(DNNL_ARG_SCRATCHPAD, AddScratch(scratchpad.get_size()), scratchpad);
  }
}

void PrimitiveKernel::Input(int id, int index, const MemoryDesc& desc) {
  HostInput(index, desc);
  PlainInput(id, index, desc);
}

void PrimitiveKernel::HostInput(int index, const MemoryDesc& desc) {
  Layout& layout = inputs_[static_cast<size_t>(index)];
  layout = ToLayout(desc, layout.dims());
  reads_[static_cast<size_t>(index)] = true;
}

void PrimitiveKernel::PlainInput(int id, int index, const MemoryDesc& view) {
  const size_t i = static_cast<size_t>(index);
  reads_[i] = true;
  stages_.back().arguments.push_back({id, Where::kInput, i, 0, view});
}

void PrimitiveKernel::Output(int id, int index, const MemoryDesc& desc) {
  Layout& layout = outputs_[static_cast<size_t>(index)];
  layout = ToLayout(desc, layout.dims());
  PlainOutput(id, index, desc);
}

void PrimitiveKernel::PlainOutput(int id, int index, const MemoryDesc& view) {
  const size_t i = static_cast<size_t>(index);
  const size_t spill = may_be_unread_[i] ? AddScratch(view.get_size()) : 0;
  stages_.back().arguments.push_back({id, Where::kOutput, i, spill, view});
}

size_t PrimitiveKernel::AddScratch(size_t bytes) {
  const size_t offset = scratch_bytes_;
  scratch_bytes_ += AlignedBytes(bytes);
  return offset;
}

void PrimitiveKernel::Scratch(int id, size_t offset, const MemoryDesc& desc) {
  stages_.back().arguments.push_back({id, Where::kScratch, 0, offset, desc});
}

void PrimitiveKernel::Workspace(int id, const MemoryDesc& desc, const Kernel* owner) {
  workspace_owner_ = owner;
  if (owner == nullptr) workspace_bytes_ = desc.get_size();
  stages_.back().arguments.push_back({id, Where::kWorkspace, 0, 0, desc});
}

bool PrimitiveKernel::AllowsInPlace(int output, int input) const {
  return std::find(in_place_.begin(), in_place_.end(), std::make_pair(output, input)) !=
         in_place_.end();
}

bool PrimitiveKernel::Reads(int i) const { return reads_[static_cast<size_t>(i)]; }

absl::StatusOr<std::unique_ptr<BoundKernel>> PrimitiveKernel::Bind(const Bindings& bindings) const {
  // The primitive is generated for the number of threads in force.
  RunScope scope(threads_);
  return CatchDnnl([&]() -> absl::StatusOr<std::unique_ptr<BoundKernel>> {
    return std::make_unique<BoundPrimitives>(stages_, first_step_, host_steps_, bindings);
  });
}

}  // namespace weft
