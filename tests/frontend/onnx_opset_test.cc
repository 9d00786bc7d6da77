// Forms of ops that opsets 18 to 24 changed, whichever of them libonnx knows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/onnx/schema.h"
#include "testing_onnx.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

Tensor OpsetInts(std::vector<int64_t> values) { return Tensor::FromInts(values); }

// y of `m`, whose only input x is `x`.
std::vector<float> OpsetRun(OnnxMaker& m, const Tensor& x) {
  m.Output("y");
  return InferOnnx(m, {{"x", x}}, "y");
}

TEST(OnnxOpset, UnchangedOpsImportFromOpsetsThatLibonnxDoesNotKnow) {
  for (int opset = 18; opset <= kNewestOnnxOpset; ++opset) {
    OnnxMaker m(opset);
    m.Input("x", {1, 1, 1, 3})
        .Initializer("w", Floats({1, 1, 1, 2}, {1, 2}))
        .Node("Conv", {"x", "w"}, {"c"})
        .Node("Relu", {"c"}, {"y"});
    EXPECT_THAT(OpsetRun(m, Floats({1, 1, 1, 3}, {1, -2, 3})), ElementsAre(0, 4)) << opset;
  }
}

TEST(OnnxOpset, NewerOpsetsSayWhatToDo) {
  OnnxMaker m(kNewestOnnxOpset + 1);
  m.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(std::string(m.Import().status().message()),
              HasSubstr("opset 25 is not supported, the newest is 24: export the model with opset "
                        "24 or older"));
}

TEST(OnnxOpset, WhatAnOpLacksInItsOpsetIsRefused) {
  OnnxMaker old(18);  // dilations came with 19
  old.Input("x", {1, 1, 1, 4}).Node("AveragePool", {"x"}, {"y"}).Ints("kernel_shape", {1, 2});
  old.Ints("dilations", {1, 2}).Output("y");
  EXPECT_THAT(std::string(old.Import().status().message()),
              HasSubstr("has an attribute dilations"));
  OnnxMaker axes(18);  // an operand since 18
  axes.Input("x", {2, 2}).Node("ReduceMean", {"x"}, {"y"}).Ints("axes", {1}).Output("y");
  EXPECT_THAT(std::string(axes.Import().status().message()), HasSubstr("has an attribute axes"));
  OnnxMaker gelu(19);
  gelu.Input("x", {2}).Node("Gelu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(std::string(gelu.Import().status().message()),
              HasSubstr("y (Gelu, opset 19): the op is not supported"));
}

TEST(OnnxOpset, ReductionsTakeAxesAsOperand) {
  OnnxMaker m(18);
  m.Input("x", {2, 2}).Initializer("axes", OpsetInts({1}));
  m.Node("ReduceMax", {"x", "axes"}, {"y"}).Int("keepdims", 0);
  EXPECT_THAT(OpsetRun(m, Floats({2, 2}, {1, 2, 4, 3})), ElementsAre(2, 4));
  OnnxMaker none(18);
  none.Input("x", {2}).Node("ReduceMean", {"x"}, {"y"}).Int("noop_with_empty_axes", 1);
  EXPECT_THAT(OpsetRun(none, Floats({2}, {1, 3})), ElementsAre(1, 3));
}

TEST(OnnxOpset, ReduceMaxOfBools) {
  OnnxMaker m(20);
  m.Input("x", {2, 2}).Initializer("zero", Floats({}, {0})).Initializer("axes", OpsetInts({1}));
  m.Node("Greater", {"x", "zero"}, {"b"})
      .Node("ReduceMax", {"b", "axes"}, {"any"})
      .Int("keepdims", 0)
      .Node("Cast", {"any"}, {"y"})
      .Int("to", onnx::TensorProto::FLOAT);
  EXPECT_THAT(OpsetRun(m, Floats({2, 2}, {-1, 2, -4, -3})), ElementsAre(1, 0));
}

TEST(OnnxOpset, SplitIntoANumberOfOutputs) {
  OnnxMaker m(18);
  m.Input("x", {5}).Node("Split", {"x"}, {"a", "b"}).Int("num_outputs", 2);
  m.Node("Concat", {"b", "a"}, {"y"}).Int("axis", 0);
  EXPECT_THAT(OpsetRun(m, Floats({5}, {1, 2, 3, 4, 5})), ElementsAre(4, 5, 1, 2, 3));
}

TEST(OnnxOpset, ReshapesWithoutZerosStaySymbolicWhateverAllowzeroSays) {
  const auto import = [](int64_t last, std::vector<int64_t> rest) {
    OnnxMaker m(18);
    m.Input("x", {-1, 3, last}).Initializer("rest", OpsetInts(std::move(rest)));
    m.Node("Shape", {"x"}, {"n"}).Int("end", 1).Node("Concat", {"n", "rest"}, {"s"}).Int("axis", 0);
    m.Node("Reshape", {"x", "s"}, {"y"}).Int("allowzero", 1).Output("y");
    return m.Import().value();
  };
  const Model plain = import(4, {3, -1});
  EXPECT_EQ(plain.graph.outputs()[0].value.type().dim(0), Dim::Symbol("N"));
  EXPECT_EQ(GetInt(plain.graph.Find("y")->attributes(), "allowzero"), 0);
  const Model zero = import(0, {0, 3});
  EXPECT_EQ(GetInt(zero.graph.Find("y")->attributes(), "allowzero"), 1);
}

TEST(OnnxOpset, PadAlongAxesAndAround) {
  OnnxMaker m(19);
  m.Input("x", {1, 3}).Initializer("pads", OpsetInts({1, 1})).Initializer("axes", OpsetInts({1}));
  m.Node("Pad", {"x", "pads", "", "axes"}, {"y"});
  m.Attribute("mode", onnx::AttributeProto::STRING)->set_s("wrap");
  EXPECT_THAT(OpsetRun(m, Floats({1, 3}, {1, 2, 3})), ElementsAre(3, 1, 2, 3, 1));
}

TEST(OnnxOpset, CenterCropPadCropsAndPads) {
  OnnxMaker m(18);
  m.Input("x", {2, 5}).Initializer("shape", OpsetInts({3, 2}));
  m.Node("CenterCropPad", {"x", "shape"}, {"y"});
  EXPECT_THAT(OpsetRun(m, Floats({2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})),
              ElementsAre(2, 3, 7, 8, 0, 0));
}

TEST(OnnxOpset, ResizeAlongAxesKeepingTheRatio) {
  const auto sizes = [](const char* policy) {
    OnnxMaker m(18);
    m.Input("x", {1, 1, 2, 4})
        .Initializer("sizes", OpsetInts({6, 8}))
        .Node("Resize", {"x", "", "", "sizes"}, {"y"})
        .Ints("axes", {2, 3})
        .Output("y");
    m.Attribute("keep_aspect_ratio_policy", onnx::AttributeProto::STRING)->set_s(policy);
    return ToString(m.Import().value().graph.outputs()[0].value.type());
  };
  EXPECT_EQ(sizes("stretch"), "f32[1,1,6,8]");
  EXPECT_EQ(sizes("not_larger"), "f32[1,1,4,8]");
  EXPECT_EQ(sizes("not_smaller"), "f32[1,1,6,12]");
}

OnnxMaker KeepingTheRatio(std::vector<int64_t> sizes) {
  OnnxMaker m(18);
  m.Input("x", {4, 5}).Initializer("sizes", OpsetInts(std::move(sizes)));
  m.Node("Resize", {"x", "", "", "sizes"}, {"y"});
  m.Attribute("mode", onnx::AttributeProto::STRING)->set_s("linear");
  m.Attribute("keep_aspect_ratio_policy", onnx::AttributeProto::STRING)->set_s("not_larger");
  return m;
}

TEST(OnnxOpset, ResizeKeepingTheRatioGoesByTheFactor) {
  // Of 5/4, by which 5 are 6.25 elements: places are 0.8 apart, not 5/6.
  OnnxMaker m = KeepingTheRatio({5, 100});
  std::vector<float> ramps;
  for (int i = 0; i < 20; ++i) ramps.push_back(static_cast<float>(i % 5));
  std::vector<float> row = OpsetRun(m, Floats({4, 5}, ramps));
  ASSERT_EQ(row.size(), 30u);
  row.resize(6);
  EXPECT_THAT(row, Pointwise(testing::FloatNear(1e-5f),
                             std::vector<float>{0, 0.7f, 1.5f, 2.3f, 3.1f, 3.9f}));
  OnnxMaker up = KeepingTheRatio({7, 100});  // of 8.75
  up.Output("y");
  EXPECT_THAT(std::string(up.Import().status().message()),
              HasSubstr("to keep a ratio that rounds parts of elements up is not supported"));
}

TEST(OnnxOpset, HalfPixelSymmetricGoesByTheMiddle) {
  OnnxMaker m(19);
  m.Input("x", {1, 5}).Initializer("scales", Floats({2}, {1, 0.5f}));
  m.Node("Resize", {"x", "", "scales"}, {"y"}).Output("y");
  m.Attribute("mode", onnx::AttributeProto::STRING)->set_s("linear");
  m.Attribute("coordinate_transformation_mode", onnx::AttributeProto::STRING)
      ->set_s("half_pixel_symmetric");
  EXPECT_THAT(InferOnnx(m, {{"x", Floats({1, 5}, {0, 1, 2, 3, 4})}}, "y"), ElementsAre(1, 3));
}

TEST(OnnxOpset, SplitCountsPiecesWithoutAName) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("Split", {"x"}, {"y", ""});
  EXPECT_THAT(OpsetRun(m, Floats({2}, {7, 8})), ElementsAre(7));
}

TEST(OnnxOpset, CenterCropPadToNegativeSizesIsRefused) {
  OnnxMaker m(18);
  m.Input("x", {2, 5}).Initializer("shape", OpsetInts({-1, 2}));
  m.Node("CenterCropPad", {"x", "shape"}, {"y"}).Output("y");
  EXPECT_THAT(std::string(m.Import().status().message()),
              HasSubstr("expected sizes of at least 0 as shape, got [-1,2]"));
}

TEST(OnnxOpset, QuantizationNamesTheTypeThatWeLack) {
  OnnxMaker m(21);
  m.Input("x", {2})
      .Initializer("scale", Floats({}, {1}))
      .Node("QuantizeLinear", {"x", "scale"}, {"y"});
  m.Int("output_dtype", onnx::TensorProto::INT32).Output("y", onnx::TensorProto::INT32);
  EXPECT_THAT(std::string(m.Import().status().message()),
              HasSubstr("an output of INT32 is not supported, only u8|i8"));
}

TEST(OnnxOpset, SkipLayerNormalizationGivesItsSum) {
  OnnxMaker m(17);
  onnx::OperatorSetIdProto* domain = m.proto.add_opset_import();
  domain->set_domain("com.microsoft");
  domain->set_version(1);
  m.Input("x", {1, 2}).Initializer("g", Floats({2}, {1, 1}));
  m.Node("SkipLayerNormalization", {"x", "x", "g"}, {"n", "", "", "y"});
  m.Last()->set_domain("com.microsoft");
  EXPECT_THAT(OpsetRun(m, Floats({1, 2}, {1, 3})), ElementsAre(2, 6));
}

OnnxMaker Antialiased(const std::string& mode, std::vector<int64_t> axes) {
  OnnxMaker m(18);
  m.Input("x", {-1, 1, 2, 4}).Initializer("sizes", OpsetInts({2}));
  m.Node("Resize", {"x", "", "", "sizes"}, {"y"}).Int("antialias", 1).Ints("axes", axes);
  m.Attribute("mode", onnx::AttributeProto::STRING)->set_s(mode);
  return m;
}

TEST(OnnxOpset, AntialiasWidensTheFilter) {
  // Triangles of reach 2 around 0.5 and 2.5: (1/4, 3/4, 3/4, 1/4), its outside at the border.
  OnnxMaker m = Antialiased("linear", {3});
  EXPECT_THAT(OpsetRun(m, Floats({1, 1, 2, 4}, {8, 0, 0, 0, 0, 0, 8, 0})), ElementsAre(4, 0, 1, 3));
}

TEST(OnnxOpset, AntialiasOfUnknownScalesOrIntegersIsRefused) {
  const auto error = [](OnnxMaker m, std::vector<std::string> inputs) {
    m.Node("Resize", inputs, {"y"}).Int("antialias", 1).Output("y");
    m.Attribute("mode", onnx::AttributeProto::STRING)->set_s("linear");
    return std::string(m.Import().status().message());
  };
  OnnxMaker m(18);
  m.Input("x", {1, 1, 4, 4}).Input("s", {4}).Initializer("sizes", OpsetInts({1, 1, 2, 2}));
  m.Input("i", {1, 1, 4, 4}, onnx::TensorProto::INT32);
  EXPECT_THAT(error(m, {"x", "", "s"}), HasSubstr("its scales, s, must be known before the run"));
  EXPECT_THAT(error(m, {"x"}), HasSubstr("expected either sizes or scales, got neither"));
  EXPECT_THAT(error(m, {"i", "", "", "sizes"}), HasSubstr("antialias of i32 is not supported"));
}

TEST(OnnxOpset, AntialiasOfOtherAxesIsRefused) {
  OnnxMaker channels = Antialiased("linear", {1});
  channels.Output("y");
  EXPECT_THAT(std::string(channels.Import().status().message()),
              HasSubstr("antialias is supported along the last two axes, of known extents"));
}

TEST(OnnxOpset, GroupNormalizationScalesGroupsThenChannels) {
  const auto run = [](int opset, std::vector<float> scale) {
    OnnxMaker m(opset);
    const auto n = static_cast<int64_t>(scale.size());
    m.Input("x", {1, 4, 2})
        .Initializer("s", Floats({n}, scale))
        .Initializer("b", Floats({n}, std::vector<float>(scale.size())))
        .Node("GroupNormalization", {"x", "s", "b"}, {"y"})
        .Int("num_groups", 2);
    return OpsetRun(m, Floats({1, 4, 2}, {-1, 1, -1, 1, -1, 1, -1, 1}));
  };
  const auto near = [](std::vector<float> v) { return Pointwise(testing::FloatNear(1e-4f), v); };
  EXPECT_THAT(run(18, {1, 2}), near({-1, 1, -1, 1, -2, 2, -2, 2}));
  EXPECT_THAT(run(21, {1, 2, 3, 4}), near({-1, 1, -2, 2, -3, 3, -4, 4}));
}

TEST(OnnxOpset, NormalizationsAndActivationsOfOpsets18To24) {
  const auto near = [](std::vector<float> v) { return Pointwise(testing::FloatNear(1e-4f), v); };
  OnnxMaker rms(23);
  rms.Input("x", {1, 2}).Initializer("s", Floats({2}, {1, 2}));
  rms.Node("RMSNormalization", {"x", "s"}, {"y"});
  EXPECT_THAT(OpsetRun(rms, Floats({1, 2}, {1, 7})), near({0.2f, 2.8f}));
  OnnxMaker swish(24);
  swish.Input("x", {2}).Node("Swish", {"x"}, {"y"});
  swish.Attribute("alpha", onnx::AttributeProto::FLOAT)->set_f(2);
  EXPECT_THAT(OpsetRun(swish, Floats({2}, {0, 1})), near({0, 0.8808f}));
  OnnxMaker gelu(20);
  gelu.Input("x", {2}).Node("Gelu", {"x"}, {"y"});
  EXPECT_THAT(OpsetRun(gelu, Floats({2}, {0, 1})), near({0, 0.84134f}));
  OnnxMaker mish(18);
  mish.Input("x", {2}).Node("Mish", {"x"}, {"y"});
  EXPECT_THAT(OpsetRun(mish, Floats({2}, {0, 1})), near({0, 0.86510f}));
}

TEST(OnnxOpset, DftTakesItsAxisAsOperand) {
  OnnxMaker m(20);
  m.Input("x", {1, 2, 1}).Node("DFT", {"x"}, {"y"});
  EXPECT_THAT(OpsetRun(m, Floats({1, 2, 1}, {1, 3})), ElementsAre(4, 0, -2, 0));
}

TEST(OnnxOpset, BlocksOfQuantizedElementsAreRefused) {
  OnnxMaker m(21);
  m.Input("x", {2}, onnx::TensorProto::UINT8).Initializer("s", Floats({1}, {2}));
  m.Node("DequantizeLinear", {"x", "s"}, {"y"}).Int("axis", 0).Int("block_size", 2).Output("y");
  EXPECT_THAT(std::string(m.Import().status().message()),
              HasSubstr("its attribute block_size is not supported"));
}

// What ONNX Runtime's optimizer writes.
class OnnxMicrosoft : public testing::Test {
 protected:
  OnnxMicrosoft() {
    onnx::OperatorSetIdProto* opset = m_.proto.add_opset_import();
    opset->set_domain("com.microsoft");
    opset->set_version(1);
  }
  OnnxMaker& Fused(const std::string& op, const std::vector<std::string>& inputs) {
    m_.Node(op, inputs, {"y"}).Last()->set_domain("com.microsoft");
    return m_;
  }
  OnnxMaker m_{17};
};

TEST_F(OnnxMicrosoft, FusedConvAddsAndActivates) {
  m_.Input("x", {1, 1, 3})
      .Initializer("w", Floats({1, 1, 1}, {2}))
      .Initializer("b", Floats({1}, {1}));
  Fused("FusedConv", {"x", "w", "b", "x"});
  m_.Attribute("activation", onnx::AttributeProto::STRING)->set_s("LeakyRelu");
  m_.Attribute("activation_params", onnx::AttributeProto::FLOATS)->add_floats(0.5f);
  EXPECT_THAT(OpsetRun(m_, Floats({1, 1, 3}, {1, 0, -1})), ElementsAre(4, 1, -1));
}

TEST_F(OnnxMicrosoft, UnknownActivationsAreRefused) {
  m_.Input("x", {1, 1, 3}).Initializer("w", Floats({1, 1, 1}, {2}));
  Fused("FusedConv", {"x", "w"}).Output("y");
  m_.Attribute("activation", onnx::AttributeProto::STRING)->set_s("Clip");
  EXPECT_THAT(std::string(m_.Import().status().message()),
              HasSubstr("the activation Clip with 0 parameters is not supported"));
}

TEST_F(OnnxMicrosoft, OpsThatWeLackSayWhatToDo) {
  m_.Input("x", {1, 2});
  Fused("Attention", {"x"}).Output("y");
  EXPECT_THAT(std::string(m_.Import().status().message()),
              HasSubstr("y (Attention, com.microsoft opset 1): the op is not supported: save the "
                        "model without ONNX Runtime's optimizations"));
}

TEST_F(OnnxMicrosoft, FusedMatMulTransposesAndScales) {
  m_.Input("x", {1, 2}).Initializer("b", Floats({1, 2}, {3, 4}));
  Fused("FusedMatMul", {"x", "b"}).Int("transB", 1);
  m_.Attribute("alpha", onnx::AttributeProto::FLOAT)->set_f(2);
  EXPECT_THAT(OpsetRun(m_, Floats({1, 2}, {1, 2})), ElementsAre(22));
}

TEST_F(OnnxMicrosoft, SkipLayerNormalizationAddsFirst) {
  m_.Input("x", {1, 2})
      .Initializer("one", Floats({2}, {1, 1}))
      .Initializer("skip", Floats({1, 2}, {0, 4}));
  Fused("SkipLayerNormalization", {"x", "skip", "one"});
  EXPECT_THAT(OpsetRun(m_, Floats({1, 2}, {1, 1})),
              ElementsAre(testing::FloatNear(-1, 1e-4), testing::FloatNear(1, 1e-4)));
}

}  // namespace
}  // namespace weft
