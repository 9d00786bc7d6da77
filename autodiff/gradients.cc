#include "autodiff/gradients.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "graph/emitter.h"
#include "graph/op.h"

namespace weft {
namespace {

bool IsFloat(Value value) { return kRealTypes.contains(value.type().dtype); }

Emitter EmitterFor(Graph& graph, const Node& forward) {
  return Emitter(graph, absl::StrCat("grad/", forward.name()));
}

// The reverse sweep of one call of Gradients.
class Sweep {
 public:
  Sweep(Graph& graph, const GradientRules& rules) : graph_(graph), rules_(rules) {}

  // Finds the values that depend on the xs, and the nodes that compute them.
  void MarkDependents(std::span<const Value> xs);
  bool DependsOnX(Value value) const { return dependent_.contains(value); }

  // Adds `cotangent` to what flows into `value`.
  absl::Status Accumulate(Value value, Value cotangent);
  // Carries the cotangents from the ys back to the xs.
  absl::Status Run();
  // What has flowed into x; zeros where nothing has.
  absl::StatusOr<Value> GradientOf(Value x);

 private:
  absl::Status Differentiate(Node* node);
  std::vector<Value> CotangentsOf(Node* node) const;

  Graph& graph_;
  const GradientRules& rules_;
  absl::flat_hash_set<Value> dependent_;
  std::vector<Node*> nodes_;  // those that compute dependent values, in topological order
  absl::flat_hash_map<Value, Value> cotangents_;
};

void Sweep::MarkDependents(std::span<const Value> xs) {
  dependent_.insert(xs.begin(), xs.end());
  for (Node& node : graph_.nodes()) {
    bool depends = false;
    for (int i = 0; i < node.num_inputs() && !depends; ++i) {
      depends = IsDifferentiable(node, i) && DependsOnX(node.input(i));
    }
    if (!depends) continue;
    nodes_.push_back(&node);
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (IsFloat(node.output(i))) dependent_.insert(node.output(i));
    }
  }
}

absl::Status Sweep::Accumulate(Value value, Value cotangent) {
  auto [entry, first] = cotangents_.try_emplace(value, cotangent);
  if (first) return absl::OkStatus();
  Emitter emitter = EmitterFor(graph_, *value.node);
  entry->second = emitter.Op("Add", {entry->second, cotangent});
  return emitter.status();
}

absl::Status Sweep::Run() {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    WEFT_RETURN_IF_ERROR(Differentiate(*node));
  }
  return absl::OkStatus();
}

std::vector<Value> Sweep::CotangentsOf(Node* node) const {
  std::vector<Value> result(static_cast<size_t>(node->num_outputs()));
  for (int i = 0; i < node->num_outputs(); ++i) {
    if (auto found = cotangents_.find(node->output(i)); found != cotangents_.end()) {
      result[static_cast<size_t>(i)] = found->second;
    }
  }
  return result;
}

absl::Status Sweep::Differentiate(Node* node) {
  std::vector<Value> dys = CotangentsOf(node);
  if (std::all_of(dys.begin(), dys.end(), [](Value dy) { return dy.null(); })) {
    return absl::OkStatus();
  }
  const OpDef& op = node->op();
  const auto rule = rules_.find(op.name);
  if (op.gradient == nullptr && rule == rules_.end()) {
    std::string_view why = op.no_gradient.empty() ? "it has no rule" : op.no_gradient;
    return absl::UnimplementedError(absl::StrCat(node->Describe(), ": no gradient: ", Absl(why)));
  }
  std::vector<bool> needs(static_cast<size_t>(node->num_inputs()));
  for (int i = 0; i < node->num_inputs(); ++i) {
    needs[static_cast<size_t>(i)] = IsDifferentiable(*node, i) && DependsOnX(node->input(i));
  }
  const std::string what = absl::StrCat("gradient of ", node->Describe());
  GradientContext context(EmitterFor(graph_, *node), node, std::move(dys), needs);
  InputGradients dxs = rule == rules_.end() ? op.gradient(context) : rule->second(context);
  WEFT_RETURN_IF_ERROR(Annotate(context.status(), what));
  // A rule may also answer for optional inputs that the node does not have.
  for (size_t i = 0; i < std::min(dxs.size(), needs.size()); ++i) {
    if (!needs[i] || dxs[i].null()) continue;
    const Value x = node->input(static_cast<int>(i));
    if (dxs[i].type() != x.type()) {
      return absl::InternalError(absl::StrCat(what, ": input ", i, " is ", ToString(x.type()),
                                              ", its gradient ", ToString(dxs[i].type())));
    }
    WEFT_RETURN_IF_ERROR(Accumulate(x, dxs[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Value> Sweep::GradientOf(Value x) {
  if (auto found = cotangents_.find(x); found != cotangents_.end()) return found->second;
  Emitter emitter = EmitterFor(graph_, *x.node);
  Value zero = emitter.Scalar(0, x.type().dtype);
  if (x.type().rank() > 0) {
    // Follows x's shape, symbols too, without reading its elements (0 * inf is not 0).
    std::vector<int64_t> axes(static_cast<size_t>(x.type().rank()));
    std::iota(axes.begin(), axes.end(), 0);
    zero = emitter.Op("ExpandLike", {zero, x}, {{"axes", axes}});
  }
  WEFT_RETURN_IF_ERROR(emitter.status());
  return zero;
}

absl::Status CheckFloat(Value value, std::string_view role) {
  const absl::string_view what(role.data(), role.size());
  if (value.null()) return absl::InvalidArgumentError(absl::StrCat("Gradients: a null ", what));
  if (IsFloat(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("Gradients: ", what, " ", value.ToString(), " is ",
                                                 ToString(value.type()), ", not floating-point"));
}

absl::Status CheckScalar(Value y) {
  const Shape& shape = y.type().shape;
  if (std::all_of(shape.begin(), shape.end(), [](const Dim& dim) { return dim == Dim(1); })) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("Gradients: y ", y.ToString(), " is ",
                                                 ToString(y.type()),
                                                 ", not a scalar: pass its cotangent"));
}

absl::Status CheckArguments(std::span<const Value> ys, std::span<const Value> xs,
                            std::span<const Value> cotangents) {
  for (Value x : xs) WEFT_RETURN_IF_ERROR(CheckFloat(x, "x"));
  for (Value y : ys) WEFT_RETURN_IF_ERROR(CheckFloat(y, "y"));
  if (cotangents.empty()) {
    for (Value y : ys) WEFT_RETURN_IF_ERROR(CheckScalar(y));
    return absl::OkStatus();
  }
  if (cotangents.size() != ys.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Gradients: ", ys.size(), " ys but ", cotangents.size(), " cotangents"));
  }
  for (size_t i = 0; i < ys.size(); ++i) {
    WEFT_RETURN_IF_ERROR(CheckFloat(cotangents[i], "cotangent"));
    if (cotangents[i].type() == ys[i].type()) continue;
    return absl::InvalidArgumentError(absl::StrCat("Gradients: y ", ys[i].ToString(), " is ",
                                                   ToString(ys[i].type()), ", its cotangent ",
                                                   ToString(cotangents[i].type())));
  }
  return absl::OkStatus();
}

// One, of the type of a y that has one element.
absl::StatusOr<Value> Seed(Graph& graph, Value y) {
  const TensorType& type = y.type();
  Dims ones(type.shape.size(), 1);
  WEFT_ASSIGN_OR_RETURN(Tensor one, Tensor::Scalar(1, type.dtype).Reshaped(std::move(ones)));
  Emitter emitter = EmitterFor(graph, *y.node);
  Value seed = emitter.Constant(std::move(one));
  WEFT_RETURN_IF_ERROR(emitter.status());
  return seed;
}

}  // namespace

bool IsDifferentiable(const Node& node, int i) {
  const Value x = node.input(i);
  if (x.null() || !IsFloat(x) || node.op().input(static_cast<size_t>(i)).shape_only) return false;
  const std::vector<int>& excluded = node.op().non_differentiable_inputs;
  return std::find(excluded.begin(), excluded.end(), i) == excluded.end();
}

absl::StatusOr<std::vector<Value>> Gradients(Graph& graph, std::span<const Value> ys,
                                             std::span<const Value> xs,
                                             std::span<const Value> cotangents,
                                             const GradientRules& rules) {
  WEFT_RETURN_IF_ERROR(CheckArguments(ys, xs, cotangents));
  Sweep sweep(graph, rules);
  sweep.MarkDependents(xs);
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!sweep.DependsOnX(ys[i])) continue;
    Value cotangent;
    if (cotangents.empty()) {
      WEFT_ASSIGN_OR_RETURN(cotangent, Seed(graph, ys[i]));
    } else {
      cotangent = cotangents[i];
    }
    WEFT_RETURN_IF_ERROR(sweep.Accumulate(ys[i], cotangent));
  }
  WEFT_RETURN_IF_ERROR(sweep.Run());
  std::vector<Value> gradients;
  for (Value x : xs) {
    WEFT_ASSIGN_OR_RETURN(gradients.emplace_back(), sweep.GradientOf(x));
  }
  return gradients;
}

}  // namespace weft
