#include "frontend/onnx/export_table.h"

namespace weft {
namespace {

// Few runtimes know layout 1 (batch first): it is written as layout 0 between transpositions.
void ExportRecurrent(OpExport& e) {
  if (GetInt(e.attributes(), "layout") == 0) return ExportSame(e);
  constexpr int kX = 0, kFirstState = 5, kLastState = 6;  // initial_h, initial_c
  const Attribute swap(std::vector<int64_t>{1, 0, 2});
  std::vector<OnnxOperand> inputs = e.call().inputs;
  for (int i : {kX, kFirstState, kLastState}) {
    if (!e.has(i)) continue;
    inputs[static_cast<size_t>(i)] = e.Op("Transpose", {e.in(i)}, {{"perm", swap}});
  }
  AttributeMap attributes = e.attributes();
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
