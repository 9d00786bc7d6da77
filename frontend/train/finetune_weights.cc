#include "frontend/train/finetune_weights.h"

#include <array>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/build/init.h"
#include "frontend/weights/weights.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"

namespace weft {
namespace {

absl::StatusOr<NamedTensors> WeightsFrom(const std::string& path, const OpRegistry& registry) {
  if (!path.ends_with(".weft")) return OpenWeights(path);
  WEFT_ASSIGN_OR_RETURN(const Model source, LoadModel(path, registry));
  NamedTensors weights;
  weights.source = path;
  weights.tensors = WeightsOf(source);
  return weights;
}

// Ops between the head and the scores that leave the classes where they are, or flatten what comes
// after them.
bool IsPassedOnTheWayBack(const Node& node) {
  constexpr std::array<std::string_view, 12> kOps = {
      "AveragePool", "Cast",       "Dropout", "Flatten", "GlobalAveragePool", "Identity",
      "LogSoftmax",  "ReduceMean", "Relu",    "Reshape", "Softmax",           "Squeeze"};
  return std::find(kOps.begin(), kOps.end(), node.op_name()) != kOps.end();
}

absl::Status NoHead(const Node& node, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("no head to be found before the scores: ", node.Describe(), " ", Absl(why)));
}

absl::StatusOr<Node*> OwnVariable(const Node& layer, Value value) {
  if (value.node->op_name() != kVariable) {
    return NoHead(layer, absl::StrCat("has no variable: ", value.node->Describe(),
                                      " (was the model optimized for inference?)"));
  }
  if (value.node->uses().size() != 1) {
    return NoHead(layer, absl::StrCat("shares ", value.node->name(), " with another layer"));
  }
  return value.node;
}

// The variable [K], or [1,K] and the like, that an Add adds; null where it adds none.
Value AddedVariable(const Node& add) {
  for (const Value& v : add.inputs()) {
    if (v.node->op_name() == kVariable) return v;
  }
  return {};
}

absl::StatusOr<ModelHead> HeadAt(Node* layer, Value added_bias) {
  ModelHead head{.layer = layer};
  const std::string_view op = layer->op_name();
  if (op == "Conv" && GetInt(layer->attributes(), "group", 1) != 1) {
    return NoHead(*layer, "is a convolution in groups");
  }
  const bool rows = op == "Conv" || (op == "Gemm" && GetInt(layer->attributes(), "transB") != 0);
  WEFT_ASSIGN_OR_RETURN(head.weight, OwnVariable(*layer, layer->input(1)));
  head.units_axis = rows ? 0 : head.weight->type().rank() - 1;
  const Value own = op == "MatMul" ? Value() : layer->input(2);
  const Value bias = own.null() ? added_bias : own;
  if (!bias.null()) {
    WEFT_ASSIGN_OR_RETURN(head.bias, OwnVariable(*layer, bias));
  }
  return head;
}

}  // namespace

absl::StatusOr<InitReport> InitFrom(Model& model, const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(NamedTensors weights, WeightsFrom(path, model.graph.registry()));
  InitReport report;
  for (const Node* variable : model.graph.variables()) {
    const auto it = weights.tensors.find(variable->name());
    if (!IsWeight(*variable) || it == weights.tensors.end()) continue;
    const TensorType type = it->second.type();
    const bool converts =
        type.dtype == variable->type().dtype ||
        (kRealTypes.contains(type.dtype) && kRealTypes.contains(variable->type().dtype));
    if (converts && type.shape == variable->type().shape) continue;
    report.skipped.push_back(absl::StrCat(variable->name(), " ", ToString(type), " (not ",
                                          ToString(variable->type()), ")"));
    weights.tensors.erase(it);
  }
  WEFT_ASSIGN_OR_RETURN(WeightsReport loaded, LoadWeights(model, weights, {.partial = true}));
  report.loaded = std::move(loaded.loaded);
  for (std::string& name : loaded.missing) {
    const bool skipped =
        std::any_of(report.skipped.begin(), report.skipped.end(),
                    [&](const std::string& text) { return text.starts_with(name + " "); });
    if (!skipped) report.missing.push_back(std::move(name));
  }
  report.unexpected = std::move(loaded.unexpected);
  return report;
}

absl::StatusOr<ModelHead> FindHead(const Graph& graph) {
  if (graph.outputs().empty()) return absl::InvalidArgumentError("expected a model with an output");
  Node* node = graph.outputs()[0].value.node;
  Value added_bias;
  while (true) {
    const std::string_view op = node->op_name();
    if (op == "Gemm" || op == "MatMul" || op == "Conv") return HeadAt(node, added_bias);
    const Value bias = op == "Add" ? AddedVariable(*node) : Value();
    if (bias.null() && !IsPassedOnTheWayBack(*node)) return NoHead(*node, "is not passed over");
    if (!bias.null()) added_bias = bias;
    node = (!bias.null() && node->input(0) == bias ? node->input(1) : node->input(0)).node;
  }
}

absl::StatusOr<Graph> WithLeafValues(const Graph& graph, const TensorMap& values) {
  Graph copy(graph.registry());
  NodeMap nodes;
  for (const Node& node : graph.nodes()) {
    NodeSpec spec = SpecOfCopy(node, nodes);
    if (const auto it = values.find(node.name()); it != values.end()) {
      spec.attributes.insert_or_assign("value", it->second);
    }
    WEFT_ASSIGN_OR_RETURN(nodes[&node], copy.AddNode(std::move(spec)));
  }
  for (const NamedValue& output : graph.outputs()) {
    WEFT_RETURN_IF_ERROR(copy.AddOutput(output.name, CopyOf(output.value, nodes)));
  }
  for (const NamedValue& loss : graph.losses()) {
    WEFT_RETURN_IF_ERROR(copy.AddLoss(loss.name, CopyOf(loss.value, nodes)));
  }
  for (const Update& update : graph.updates()) {
    WEFT_RETURN_IF_ERROR(copy.AddUpdate(nodes.at(update.variable), CopyOf(update.value, nodes)));
  }
  return copy;
}

absl::Status ReplaceHead(Model& model, int64_t classes, uint64_t seed) {
  if (classes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("replace head: expected at least 1 class, got ", classes));
  }
  if (!model.graph.losses().empty()) {
    return absl::InvalidArgumentError(
        "replace head: the model states its own losses, which have heads of their own");
  }
  WEFT_ASSIGN_OR_RETURN(const ModelHead head, FindHead(model.graph));
  const DType dtype = head.weight->type().dtype;
  const auto resized = [&](const Node& variable, int axis) {
    Dims dims = LeafValue(variable).dims();
    dims[static_cast<size_t>(axis)] = classes;
    return dims;
  };
  const Dims dims = resized(*head.weight, head.units_axis);
  Dims units_first = dims;  // as FansOf reads them
  if (head.units_axis != 0) std::swap(units_first.front(), units_first.back());
  const Fans fans = FansOf(units_first);
  const Initializer init;
  TensorMap values;
  WEFT_ASSIGN_OR_RETURN(values[head.weight->name()],
                        init.Make(dtype, dims, fans, seed, head.weight->name()));
  if (head.bias != nullptr) {
    const Dims bias = resized(*head.bias, head.bias->type().rank() - 1);
    WEFT_ASSIGN_OR_RETURN(values[head.bias->name()],
                          init.ForBias(fans).Make(dtype, bias, fans, seed, head.bias->name()));
  }
  WEFT_ASSIGN_OR_RETURN(Graph graph, WithLeafValues(model.graph, values));
  model.graph = std::move(graph);
  model.class_names.clear();
  model.training.reset();
  return absl::OkStatus();
}

}  // namespace weft
