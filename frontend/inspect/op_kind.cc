#include "frontend/inspect/op_kind.h"

#include <algorithm>
#include <span>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "graph/op.h"
#include "ops/ops.h"

namespace weft {
namespace {

struct OpKindEntry {
  OpKind kind;
  std::string_view text, css_class, color;
};

// In the order of kOpKinds.
constexpr OpKindEntry kOpKindEntries[] = {
    {OpKind::kConv, "convolution", "op-conv", "#0072b2"},
    {OpKind::kLinear, "matrix product", "op-linear", "#56b4e9"},
    {OpKind::kNormalization, "normalization", "op-norm", "#e69f00"},
    {OpKind::kActivation, "activation", "op-activation", "#d55e00"},
    {OpKind::kPooling, "pooling, reduction", "op-pool", "#009e73"},
    {OpKind::kArithmetic, "arithmetic", "op-arithmetic", "#cc79a7"},
    {OpKind::kMovement, "movement", "op-movement", "#8c8c8c"},
    {OpKind::kRecurrent, "recurrence", "op-recurrent", "#aa4499"},
    {OpKind::kLoss, "loss, optimizer", "op-loss", "#6b9e2f"},
    {OpKind::kInterface, "input, output", "op-interface", "#c9b500"},
    {OpKind::kOther, "other", "op-other", "#8c8c8c"},
};

constexpr std::string_view kNormalizationOps[] = {"BatchNormalization",
                                                  "GroupNormalization",
                                                  "InstanceNormalization",
                                                  "LayerNormalization",
                                                  "LRN",
                                                  "LpNormalization"};
constexpr std::string_view kActivationOps[] = {"Softmax", "LogSoftmax", "Hardmax", "Dropout",
                                               "PRelu"};
constexpr std::string_view kLinearOps[] = {"Gemm", "MatMul", "Einsum", "SqueezeExcitation"};
constexpr std::string_view kMovementOps[] = {"Cast",
                                             "ChannelShuffle",
                                             "Col2Im",
                                             "Concat",
                                             "Copy",
                                             "DepthToSpace",
                                             "Expand",
                                             "ExpandLike",
                                             "Flatten",
                                             "Gather",
                                             "GatherElements",
                                             "GatherND",
                                             "Identity",
                                             "Im2Col",
                                             "Pad",
                                             "Reorder",
                                             "Reshape",
                                             "ReshapeLike",
                                             "Resize",
                                             "ReverseSequence",
                                             "ScatterElements",
                                             "ScatterND",
                                             "Shape",
                                             "Size",
                                             "Slice",
                                             "SpaceToDepth",
                                             "Split",
                                             "SplitLike",
                                             "Squeeze",
                                             "Tile",
                                             "Transpose",
                                             "Unsqueeze"};
constexpr std::string_view kRecurrentOps[] = {"GRU", "LSTM", "RNN"};
constexpr std::string_view kInterfaceOps[] = {kInput, kConstant, kVariable};

bool HasOpName(std::span<const std::string_view> names, std::string_view op) {
  return std::ranges::find(names, op) != names.end();
}

OpKind KindByTraits(std::string_view op) {
  const OpDef* def = StandardOps().Find(op);
  if (def == nullptr) return OpKind::kOther;
  if (def->traits.activation) return OpKind::kActivation;
  if (def->traits.elementwise || op == "Sum" || op == "Mean") return OpKind::kArithmetic;
  if (def->traits.reduction) return OpKind::kPooling;
  return OpKind::kOther;
}

}  // namespace

bool IsActivation(const Node& node) {
  // Those whose parameters are inputs do not have the trait.
  const std::string_view op = node.op_name();
  return node.op().traits.activation || op == "PRelu" || op == "Clip";
}

OpKind OpKindOf(std::string_view op) {
  if (op.starts_with("Fused")) op.remove_prefix(5);
  op = op.substr(0, op.find("Grad"));
  if (op == "Elementwise" || op == "MulReduceToLike") return OpKind::kArithmetic;
  if (op == "Conv" || op == "ConvTranspose") return OpKind::kConv;
  if (op.ends_with("Pool") || op == "MaxUnpool" || op == "ReduceToLike") return OpKind::kPooling;
  if (op.ends_with("Loss") || op == "Momentum" || op == "OptimizerStep" || op == "GlobalNorm") {
    return OpKind::kLoss;
  }
  if (HasOpName(kNormalizationOps, op)) return OpKind::kNormalization;
  if (HasOpName(kActivationOps, op)) return OpKind::kActivation;
  if (HasOpName(kLinearOps, op)) return OpKind::kLinear;
  if (HasOpName(kMovementOps, op)) return OpKind::kMovement;
  if (HasOpName(kRecurrentOps, op)) return OpKind::kRecurrent;
  if (HasOpName(kInterfaceOps, op)) return OpKind::kInterface;
  return KindByTraits(op);
}

std::string_view ToString(OpKind kind) { return kOpKindEntries[static_cast<size_t>(kind)].text; }

std::string_view OpClass(OpKind kind) {
  return kOpKindEntries[static_cast<size_t>(kind)].css_class;
}

std::string OpKindStyle(std::string_view scope) {
  std::string style;
  for (const OpKindEntry& entry : kOpKindEntries) {
    absl::StrAppend(&style, Absl(scope), " .", Absl(entry.css_class),
                    ">rect{fill:", Absl(entry.color),
                    ";fill-opacity:.25;stroke:", Absl(entry.color), "}\n");
  }
  absl::StrAppend(&style, Absl(scope), " .op-other>rect{stroke-dasharray:3 2}\n");
  return style;
}

}  // namespace weft
