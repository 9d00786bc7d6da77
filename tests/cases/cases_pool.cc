#include "tests/cases/table.h"

namespace weft {
namespace {

// Rows for both poolings; attributes of MaxPool only are in MaxRows.
std::vector<OpCase> CommonRows() {
  return {
      {.name = "2x2_stride_2",
       .attributes = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}},
       .inputs = {Distinct({2, 3, 6, 4})},
       .outputs = {{2, 3, 3, 2}}},
      {.name = "3x3_overlapping",
       .attributes = {{"kernel_shape", Ints{3, 3}}},
       .inputs = {Distinct({1, 17, 5, 4})},
       .outputs = {{1, 17, 3, 2}}},
      {.name = "3x3_stride_2_padded",
       .attributes = {{"kernel_shape", Ints{3, 3}},
                      {"strides", Ints{2, 2}},
                      {"pads", Ints{1, 1, 1, 1}}},
       .inputs = {Distinct({2, 3, 7, 8})},
       .outputs = {{2, 3, 4, 4}}},
      {.name = "stride_above_kernel",
       .attributes = {{"kernel_shape", Ints{2, 1}}, {"strides", Ints{3, 4}}},
       .inputs = {Distinct({1, 3, 8, 9})},
       .outputs = {{1, 3, 3, 3}}},
      {.name = "asymmetric_pads",
       .attributes = {{"kernel_shape", Ints{3, 4}},
                      {"pads", Ints{0, 1, 2, 3}},
                      {"strides", Ints{2, 1}}},
       .inputs = {Distinct({1, 2, 5, 4})},
       .outputs = {{1, 2, 3, 5}}},
      {.name = "ceil_mode",
       .attributes = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", 1}},
       .inputs = {Distinct({1, 2, 6, 5})},
       .outputs = {{1, 2, 3, 2}}},
      // The last window of axis 3 would start in the padding: left out, as in PyTorch.
      {.name = "ceil_mode_padded",
       .attributes = {{"kernel_shape", Ints{2, 2}},
                      {"strides", Ints{2, 2}},
                      {"pads", Ints{0, 1, 0, 1}},
                      {"ceil_mode", 1}},
       .inputs = {Distinct({2, 1, 5, 5})},
       .outputs = {{2, 1, 3, 3}}},
      // Kept along axis 2, left out along axis 3.
      {.name = "ceil_mode_padded_unevenly",
       .attributes = {{"kernel_shape", Ints{3, 2}},
                      {"strides", Ints{2, 3}},
                      {"pads", Ints{0, 1, 0, 1}},
                      {"ceil_mode", 1}},
       .inputs = {Distinct({1, 1, 4, 1})},
       .outputs = {{1, 1, 2, 1}}},
      // Along axis 2 the kernel is longer than the input: one window, cut off.
      {.name = "ceil_mode_kernel_beyond_input",
       .attributes = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", 1}},
       .inputs = {Distinct({1, 2, 2, 5})},
       .outputs = {{1, 2, 1, 2}}},
      {.name = "auto_pad_same_upper",
       .attributes = {{"kernel_shape", Ints{3, 2}},
                      {"strides", Ints{2, 2}},
                      {"auto_pad", "SAME_UPPER"}},
       .inputs = {Distinct({1, 3, 6, 5})},
       .outputs = {{1, 3, 3, 3}}},
      {.name = "auto_pad_same_lower",
       .attributes = {{"kernel_shape", Ints{2, 4}}, {"auto_pad", "SAME_LOWER"}},
       .inputs = {Distinct({1, 1, 4, 5})},
       .outputs = {{1, 1, 4, 5}}},
      {.name = "whole_image",
       .attributes = {{"kernel_shape", Ints{4, 5}}},
       .inputs = {Distinct({3, 2, 4, 5})},
       .outputs = {{3, 2, 1, 1}}},
      {.name = "width_1",
       .attributes = {{"kernel_shape", Ints{2, 1}}},
       .inputs = {Distinct({2, 3, 4, 1})},
       .outputs = {{2, 3, 3, 1}}},
      {.name = "1d",
       .attributes = {{"kernel_shape", Ints{3}}, {"strides", Ints{2}}},
       .inputs = {Distinct({2, 3, 9})},
       .outputs = {{2, 3, 4}}},
      {.name = "3d",
       .attributes = {{"kernel_shape", Ints{2, 3, 2}},
                      {"strides", Ints{2, 1, 2}},
                      {"pads", Ints{0, 1, 0, 0, 1, 0}}},
       .inputs = {Distinct({2, 2, 4, 3, 5})},
       .outputs = {{2, 2, 2, 3, 2}}},
      {.name = "empty_batch",
       .attributes = {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}},
       .inputs = {Distinct({0, 3, 6, 6})},
       .outputs = {{0, 3, 3, 3}}},
  };
}

std::vector<OpCase> MaxRows() {
  return {
      {.name = "dilated",
       .attributes = {{"kernel_shape", Ints{2, 3}}, {"dilations", Ints{3, 2}}},
       .inputs = {Distinct({1, 3, 6, 7})},
       .outputs = {{1, 3, 3, 3}}},
      {.name = "dilated_3d",
       .attributes = {{"kernel_shape", Ints{2, 2, 2}}, {"dilations", Ints{1, 2, 3}}},
       .inputs = {Distinct({1, 2, 2, 4, 5})},
       .outputs = {{1, 2, 1, 2, 2}}},
      {.name = "dilated_padded",
       .attributes = {{"kernel_shape", Ints{2, 2}},
                      {"dilations", Ints{2, 2}},
                      {"pads", Ints{1, 1, 1, 1}},
                      {"strides", Ints{2, 2}}},
       .inputs = {Distinct({2, 1, 5, 6})},
       .outputs = {{2, 1, 3, 3}}},
      {.name = "column_major",
       .attributes = {{"kernel_shape", Ints{2, 2}}, {"storage_order", 1}},
       .inputs = {Distinct({1, 3, 3, 4})},
       .outputs = {{1, 3, 2, 3}}},
  };
}

std::vector<OpCase> AverageRows() {
  return {
      {.name = "count_include_pad",
       .attributes = {{"kernel_shape", Ints{3, 3}},
                      {"pads", Ints{1, 1, 1, 1}},
                      {"count_include_pad", 1}},
       .inputs = {Uniform({2, 3, 4, 5})},
       .outputs = {{2, 3, 4, 5}}},
      {.name = "count_include_pad_ceil_mode_padded_unevenly",
       .attributes = {{"kernel_shape", Ints{3, 2}},
                      {"strides", Ints{2, 3}},
                      {"pads", Ints{0, 1, 0, 1}},
                      {"count_include_pad", 1},
                      {"ceil_mode", 1}},
       .inputs = {Uniform({1, 1, 4, 1})},
       .outputs = {{1, 1, 2, 1}}},
      {.name = "count_include_pad_ceil_mode",
       .attributes = {{"kernel_shape", Ints{3, 3}},
                      {"strides", Ints{2, 2}},
                      {"pads", Ints{1, 0, 1, 0}},
                      {"count_include_pad", 1},
                      {"ceil_mode", 1}},
       .inputs = {Uniform({1, 2, 6, 6})},
       .outputs = {{1, 2, 4, 3}}},
      {.name = "dilated",
       .attributes = {{"kernel_shape", Ints{2, 3}},
                      {"dilations", Ints{3, 2}},
                      {"pads", Ints{1, 2, 1, 2}}},
       .inputs = {Uniform({1, 3, 5, 6})},
       .outputs = {{1, 3, 4, 6}}},
      {.name = "dilated_count_include_pad",
       .attributes = {{"kernel_shape", Ints{3}},
                      {"dilations", Ints{2}},
                      {"strides", Ints{2}},
                      {"pads", Ints{1, 2}},
                      {"ceil_mode", 1},
                      {"count_include_pad", 1}},
       .inputs = {Uniform({2, 3, 7})},
       .outputs = {{2, 3, 4}}},
  };
}

std::vector<OpCase> Join(std::vector<OpCase> a, const std::vector<OpCase>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// For each row the pooling `forward` of X, its gradient in dY and X, and the gradient of that.
std::vector<OpCase> WithGradients(const std::string& forward, const std::vector<OpCase>& rows) {
  std::vector<OpCase> all;
  for (OpCase row : rows) {
    row.op = forward;
    row.batch_inputs = {0};
    all.push_back(row);
    row.op = forward + "Grad";
    row.inputs = {Uniform(row.outputs[0]), row.inputs[0]};
    row.outputs = {row.inputs[1].dims};
    row.batch_inputs = {0, 1};
    all.push_back(row);
    if (forward != "MaxPool") continue;  // AveragePool is linear
    row.op = "MaxPoolGradGrad";
    std::swap(row.outputs[0], row.inputs[0].dims);
    all.push_back(std::move(row));
  }
  return all;
}

std::vector<OpCase> IndexRows() {
  return {
      {.op = "MaxPool",
       .name = "indices",
       .attributes = {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 0, 0, 1}}},
       .inputs = {Distinct({2, 2, 3, 4})},
       .outputs = {{2, 2, 3, 4}, {2, 2, 3, 4}},
       .dtypes = {{}, DType::kI64},
       .batch_inputs = {0}},
      {.op = "MaxPool",
       .name = "indices_column_major",
       .attributes = {{"kernel_shape", Ints{2, 3}}, {"storage_order", 1}},
       .inputs = {Distinct({1, 2, 4, 5})},
       .outputs = {{1, 2, 3, 3}, {1, 2, 3, 3}},
       .dtypes = {{}, DType::kI64},
       .batch_inputs = {0}},
      {.op = "MaxPool",
       .name = "indices_dilated",
       .attributes = {{"kernel_shape", Ints{3, 2}},
                      {"dilations", Ints{1, 3}},
                      {"strides", Ints{2, 2}},
                      {"pads", Ints{1, 2, 1, 2}}},
       .inputs = {Distinct({2, 3, 5, 6})},
       .outputs = {{2, 3, 3, 4}, {2, 3, 3, 4}},
       .dtypes = {{}, DType::kI64},
       .batch_inputs = {0}},
      {.op = "MaxPool",
       .name = "indices_3d",
       .attributes = {{"kernel_shape", Ints{2, 1, 2}}, {"strides", Ints{2, 3, 1}}},
       .inputs = {Distinct({1, 3, 4, 4, 3})},
       .outputs = {{1, 3, 2, 2, 2}, {1, 3, 2, 2, 2}},
       .dtypes = {{}, DType::kI64},
       .batch_inputs = {0}},
  };
}

}  // namespace

std::vector<OpCase> PoolCases() {
  return Join(Join(WithGradients("MaxPool", Join(CommonRows(), MaxRows())), IndexRows()),
              WithGradients("AveragePool", Join(CommonRows(), AverageRows())));
}

}  // namespace weft
