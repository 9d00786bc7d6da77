#include <limits>

#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();  // of a stride or dilation

std::vector<OpCase> Rows1D() {
  return {
      {.name = "1d",
       .inputs = {Uniform({2, 3, 9}), Uniform({4, 3, 3}), Uniform({4})},
       .outputs = {{2, 4, 7}}},
      {.name = "1d_stride_above_kernel",
       .attributes = {{"strides", Ints{3}}},
       .inputs = {Uniform({1, 2, 10}), Uniform({3, 2, 2})},
       .outputs = {{1, 3, 3}}},
      {.name = "1d_width_1",
       .attributes = {{"pads", Ints{1, 1}}},
       .inputs = {Uniform({2, 1, 1}), Uniform({1, 1, 3})},
       .outputs = {{2, 1, 1}}},
      {.name = "1d_dilated_asymmetric_pads",
       .attributes = {{"dilations", Ints{3}}, {"pads", Ints{0, 4}}, {"strides", Ints{2}}},
       .inputs = {Uniform({1, 17, 7}), Uniform({3, 17, 2}), Uniform({3})},
       .outputs = {{1, 3, 4}}},
      {.name = "1d_auto_pad_same_lower",
       .attributes = {{"auto_pad", "SAME_LOWER"}},
       .inputs = {Uniform({2, 1, 6}), Uniform({2, 1, 4})},
       .outputs = {{2, 2, 6}}},
      {.name = "1d_one_tap_one_output_largest_steps",
       .attributes = {{"strides", Ints{kMost}}, {"dilations", Ints{kMost}}},
       .inputs = {Uniform({2, 3, 4}), Uniform({17, 3, 1}), Uniform({17})},
       .outputs = {{2, 17, 1}}},
      {.name = "1d_one_output_largest_stride",
       .attributes = {{"strides", Ints{kMost}}, {"pads", Ints{1, 0}}},
       .inputs = {Uniform({2, 64, 9}), Uniform({32, 64, 3})},
       .outputs = {{2, 32, 1}}},
      {.name = "1d_depthwise_multiplier",
       .attributes = {{"group", 3}},
       .inputs = {Uniform({2, 3, 6}), Uniform({6, 1, 3}), Uniform({6})},
       .outputs = {{2, 6, 4}}},
  };
}

std::vector<OpCase> Rows2D() {
  return {
      {.name = "plain",
       .inputs = {Uniform({2, 3, 6, 5}), Uniform({4, 3, 3, 3})},
       .outputs = {{2, 4, 4, 3}}},
      {.name = "bias",
       .inputs = {Uniform({1, 3, 5, 5}), Uniform({2, 3, 3, 3}), Uniform({2})},
       .outputs = {{1, 2, 3, 3}}},
      {.name = "one_channel_5x5_padded",
       .attributes = {{"pads", Ints{2, 2, 2, 2}}},
       .inputs = {Uniform({2, 1, 7, 7}), Variable(Uniform({3, 1, 5, 5})), Variable(Uniform({3}))},
       .outputs = {{2, 3, 7, 7}}},
      {.name = "17_channels",
       .attributes = {{"pads", Ints{1, 1, 1, 1}}},
       .inputs = {Uniform({1, 17, 4, 4}), Uniform({17, 17, 3, 3}), Uniform({17})},
       .outputs = {{1, 17, 4, 4}}},
      {.name = "1x1",
       .inputs = {Uniform({2, 17, 3, 3}), Uniform({3, 17, 1, 1}), Uniform({3})},
       .outputs = {{2, 3, 3, 3}}},
      {.name = "1x1_stride_2",
       .attributes = {{"strides", Ints{2, 2}}},
       .inputs = {Uniform({1, 3, 5, 6}), Uniform({4, 3, 1, 1})},
       .outputs = {{1, 4, 3, 3}}},
      {.name = "width_1",
       .inputs = {Uniform({2, 3, 5, 1}), Uniform({2, 3, 3, 1})},
       .outputs = {{2, 2, 3, 1}}},
      {.name = "one_pixel",
       .inputs = {Uniform({1, 1, 1, 1}), Uniform({1, 1, 1, 1}), Uniform({1})},
       .outputs = {{1, 1, 1, 1}}},
      {.name = "kernel_is_image",
       .inputs = {Uniform({3, 2, 4, 5}), Uniform({3, 2, 4, 5})},
       .outputs = {{3, 3, 1, 1}}},
      {.name = "strides_2_3",
       .attributes = {{"strides", Ints{2, 3}}},
       .inputs = {Uniform({2, 2, 7, 8}), Uniform({3, 2, 3, 2})},
       .outputs = {{2, 3, 3, 3}}},
      {.name = "stride_above_kernel",
       .attributes = {{"strides", Ints{4, 3}}},
       .inputs = {Uniform({1, 2, 9, 8}), Uniform({3, 2, 2, 2})},
       .outputs = {{1, 3, 2, 3}}},
      {.name = "asymmetric_pads",
       .attributes = {{"pads", Ints{0, 1, 2, 3}}},
       .inputs = {Uniform({1, 3, 5, 4}), Uniform({2, 3, 3, 3}), Uniform({2})},
       .outputs = {{1, 2, 5, 6}}},
      {.name = "asymmetric_pads_strided",
       .attributes = {{"pads", Ints{1, 0, 0, 2}}, {"strides", Ints{2, 2}}},
       .inputs = {Uniform({2, 2, 6, 5}), Uniform({3, 2, 3, 3})},
       .outputs = {{2, 3, 3, 3}}},
      {.name = "dilated",
       .attributes = {{"dilations", Ints{2, 3}}},
       .inputs = {Uniform({1, 2, 8, 9}), Uniform({2, 2, 3, 2})},
       .outputs = {{1, 2, 4, 6}}},
      {.name = "dilated_padded_strided",
       .attributes = {{"dilations", Ints{2, 2}},
                      {"pads", Ints{2, 2, 2, 2}},
                      {"strides", Ints{2, 2}}},
       .inputs = {Uniform({1, 3, 7, 7}), Uniform({4, 3, 3, 3}), Uniform({4})},
       .outputs = {{1, 4, 4, 4}}},
      {.name = "auto_pad_same_upper",
       .attributes = {{"auto_pad", "SAME_UPPER"}, {"strides", Ints{2, 2}}},
       .inputs = {Uniform({1, 2, 5, 6}), Uniform({3, 2, 3, 2})},
       .outputs = {{1, 3, 3, 3}}},
      {.name = "auto_pad_same_lower",
       .attributes = {{"auto_pad", "SAME_LOWER"}, {"kernel_shape", Ints{2, 4}}},
       .inputs = {Uniform({1, 2, 5, 6}), Uniform({3, 2, 2, 4})},
       .outputs = {{1, 3, 5, 6}}},
      {.name = "auto_pad_valid",
       .attributes = {{"auto_pad", "VALID"}},
       .inputs = {Uniform({1, 2, 5, 6}), Uniform({3, 2, 2, 3})},
       .outputs = {{1, 3, 4, 4}}},
      {.name = "empty_batch",
       .attributes = {{"pads", Ints{1, 1, 1, 1}}},
       .inputs = {Uniform({0, 3, 6, 6}), Uniform({4, 3, 3, 3}), Uniform({4})},
       .outputs = {{0, 4, 6, 6}}},
  };
}

std::vector<OpCase> RowsGrouped() {
  return {
      {.name = "groups",
       .attributes = {{"group", 2}},
       .inputs = {Uniform({2, 4, 5, 5}), Uniform({6, 2, 3, 3}), Uniform({6})},
       .outputs = {{2, 6, 3, 3}}},
      {.name = "depthwise",
       .attributes = {{"group", 17}, {"pads", Ints{1, 1, 1, 1}}},
       .inputs = {Uniform({1, 17, 4, 4}), Uniform({17, 1, 3, 3}), Uniform({17})},
       .outputs = {{1, 17, 4, 4}}},
      {.name = "depthwise_multiplier_strided",
       .attributes = {{"group", 3}, {"strides", Ints{2, 2}}},
       .inputs = {Uniform({2, 3, 7, 6}), Uniform({6, 1, 3, 3})},
       .outputs = {{2, 6, 3, 2}}},
      {.name = "groups_dilated",
       .attributes = {{"group", 3}, {"dilations", Ints{2, 1}}},
       .inputs = {Uniform({1, 3, 6, 4}), Uniform({3, 1, 2, 3})},
       .outputs = {{1, 3, 4, 2}}},
  };
}

std::vector<OpCase> Rows3D() {
  return {
      {.name = "3d",
       .inputs = {Uniform({2, 2, 4, 5, 4}), Uniform({3, 2, 2, 3, 2}), Uniform({3})},
       .outputs = {{2, 3, 3, 3, 3}}},
      {.name = "3d_strided_padded",
       .attributes = {{"strides", Ints{2, 1, 2}}, {"pads", Ints{1, 0, 1, 1, 1, 0}}},
       .inputs = {Uniform({1, 3, 4, 3, 5}), Uniform({2, 3, 3, 2, 2})},
       .outputs = {{1, 2, 2, 3, 3}}},
      {.name = "3d_dilated_auto_pad_same_upper",
       .attributes = {{"auto_pad", "SAME_UPPER"}, {"dilations", Ints{1, 2, 1}}},
       .inputs = {Uniform({1, 1, 3, 3, 4}), Uniform({2, 1, 2, 2, 2}), Uniform({2})},
       .outputs = {{1, 2, 3, 3, 4}}},
      {.name = "3d_depthwise",
       .attributes = {{"group", 3}, {"pads", Ints{1, 1, 1, 1, 1, 1}}},
       .inputs = {Uniform({1, 3, 2, 3, 3}), Uniform({3, 1, 3, 3, 3})},
       .outputs = {{1, 3, 2, 3, 3}}},
      {.name = "3d_groups_stride_above_kernel",
       .attributes = {{"group", 2}, {"strides", Ints{1, 3, 2}}},
       .inputs = {Uniform({0, 4, 2, 5, 1}), Uniform({2, 2, 2, 1, 1}), Uniform({2})},
       .outputs = {{0, 2, 1, 2, 1}}},
  };
}

}  // namespace

std::vector<OpCase> ConvCases() {
  std::vector<OpCase> all;
  for (const auto& rows : {Rows1D(), Rows2D(), RowsGrouped(), Rows3D()}) {
    for (OpCase row : rows) {
      row.op = "Conv";
      row.batch_inputs = {0};
      all.push_back(std::move(row));
    }
  }
  return all;
}

// Both gradients of every convolution of the table: the shapes are the same.
std::vector<OpCase> ConvGradCases() {
  std::vector<OpCase> all;
  for (const OpCase& conv : ConvCases()) {
    const CaseInput &x = conv.inputs[0], &w = conv.inputs[1];
    const CaseInput dy = Uniform(conv.outputs[0]);
    const bool bias = conv.inputs.size() > 2;
    all.push_back({.op = "ConvGradInput",
                   .name = conv.name,
                   .attributes = conv.attributes,
                   .inputs = {dy, w, x},
                   .outputs = {x.dims},
                   .batch_inputs = {0, 2}});
    OpCase weight{.op = "ConvGradWeight",
                  .name = conv.name,
                  .attributes = conv.attributes,
                  .inputs = {dy, x, w},
                  .outputs = {w.dims},
                  .batch_inputs = {0, 1}};
    if (bias) weight.outputs.push_back(conv.inputs[2].dims);
    all.push_back(std::move(weight));
  }
  return all;
}

}  // namespace weft
