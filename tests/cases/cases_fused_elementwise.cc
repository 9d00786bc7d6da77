#include "absl/strings/str_cat.h"
#include "ops/fused_elementwise.h"
#include "tests/cases/table.h"

// Chains of element-wise ops as one node.

namespace weft {
namespace {

ElementwiseStep Unary(const char* op, AttributeMap attributes = {}) {
  return {{.op = op, .attributes = std::move(attributes)}};
}
ElementwiseStep Binary(const char* op, int64_t input) { return {{.op = op, .input = input}}; }
ElementwiseStep OperandFirst(const char* op, int64_t input) {
  return {{.op = op, .input = input}, /*operand_first=*/true};
}

OpCase Chain(std::string name, std::vector<ElementwiseStep> steps, std::vector<CaseInput> inputs,
             std::vector<int> batch_inputs = {0}) {
  OpCase row{.name = std::move(name),
             .attributes = ElementwiseAttributes(steps),
             .inputs = std::move(inputs),
             .batch_inputs = std::move(batch_inputs)};
  row.outputs = {row.inputs[0].dims};
  return row;
}

}  // namespace

std::vector<OpCase> FusedElementwiseCases() {
  const ElementwiseStep relu = Unary("Relu"), sigmoid = Unary("Sigmoid");
  const std::vector<ElementwiseStep> scale_shift = {Binary("Mul", 1), Binary("Add", 2), relu};
  std::vector<OpCase> rows = {
      Chain("relu", {relu}, {Uniform({2, 3})}),
      Chain("scalars", {Binary("Mul", 1), Binary("Add", 0)}, {Uniform({}), Uniform({})}, {}),
      Chain("scale_shift_relu", scale_shift,
            {Uniform({2, 17, 3, 5}), Uniform({17, 1, 1}), Uniform({17, 1, 1})}),
      // More than a tile, and a tile that begins within the channels.
      Chain("scale_shift_large", scale_shift,
            {Uniform({2, 24, 13, 11}), Uniform({24, 1, 1}), Uniform({1, 24, 1, 1})}),
      Chain("scale_shift_rows", scale_shift, {Uniform({5, 6}), Uniform({6}), Uniform({6})}),
      Chain("scale_shift_series", scale_shift,
            {Uniform({2, 4, 9}), Uniform({4, 1}), Uniform({4, 1})}),
      // Squeeze and excitation, then the residual.
      Chain("gate_residual", scale_shift,
            {Uniform({2, 8, 4, 4}), Uniform({2, 8, 1, 1}), Uniform({2, 8, 4, 4})}, {0, 1, 2}),
      Chain("by_example", scale_shift, {Uniform({2, 8, 4, 4}), Uniform({2, 1, 1, 1}), Uniform({})},
            {0, 1}),
      Chain("by_pixel", scale_shift, {Uniform({2, 8, 4, 5}), Uniform({2, 1, 4, 5}), Uniform({5})},
            {0, 1}),
      Chain("swish", {sigmoid, Binary("Mul", 0)}, {Uniform({2, 8, 4, 4})}),
      Chain("doubled", {Binary("Add", 0)}, {Uniform({3, 2})}),
      Chain("hard_swish",
            {Binary("Add", 1), Binary("Max", 2), Binary("Min", 3), Binary("Mul", 0),
             Binary("Div", 3)},
            {Uniform({2, 8, 3, 3}, -5, 5), Values({}, {3}), Values({}, {0}), Values({}, {6})}),
      Chain("reversed", {OperandFirst("Sub", 1), OperandFirst("Div", 2), OperandFirst("Mul", 1)},
            {Uniform({2, 8, 3, 3}, 2, 3), Uniform({8, 1, 1}), OffZero({2, 8, 3, 3})}, {0, 2}),
      Chain("attributes",
            {Unary("Elu", {{"alpha", 0.5}}), Unary("Gelu", {{"approximate", "tanh"}})},
            {Uniform({2, 20})}),
      Chain("empty_batch", scale_shift,
            {Uniform({0, 8, 3, 3}), Uniform({8, 1, 1}), Uniform({8, 1, 1})}),
  };
  for (OpCase& row : rows) row.op = "FusedElementwise";
  return rows;
}

}  // namespace weft
