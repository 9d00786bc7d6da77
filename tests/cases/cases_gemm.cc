#include "tests/cases/table.h"

namespace weft {

std::vector<OpCase> GemmCases() {
  std::vector<OpCase> rows = {
      {.name = "no_c", .inputs = {Uniform({3, 4}), Uniform({4, 5})}, .outputs = {{3, 5}}},
      {.name = "bias",
       .inputs = {Uniform({3, 4}), Variable(Uniform({4, 5})), Uniform({5})},
       .outputs = {{3, 5}}},
      {.name = "trans_a",
       .attributes = {{"transA", 1}},
       .inputs = {Uniform({4, 3}), Uniform({4, 5}), Uniform({5})},
       .outputs = {{3, 5}}},
      {.name = "trans_b",
       .attributes = {{"transB", 1}},
       .inputs = {Uniform({3, 17}), Uniform({10, 17}), Uniform({10})},
       .outputs = {{3, 10}}},
      // The transpose of square weights has their dims; a library may want it packed.
      {.name = "square_weights",
       .inputs = {Uniform({2, 64}), Constant(Uniform({64, 64})), Uniform({64})},
       .outputs = {{2, 64}}},
      {.name = "square_weights_trans_b",
       .attributes = {{"transB", 1}},
       .inputs = {Uniform({2, 64}), Constant(Uniform({64, 64})), Uniform({64})},
       .outputs = {{2, 64}}},
      {.name = "trans_both_scaled",
       .attributes = {{"transA", 1}, {"transB", 1}, {"alpha", 0.5}, {"beta", -2.0}},
       .inputs = {Uniform({4, 3}), Uniform({5, 4}), Uniform({3, 5})},
       .outputs = {{3, 5}}},
      {.name = "scaled",
       .attributes = {{"alpha", 1.5}, {"beta", 0.25}},
       .inputs = {Uniform({2, 3}), Uniform({3, 4}), Uniform({1, 4})},
       .outputs = {{2, 4}}},
      {.name = "scaled_trans_a",
       .attributes = {{"alpha", 1.5}, {"transA", 1}},
       .inputs = {Uniform({3, 2}), Uniform({3, 4})},
       .outputs = {{2, 4}}},
      {.name = "column_c",
       .inputs = {Uniform({3, 2}), Uniform({2, 4}), Uniform({3, 1})},
       .outputs = {{3, 4}}},
      {.name = "column_c_scaled",
       .attributes = {{"alpha", 0.5}, {"beta", -2.0}, {"transB", 1}},
       .inputs = {Uniform({17, 2}), Uniform({3, 2}), Uniform({17, 1})},
       .outputs = {{17, 3}}},
      {.name = "scalar_c",
       .attributes = {{"beta", 3.0}},
       .inputs = {Uniform({3, 2}), Uniform({2, 4}), Uniform({})},
       .outputs = {{3, 4}}},
      {.name = "beta_0",
       .attributes = {{"beta", 0.0}},
       .inputs = {Uniform({3, 2}), Uniform({2, 4}), Uniform({4})},
       .outputs = {{3, 4}}},
      {.name = "one_by_one",
       .inputs = {Uniform({1, 1}), Uniform({1, 1}), Uniform({1})},
       .outputs = {{1, 1}}},
      {.name = "inner_1", .inputs = {Uniform({3, 1}), Uniform({1, 17})}, .outputs = {{3, 17}}},
      {.name = "empty_batch",
       .inputs = {Uniform({0, 4}), Uniform({4, 5}), Uniform({5})},
       .outputs = {{0, 5}}},
  };
  for (OpCase& row : rows) {
    row.op = "Gemm";
    const bool batch_first = !row.attributes.contains("transA");
    const bool c_spans_batch =
        row.inputs.size() > 2 && row.inputs[2].dims.size() == 2 && row.inputs[2].dims[0] > 1;
    if (batch_first && !c_spans_batch) row.batch_inputs = {0};
  }
  return rows;
}

}  // namespace weft
