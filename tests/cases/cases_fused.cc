#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"
#include "tests/cases/table.h"

// Convolutions and matrix products with post-ops.

namespace weft {
namespace {

using Ops = std::vector<PostOp>;

const PostOp kRelu{.op = "Relu"};

PostOp With(const char* op, int64_t input) { return {.op = op, .input = input}; }
PostOp Clip(AttributeMap limits) { return {.op = "Clip", .attributes = std::move(limits)}; }

// Operands of every form, by what they do to a result [2,C,4,5].
std::vector<OpCase> OperandRows() {
  const Attribute same(Ints{1, 1, 1, 1});
  const auto row = [&](const char* name, int64_t channels, Ops posts, Dims z) {
    return OpCase{.name = name,
                  .attributes = {{"pads", same}, {"post_ops", std::move(posts)}},
                  .inputs = {Uniform({2, 3, 4, 5}), Uniform({channels, 3, 3, 3}),
                             Uniform({channels}), Uniform(std::move(z))},
                  .outputs = {{2, channels, 4, 5}}};
  };
  return {
      row("mul_whole", 17, {With("Mul", 3)}, {2, 17, 4, 5}),
      row("mul_example_channel", 17, {kRelu, With("Mul", 3)}, {2, 17, 1, 1}),
      row("mul_pixel", 17, {With("Mul", 3), kRelu}, {2, 1, 4, 5}),
      row("mul_one_pixel_map", 6, {With("Mul", 3)}, {4, 5}),
      row("add_channel", 6, {kRelu, With("Add", 3)}, {6, 1, 1}),
      row("add_column", 6, {With("Add", 3)}, {2, 6, 4, 1}),
      row("add_one_image", 17, {With("Add", 3)}, {1, 17, 4, 5}),
      row("add_example", 3, {With("Add", 3)}, {2, 1, 1, 1}),
      row("add_number", 17, {With("Add", 3)}, {}),
      row("prelu_channel", 17, {With("PRelu", 3)}, {17, 1, 1}),
      row("prelu_number", 3, {With("PRelu", 3)}, {1}),
      row("prelu_whole", 17, {With("PRelu", 3)}, {2, 17, 4, 5}),
      row("one_operand_twice", 6, {With("Add", 3), kRelu, With("Mul", 3)}, {2, 6, 4, 5}),
  };
}

std::vector<OpCase> ConvRows() {
  const PostOp sigmoid{.op = "Sigmoid"}, tanh{.op = "Tanh"};
  const auto add = [](int64_t input) { return With("Add", input); };
  const Attribute same(Ints{1, 1, 1, 1});
  std::vector<OpCase> rows = {
      // Few positions, many channels: the convolution by matrix product adds at wrong offsets.
      {.name = "add_at_few_positions",
       .attributes = {{"strides", Ints{4}}, {"pads", Ints{6, 6}}, {"post_ops", Ops{add(3)}}},
       .inputs = {Uniform({2, 64, 16}), Uniform({80, 64, 16}), Absent(), Uniform({2, 80, 4})},
       .outputs = {{2, 80, 4}}},
      {.name = "no_post_ops",
       .attributes = {{"post_ops", Ops{}}},
       .inputs = {Uniform({2, 3, 5, 5}), Uniform({4, 3, 3, 3}), Uniform({4})},
       .outputs = {{2, 4, 3, 3}}},
      {.name = "relu",
       .attributes = {{"pads", same}, {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({2, 3, 5, 5}), Uniform({17, 3, 3, 3}), Uniform({17})},
       .outputs = {{2, 17, 5, 5}}},
      {.name = "relu_without_bias",
       .attributes = {{"strides", Ints{2, 2}}, {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 3, 7, 7}), Uniform({2, 3, 3, 3})},
       .outputs = {{1, 2, 3, 3}}},
      {.name = "sigmoid",
       .attributes = {{"post_ops", Ops{sigmoid}}},
       .inputs = {Uniform({1, 1, 6, 6}), Uniform({6, 1, 5, 5}), Uniform({6})},
       .outputs = {{1, 6, 2, 2}}},
      {.name = "tanh_1d",
       .attributes = {{"post_ops", Ops{tanh}}},
       .inputs = {Uniform({2, 3, 8}), Uniform({2, 3, 3}), Uniform({2})},
       .outputs = {{2, 2, 6}}},
      {.name = "add",
       .attributes = {{"pads", same}, {"post_ops", Ops{add(3)}}},
       .inputs = {Uniform({2, 3, 4, 4}), Uniform({3, 3, 3, 3}), Uniform({3}),
                  Uniform({2, 3, 4, 4})},
       .outputs = {{2, 3, 4, 4}}},
      {.name = "add_relu_without_bias",
       .attributes = {{"pads", same}, {"post_ops", Ops{add(3), kRelu}}},
       .inputs = {Uniform({1, 17, 4, 4}), Uniform({17, 17, 3, 3}), Absent(),
                  Uniform({1, 17, 4, 4})},
       .outputs = {{1, 17, 4, 4}}},
      {.name = "relu_add_relu",
       .attributes = {{"pads", same}, {"post_ops", Ops{kRelu, add(3), kRelu}}},
       .inputs = {Uniform({1, 2, 4, 4}), Uniform({2, 2, 3, 3}), Uniform({2}),
                  Uniform({1, 2, 4, 4})},
       .outputs = {{1, 2, 4, 4}}},
      {.name = "two_addends",
       .attributes = {{"post_ops", Ops{add(4), add(3)}}},
       .inputs = {Uniform({1, 2, 3, 3}), Uniform({3, 2, 2, 2}), Uniform({3}), Uniform({1, 3, 2, 2}),
                  Uniform({1, 3, 2, 2})},
       .outputs = {{1, 3, 2, 2}}},
      {.name = "depthwise_relu",
       .attributes = {{"group", 3}, {"pads", same}, {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 3, 5, 5}), Uniform({3, 1, 3, 3}), Uniform({3})},
       .outputs = {{1, 3, 5, 5}}},
      {.name = "dilated_relu",
       .attributes = {{"dilations", Ints{2, 1}},
                      {"kernel_shape", Ints{2, 3}},
                      {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 2, 5, 5}), Uniform({3, 2, 2, 3}), Uniform({3})},
       .outputs = {{1, 3, 3, 3}}},
      {.name = "auto_pad_relu",
       .attributes = {{"auto_pad", "SAME_UPPER"}, {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 2, 5, 4}), Uniform({3, 2, 2, 3}), Uniform({3})},
       .outputs = {{1, 3, 5, 4}}},
      {.name = "empty_batch",
       .attributes = {{"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({0, 3, 5, 5}), Uniform({4, 3, 3, 3}), Uniform({4})},
       .outputs = {{0, 4, 3, 3}}},
      {.name = "clip_without_zero",
       .attributes = {{"pads", same}, {"post_ops", Ops{Clip({{"min", 0.25}, {"max", 0.5}})}}},
       .inputs = {Uniform({1, 3, 4, 4}), Uniform({17, 3, 3, 3})},
       .outputs = {{1, 17, 4, 4}}},
      {.name = "clip_below",
       .attributes = {{"post_ops", Ops{Clip({{"min", 0.0}})}}},
       .inputs = {Uniform({1, 2, 4, 4}), Uniform({3, 2, 3, 3})},
       .outputs = {{1, 3, 2, 2}}},
      {.name = "clip_above_add",
       .attributes = {{"post_ops", Ops{Clip({{"max", 0.125}}), add(3)}}},
       .inputs = {Uniform({1, 2, 4, 4}), Uniform({3, 2, 3, 3}), Absent(), Uniform({1, 3, 2, 2})},
       .outputs = {{1, 3, 2, 2}}},
      {.name = "3d_mul_example_channel",
       .attributes = {{"post_ops", Ops{With("Mul", 3)}}},
       .inputs = {Uniform({2, 3, 3, 4, 5}), Uniform({6, 3, 2, 2, 2}), Absent(),
                  Uniform({2, 6, 1, 1, 1})},
       .outputs = {{2, 6, 2, 3, 4}}},
      {.name = "1d_prelu_channel",
       .attributes = {{"post_ops", Ops{With("PRelu", 3)}}},
       .inputs = {Uniform({2, 3, 8}), Uniform({4, 3, 3}), Absent(), Uniform({4, 1})},
       .outputs = {{2, 4, 6}}},
  };
  for (const std::string& name : PostOpNames()) {
    if (TakesOperand(*FindPostOp(name)) || name == "Clip") continue;
    rows.push_back({.name = name,
                    .attributes = {{"pads", same}, {"post_ops", Ops{{.op = name}}}},
                    .inputs = {Uniform({1, 3, 4, 4}), Uniform({17, 3, 3, 3}), Uniform({17})},
                    .outputs = {{1, 17, 4, 4}}});
  }
  // With attributes, and few channels: the activation is a pass of its own.
  for (const PostOp& post :
       std::vector<PostOp>{{.op = "Elu", .attributes = {{"alpha", 0.5}}},
                           {.op = "Gelu", .attributes = {{"approximate", "tanh"}}},
                           {.op = "LeakyRelu", .attributes = {{"alpha", 0.25}}}}) {
    rows.push_back({.name = absl::StrCat(post.op, "_attributes"),
                    .attributes = {{"post_ops", Ops{post}}},
                    .inputs = {Uniform({1, 2, 4, 4}), Uniform({3, 2, 3, 3})},
                    .outputs = {{1, 3, 2, 2}}});
  }
  for (OpCase& row : OperandRows()) rows.push_back(std::move(row));
  for (OpCase& row : rows) {
    for (int i : {0, 3, 4}) {
      const auto at = static_cast<size_t>(i);
      if (at >= row.inputs.size()) continue;
      const Dims &dims = row.inputs[at].dims, &y = row.outputs[0];
      if (dims.size() == y.size() && dims[0] == y[0]) row.batch_inputs.push_back(i);
    }
  }
  return rows;
}

std::vector<OpCase> ConvTransposeRows() {
  const AttributeMap strided = {{"strides", Ints{2, 2}}};
  const auto row = [&](const char* name, Ops posts, std::vector<CaseInput> more) {
    OpCase c{.name = name,
             .attributes = strided,
             .inputs = {Uniform({2, 5, 3, 4}), Uniform({5, 17, 2, 2})},
             .outputs = {{2, 17, 6, 8}},
             .batch_inputs = {0}};
    c.attributes.emplace("post_ops", std::move(posts));
    for (CaseInput& input : more) {
      if (input.dims == c.outputs[0]) c.batch_inputs.push_back(static_cast<int>(c.inputs.size()));
      c.inputs.push_back(std::move(input));
    }
    return c;
  };
  return {
      row("no_post_ops", {}, {}),
      row("relu", {kRelu}, {Uniform({17})}),
      row("sigmoid", {{.op = "Sigmoid"}}, {}),
      row("clip", {Clip({{"min", -0.25}, {"max", 0.5}})}, {Uniform({17})}),
      row("add_relu", {With("Add", 3), kRelu}, {Uniform({17}), Uniform({1, 17, 6, 8})}),
      row("add_whole", {With("Add", 3), kRelu}, {Uniform({17}), Uniform({2, 17, 6, 8})}),
      row("mul_channel", {With("Mul", 3)}, {Absent(), Uniform({17, 1, 1})}),
      row("prelu", {With("PRelu", 3)}, {Uniform({17}), Uniform({17, 1, 1})}),
      {.name = "groups_relu",
       .attributes = {{"group", 2},
                      {"kernel_shape", Ints{2, 2}},
                      {"strides", Ints{2, 1}},
                      {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({2, 4, 2, 3}), Uniform({4, 3, 2, 2}), Uniform({6})},
       .outputs = {{2, 6, 4, 4}}},
      {.name = "dilated_padded_relu",
       .attributes = {{"dilations", Ints{2, 3}},
                      {"output_padding", Ints{0, 1}},
                      {"pads", Ints{1, 0, 1, 0}},
                      {"strides", Ints{1, 2}},
                      {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 2, 3, 2}), Uniform({2, 1, 2, 2})},
       .outputs = {{1, 1, 3, 7}}},
      {.name = "auto_pad_relu",
       .attributes = {{"auto_pad", "SAME_UPPER"},
                      {"strides", Ints{2, 2}},
                      {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({1, 2, 3, 3}), Uniform({2, 2, 3, 4})},
       .outputs = {{1, 2, 6, 6}}},
      {.name = "output_shape_relu",
       .attributes = {{"output_shape", Ints{8, 6}},
                      {"strides", Ints{3, 2}},
                      {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({2, 1, 3, 3}), Uniform({1, 2, 3, 3})},
       .outputs = {{2, 2, 8, 6}}},
  };
}

std::vector<OpCase> GemmRows() {
  return {
      {.name = "no_post_ops",
       .inputs = {Uniform({3, 4}), Uniform({4, 5})},
       .outputs = {{3, 5}},
       .batch_inputs = {0}},
      {.name = "relu",
       .attributes = {{"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({3, 17}), Uniform({17, 5}), Uniform({5})},
       .outputs = {{3, 5}},
       .batch_inputs = {0}},
      {.name = "packed_gelu_add",
       .attributes = {{"transB", 1}, {"post_ops", Ops{{.op = "Gelu"}, With("Add", 3)}}},
       .inputs = {Uniform({9, 20}), Constant(Uniform({18, 20})), Uniform({18}), Uniform({9, 18})},
       .outputs = {{9, 18}},
       .batch_inputs = {0, 3}},
      {.name = "transposed_relu",
       .attributes = {{"transA", 1}, {"transB", 1}, {"post_ops", Ops{kRelu}}},
       .inputs = {Uniform({4, 3}), Uniform({5, 4})},
       .outputs = {{3, 5}}},
      {.name = "scaled_column_tanh",
       .attributes = {{"alpha", 0.5}, {"beta", 2.0}, {"post_ops", Ops{{.op = "Tanh"}}}},
       .inputs = {Uniform({4, 3}), Uniform({3, 5}), Uniform({4, 1})},
       .outputs = {{4, 5}}},
      {.name = "add_relu",
       .attributes = {{"post_ops", Ops{With("Add", 3), kRelu}}},
       .inputs = {Uniform({3, 17}), Uniform({17, 5}), Absent(), Uniform({3, 5})},
       .outputs = {{3, 5}},
       .batch_inputs = {0, 3}},
      {.name = "row_add",
       .attributes = {{"transA", 1}, {"post_ops", Ops{With("Add", 3)}}},
       .inputs = {Uniform({7, 3}), Uniform({7, 5}), Uniform({5}), Uniform({3, 5})},
       .outputs = {{3, 5}}},
      {.name = "column_add",
       .attributes = {{"post_ops", Ops{With("Add", 3)}}},
       .inputs = {Uniform({4, 3}), Uniform({3, 5}), Uniform({4, 1}), Uniform({4, 5})},
       .outputs = {{4, 5}},
       .batch_inputs = {0, 2, 3}},
      {.name = "scaled_row_add",
       .attributes = {{"alpha", 0.5}, {"beta", 2.0}, {"post_ops", Ops{With("Add", 3)}}},
       .inputs = {Uniform({4, 3}), Uniform({3, 5}), Uniform({5}), Uniform({4, 5})},
       .outputs = {{4, 5}},
       .batch_inputs = {0, 3}},
      {.name = "one_operand_twice",
       .attributes = {{"post_ops", Ops{With("Add", 3), kRelu, With("Mul", 3)}}},
       .inputs = {Uniform({4, 3}), Uniform({3, 5}), Absent(), Uniform({4, 5})},
       .outputs = {{4, 5}},
       .batch_inputs = {0, 3}},
      {.name = "mul_row_clip",
       .attributes = {{"post_ops", Ops{With("Mul", 3), Clip({{"min", 0.0}, {"max", 0.5}})}}},
       .inputs = {Uniform({4, 3}), Constant(Uniform({3, 17})), Absent(), Uniform({17})},
       .outputs = {{4, 17}},
       .batch_inputs = {0}},
      {.name = "mul_column",
       .attributes = {{"post_ops", Ops{With("Mul", 3)}}},
       .inputs = {Uniform({4, 3}), Uniform({3, 17}), Uniform({17}), Uniform({4, 1})},
       .outputs = {{4, 17}},
       .batch_inputs = {0, 3}},
      {.name = "empty_batch",
       .attributes = {{"post_ops", Ops{{.op = "Sigmoid"}}}},
       .inputs = {Uniform({0, 3}), Uniform({3, 5})},
       .outputs = {{0, 5}},
       .batch_inputs = {0}},
  };
}

std::vector<OpCase> MatMulRows() {
  return {
      {.name = "no_post_ops",
       .inputs = {Uniform({2, 3, 4}), Uniform({2, 4, 5})},
       .outputs = {{2, 3, 5}},
       .batch_inputs = {0, 1}},
      {.name = "add_bias_relu",
       .attributes = {{"post_ops", Ops{With("Add", 2), kRelu}}},
       .inputs = {Uniform({2, 3, 4}), Uniform({4, 17}), Uniform({17})},
       .outputs = {{2, 3, 17}},
       .batch_inputs = {0}},
      {.name = "packed_add_bias_gelu_add",
       .attributes = {{"post_ops", Ops{With("Add", 3), {.op = "Gelu"}, With("Add", 2)}}},
       .inputs = {Uniform({2, 3, 20}), Constant(Uniform({20, 18})), Uniform({2, 3, 18}),
                  Uniform({18})},
       .outputs = {{2, 3, 18}},
       .batch_inputs = {0, 2}},
      {.name = "heads_mul_number",
       .attributes = {{"post_ops", Ops{With("Mul", 2)}}},
       .inputs = {Uniform({2, 3, 4, 3}), Uniform({2, 3, 3, 2}), Uniform({})},
       .outputs = {{2, 3, 4, 2}},
       .batch_inputs = {0, 1}},
      {.name = "heads_add_relu",
       .attributes = {{"post_ops", Ops{With("Add", 2), kRelu}}},
       .inputs = {Uniform({2, 3, 4, 3}), Uniform({2, 3, 3, 2}), Uniform({2, 3, 4, 2})},
       .outputs = {{2, 3, 4, 2}},
       .batch_inputs = {0, 1, 2}},
      {.name = "dots_add",
       .attributes = {{"post_ops", Ops{With("Add", 2)}}},
       .inputs = {Uniform({6, 1, 5}), Uniform({6, 5, 1}), Uniform({6, 1, 1})},
       .outputs = {{6, 1, 1}},
       .batch_inputs = {0, 1, 2}},
      {.name = "row_sigmoid",
       .attributes = {{"post_ops", Ops{{.op = "Sigmoid"}}}},
       .inputs = {Uniform({3}), Uniform({3, 4})},
       .outputs = {{4}}},
      {.name = "inner_vectors_add",
       .attributes = {{"post_ops", Ops{With("Add", 2)}}},
       .inputs = {Uniform({17}), Uniform({17}), Uniform({})},
       .outputs = {Dims{}}},
      {.name = "nothing_to_sum",
       .attributes = {{"post_ops", Ops{With("Add", 2), {.op = "Sigmoid"}}}},
       .inputs = {Uniform({2, 0}), Uniform({0, 3}), Uniform({3})},
       .outputs = {{2, 3}}},
  };
}

}  // namespace

std::vector<OpCase> FusedCases() {
  std::vector<OpCase> all;
  AddRows(all, "FusedConv", ConvRows());
  AddRows(all, "FusedConvTranspose", ConvTransposeRows());
  AddRows(all, "FusedGemm", GemmRows());
  AddRows(all, "FusedMatMul", MatMulRows());
  return all;
}

}  // namespace weft
