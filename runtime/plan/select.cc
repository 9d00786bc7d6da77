#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "runtime/plan/lowering.h"

namespace weft {
namespace {

absl::StatusOr<Layout> PlainLayout(const TensorType& type) {
  WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(type.shape));
  return Layout::Plain(type.dtype, std::move(dims));
}

class Selector {
 public:
  explicit Selector(Lowering& lowering) : l_(lowering), plan_(lowering.plan) {}

  absl::Status Run() {
    WEFT_RETURN_IF_ERROR(SelectAll());
    return Finish();
  }

 private:
  absl::Status SelectAll() {
    for (const Node& node : l_.graph.nodes()) {
      if (node.forward() != nullptr) has_gradient_.insert(node.forward());
    }
    for (const Node& node : l_.graph.nodes()) {
      absl::Status status = Select(node);
      if (!status.ok()) return Annotate(status, node.Describe());
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    for (const NamedValue& output : l_.graph.outputs()) {
      WEFT_RETURN_IF_ERROR(Annotate(FinishOutput(output), "output " + output.name));
    }
    for (const Update& update : l_.graph.updates()) {
      WEFT_RETURN_IF_ERROR(Annotate(FinishUpdate(update), "update of " + update.variable->name()));
    }
    return absl::OkStatus();
  }

  absl::Status Select(const Node& node) {
    if (GetString(node.attributes(), "mode") == "auto") {
      return absl::FailedPreconditionError(
          "is in mode \"auto\": expected a graph from ForInference or ForTraining");
    }
    if (node.op_name() == kInput) return SelectInput(node);
    if (node.op_name() == kVariable) return SelectVariable(node);
    if (node.op_name() == kConstant) return absl::OkStatus();  // on first use
    if (std::optional<Alias> view = View(node)) return SelectView(node, *view);
    return SelectKernel(node);
  }

  absl::Status SelectInput(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type()));
    const int slot = static_cast<int>(plan_.inputs.size());
    plan_.inputs.push_back(node.name());
    plan_.input_layouts.push_back(layout);
    SetValue(node,
             l_.AddValue(node.name(), layout, l_.AddBuffer(Place::kInput, layout.bytes(), slot)));
    return absl::OkStatus();
  }

  absl::Status SelectVariable(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type()));
    const int slot = static_cast<int>(plan_.variables.size());
    plan_.variables.push_back({node.name(), VariableRole(node), node.type()});
    plan_.variable_bytes += layout.bytes();
    SetValue(node, l_.AddValue(node.name(), layout,
                               l_.AddBuffer(Place::kVariable, layout.bytes(), slot)));
    return absl::OkStatus();
  }

  int AddConstant(std::string name, Layout layout, Tensor bytes) {
    const int slot = static_cast<int>(plan_.constants.size());
    plan_.constant_bytes += layout.bytes();
    plan_.constants.push_back(std::move(bytes));
    const size_t size = layout.bytes();
    return l_.AddValue(std::move(name), std::move(layout),
                       l_.AddBuffer(Place::kConstant, size, slot));
  }

  // A constant's layout is plain until a kernel wants another, so it gets memory on first use only.
  absl::StatusOr<int> Convert(Value value, const Layout& wanted) {
    const Tensor* constant = ConstantValue(value);
    if (constant == nullptr) return Convert(l_.values.at(value), wanted);
    auto key = std::make_pair(value, wanted.native());
    if (auto it = constants_.find(key); it != constants_.end()) return it->second;
    const Layout plain = Layout::Plain(constant->dtype(), constant->dims());
    Tensor bytes = *constant;
    if (!(wanted == plain)) {
      WEFT_ASSIGN_OR_RETURN(bytes, Prepack(*constant, plain, wanted));
    }
    const int id = AddConstant(value.ToString(), wanted, std::move(bytes));
    constants_.emplace(key, id);
    return id;
  }

  static absl::StatusOr<Tensor> Prepack(const Tensor& constant, const Layout& from,
                                        const Layout& to) {
    WEFT_ASSIGN_OR_RETURN(auto kernel, MakeReorder(from, to));
    WEFT_ASSIGN_OR_RETURN(Tensor packed,
                          Tensor::Zeros(DType::kU8, {static_cast<int64_t>(to.bytes())}));
    std::shared_ptr<std::byte> scratch = AllocateAligned(kernel->scratch_bytes());
    if (scratch == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("not enough memory for ", kernel->scratch_bytes(), " bytes of scratch"));
    }
    WEFT_ASSIGN_OR_RETURN(auto bound,
                          kernel->Bind({.inputs = {const_cast<std::byte*>(constant.data())},
                                        .outputs = {packed.mutable_data()},
                                        .scratch = scratch.get()}));
    WEFT_RETURN_IF_ERROR(bound->Run({}));
    return packed;
  }

  absl::StatusOr<int> Convert(int value, const Layout& wanted) {
    const PlanValue& have = plan_.values[static_cast<size_t>(value)];
    if (have.layout == wanted) return value;
    auto key = std::make_pair(value, wanted.native());
    if (auto it = l_.reordered.find(key); it != l_.reordered.end()) return it->second;
    WEFT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernel> kernel, MakeReorder(have.layout, wanted));
    const std::string name = have.name;
    const int copy = l_.AddValue(name, wanted, l_.AddBuffer(Place::kArena, wanted.bytes()));
    l_.AddStep(absl::StrCat("reorder ", name, " -> ", wanted.name()), "Reorder", std::move(kernel),
               {value}, {copy});
    l_.reordered.emplace(key, copy);
    return copy;
  }

  static std::optional<Alias> View(const Node& node) {
    if (node.op().aliases == nullptr) return std::nullopt;
    for (const Alias& alias : node.op().aliases(node)) {
      if (alias.view && node.num_outputs() == 1) return alias;
    }
    return std::nullopt;
  }

  absl::Status SelectView(const Node& node, const Alias& view) {
    WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type(view.output)));
    const Value input = node.input(view.input);
    WEFT_ASSIGN_OR_RETURN(Layout plain, PlainLayout(input.type()));
    WEFT_ASSIGN_OR_RETURN(int source, Convert(input, plain));
    SetValue(node, l_.AddValue(node.name(), std::move(layout),
                               plan_.values[static_cast<size_t>(source)].buffer, source));
    return absl::OkStatus();
  }

  absl::Status SelectKernel(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(KernelRequest request, MakeRequest(node));
    WEFT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernel> kernel, Choose(request));
    std::vector<int> inputs;
    for (int i = 0; i < node.num_inputs(); ++i) {
      if (!node.input(i) || !ReadsElements(node, i) || !kernel->Reads(i)) {
        inputs.push_back(-1);
        continue;
      }
      WEFT_ASSIGN_OR_RETURN(int id,
                            Convert(node.input(i), kernel->inputs()[static_cast<size_t>(i)]));
      inputs.push_back(id);
    }
    std::vector<int> outputs;
    for (int i = 0; i < node.num_outputs(); ++i) {
      const Layout& layout = kernel->outputs()[static_cast<size_t>(i)];
      const std::string name = const_cast<Node&>(node).output(i).ToString();
      outputs.push_back(l_.AddValue(name, layout, l_.AddBuffer(Place::kArena, layout.bytes())));
      l_.values[Value{const_cast<Node*>(&node), i}] = outputs.back();
    }
    l_.kernels[&node] = kernel.get();
    l_.AddStep(node.name(), std::string(node.op_name()), std::move(kernel), std::move(inputs),
               std::move(outputs), &node);
    return absl::OkStatus();
  }

  static bool ReadsElements(const Node& node, int i) {
    const auto& specs = node.op().inputs;
    return !specs[std::min(static_cast<size_t>(i), specs.size() - 1)].shape_only;
  }

  absl::StatusOr<KernelRequest> MakeRequest(const Node& node) {
    KernelRequest request{.node = node, .threads = plan_.threads};
    for (const Value& v : node.inputs()) {
      request.constant.push_back(ConstantValue(v) != nullptr);
      if (!v) {
        request.inputs.emplace_back();
      } else if (request.constant.back()) {
        WEFT_ASSIGN_OR_RETURN(Layout plain, PlainLayout(v.type()));
        request.inputs.push_back(std::move(plain));
      } else {
        request.inputs.push_back(plan_.values[static_cast<size_t>(l_.values.at(v))].layout);
      }
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(node.type(i).shape));
      request.outputs.push_back(std::move(dims));
    }
    request.has_gradient = has_gradient_.contains(&node);
    if (auto it = l_.kernels.find(node.forward()); it != l_.kernels.end())
      request.forward = it->second;
    return request;
  }

  absl::StatusOr<std::shared_ptr<const Kernel>> Choose(const KernelRequest& request) {
    if (!l_.options.reference_only) {
      for (KernelFamily family : FamiliesFor(request.node.op_name())) {
        WEFT_ASSIGN_OR_RETURN(Kernels kernels, family(request));
        if (!kernels.empty()) return std::shared_ptr<const Kernel>(std::move(kernels.front()));
      }
    }
    if (request.node.op().evaluate == nullptr) {
      return absl::UnimplementedError("expected a kernel for the op, there is none");
    }
    return std::shared_ptr<const Kernel>(MakeReferenceKernel(request));
  }

  absl::Status FinishOutput(const NamedValue& output) {
    WEFT_ASSIGN_OR_RETURN(Layout plain, PlainLayout(output.value.type()));
    WEFT_ASSIGN_OR_RETURN(int id, Convert(output.value, plain));
    const int slot = static_cast<int>(plan_.outputs.size());
    plan_.outputs.push_back(output.name);
    plan_.output_layouts.push_back(plain);
    // Only memory of the plan's own can become the caller's; anything else is copied.
    if (l_.BufferOf(id).place != Place::kArena) id = l_.AddCopy(output.name, id);
    l_.BufferOf(id).place = Place::kOutput;
    l_.BufferOf(id).slot = slot;
    return absl::OkStatus();
  }

  absl::Status FinishUpdate(const Update& update) {
    WEFT_ASSIGN_OR_RETURN(Layout plain, PlainLayout(update.variable->type()));
    WEFT_ASSIGN_OR_RETURN(int id, Convert(update.value, plain));
    // Another variable's memory may be overwritten before it is read here.
    if (l_.BufferOf(id).place == Place::kVariable) id = l_.AddCopy(update.value.ToString(), id);
    l_.updates.emplace_back(id, l_.values.at(update.variable->output(0)));
    return absl::OkStatus();
  }

  void SetValue(const Node& node, int id) { l_.values[Value{const_cast<Node*>(&node), 0}] = id; }

  Lowering& l_;
  Plan& plan_;
  std::unordered_set<const Node*> has_gradient_;
  absl::flat_hash_map<std::pair<Value, std::string>, int> constants_;
};

}  // namespace

absl::Status SelectStage(Lowering& lowering) { return Selector(lowering).Run(); }

}  // namespace weft
