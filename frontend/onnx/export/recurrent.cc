#include "ops/recurrent.h"

#include "frontend/onnx/export/table.h"

namespace weft {
namespace {

CellKind KindOf(std::string_view op) {
  if (op == "RNN") return CellKind::kRnn;
  return op == "GRU" ? CellKind::kGru : CellKind::kLstm;
}

bool TakesBeta(CellActivation::Kind kind) {
  using Kind = CellActivation::Kind;
  return kind == Kind::kAffine || kind == Kind::kHardSigmoid || kind == Kind::kScaledTanh;
}

bool TakesAlpha(CellActivation::Kind kind) {
  using Kind = CellActivation::Kind;
  return TakesBeta(kind) || kind == Kind::kElu || kind == Kind::kLeakyRelu ||
         kind == Kind::kThresholdedRelu;
}

// With what ONNX Runtime wants, though it could be known: hidden_size, and the arguments of
// activations, whose defaults it does not share.
AttributeMap AttributesOf(OpExport& e) {
  AttributeMap attributes = e.attributes();
  const Dim& hidden = e.type(2).dim(2);
  if (hidden.is_static()) attributes["hidden_size"] = hidden.coefficient();
  const auto config = ReadRecurrentAttributes(KindOf(e.call().op), attributes);
  if (!config.ok()) {
    e.Fail(config.status());
    return attributes;
  }
  std::vector<double> alphas, betas;
  for (const CellActivation& f : config->activations) {
    if (TakesAlpha(f.kind)) alphas.push_back(f.alpha);
    if (TakesBeta(f.kind)) betas.push_back(f.beta);
  }
  if (!alphas.empty()) attributes["activation_alpha"] = alphas;
  if (!betas.empty()) attributes["activation_beta"] = betas;
  return attributes;
}

// Few runtimes know layout 1 (batch first): it is written as layout 0 between transpositions.
void ExportRecurrent(OpExport& e) {
  if (GetInt(e.attributes(), "layout") == 0) return ExportSameWith(e, AttributesOf(e));
  constexpr int kX = 0, kFirstState = 5, kLastState = 6;  // initial_h, initial_c
  const Attribute swap(std::vector<int64_t>{1, 0, 2});
  std::vector<OnnxOperand> inputs = e.call().inputs;
  for (int i : {kX, kFirstState, kLastState}) {
    if (!e.has(i)) continue;
    inputs[static_cast<size_t>(i)] = e.Op("Transpose", {e.in(i)}, {{"perm", swap}});
  }
  AttributeMap attributes = AttributesOf(e);
  attributes.erase("layout");
  const std::vector<DType> dtypes(e.call().types.size(), e.type().dtype);
  const auto outputs =
      e.OpWithOutputs(e.call().op, std::move(inputs), std::move(attributes), dtypes);
  // Y is [steps, directions, batch, hidden] of layout 0.
  e.LastOf(0, "Transpose", {outputs[0]}, {{"perm", std::vector<int64_t>{2, 0, 1, 3}}});
  for (size_t i = 1; i < outputs.size(); ++i) {
    e.LastOf(static_cast<int>(i), "Transpose", {outputs[i]}, {{"perm", swap}});
  }
}

}  // namespace

std::vector<ExportEntry> RecurrentExports() {
  return {{"GRU", ExportRecurrent}, {"LSTM", ExportRecurrent}, {"RNN", ExportRecurrent}};
}

}  // namespace weft
