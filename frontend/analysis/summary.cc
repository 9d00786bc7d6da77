#include "frontend/analysis/summary.h"

#include <optional>
#include <unordered_set>

#include "frontend/analysis/receptive_field.h"
#include "frontend/io/text_table.h"
#include "graph/bind.h"
#include "graph/number_text.h"
#include "graph/op.h"
#include "passes/passes.h"

namespace weft {
namespace {

bool IsLeaf(const Node& node) {
  return node.op_name() == kInput || node.op_name() == kConstant || node.op_name() == kVariable;
}

// The number of elements of a variable or a floating-point constant, otherwise 0.
int64_t ParameterSize(const Node& leaf) {
  const Tensor& tensor = LeafValue(leaf);
  return !tensor.is_empty() && kFloatTypes.contains(tensor.dtype()) ? tensor.size() : 0;
}

// The receptive fields with respect to the first image among the inputs; nullopt without one.
std::optional<ReceptiveFields> FieldsOf(const Graph& graph) {
  for (const Node* input : graph.inputs()) {
    auto fields = ReceptiveFields::Create(graph, *input);
    if (fields.ok()) return *std::move(fields);
  }
  return std::nullopt;
}

std::string FieldOf(const ReceptiveFields& fields, const Node& node) {
  const auto field = fields.Of(node);
  if (field.ok()) return ToString(*field);
  return absl::IsNotFound(field.status()) ? "" : "?";
}

}  // namespace

absl::StatusOr<Summary> Summarize(const Graph& graph, int64_t batch) {
  Summary summary;
  summary.batch = batch;
  const SymbolBindings symbols = BindAllSymbols(graph, batch);
  const std::optional<ReceptiveFields> fields = FieldsOf(graph);
  std::unordered_set<const Node*> counted;
  for (const Node& node : graph.nodes()) {
    if (IsTrainable(node)) summary.trainable += ParameterSize(node);
    if (IsLeaf(node)) continue;
    SummaryRow row{.name = node.name(),
                   .op = std::string(node.op_name()),
                   .output = weft::ToString(node.type().shape)};
    if (fields) row.field = FieldOf(*fields, node);
    for (const Value& input : node.inputs()) {
      if (input && IsLeaf(*input.node) && counted.insert(input.node).second) {
        row.parameters += ParameterSize(*input.node);
      }
    }
    WEFT_ASSIGN_OR_RETURN(const Cost cost, CostOf(node, symbols));
    row.macs = cost.macs;
    summary.parameters += row.parameters;
    summary.macs += row.macs;
    summary.rows.push_back(std::move(row));
  }
  return summary;
}

absl::StatusOr<ModelSize> SizeOf(const Graph& graph) {
  WEFT_ASSIGN_OR_RETURN(const Graph inference, ForInference(graph, {.freeze = false}));
  const SymbolBindings symbols = BindAllSymbols(inference, 1);
  ModelSize size;
  for (const Node& node : inference.nodes()) {
    if (IsTrainable(node)) size.parameters += ParameterSize(node);
    WEFT_ASSIGN_OR_RETURN(const Cost cost, CostOf(node, symbols));
    size.macs += cost.macs;
  }
  return size;
}

std::string Summary::ToString() const {
  std::vector<std::vector<std::string>> lines = {
      {"layer", "type", "output", "field", "parameters", "MACs"}};
  for (const SummaryRow& row : rows) {
    lines.push_back({row.name, row.op, row.output, row.field, WithCommas(row.parameters),
                     WithCommas(row.macs)});
  }
  lines.push_back({"total", "", "", "", WithCommas(parameters), WithCommas(macs)});
  return absl::StrCat(TextTable("llllrr", lines), WithCommas(trainable), " of ",
                      WithCommas(parameters), " parameters are trainable; MACs are for a batch of ",
                      batch, "\n");
}

}  // namespace weft
