// Models of f16 and bf16: read and computed as f32, inputs and outputs of their types on request.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "frontend/onnx/export/to_onnx.h"
#include "graph/op.h"
#include "testing_files.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor Halves(Dims dims, const std::vector<float>& values, DType dtype = DType::kF16) {
  return Floats(std::move(dims), values).Converted(dtype).value();
}

// y = x + x next to w, all of f16, by way of f32 and back.
OnnxMaker DoubledModel() {
  OnnxMaker m(13);
  m.Input("x", {2}, TensorProto::FLOAT16).Initializer("w", Halves({2}, {0.5f, 2}));
  m.Node("Concat", {"x", "w"}, {"both"}).Int("axis", 0);
  m.Node("Cast", {"both"}, {"wide"}).Int("to", TensorProto::FLOAT);
  m.Node("Add", {"wide", "wide"}, {"sum"});
  m.Node("Cast", {"sum"}, {"y"}).Int("to", TensorProto::FLOAT16).Output("y", TensorProto::FLOAT16);
  return m;
}

TEST(OnnxHalves, AreComputedInF32WithoutRounding) {
  EXPECT_THAT(RunOnnx(DoubledModel(), {{"x", Floats({2}, {1.0001f, 40000})}}, {}),
              ElementsAre(2 * double{1.0001f}, 80000, 1, 4));
}

TEST(OnnxHalves, InputsAndOutputsKeepTheirTypesOnRequest) {
  EXPECT_THAT(RunOnnx(DoubledModel(), {{"x", Halves({2}, {1, 40000})}}),
              ElementsAre(2, kInfinity, 1, 4));
}

TEST(OnnxHalves, CastsBetweenThemAndF32AreNothing) {
  const Model model = DoubledModel().Import().value();
  for (const Node& node : model.graph.nodes()) EXPECT_NE(node.op_name(), "Cast");
  ASSERT_EQ(model.graph.variables().size(), 1u);
  EXPECT_EQ(ToString(model.graph.variables()[0]->type()), "f32[2]");
}

TEST(OnnxHalves, ACastOfAWeightIsTheWeight) {
  OnnxMaker m(13);
  m.Input("x", {1, 2}).Initializer("wh", Halves({2, 1}, {0.5f, 2}));
  m.Node("Cast", {"wh"}, {"w"}).Int("to", TensorProto::FLOAT);
  m.Node("CastLike", {"w", "x"}, {"v"});
  m.proto.mutable_opset_import(0)->set_version(15);
  m.Node("MatMul", {"x", "v"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  ASSERT_EQ(model.graph.variables().size(), 1u);
  EXPECT_EQ(model.graph.variables()[0]->name(), "wh");
  EXPECT_THAT(RunOnnx(m, {{"x", Floats({1, 2}, {2, 3})}}), ElementsAre(7));
}

TEST(OnnxHalves, AWholeModelMayMixBothTypes) {
  OnnxMaker m(13);
  m.Input("x", {1, 1, 1, 2}, TensorProto::FLOAT16);
  m.Initializer("w", Halves({1, 1, 1, 2}, {0.5f, 2}))
      .Initializer("b", Halves({1}, {4}, DType::kBF16));
  m.Node("Conv", {"x", "w"}, {"c"}).Node("Relu", {"c"}, {"r"});
  m.Node("Cast", {"b"}, {"bh"}).Int("to", TensorProto::FLOAT16);
  m.Node("Constant", {}, {"k"});
  TensorProto* k = m.Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t();
  k->set_data_type(TensorProto::FLOAT16);
  k->add_int32_data(0x3800);  // 0.5
  m.Node("Mul", {"r", "k"}, {"s"}).Node("Add", {"s", "bh"}, {"y"});
  m.Output("y", TensorProto::FLOAT16);
  EXPECT_THAT(RunOnnx(m, {{"x", Halves({1, 1, 1, 2}, {2, 3})}}), ElementsAre(7.5));
}

TEST(OnnxHalves, TensorsThatAttributesHoldAreReadAsF32Too) {
  OnnxMaker m(13);
  m.Input("x", {2}, TensorProto::FLOAT16)
      .Initializer("shape", Tensor::FromInts(std::vector<int64_t>{2}));
  m.Node("ConstantOfShape", {"shape"}, {"k"});
  *m.Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t() =
      TensorToProto(Halves({1}, {3}), "value");
  m.Node("Add", {"x", "k"}, {"y"}).Output("y", TensorProto::FLOAT16);
  EXPECT_THAT(RunOnnx(m, {{"x", Halves({2}, {1, 2})}}), ElementsAre(4, 5));
}

TEST(OnnxHalves, BoundInputsMayBeOfTheDeclaredTypeOrF32) {
  OnnxMaker m(13);
  m.Input("x", {2}, TensorProto::FLOAT16).Input("z", {2}, TensorProto::FLOAT16);
  m.Node("Add", {"x", "z"}, {"y"}).Output("y", TensorProto::FLOAT16);
  for (const Tensor& z : {Halves({2}, {1, 2}), Floats({2}, {1, 2})}) {
    const OnnxImportOptions options{.constants = {{"z", z}}, .keep_half_types = true};
    EXPECT_THAT(RunOnnx(m, {{"x", Halves({2}, {1, 2})}}, options), ElementsAre(2, 4));
  }
  const auto ints = m.Import({.constants = {{"z", Tensor::FromInts(std::vector<int64_t>{1, 2})}}});
  EXPECT_THAT(MessageOf(ints.status()), HasSubstr("expected f16[2] for a constant bound to it"));
}

TEST(OnnxHalves, ADeclaredTypeOfAnotherKindIsRefused) {
  OnnxMaker m(13);
  m.Input("x", {2}, TensorProto::FLOAT16).Node("Relu", {"x"}, {"y"}).Output("y", TensorProto::INT8);
  EXPECT_THAT(MessageOf(m.Import().status()), HasSubstr("declared as INT8, but is f32[2]"));
}

TEST(OnnxHalves, ExportedModelsHaveTheKeptTypes) {
  const Model model = DoubledModel().Import({.keep_half_types = true}).value();
  const onnx::ModelProto proto = ToOnnx(model, {}, nullptr).value();
  EXPECT_EQ(proto.graph().input(0).type().tensor_type().elem_type(), TensorProto::FLOAT16);
  EXPECT_EQ(proto.graph().output(0).type().tensor_type().elem_type(), TensorProto::FLOAT16);
  EXPECT_EQ(proto.graph().initializer(0).data_type(), TensorProto::FLOAT);
}

TEST(OnnxHalves, TheReportSaysSoInALine) {
  const std::string path = TestFolder() + "/m.onnx";
  WriteText(path, DoubledModel().proto.SerializeAsString());
  OnnxImportReport report, kept, none;
  ASSERT_TRUE(ImportOnnx(path, {}, &report).ok());
  EXPECT_THAT(report.notes, ElementsAre("f16 and bf16 are read and computed as f32: 1 initializer, "
                                        "1 constant or cast, input x, output y"));
  ASSERT_TRUE(ImportOnnx(path, {.keep_half_types = true}, &kept).ok());
  EXPECT_THAT(kept.notes, ElementsAre(HasSubstr("; input x, output y keep their types")));
  OnnxMaker plain(13);
  plain.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y");
  WriteText(path, plain.proto.SerializeAsString());
  ASSERT_TRUE(ImportOnnx(path, {}, &none).ok());
  EXPECT_THAT(none.notes, IsEmpty());
}

}  // namespace
}  // namespace weft
