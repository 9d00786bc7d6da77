// Ops of detectors: what is sampled at computed places, and results whose size the data decides.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/reference.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor Constant(Dims dims, float value) {
  const auto size = static_cast<size_t>(CountElements(dims).value());
  return Floats(std::move(dims), std::vector<float>(size, value));
}

OnnxMaker Deformed(bool with_mask) {
  OnnxMaker m(19);
  m.Input("x", {1, 1, 3, 3}).Input("offset", {1, 8, 2, 2});
  m.Initializer("w", Constant({1, 1, 2, 2}, 1)).Initializer("b", Floats({1}, {1}));
  m.Initializer("mask", Constant({1, 4, 2, 2}, 0.5f));
  m.Node("DeformConv",
         with_mask ? std::vector<std::string>{"x", "w", "offset", "b", "mask"}
                   : std::vector<std::string>{"x", "w", "offset"},
         {"y"});
  m.Output("y");
  return m;
}

TEST(OnnxDetection, ADeformConvReadsWhereItsOffsetsSay) {
  const Tensor x = Floats({1, 1, 3, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor zeros = Constant({1, 8, 2, 2}, 0);
  const auto y = [&](bool mask, const Tensor& offset) {
    return InferOnnx(Deformed(mask), {{"x", x}, {"offset", offset}}, "y");
  };
  using testing::FloatNear;
  const auto near = [](float value) { return FloatNear(value, 1e-5f); };
  EXPECT_THAT(y(false, zeros), ElementsAre(near(8), near(12), near(20), near(24)));
  EXPECT_THAT(y(true, zeros), ElementsAre(near(5), near(7), near(11), near(13)));
  // Half an element to the right: odd channels are x.
  std::vector<float> right(32, 0);
  for (size_t i = 0; i < right.size(); ++i) right[i] = i / 4 % 2 == 1 ? 0.5f : 0;
  EXPECT_THAT(y(false, Floats({1, 8, 2, 2}, right)),
              ElementsAre(near(10), near(9.5f), near(22), near(18.5f)));
}

TEST(OnnxDetection, ARoiAlignOfMaximaIsRefused) {
  OnnxMaker m(16);
  m.Input("x", {1, 1, 4, 4}).Initializer("rois", Floats({1, 4}, {0, 0, 2, 2}));
  m.Initializer("image", Tensor::FromInts(std::vector<int64_t>{0}));
  m.Node("RoiAlign", {"x", "rois", "image"}, {"y"});
  m.Attribute("mode", onnx::AttributeProto::STRING)->set_s("max");
  m.Output("y");
  EXPECT_THAT(std::string(m.Import().status().message()), HasSubstr("mode"));
}

OnnxMaker Detector() {
  OnnxMaker m(13);
  m.Input("boxes", {1, 4, 4}).Input("scores", {1, 1, 4});
  m.Initializer("most", Tensor::FromInts(std::vector<int64_t>{3}));
  m.Initializer("iou", Floats({1}, {0.5f})).Initializer("least", Floats({1}, {0.2f}));
  m.Initializer("box", Tensor::Scalar(2, DType::kI64));
  m.Node("Relu", {"scores"}, {"positive"});
  m.Node("NonMaxSuppression", {"boxes", "positive", "most", "iou", "least"}, {"selected"});
  m.Node("Gather", {"selected", "box"}, {"which"}).Int("axis", 1);
  m.Node("Gather", {"boxes", "which"}, {"kept"}).Int("axis", 1);
  m.Node("ReduceSum", {"kept"}, {"sum"}).Int("keepdims", 0);
  m.Output("kept").Output("sum").Output("positive");
  return m;
}

const Tensor kBoxes = Floats({1, 4, 4}, {0, 0, 1, 1, 0, 0, 1, 1.1f, 2, 2, 3, 3, 5, 5, 6, 6});

TEST(OnnxDetection, TheNumberOfDetectionsIsThatOfEachRun) {
  const Model model = Detector().Import().value();
  const auto session = Session::Create(model, {.threads = 1}).value();
  const auto run = [&](const std::vector<float>& scores) {
    const TensorMap feeds = {{"boxes", kBoxes}, {"scores", Floats({1, 1, 4}, scores)}};
    const auto outputs = session->Run(feeds);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    const auto expected = ReferenceEvaluator().RunGraph(model.graph, feeds);
    EXPECT_TRUE(expected.ok()) << expected.status();
    if (!outputs.ok() || !expected.ok()) return Dims();
    EXPECT_EQ(*outputs, *expected);
    return outputs->at("kept").dims();
  };
  EXPECT_THAT(run({0.9f, 0.8f, 0.7f, -1}), ElementsAre(1, 2, 4));
  EXPECT_THAT(run({0.9f, 0.8f, 0.7f, 0.6f}), ElementsAre(1, 3, 4));
  EXPECT_THAT(run({0, 0, 0, 0}), ElementsAre(1, 0, 4));
}

TEST(OnnxDetection, WhatIsNotZeroIsFoundInTheRun) {
  OnnxMaker m(13);
  m.Input("x", {-1, 2}).Initializer("zero", Floats({}, {0}));
  m.Node("Greater", {"x", "zero"}, {"positive"}).Node("NonZero", {"positive"}, {"places"});
  m.Initializer("all", Tensor::FromInts(std::vector<int64_t>{-1}));
  m.Node("Reshape", {"positive", "all"}, {"flat"}).Node("Compress", {"x", "flat"}, {"y"});
  m.Output("y").Output("places", onnx::TensorProto::INT64);
  const auto session = Session::Create(m.Import().value(), {.threads = 1}).value();
  const auto two = session->Run({{"x", Floats({2, 2}, {1, -1, 0, 3})}}).value();
  EXPECT_EQ(two.at("y"), Floats({2}, {1, 3}));
  EXPECT_EQ(two.at("places"), Tensor::FromValues<int64_t>({2, 2}, {{0, 1, 0, 1}}).value());
  EXPECT_THAT(session->Run({{"x", Floats({1, 2}, {-1, -1})}}).value().at("places").dims(),
              ElementsAre(2, 0));
}

TEST(OnnxDetection, WhatIsNotZeroOfAConstantIsKnown) {
  OnnxMaker m(13);
  m.Input("x", {3}).Initializer("mask", Floats({3}, {1, 0, 1}));
  m.Node("NonZero", {"mask"}, {"places"}).Node("Gather", {"x", "places"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[1,2]");
  EXPECT_THAT(InferOnnx(m, {{"x", Floats({3}, {4, 5, 6})}}, "y"), ElementsAre(4, 6));
}

TEST(OnnxDetection, WhatIsUniqueIsFoundInTheRun) {
  OnnxMaker m(11);
  m.Input("x", {-1, 2});
  m.Node("Unique", {"x"}, {"y", "first", "inverse", "counts"});
  m.Attribute("axis", onnx::AttributeProto::INT)->set_i(0);
  m.Output("y").Output("counts", onnx::TensorProto::INT64);
  m.Output("inverse", onnx::TensorProto::INT64);
  const auto session = Session::Create(m.Import().value(), {.threads = 1}).value();
  const auto found = session->Run({{"x", Floats({3, 2}, {4, 5, 1, 2, 4, 5})}}).value();
  EXPECT_EQ(found.at("y"), Floats({2, 2}, {1, 2, 4, 5}));
  EXPECT_EQ(found.at("counts"), Tensor::FromInts(std::vector<int64_t>{1, 2}));
  EXPECT_EQ(found.at("inverse"), Tensor::FromInts(std::vector<int64_t>{1, 0, 1}));
  EXPECT_THAT(session->Run({{"x", Floats({1, 2}, {0, 0})}}).value().at("y").dims(),
              ElementsAre(1, 2));
}

}  // namespace
}  // namespace weft
