#include "tests/cases/errors.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr int64_t kHuge = int64_t{1} << 62;

// A name, attributes and shapes that every op of a list refuses with the same words.
struct ConvRow {
  std::string name;
  AttributeMap attributes = {};
  std::vector<Dims> inputs = {};
  std::vector<std::string> says = {};
};

void Add(const std::string& op, const std::vector<ConvRow>& rows, std::vector<OpError>& errors) {
  for (const ConvRow& row : rows) {
    OpError error{.op = op, .name = row.name, .attributes = row.attributes, .says = row.says};
    for (const Dims& dims : row.inputs) error.inputs.push_back(Uniform(dims));
    errors.push_back(std::move(error));
  }
}

// What a window's attributes may do wrong, on an image and a kernel of 3x3.
std::vector<ConvRow> WindowRows(const std::vector<Dims>& inputs) {
  return {
      {"strides_of_another_length", {{"strides", Ints{1}}}, inputs, {"2 strides", "got [1]"}},
      {"stride_0", {{"strides", Ints{1, 0}}}, inputs, {"strides of at least 1", "got [1,0]"}},
      {"huge_stride", {{"strides", Ints{kHuge, 1}}}, inputs, {"at most 2147483647"}},
      {"pads_of_another_length", {{"pads", Ints{1, 1}}}, inputs, {"4 pads", "got [1,1]"}},
      {"negative_pad", {{"pads", Ints{0, 0, -1, 0}}}, inputs, {"pads of at least 0"}},
      {"huge_pad", {{"pads", Ints{0, kHuge, 0, 0}}}, inputs, {"at most 2147483647"}},
      {"dilation_0", {{"dilations", Ints{0, 1}}}, inputs, {"dilations of at least 1"}},
      {"dilations_of_another_length", {{"dilations", Ints{1, 1, 1}}}, inputs, {"2 dilations"}},
  };
}

std::vector<ConvRow> ConvRows() {
  const Dims x = {1, 4, 5, 5}, w = {6, 4, 3, 3};
  return {
      {"vector", {}, {{4}, {6, 4, 3}}, {"an input [N,C,spatial axes...]", "got [4]"}},
      {"weights_of_another_rank", {}, {x, {6, 4, 3}}, {"weights of 4 axes", "got [6,4,3]"}},
      {"channels", {}, {x, {6, 3, 3, 3}}, {"4 input channels", "[6,3,3,3]"}},
      {"group_0", {{"group", 0}}, {x, w}, {"a group of 1", "got 0"}},
      {"negative_group", {{"group", -2}}, {x, w}, {"a group of 1", "got -2"}},
      {"group_of_the_output", {{"group", 4}}, {x, {6, 1, 3, 3}}, {"group 4 divides", "[6,1,3,3]"}},
      {"group_of_the_input", {{"group", 3}}, {x, {6, 1, 3, 3}}, {"4 input channels in 3 groups"}},
      {"kernel_shape", {{"kernel_shape", Ints{5, 5}}}, {x, w}, {"kernel_shape [5,5]", "[6,4,3,3]"}},
      {"auto_pad", {{"auto_pad", "SAME"}}, {x, w}, {"SAME_UPPER", "got \"SAME\""}},
      {"auto_pad_and_pads",
       {{"auto_pad", "VALID"}, {"pads", Ints{1, 1, 1, 1}}},
       {x, w},
       {"no pads beside auto_pad VALID", "[1,1,1,1]"}},
      {"kernel_above_the_input", {}, {x, {6, 4, 6, 3}}, {"fits on spatial axis 0", "spans 6"}},
      {"span_above_the_input",
       {{"dilations", Ints{1, 3}}},
       {x, w},
       {"fits on spatial axis 1", "spans 7"}},
      {"huge_dilation", {{"dilations", Ints{2147483647, 1}}}, {x, w}, {"fits on spatial axis 0"}},
      {"no_pixels", {}, {{1, 4, 0, 5}, w}, {"fits on spatial axis 0", "the input 0"}},
      {"bias", {}, {x, w, {4}}, {"a bias of [6]", "got [4]"}},
      {"bias_of_another_rank", {}, {x, w, {1, 6}}, {"a bias of [6]", "got [1,6]"}},
      {"huge_output", {{"pads", Ints{1 << 30, 1 << 30, 1 << 30, 1 << 30}}}, {x, w}, {"elements"}},
  };
}

std::vector<ConvRow> ConvTransposeRows() {
  const Dims x = {1, 4, 5, 5}, w = {4, 2, 3, 3};
  const Ints two = {2, 2};
  return {
      {"vector", {}, {{4}, {4, 2}}, {"an input [N,C,spatial axes...]", "got [4]"}},
      {"weights_of_another_rank", {}, {x, {4, 2, 3}}, {"weights of 4 axes", "got [4,2,3]"}},
      {"channels", {}, {x, {3, 2, 3, 3}}, {"4 input channels", "[3,2,3,3]"}},
      {"group_0", {{"group", 0}}, {x, w}, {"a group of at least 1", "got 0"}},
      {"group", {{"group", 3}}, {x, w}, {"group 3 divides", "[4,2,3,3]"}},
      {"huge_group", {{"group", kHuge}}, {x, w}, {"divides"}},
      {"kernel_shape", {{"kernel_shape", Ints{5, 5}}}, {x, w}, {"kernel_shape [5,5]", "[4,2,3,3]"}},
      {"auto_pad", {{"auto_pad", "SAME"}}, {x, w}, {"SAME_UPPER", "got \"SAME\""}},
      {"auto_pad_and_pads",
       {{"auto_pad", "SAME_LOWER"}, {"pads", Ints{1, 1, 1, 1}}},
       {x, w},
       {"no pads beside auto_pad SAME_LOWER"}},
      {"no_pixels", {}, {{1, 4, 0, 5}, w}, {"elements on spatial axis 0", "got none"}},
      {"nothing_left", {{"pads", Ints{0, 4, 0, 4}}}, {x, w}, {"spatial axis 1", "pads 4 and 4"}},
      {"output_padding_of_another_length",
       {{"output_padding", Ints{1}}},
       {x, w},
       {"2 output_padding", "got [1]"}},
      {"negative_output_padding",
       {{"output_padding", Ints{0, -1}}},
       {x, w},
       {"output_padding of at least 0"}},
      {"output_padding_of_a_stride",
       {{"output_padding", two}, {"strides", two}},
       {x, w},
       {"at most 1 elements beyond the last window", "got 2"}},
      {"output_shape_of_another_length",
       {{"output_shape", Ints{1, 2, 10, 10}}},
       {x, w},
       {"2 output_shape"}},
      {"output_shape_too_large",
       {{"output_shape", Ints{12, 13}}, {"strides", two}},
       {x, w},
       {"spatial axis 1", "at most 1", "got 2"}},
      {"output_shape_0", {{"output_shape", Ints{0, 5}}}, {x, w}, {"spatial axis 0"}},
      {"bias", {}, {x, w, {4}}, {"a bias of [2]", "got [4]"}},
      {"huge_output", {{"strides", Ints{2147483647, 2147483647}}}, {x, w}, {"elements"}},
  };
}

CaseInput List(std::vector<double> values) {
  const int64_t size = static_cast<int64_t>(values.size());
  return Constant(Values({size}, std::move(values), DType::kI64));
}

std::vector<OpError> ColumnErrors() {
  const CaseInput image = Uniform({1, 2, 4, 4}), columns = Uniform({1, 18, 4});
  const AttributeMap kernel = {{"kernel_shape", Ints{3, 3}}};
  const auto im2col = [&](std::string name, AttributeMap attributes, CaseInput x,
                          std::vector<std::string> says) {
    return OpError{.op = "Im2Col",
                   .name = std::move(name),
                   .attributes = std::move(attributes),
                   .inputs = {std::move(x)},
                   .says = std::move(says)};
  };
  const auto col2im = [&](std::string name, CaseInput x, CaseInput extents, CaseInput block,
                          std::vector<std::string> says, bool when_run = false) {
    return OpError{.op = "Col2Im",
                   .name = std::move(name),
                   .inputs = {std::move(x), std::move(extents), std::move(block)},
                   .says = std::move(says),
                   .when_run = when_run};
  };
  std::vector<OpError> errors = {
      im2col("matrix", {{"kernel_shape", Ints{3}}}, Uniform({4, 4}), {"an image", "[4,4]"}),
      im2col("kernel_shape", {{"kernel_shape", Ints{3}}}, image, {"one kernel extent", "[3]"}),
      im2col("kernel_0", {{"kernel_shape", Ints{0, 3}}}, image, {"at least 1", "[0,3]"}),
      im2col("kernel_above_the_image", {{"kernel_shape", Ints{5, 3}}}, image,
             {"fits on spatial axis 0", "spans 5"}),
      im2col("huge_kernel", {{"kernel_shape", Ints{kHuge, kHuge}}}, image, {"at most"}),
      im2col("too_many_elements",
             {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1 << 30, 1 << 30, 1 << 30, 1 << 30}}},
             image, {"elements"}),
      col2im("matrix", Uniform({18, 4}), List({4, 4}), List({3, 3}), {"[N,C*taps,positions]"}),
      col2im("lists_of_two_lengths", columns, List({4, 4}), List({3}), {"got 2 and 1"}),
      col2im("empty_lists", columns, List({}), List({}), {"image_shape i64[spatial axes]"}),
      col2im("extents_in_a_matrix", columns, Constant(Values({1, 2}, {4, 4}, DType::kI64)),
             List({3, 3}), {"image_shape i64[spatial axes]", "[1,2]"}),
      col2im("rows", columns, List({4, 4}), List({2, 2}), {"4 taps", "got 18"}),
      col2im("positions", columns, List({5, 4}), List({3, 3}), {"[1,18,6]", "got [1,18,4]"}),
      col2im("block_0", columns, List({4, 4}), List({0, 3}), {"block_shape of at least 1"}),
      col2im("negative_block", columns, List({4, 4}), List({-3, -3}), {"at least 0", "-3"}),
      col2im("negative_image", columns, List({-4, 4}), List({3, 3}), {"-4"}),
      col2im("huge_image", columns, List({1e18, 4}), List({3, 3}), {"elements"}),
  };
  std::vector<ConvRow> windows = WindowRows({image.dims});
  for (ConvRow& row : windows) row.attributes.insert(kernel.begin(), kernel.end());
  Add("Im2Col", windows, errors);
  for (ConvRow row : WindowRows({columns.dims})) {
    OpError error = col2im(row.name, columns, List({4, 4}), List({3, 3}), row.says);
    error.attributes = row.attributes;
    errors.push_back(std::move(error));
  }
  return errors;
}

// Both gradients refuse what Conv does, and a dY of another shape than Y's.
std::vector<OpError> GradErrors() {
  const Dims x = {1, 4, 5, 5}, w = {6, 4, 3, 3}, dy = {1, 6, 3, 3};
  std::vector<OpError> errors;
  Add("ConvGradInput", WindowRows({dy, w, x}), errors);
  Add("ConvGradInput",
      {{"cotangent", {}, {{1, 6, 3, 4}, w, x}, {"dY [1,6,3,3]", "got [1,6,3,4]"}},
       {"cotangent_of_another_rank", {}, {{6, 3, 3}, w, x}, {"dY [1,6,3,3]", "got [6,3,3]"}},
       {"channels", {}, {dy, {6, 3, 3, 3}, x}, {"4 input channels"}}},
      errors);
  Add("ConvGradWeight", WindowRows({dy, x, w}), errors);
  Add("ConvGradWeight",
      {{"cotangent", {}, {{2, 6, 3, 3}, x, w}, {"dY [1,6,3,3]", "got [2,6,3,3]"}},
       {"group", {{"group", 4}}, {dy, x, {6, 1, 3, 3}}, {"group 4 divides"}}},
      errors);
  return errors;
}

std::vector<OpError> FusedErrors() {
  const std::vector<CaseInput> inputs = {Uniform({1, 4, 5, 5}), Uniform({6, 4, 3, 3}), Uniform({6}),
                                         Uniform({1, 6, 3, 4})};
  const auto posts = [](PostOp post) { return AttributeMap{{"post_ops", std::vector{post}}}; };
  return {{"FusedConv", "unknown", posts({.op = "Relu6x"}), inputs, {"post_ops[0] (Relu6x)"}},
          {"FusedConv", "no_post_op", posts({.op = "Conv"}), inputs, {"one of Add, Celu, Clip"}},
          {"FusedConv", "no_operand", posts({.op = "Add", .input = 7}), inputs, {"got 7 of 4"}},
          {"FusedConv", "operand", posts({.op = "Add", .input = 3}), inputs, {"f32[1,6,3,4]"}},
          {"FusedConv",
           "value",
           posts({.op = "Gelu", .attributes = {{"approximate", "foo"}}}),
           inputs,
           {"post_ops[0] (Gelu)", "foo"}}};
}

std::vector<OpError> SqueezeErrors() {
  const std::vector<CaseInput> inputs = {Uniform({1, 4, 5, 5}), Uniform({2, 4, 1, 1}), Uniform({2}),
                                         Uniform({4, 2, 1, 1}), Uniform({4})};
  const auto with = [&inputs](size_t i, Dims dims) {
    std::vector<CaseInput> others = inputs;
    others[i] = Uniform(std::move(dims));
    return others;
  };
  const auto function = [](const char* attribute, PostOp post) {
    return AttributeMap{{attribute, std::vector{post}}};
  };
  const AttributeMap two = {{"gate", std::vector<PostOp>{{.op = "Sigmoid"}, {.op = "Sigmoid"}}}};
  const char* op = "SqueezeExcitation";
  return {{op, "rank", {}, with(0, {1, 4}), {"[N,C,d1,...]", "f32[1,4]"}},
          {op, "weights", {}, with(1, {2, 3, 1, 1}), {"W1 [2,4,1,1]", "got [2,3,1,1]"}},
          {op, "kernel", {}, with(3, {4, 2, 3, 3}), {"W2 [4,2,1,1]", "got [4,2,3,3]"}},
          {op, "bias", {}, with(4, {2}), {"B2 [4]", "got [2]"}},
          {op, "gate", function("gate", {.op = "Relu"}), inputs, {"gate", "HardSigmoid, Sigmoid"}},
          {op, "functions", two, inputs, {"gate", "HardSigmoid, Sigmoid"}},
          {op, "activation", function("activation", {.op = "Conv"}), inputs, {"one of Celu, Elu"}},
          {op,
           "attributes",
           function("activation", {.op = "Relu", .attributes = {{"alpha", 1.0}}}),
           inputs,
           {"alpha"}}};
}

}  // namespace

std::vector<OpError> ConvErrors() {
  std::vector<OpError> errors = ColumnErrors();
  for (auto part : {GradErrors, FusedErrors, SqueezeErrors}) {
    for (OpError& error : part()) errors.push_back(std::move(error));
  }
  Add("Conv", WindowRows({{1, 4, 5, 5}, {6, 4, 3, 3}}), errors);
  Add("Conv", ConvRows(), errors);
  Add("FusedConv", ConvRows(), errors);
  Add("ConvTranspose", WindowRows({{1, 4, 5, 5}, {4, 2, 3, 3}}), errors);
  Add("ConvTranspose", ConvTransposeRows(), errors);
  return errors;
}

}  // namespace weft
