// What imported models mean, beyond ONNX's own suite (onnx_conform_test.cc).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/onnx/import/import.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "graph/bind.h"
#include "graph/text.h"
#include "testing_files.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> OpsOf(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes()) ops.emplace_back(node.op_name());
  return ops;
}

std::vector<float> Infer(const Model& model, const TensorMap& feeds, const std::string& output) {
  const auto session = Session::Create(model, {.threads = 1});
  EXPECT_TRUE(session.ok()) << session.status();
  const auto outputs = (*session)->Run(feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (!outputs.ok()) return {};
  const auto values = outputs->at(output).values<float>();
  return {values.begin(), values.end()};
}

OnnxMaker ConvBn() {
  OnnxMaker m(13);
  m.Input("x", {-1, 1, 2, 2})
      .Initializer("conv.weight", Floats({2, 1, 1, 1}, {1, 2}))
      .Initializer("bn.weight", Floats({2}, {1, 1}))
      .Initializer("bn.bias", Floats({2}, {0, 1}))
      .Initializer("bn.running_mean", Floats({2}, {0, 0}))
      .Initializer("bn.running_var", Floats({2}, {1, 1}))
      .Node("Conv", {"x", "conv.weight"}, {"c"})
      .Name("conv")
      .Node("BatchNormalization",
            {"c", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"}, {"b"})
      .Name("bn")
      .Node("Dropout", {"b"}, {"d"})
      .Name("drop")
      .Node("Relu", {"d"}, {"y"})
      .Name("relu")
      .Output("y");
  return m;
}

TEST(OnnxImport, WeightsBecomeVariablesUnderTheirNames) {
  const Model model = ConvBn().Import().value();
  const Node* weight = model.graph.Find("conv.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_TRUE(IsTrainable(*weight));
  EXPECT_EQ(VariableRole(*weight), kParameter);
  const Node* mean = model.graph.Find("bn.running_mean");
  ASSERT_NE(mean, nullptr);
  EXPECT_FALSE(IsTrainable(*mean));
  EXPECT_EQ(VariableRole(*mean), kStatistic);
  EXPECT_EQ(model.metadata.at("name"), "test");
}

TEST(OnnxImport, NormalizationAndDropoutAreModeNeutral) {
  const Model model = ConvBn().Import().value();
  EXPECT_EQ(GetString(model.graph.Find("bn")->attributes(), "mode"), "auto");
  EXPECT_EQ(GetString(model.graph.Find("drop")->attributes(), "mode"), "auto");
  const Graph training = ForTraining(model.graph).value();
  EXPECT_EQ(training.updates().size(), 2u);
  EXPECT_THAT(Infer(model, {{"x", Floats({1, 1, 2, 2}, {1, -2, 3, 4})}}, "y"),
              ElementsAre(testing::FloatNear(1, 1e-4), 0, testing::FloatNear(3, 1e-4),
                          testing::FloatNear(4, 1e-4), testing::FloatNear(3, 1e-4), 0,
                          testing::FloatNear(7, 1e-4), testing::FloatNear(9, 1e-4)));
}

TEST(OnnxImport, ImportedNetworksTrain) {
  OnnxMaker m(13);
  m.Input("x", {-1, 2})
      .Initializer("w", Floats({3, 2}, {0.1f, 0.2f, -0.1f, 0.3f, 0.2f, -0.2f}))
      .Initializer("b", Floats({3}, {0, 0, 0}))
      .Node("Gemm", {"x", "w", "b"}, {"logits"})
      .Int("transB", 1)
      .Output("logits");
  auto trainer = Trainer::Create(m.Import().value(), {.optimizer = {}});
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  EXPECT_EQ((*trainer)->Snapshot().value().graph.variables().size(), 2u);
}

TEST(OnnxImport, ConstantsAreFoldedAndIntegersStayConstants) {
  OnnxMaker m(13);
  m.Input("x", {2, 3})
      .Initializer("a", Tensor::FromInts(std::vector<int64_t>{3}))
      .Initializer("b", Tensor::FromInts(std::vector<int64_t>{2}))
      .Node("Concat", {"a", "b"}, {"shape"})
      .Int("axis", 0)
      .Node("Reshape", {"x", "shape"}, {"y"})
      .Output("y");
  const Model model = m.Import().value();
  EXPECT_THAT(OpsOf(model.graph), ElementsAre("Input", "Constant", "Reshape"));
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[3,2]");
}

// x.view(x.size(0), -1), as PyTorch writes it.
OnnxMaker FlattenBySize() {
  OnnxMaker m(13);
  m.Input("x", {-1, 3, 4})
      .Initializer("zero", Tensor::FromValues<int64_t>({}, std::vector<int64_t>{0}).value())
      .Initializer("axis", Tensor::FromInts(std::vector<int64_t>{0}))
      .Initializer("rest", Tensor::FromInts(std::vector<int64_t>{-1}))
      .Node("Shape", {"x"}, {"s"})
      .Node("Gather", {"s", "zero"}, {"n"})
      .Node("Unsqueeze", {"n", "axis"}, {"n1"})
      .Node("Concat", {"n1", "rest"}, {"shape"})
      .Int("axis", 0)
      .Node("Reshape", {"x", "shape"}, {"y"})
      .Output("y");
  return m;
}

TEST(OnnxImport, ShapesOfSymbolicBatchesStaySymbolic) {
  const Model model = FlattenBySize().Import().value();
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,12]");
  EXPECT_THAT(OpsOf(model.graph), ElementsAre("Input", "Constant", "Reshape"));
}

TEST(OnnxImport, ArithmeticOnShapesStaysSymbolic) {
  // x.view(N * C, H * W), with the product and a slice of the shape.
  OnnxMaker m(13);
  m.Input("x", {-1, 3, 4, 5})
      .Initializer("0", Tensor::FromInts(std::vector<int64_t>{0}))
      .Initializer("2", Tensor::FromInts(std::vector<int64_t>{2}))
      .Initializer("end", Tensor::FromInts(std::vector<int64_t>{9}))
      .Node("Shape", {"x"}, {"s"})
      .Node("Slice", {"s", "0", "2"}, {"nc"})
      .Node("ReduceProd", {"nc"}, {"rows"})
      .Node("Slice", {"s", "2", "end"}, {"hw"})
      .Node("ReduceProd", {"hw"}, {"columns"})
      .Node("Concat", {"rows", "columns"}, {"shape"})
      .Int("axis", 0)
      .Node("Reshape", {"x", "shape"}, {"y"})
      .Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[3*N,20]");
  EXPECT_THAT(OpsOf(model.graph), ElementsAre("Input", "Constant", "Reshape"));
}

TEST(OnnxImport, ResizingToAnotherImagesSizeKeepsTheBatchSymbolic) {
  OnnxMaker m(13);
  m.Input("x", {-1, 2, 2, 2})
      .Input("skip", {-1, 2, 4, 4})
      .Initializer("0", Tensor::FromInts(std::vector<int64_t>{0}))
      .Initializer("2", Tensor::FromInts(std::vector<int64_t>{2}))
      .Initializer("4", Tensor::FromInts(std::vector<int64_t>{4}))
      .Node("Shape", {"x"}, {"sx"})
      .Node("Shape", {"skip"}, {"ss"})
      .Node("Slice", {"sx", "0", "2"}, {"nc"})
      .Node("Slice", {"ss", "2", "4"}, {"hw"})
      .Node("Concat", {"nc", "hw"}, {"sizes"})
      .Int("axis", 0)
      .Node("Resize", {"x", "", "", "sizes"}, {"up"})
      .Node("Concat", {"up", "skip"}, {"y"})
      .Int("axis", 1)
      .Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,4,4,4]");
}

TEST(OnnxImport, ComputedShapesAreKnownOnceTheBatchIs) {
  // Expand(x, Shape(z)) has no symbolic form; a run knows the sizes.
  OnnxMaker m(13);
  m.Input("x", {1, 2})
      .Input("z", {-1, 2})
      .Node("Shape", {"z"}, {"s"})
      .Node("Expand", {"x", "s"}, {"y"})
      .Output("y");
  const Model model = m.Import().value();
  EXPECT_THAT(
      Infer(model, {{"x", Floats({1, 2}, {1, 2})}, {"z", Floats({3, 2}, {0, 0, 0, 0, 0, 0})}}, "y"),
      ElementsAre(1, 2, 1, 2, 1, 2));
}

TEST(OnnxImport, InputsThatDecideAShapeCanBeBound) {
  OnnxMaker m(13);
  m.Input("x", {2, 3})
      .Input("shape", {2}, onnx::TensorProto::INT64)
      .Node("Reshape", {"x", "shape"}, {"y"})
      .Output("y");
  const Tensor shape = Tensor::FromInts(std::vector<int64_t>{3, 2});
  const Model bound = m.Import({.constants = {{"shape", shape}}}).value();
  EXPECT_EQ(ToString(bound.graph.outputs()[0].value.type()), "f32[3,2]");
  EXPECT_EQ(bound.graph.inputs().size(), 1u);
  // Of candidates, only those that decide a shape.
  const Model some =
      m.Import({.shape_candidates = {{"shape", shape}, {"x", Floats({2, 3}, {1, 2, 3, 4, 5, 6})}}})
          .value();
  ASSERT_EQ(some.graph.inputs().size(), 1u);
  EXPECT_EQ(some.graph.inputs()[0]->name(), "x");
  // Later, too.
  const Model open = m.Import().value();
  const Graph late = Bind(open.graph, {}, {{"shape", shape}}).value();
  EXPECT_EQ(ToString(late.outputs()[0].value.type()), "f32[3,2]");
}

TEST(OnnxImport, BindingsAreCheckedAgainstTheInput) {
  OnnxMaker m(13);
  m.Input("x", {2, 3}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(MessageOf(m.Import({.constants = {{"z", Floats({1}, {1})}}}).status()),
              HasSubstr("no input called 'z'"));
  EXPECT_THAT(MessageOf(m.Import({.constants = {{"x", Floats({1}, {1})}}}).status()),
              HasSubstr("input x: expected f32[2,3] for a constant bound to it, got f32[1]"));
}

TEST(OnnxImport, OldFormsOfOpsets6To12) {
  OnnxMaker m(6);
  m.Input("x", {2, 3, 4})
      .Initializer("b", Floats({3}, {1, 2, 3}))
      .Node("Add", {"x", "b"}, {"s"})
      .Int("broadcast", 1)
      .Int("axis", 1)
      .Output("s");
  const Model model = m.Import().value();
  std::vector<float> zeros(24, 0.0f), expected;
  for (int n = 0; n < 2; ++n) {
    for (float c : {1.0f, 2.0f, 3.0f}) expected.insert(expected.end(), 4, c);
  }
  EXPECT_EQ(Infer(model, {{"x", Floats({2, 3, 4}, zeros)}}, "s"), expected);

  // Before opset 13, a softmax ran over all axes from its own on.
  OnnxMaker softmax(11);
  softmax.Input("x", {1, 2, 2}).Node("Softmax", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(Infer(softmax.Import().value(), {{"x", Floats({1, 2, 2}, {0, 0, 0, 0})}}, "y"),
              testing::Each(0.25f));
}

TEST(OnnxImport, EveryProblemIsReportedAtOnce) {
  OnnxMaker m(13);
  m.Input("x", {2, 3})
      .Input("s", {1}, onnx::TensorProto::STRING)
      .Node("TfIdfVectorizer", {"x"}, {"a"})
      .Name("find")
      .Node("Relu", {"a"}, {"a2"})
      .Node("Conv", {"x", "x"}, {"b"})
      .Name("conv")
      .Node("TfIdfVectorizer", {"x"}, {"c"})
      .Name("distinct")
      .Output("a2")
      .Output("b")
      .Output("c");
  const auto model = m.Import();
  EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message = MessageOf(model.status());
  EXPECT_THAT(message, HasSubstr("test.onnx: 4 problems: "));
  EXPECT_THAT(message, HasSubstr("input s: STRING is not supported"));
  EXPECT_THAT(message, HasSubstr("find (TfIdfVectorizer, opset 13): the op is not supported"));
  EXPECT_THAT(message, HasSubstr("conv (Conv, opset 13): "));
  EXPECT_THAT(message, HasSubstr("distinct (TfIdfVectorizer, opset 13): the op is not supported"));
}

TEST(OnnxImport, WhatIsRightButUnsupportedIsUnimplemented) {
  OnnxMaker m(13);
  m.Input("x", {2, 3}).Node("TfIdfVectorizer", {"x"}, {"a"}).Output("a", onnx::TensorProto::INT64);
  EXPECT_EQ(m.Import().status().code(), absl::StatusCode::kUnimplemented);
  OnnxMaker newer(99);
  newer.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(MessageOf(newer.Import().status()), HasSubstr("opset 99 is not supported"));
}

TEST(OnnxImport, WeightsKeepTheirNamesBesideNodesOfTheSame) {
  OnnxMaker m(13);
  m.Input("x", {2}).Initializer("w", Floats({2}, {3, 4}));
  m.Node("Relu", {"x"}, {"r"}).Name("w").Node("Mul", {"r", "w"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(model.graph.Find("w")->op_name(), kVariable);
  EXPECT_EQ(model.graph.Find("r")->op_name(), "Relu");
}

TEST(OnnxImport, ScalarsAreKnownAndNotTrained) {
  OnnxMaker m(13);
  m.Input("x", {2}).Initializer("s", Floats({}, {3}));
  m.Node("Mul", {"x", "s"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  EXPECT_FALSE(IsTrainable(*model.graph.Find("s")));
}

TEST(OnnxImport, ShapesOfOtherValuesCarryTheirSymbols) {
  OnnxMaker m(13);
  m.Input("x", {-1, 3})
      .Input("row", {1, 3})
      .Node("Shape", {"x"}, {"s"})
      .Node("Identity", {"s"}, {"t"})
      .Node("ConstantOfShape", {"s"}, {"zeros"})
      .Node("Add", {"x", "zeros"}, {"a"})
      .Node("Expand", {"row", "s"}, {"rows"})
      .Node("Add", {"a", "rows"}, {"y"})
      .Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,3]");
  EXPECT_THAT(
      Infer(model,
            {{"x", Floats({2, 3}, {1, 2, 3, 4, 5, 6})}, {"row", Floats({1, 3}, {10, 20, 30})}},
            "y"),
      ElementsAre(11, 22, 33, 14, 25, 36));
}

TEST(OnnxImport, UpsampleOfOpset6HasTwoScales) {
  OnnxMaker m(6);
  m.Input("x", {1, 1, 1, 2}).Node("Upsample", {"x"}, {"y"}).Output("y");
  m.Attribute("width_scale", onnx::AttributeProto::FLOAT)->set_f(2);
  m.Attribute("height_scale", onnx::AttributeProto::FLOAT)->set_f(1);
  EXPECT_THAT(Infer(m.Import().value(), {{"x", Floats({1, 1, 1, 2}, {1, 2})}}, "y"),
              ElementsAre(1, 1, 2, 2));
}

TEST(OnnxImport, ResizeOfOpset10TakesTheElementAfterWhereItShrinks) {
  OnnxMaker m(10);
  m.Input("x", {1, 1, 2, 4})
      .Initializer("scales", Floats({4}, {1, 1, 0.6f, 0.6f}))
      .Node("Resize", {"x", "scales"}, {"y"})
      .Output("y");
  EXPECT_THAT(
      Infer(m.Import().value(), {{"x", Floats({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})}}, "y"),
      ElementsAre(1, 3));
}

// y of an integer product whose zero points are one a row, or one a filter.
TEST(OnnxImport, ZeroPointsOfRowsAndFilters) {
  const auto bytes = [](Dims dims, const std::vector<uint8_t>& values) {
    return Tensor::FromValues<uint8_t>(std::move(dims), values).value();
  };
  OnnxMaker product(13);
  product.Input("a", {2, 2}, onnx::TensorProto::UINT8)
      .Initializer("b", bytes({2, 2}, {1, 2, 3, 4}))
      .Initializer("zero", bytes({2}, {1, 2}))
      .Node("MatMulInteger", {"a", "b", "zero"}, {"y"})
      .Output("y", onnx::TensorProto::INT32);
  const auto ints = [](const OnnxMaker& m, const TensorMap& feeds) {
    const Model model = m.Import().value();
    const Tensor y = Session::Create(model, {.threads = 1}).value()->Run(feeds)->at("y");
    const auto values = y.values<int32_t>();
    return std::vector<int32_t>(values.begin(), values.end());
  };
  // (a - [[1], [2]]) b
  EXPECT_THAT(ints(product, {{"a", bytes({2, 2}, {2, 3, 4, 5})}}), ElementsAre(7, 10, 11, 16));

  OnnxMaker conv(13);
  conv.Input("x", {1, 1, 1, 2}, onnx::TensorProto::UINT8)
      .Initializer("w", bytes({2, 1, 1, 2}, {1, 2, 7, 8}))
      .Initializer("zero", bytes({2}, {1, 5}))
      .Node("ConvInteger", {"x", "w", "", "zero"}, {"y"})
      .Output("y", onnx::TensorProto::INT32);
  EXPECT_THAT(ints(conv, {{"x", bytes({1, 1, 1, 2}, {1, 10})}}), ElementsAre(10, 32));
}

TEST(OnnxImport, MalformedShapeArithmeticIsNoWayAroundInference) {
  const auto import = [](const char* op, std::vector<int64_t> axes) {
    OnnxMaker m(13);
    m.Input("x", {2, 3})
        .Initializer("axes", Tensor::FromInts(axes))
        .Node("Shape", {"x"}, {"s"})
        .Node(op, {"s", "axes"}, {"y"})
        .Output("y", onnx::TensorProto::INT64);
    return m.Import().status();
  };
  EXPECT_TRUE(import("Unsqueeze", {0}).ok());
  EXPECT_FALSE(import("Unsqueeze", {4}).ok());
  EXPECT_FALSE(import("Squeeze", {0}).ok());  // of two elements
  EXPECT_FALSE(import("Reshape", {3}).ok());
}

TEST(OnnxImport, InitializersThatAreInputsTooAreDefaults) {
  OnnxMaker m(6);
  m.Input("x", {2}).Input("w", {2}).Initializer("w", Floats({2}, {3, 4}));
  m.Node("Mul", {"x", "w"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(model.graph.inputs().size(), 1u);
  EXPECT_THAT(Infer(model, {{"x", Floats({2}, {1, 2})}}, "y"), ElementsAre(3, 8));
  const Model bound = m.Import({.constants = {{"w", Floats({2}, {10, 20})}}}).value();
  EXPECT_THAT(Infer(bound, {{"x", Floats({2}, {1, 2})}}, "y"), ElementsAre(10, 40));
  m.Input("v", {3}).Initializer("v", Floats({2}, {3, 4}));
  EXPECT_THAT(MessageOf(m.Import().status()),
              HasSubstr("input v: expected f32[3] for its initializer, got f32[2]"));
}

}  // namespace
}  // namespace weft
