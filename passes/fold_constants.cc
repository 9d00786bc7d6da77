// What can be computed now is computed now:
//
//   Sqrt(Add(var, eps)) with constants var and eps  =>  one constant
//
// A whole expression of constants is one rewrite: only what others read becomes a constant. Random
// ops stay, and so does what would make the file grow much (an ExpandLike of a scalar) or take much
// memory to compute (the Size of an image that is known but large).

#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/pass.h"

namespace weft {
namespace {

constexpr std::string_view kName = "fold_constants";
// A result may be this large whatever it is made from, or this many times as large as its operands:
// the product of two 1x1 convolutions that reduce the image to a quarter each way may be 16 times
// as large as both.
constexpr size_t kFreeBytes = size_t{64} << 10;
constexpr size_t kMostGrowth = 16;
// Zeros that may stand for an operand of which only the shape is read.
constexpr size_t kMostShapeBytes = size_t{64} << 20;

class Folder {
 public:
  explicit Folder(PassContext& context) : context_(context), graph_(context.graph()) {}

  absl::Status Run() {
    graph_.RemoveDeadNodes();
    context_.ForgetNearMisses(kName);
    std::vector<Node*> order;
    for (Node& node : graph_.nodes()) {
      if (node.op_name() == kConstant) {
        known_[&node].values = {LeafValue(node)};
      } else if (IsFoldable(node)) {
        Evaluate(node);
        if (known_.contains(&node)) order.push_back(&node);
      }
    }
    for (Node* node : order) {
      if (context_.done()) break;
      if (IsReadFromOutside(node) && KeepsReadersTypes(node)) {
        WEFT_RETURN_IF_ERROR(Materialize(node));
      }
    }
    graph_.SetInsertionPoint(nullptr);
    graph_.RemoveDeadNodes();
    return absl::OkStatus();
  }

 private:
  struct Known {
    std::vector<Tensor> values;   // of the outputs
    std::vector<Node*> computed;  // the op nodes that they took, in order
  };

  static bool IsShapeOnly(const Node& node, int input) {
    const std::vector<InputSpec>& specs = node.op().inputs;
    return specs[std::min(static_cast<size_t>(input), specs.size() - 1)].shape_only;
  }

  // Every input is known, or read for a shape that is.
  bool IsFoldable(const Node& node) const {
    if (node.op().evaluate == nullptr || node.op().draws_random || node.num_inputs() == 0) {
      return false;
    }
    for (int i = 0; i < node.num_inputs(); ++i) {
      const Value v = node.input(i);
      const bool known =
          v.null() || known_.contains(v.node) || (IsShapeOnly(node, i) && v.type().is_static());
      if (!known) return false;
    }
    return true;
  }

  static absl::StatusOr<size_t> BytesOf(const TensorType& type) {
    WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(type.shape));
    WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
    return static_cast<size_t>(size) * SizeOf(type.dtype);
  }

  static absl::StatusOr<size_t> OutputBytes(const Node& node) {
    size_t bytes = 0;
    for (int i = 0; i < node.num_outputs(); ++i) {
      WEFT_ASSIGN_OR_RETURN(const size_t output, BytesOf(node.type(i)));
      bytes += output;
    }
    return bytes;
  }

  // The operands; zeros stand for one of which only the shape is read.
  absl::StatusOr<std::vector<Tensor>> Operands(const Node& node) const {
    std::vector<Tensor> operands;
    for (const Value& v : node.inputs()) {
      auto it = known_.find(v.node);
      if (v.null()) {
        operands.emplace_back();
      } else if (it != known_.end()) {
        operands.push_back(it->second.values[static_cast<size_t>(v.index)]);
      } else {
        WEFT_ASSIGN_OR_RETURN(const size_t bytes, BytesOf(v.type()));
        if (bytes > kMostShapeBytes) {
          return absl::ResourceExhaustedError(
              absl::StrCat(v.ToString(), " of ", bytes, " bytes is too large to stand in for"));
        }
        WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(v.type().shape));
        WEFT_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Zeros(v.type().dtype, std::move(dims)));
        operands.push_back(std::move(zeros));
      }
    }
    return operands;
  }

  absl::StatusOr<std::vector<Tensor>> Compute(const Node& node) const {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> operands, Operands(node));
    return context_.options().evaluator->RunNode(node, operands);
  }

  void Evaluate(Node& node) {
    const absl::StatusOr<size_t> bytes = OutputBytes(node);
    if (!bytes.ok()) return;  // symbolic: nothing to compute yet
    size_t from = 0;
    for (const Value& v : node.inputs()) {
      auto it = known_.find(v.node);
      if (it != known_.end()) from += it->second.values[static_cast<size_t>(v.index)].bytes();
    }
    if (*bytes > kFreeBytes && *bytes / kMostGrowth > from) {
      context_.AddNearMiss(kName, node,
                           absl::StrCat(node.name(), " would make ", *bytes, " bytes of ", from));
      return;
    }
    absl::StatusOr<std::vector<Tensor>> values = Compute(node);
    if (!values.ok()) {
      context_.AddNearMiss(kName, node, std::string(values.status().message()));
      return;
    }
    Known known{*std::move(values), {}};
    for (const Value& v : node.inputs()) AddComputed(v.node, known.computed);
    known.computed.push_back(&node);
    known_.emplace(&node, std::move(known));
  }

  void AddComputed(const Node* operand, std::vector<Node*>& computed) const {
    auto it = known_.find(operand);
    if (it == known_.end()) return;
    for (Node* node : it->second.computed) {
      if (std::find(computed.begin(), computed.end(), node) == computed.end()) {
        computed.push_back(node);
      }
    }
  }

  bool IsReadFromOutside(Node* node) const {
    for (int i = 0; i < node->num_outputs(); ++i) {
      if (graph_.IsOutput(node->output(i))) return true;
    }
    return std::any_of(node->uses().begin(), node->uses().end(),
                       [&](const Use& use) { return !known_.contains(use.user); });
  }

  // An op may infer more from a constant than from a computed value (Reshape's shape); its type,
  // and what follows from it, cannot change in place.
  bool KeepsReadersTypes(Node* node) {
    Graph scratch(graph_.registry());
    for (const Use& use : node->uses()) {
      const Node& user = *use.user;
      if (known_.contains(&user)) continue;
      std::vector<Value> inputs(user.inputs().begin(), user.inputs().end());
      Value& input = inputs[static_cast<size_t>(use.input)];
      const Tensor& tensor = known_.at(node).values[static_cast<size_t>(input.index)];
      absl::StatusOr<Value> constant = scratch.AddConstant("c", tensor);
      if (!constant.ok()) return false;
      input = *constant;
      const auto types =
          user.op().infer(InferContext(user.name(), inputs, user.attributes(), user.num_outputs()));
      for (int i = 0; i < user.num_outputs(); ++i) {
        if (types.ok() && (*types)[static_cast<size_t>(i)] == user.type(i)) continue;
        context_.AddNearMiss(kName, *node,
                             absl::StrCat("folding it would change the type of ", user.name()));
        return false;
      }
    }
    return true;
  }

  absl::Status Materialize(Node* node) {
    const Known& known = known_.at(node);
    const Provenance from = context_.From(kName, known.computed);
    const std::string name = node->name();
    graph_.SetInsertionPoint(node);
    WEFT_RETURN_IF_ERROR(graph_.Rename(node, graph_.UniqueName(name + "/folded")));
    std::vector<Node*> constants;
    for (int i = 0; i < node->num_outputs(); ++i) {
      const Value value = node->output(i);
      if (graph_.CountReaders(value) == 0) continue;
      WEFT_ASSIGN_OR_RETURN(
          Node * constant,
          graph_.AddNode({.op = std::string(kConstant),
                          .name = i == 0 ? name : absl::StrCat(name, "_", i),
                          .inputs = {},
                          .attributes = {{"value", known.values[static_cast<size_t>(i)]}},
                          .provenance = from}));
      WEFT_RETURN_IF_ERROR(graph_.ReplaceUses(value, constant->output()));
      constants.push_back(constant);
    }
    return context_.Record(from, constants);
  }

  PassContext& context_;
  Graph& graph_;
  std::unordered_map<const Node*, Known> known_;
};

absl::Status Run(PassContext& context) { return Folder(context).Run(); }

}  // namespace

Pass FoldConstants() { return {kName, "compute what depends on constants only", Run}; }

}  // namespace weft
