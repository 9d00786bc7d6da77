// Quantized ops of ONNX: the integers that they stand for, exactly.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/onnx/export/to_onnx.h"
#include "graph/op.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using onnx::TensorProto;
using ::testing::Each;
using ::testing::ElementsAre;

template <typename T>
Tensor Of(Dims dims, const std::vector<T>& values) {
  return Tensor::FromValues<T>(std::move(dims), values).value();
}

Tensor Scalar(double value) { return Tensor::Scalar(value, DType::kF32); }

TEST(OnnxQuantize, RoundsTiesToEvenAndSaturates) {
  OnnxMaker m(13);
  m.Input("x", {6}).Initializer("s", Scalar(2)).Initializer("z", Tensor::Scalar(1, DType::kI8));
  m.Node("QuantizeLinear", {"x", "s", "z"}, {"y"}).Output("y", TensorProto::INT8);
  EXPECT_THAT(RunOnnx(m, {{"x", Floats({6}, {1, 3, 5, -1, 1e9f, -1e9f})}}),
              ElementsAre(1, 3, 3, 1, 127, -128));
}

TEST(OnnxQuantize, ShortsAreQuantizedAndBack) {
  OnnxMaker m(21);
  m.Input("x", {3}).Initializer("s", Scalar(0.5)).Initializer("z", Tensor::Scalar(9, DType::kU16));
  m.Node("QuantizeLinear", {"x", "s", "z"}, {"q"}).Node("DequantizeLinear", {"q", "s", "z"}, {"y"});
  m.Output("y");
  EXPECT_THAT(RunOnnx(m, {{"x", Floats({3}, {-9, 1000.2f, 1e9f})}}),
              ElementsAre(-4.5, 1000, 32763));
}

TEST(OnnxQuantize, ScalesAreOneAChannelWithoutZeroPoints) {
  OnnxMaker m(13);
  m.Input("x", {2, 2}, TensorProto::INT8).Initializer("s", Floats({2}, {1, 0.5f}));
  m.Node("DequantizeLinear", {"x", "s"}, {"y"}).Int("axis", 0).Output("y");
  EXPECT_THAT(RunOnnx(m, {{"x", Of<int8_t>({2, 2}, {1, -128, 3, -4})}}),
              ElementsAre(1, -128, 1.5, -2));
}

TEST(OnnxQuantize, ScalesOfHalvesGiveF32) {
  OnnxMaker m(21);
  m.Input("x", {2}, TensorProto::UINT8).Initializer("s", Tensor::Scalar(0.5, DType::kF16));
  m.Node("DequantizeLinear", {"x", "s"}, {"y"}).Output("y", TensorProto::FLOAT16);
  EXPECT_THAT(RunOnnx(m, {{"x", Of<uint8_t>({2}, {1, 255})}}), ElementsAre(0.5, 127.5));
}

OnnxMaker ConvIntegerModel(int64_t channels) {
  OnnxMaker m(13);
  m.Input("x", {1, channels, 1, 1}, TensorProto::UINT8);
  std::vector<uint8_t> w(static_cast<size_t>(channels), 255);
  m.Initializer("w", Of<uint8_t>({1, channels, 1, 1}, w));
  m.Node("ConvInteger", {"x", "w"}, {"y"}).Output("y", TensorProto::INT32);
  return m;
}

// 255 * 255 * channels is more than 2^24 from 259 channels on, more than 2^28 from 4129 on.
TEST(OnnxQuantize, SumsOfManyProductsAreExact) {
  for (int64_t channels : {258, 259, 4112, 4113}) {
    std::vector<uint8_t> x(static_cast<size_t>(channels), 255);
    x.back() = 254;
    EXPECT_THAT(RunOnnx(ConvIntegerModel(channels), {{"x", Of<uint8_t>({1, channels, 1, 1}, x)}}),
                ElementsAre(255.0 * 255 * static_cast<double>(channels) - 255))
        << channels;
  }
}

// ONNX Runtime has no Conv of doubles.
TEST(OnnxQuantize, IntegersAreConvolvedInF32WhereThatIsExact) {
  for (int64_t channels : {258, 4112, 4113}) {
    const Model model = ConvIntegerModel(channels).Import().value();
    for (const Node& node : model.graph.nodes()) {
      if (node.op_name() != "Conv") continue;
      EXPECT_EQ(node.type().dtype, channels > 4112 ? DType::kF64 : DType::kF32) << channels;
    }
  }
}

TEST(OnnxQuantize, SumsOfNegativeProductsAreExactInHalves) {
  OnnxMaker m(13);
  m.Input("x", {1, 300, 1, 1}, TensorProto::UINT8);
  m.Initializer("w", Of<int8_t>({1, 300, 1, 1}, std::vector<int8_t>(300, -127)));
  m.Initializer("xz", Tensor::Scalar(255, DType::kU8))
      .Initializer("wz", Tensor::Scalar(127, DType::kI8));
  m.Node("ConvInteger", {"x", "w", "xz", "wz"}, {"y"}).Output("y", TensorProto::INT32);
  std::vector<uint8_t> x(300, 0);
  x[0] = 1;
  EXPECT_THAT(RunOnnx(m, {{"x", Of<uint8_t>({1, 300, 1, 1}, x)}}),
              ElementsAre(254.0 * (255 * 299 + 254)));
}

TEST(OnnxQuantize, ProductsOfMatricesAreExact) {
  for (int64_t k : {258, 259}) {
    OnnxMaker m(13);
    m.Input("a", {1, k}, TensorProto::UINT8);
    m.Initializer("b", Of<int8_t>({k, 1}, std::vector<int8_t>(static_cast<size_t>(k), -127)));
    m.Node("MatMulInteger", {"a", "b"}, {"y"}).Output("y", TensorProto::INT32);
    EXPECT_THAT(
        RunOnnx(m, {{"a", Of<uint8_t>({1, k}, std::vector<uint8_t>(static_cast<size_t>(k), 255))}}),
        ElementsAre(-127.0 * 255 * static_cast<double>(k)));
  }
}

// (x - 1) w + bias in units of 0.5 * [1, 0.5], then of 1 from 3 on.
TEST(OnnxQuantize, ConvolutionsHaveAScaleAChannelAndABias) {
  OnnxMaker m(13);
  m.Input("x", {1, 1, 1, 3}, TensorProto::UINT8).Initializer("xs", Scalar(0.5));
  m.Initializer("xz", Tensor::Scalar(1, DType::kU8));
  m.Initializer("w", Of<int8_t>({2, 1, 1, 1}, {3, -2})).Initializer("ws", Floats({2}, {1, 0.5f}));
  m.Initializer("wz", Of<int8_t>({2}, {0, 0})).Initializer("ys", Floats({1}, {1}));
  m.Initializer("yz", Of<uint8_t>({1}, {3})).Initializer("b", Of<int32_t>({2}, {2, 4}));
  m.Node("QLinearConv", {"x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"}, {"y"});
  m.Output("y", TensorProto::UINT8);
  // 0.5 (3 (x - 1) + 2): 1, 2.5, 382; 0.25 (-2 (x - 1) + 4): 1, 0.5, -126.
  EXPECT_THAT(RunOnnx(m, {{"x", Of<uint8_t>({1, 1, 1, 3}, {1, 2, 255})}}),
              ElementsAre(4, 5, 255, 4, 3, 0));
}

TEST(OnnxQuantize, MatricesHaveAScaleARowAndAColumn) {
  OnnxMaker m(13);
  m.Input("a", {2, 1}, TensorProto::INT8).Initializer("as", Floats({2}, {1, 0.5f}));
  m.Initializer("az", Of<int8_t>({2}, {0, 1}));
  m.Initializer("b", Of<int8_t>({1, 2}, {1, 3})).Initializer("bs", Floats({2}, {1, 2}));
  m.Initializer("bz", Of<int8_t>({2}, {0, 0})).Initializer("ys", Scalar(2));
  m.Initializer("yz", Tensor::Scalar(-1, DType::kI8));
  m.Node("QLinearMatMul", {"a", "as", "az", "b", "bs", "bz", "ys", "yz"}, {"y"});
  m.Output("y", TensorProto::INT8);
  // [5, 3] [1, 3] is [5, 15], [3, 9]; times [1, 0.5] [1, 2] / 2 is [2.5, 15], [0.75, 4.5].
  EXPECT_THAT(RunOnnx(m, {{"a", Of<int8_t>({2, 1}, {5, 4})}}), ElementsAre(1, 14, 0, 3));
}

TEST(OnnxQuantize, ZerosAreQuantizedByAScaleOfOne) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("DynamicQuantizeLinear", {"x"}, {"q", "s", "z"});
  m.Node("DequantizeLinear", {"q", "s", "z"}, {"d"}).Node("Add", {"d", "s"}, {"y"}).Output("y");
  EXPECT_THAT(RunOnnx(m, {{"x", Floats({2}, {0, 0})}}), Each(1));
}

// A Cast of more than its type holds means nothing in ONNX.
TEST(OnnxQuantize, ExportedQuantizationIsClippedBeforeItsCast) {
  OnnxMaker m(13);
  m.Input("x", {2}).Initializer("s", Scalar(2)).Node("QuantizeLinear", {"x", "s"}, {"y"});
  m.Output("y", TensorProto::UINT8);
  const onnx::ModelProto proto = ToOnnx(m.Import().value(), {}, nullptr).value();
  const auto& nodes = proto.graph().node();
  ASSERT_GE(nodes.size(), 2);
  EXPECT_EQ(nodes[nodes.size() - 1].op_type(), "Cast");
  EXPECT_EQ(nodes[nodes.size() - 2].op_type(), "Clip");
}

}  // namespace
}  // namespace weft
