// Forms that files have beside the strict ones, and how what we lack is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "graph/type.h"
#include "ops/reference.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> Infer(const Model& model, const TensorMap& feeds, const std::string& output) {
  const auto outputs = ReferenceEvaluator().RunGraph(model.graph, feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (!outputs.ok()) return {};
  const auto values = outputs->at(output).values<float>();
  return {values.begin(), values.end()};
}

TEST(OnnxImportForms, LimitsOfOneElementAreScalars) {
  OnnxMaker m(13);
  m.Input("x", {1, 4})
      .Input("top", {1})
      .Initializer("low", Floats({1}, {0}))
      .Node("Clip", {"x", "low", "top"}, {"y"})
      .Output("y");
  const TensorMap feeds = {{"x", Floats({1, 4}, {-1, 1, 3, 9})}, {"top", Floats({1}, {6})}};
  EXPECT_THAT(Infer(m.Import().value(), feeds, "y"), ElementsAre(0, 1, 3, 6));
  OnnxMaker two(13);
  two.Input("x", {1, 4})
      .Initializer("low", Floats({2}, {0, 0}))
      .Node("Clip", {"x", "low"}, {"y"})
      .Output("y");
  EXPECT_THAT(two.Import().status().message(),
              HasSubstr("expected min to be a scalar, got f32[2]"));
}

TEST(OnnxImportForms, WordsForUnknownDimsAreNoSymbols) {
  for (const std::string word : {"?", "None", "unk"}) {
    OnnxMaker m(13);
    m.Input("x", {-1, -1, -1}).Node("Relu", {"x"}, {"y"}).Output("y");
    auto* shape = m.proto.mutable_graph()->mutable_input(0)->mutable_type();
    for (auto& dim : *shape->mutable_tensor_type()->mutable_shape()->mutable_dim()) {
      dim.set_dim_param(word);
    }
    EXPECT_EQ(ToString(m.Import().value().graph.Find("x")->type()), "f32[x.d0,x.d1,x.d2]");
  }
}

TEST(OnnxImportForms, UnknownBatchesOfTwoInputsMayDiffer) {
  for (const std::string word : {"?", "None", "unk"}) {
    OnnxMaker m(13);
    m.Input("a", {-1, 2}).Input("b", {-1, 2}).Node("Concat", {"a", "b"}, {"y"}).Int("axis", 0);
    m.Output("y");
    for (auto& input : *m.proto.mutable_graph()->mutable_input()) {
      auto* shape = input.mutable_type()->mutable_tensor_type()->mutable_shape();
      shape->mutable_dim(0)->set_dim_param(word);
    }
    const TensorMap feeds = {{"a", Floats({1, 2}, {1, 2})}, {"b", Floats({2, 2}, {3, 4, 5, 6})}};
    EXPECT_THAT(Infer(m.Import().value(), feeds, "y"), ElementsAre(1, 2, 3, 4, 5, 6)) << word;
  }
}

TEST(OnnxImportForms, PowersOfAGlobalPoolOfDoublesReachAsFar) {
  OnnxMaker m(13);
  m.Input("x", {1, 1, 2}, onnx::TensorProto::DOUBLE).Node("GlobalLpPool", {"x"}, {"y"});
  m.Int("p", 3).Output("y", onnx::TensorProto::DOUBLE);
  const Model model = m.Import().value();
  for (const double unit : {1e200, 1e-200}) {
    const Tensor x = Tensor::FromValues<double>({1, 1, 2}, std::array{3 * unit, -4 * unit}).value();
    const TensorMap y = ReferenceEvaluator().RunGraph(model.graph, {{"x", x}}).value();
    EXPECT_NEAR(y.at("y").At(0) / unit, std::cbrt(91.0), 1e-12);
  }
}

TEST(OnnxImportForms, PowersOfAGlobalPoolDoNotOverflow) {
  OnnxMaker m(13);
  m.Input("x", {1, 3, 2, 1}).Node("GlobalLpPool", {"x"}, {"y"}).Int("p", 3).Output("y");
  const Tensor x = Floats({1, 3, 2, 1}, {1e30f, -1e30f, 0, 0, 3, 4});
  EXPECT_THAT(Infer(m.Import().value(), {{"x", x}}, "y"),
              ElementsAre(testing::FloatEq(1.259921e30f), 0, testing::FloatNear(4.497941f, 1e-5)));
}

}  // namespace
}  // namespace weft
