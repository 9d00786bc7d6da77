// Tensors of every element type in ONNX models: read as what they are, or refused by name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "frontend/onnx/import/import.h"
#include "frontend/session/session.h"
#include "testing_files.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OnnxDTypes, EveryTypeIsWrittenAndReadBack) {
  for (int number = 1; number <= kNumDTypes; ++number) {
    const Tensor tensor = *Tensor::Scalar(1, *DTypeOfNumber(number)).Reshaped({1});
    const TensorProto proto = TensorToProto(tensor, "w");
    EXPECT_EQ(DTypeOfOnnx(proto.data_type()), tensor.dtype());
    const auto read = TensorFromProto(proto);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, tensor) << ToString(tensor.type());
  }
}

// The first element of a tensor in the field of integers that the format has for its type.
double FromTypedField(int32_t type, uint64_t element) {
  TensorProto proto;
  proto.set_data_type(type);
  proto.add_dims(1);
  if (type == TensorProto::UINT32 || type == TensorProto::UINT64) {
    proto.add_uint64_data(element);
  } else {
    proto.add_int32_data(static_cast<int32_t>(element));
  }
  const auto tensor = TensorFromProto(proto);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.ok() ? tensor->At(0) : 0;
}

TEST(OnnxDTypes, BitsOfIntegersOfEveryType) {
  for (const DType dtype : {DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kU8,
                            DType::kU16, DType::kU32, DType::kU64}) {
    SCOPED_TRACE(ToString(dtype));
    OnnxMaker m(18);
    m.Input("a", {2}, OnnxTypeOf(dtype)).Input("b", {2}, OnnxTypeOf(dtype));
    m.Node("BitwiseXor", {"a", "b"}, {"differ"}).Node("BitwiseNot", {"b"}, {"others"});
    m.Node("BitwiseAnd", {"a", "others"}, {"only"}).Node("BitwiseOr", {"only", "differ"}, {"y"});
    m.Output("y", OnnxTypeOf(dtype));
    const auto pair = [&](std::vector<double> values) {
      return Tensor::FromValues<double>({2}, values)->Converted(dtype).value();
    };
    EXPECT_THAT(RunOnnx(m, {{"a", pair({12, 100})}, {"b", pair({10, 7})}}), ElementsAre(6, 99));
  }
}

// The others are computed in a type that holds them, u64 in itself.
TEST(OnnxDTypes, ArithmeticOfIntegersThatAreStoredOnlyIsExact) {
  for (const DType dtype : {DType::kI8, DType::kI16, DType::kU16, DType::kU32, DType::kU64}) {
    for (const auto& [op, expected] : std::map<std::string, std::vector<double>>{
             {"Max", {7, 125}}, {"Min", {5, 3}}, {"Mod", {2, 2}}, {"Pow", {0, 0}}}) {
      SCOPED_TRACE(absl::StrCat(op, " ", Absl(ToString(dtype))));
      OnnxMaker m(15);
      m.Input("a", {2}, OnnxTypeOf(dtype)).Input("b", {2}, OnnxTypeOf(dtype));
      m.Node(op, {"a", "b"}, {"y"}).Output("y", OnnxTypeOf(dtype));
      const auto pair = [&](std::vector<double> values) {
        return Tensor::FromValues<double>({2}, values)->Converted(dtype).value();
      };
      const std::vector<double> y = RunOnnx(m, {{"a", pair({7, 125})}, {"b", pair({5, 3})}});
      if (op != "Pow") {
        EXPECT_EQ(y, expected);
        continue;
      }
      // 16807 and 1953125, modulo what the type holds.
      const auto wrapped = Tensor::FromInts(std::vector<int64_t>{16807, 1953125}).Converted(dtype);
      EXPECT_THAT(y, ElementsAre(wrapped->At(0), wrapped->At(1)));
    }
  }
}

TEST(OnnxDTypes, TypedFieldsAreRead) {
  EXPECT_EQ(FromTypedField(TensorProto::FLOAT16, 0x3800), 0.5);
  EXPECT_EQ(FromTypedField(TensorProto::BFLOAT16, 0x3f00), 0.5);
  EXPECT_EQ(FromTypedField(TensorProto::INT8, static_cast<uint64_t>(-7)), -7);
  EXPECT_EQ(FromTypedField(TensorProto::UINT16, 65535), 65535);
  EXPECT_EQ(FromTypedField(TensorProto::UINT32, 4294967295), 4294967295.0);
  EXPECT_EQ(FromTypedField(TensorProto::UINT64, uint64_t{1} << 63), 0x1p63);
}

TEST(OnnxDTypes, TypedFieldsOutOfRangeAreRefused) {
  TensorProto proto;
  proto.set_data_type(TensorProto::UINT32);
  proto.add_dims(1);
  proto.add_uint64_data(uint64_t{1} << 32);
  EXPECT_THAT(MessageOf(TensorFromProto(proto).status()),
              HasSubstr("element 0 is 4294967296, which is no u32"));
}

double RatioOf(const absl::StatusOr<Model>& model) {
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return -1;
  for (const Node& node : model->graph.nodes()) {
    if (node.op_name() == "Dropout") return GetFloat(node.attributes(), "ratio");
  }
  return -1;
}

TEST(OnnxDTypes, ADropoutsRatioMayBeOfAnyFloatingPointType) {
  for (DType dtype : {DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    OnnxMaker m(13);
    m.Input("x", {-1, 4}).Initializer("r", Tensor::Scalar(0.5, dtype));
    m.Node("Dropout", {"x", "r"}, {"y"}).Output("y");
    EXPECT_EQ(RatioOf(m.Import()), 0.5) << ToString(dtype);
  }
}

// The last two bytes of a page: four would reach past the mapping.
TEST(OnnxDTypes, AHalfAtTheEndOfExternalDataIsTwoBytes) {
  const std::string folder = TestFolder();
  WriteText(folder + "/w.bin", std::string(4094, '\0') + std::string("\x00\x38", 2));
  OnnxMaker m(13);
  m.Input("x", {-1, 4}).Node("Dropout", {"x", "r"}, {"y"}).Output("y");
  TensorProto* r = m.proto.mutable_graph()->add_initializer();
  r->set_name("r");
  r->set_data_type(TensorProto::FLOAT16);
  r->set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair("location", "w.bin"), std::pair("offset", "4094"), std::pair("length", "2")}) {
    auto* entry = r->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  WriteText(folder + "/m.onnx", m.proto.SerializeAsString());
  EXPECT_EQ(RatioOf(ImportOnnx(folder + "/m.onnx")), 0.5);
}

OnnxMaker CompressBy(const Tensor& condition) {
  OnnxMaker m(13);
  m.Input("x", condition.dims()).Initializer("c", condition);
  m.Node("Compress", {"x", "c"}, {"y"}).Output("y");
  return m;
}

TEST(OnnxDTypes, ACompressConditionMustBeOfBools) {
  const std::vector<int8_t> bytes(1 << 20, 1);
  const auto condition = Tensor::FromValues<int8_t>({1 << 20}, bytes);
  EXPECT_THAT(MessageOf(CompressBy(*condition).Import().status()),
              HasSubstr("expected a condition of bools along one axis, got i8[1048576]"));
  EXPECT_TRUE(CompressBy(condition->Converted(DType::kBool).value()).Import().ok());
}

// The zero point's type is the result's: 300 and -300 saturate where it says.
TEST(OnnxDTypes, QuantizationIsSignedWhereItsZeroPointIs) {
  for (const auto& [dtype, expected] :
       {std::pair(DType::kI8, std::vector<double>{127, -128, -8, 3}),
        std::pair(DType::kU8, std::vector<double>{255, 0, 0, 3})}) {
    OnnxMaker m(13);
    m.Input("x", {4})
        .Initializer("scale", Tensor::Scalar(1, DType::kF32))
        .Initializer("zero", Tensor::Scalar(3, dtype))
        .Node("QuantizeLinear", {"x", "scale", "zero"}, {"y"})
        .Output("y", OnnxTypeOf(dtype));
    const auto model = m.Import();
    ASSERT_TRUE(model.ok()) << model.status();
    const auto y = Session::Create(*model, {.threads = 1})
                       .value()
                       ->Run({{"x", Floats({4}, {300, -300, -11, 0.5f})}});
    ASSERT_TRUE(y.ok()) << y.status();
    EXPECT_EQ(y->at("y").dtype(), dtype);
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(y->at("y").At(i), expected[static_cast<size_t>(i)]) << i;
    }
  }
}

TEST(OnnxDTypes, OpsThatDoNotComputeATypeSaySo) {
  OnnxMaker m(13);
  m.Input("x", {2}, TensorProto::UINT64).Node("Abs", {"x"}, {"y"}).Output("y", TensorProto::UINT64);
  EXPECT_THAT(MessageOf(m.Import().status()), HasSubstr("its operand X of u64 is not supported"));
}

// y = op(x, x) of integers, which wrap around as those of their type do.
std::vector<double> OfItself(const std::string& op, const Tensor& x) {
  OnnxMaker m(14);
  m.Input("x", x.dims(), OnnxTypeOf(x.dtype())).Node(op, {"x", "x"}, {"y"});
  m.Output("y", OnnxTypeOf(x.dtype()));
  return RunOnnx(m, {{"x", x}});
}

TEST(OnnxDTypes, IntegersThatAnOpLacksAreComputedInAWiderType) {
  const Tensor i8 = *Tensor::FromValues<int8_t>({3}, std::vector<int8_t>{100, -100, -1});
  const Tensor u32 = *Tensor::FromValues<uint32_t>({2}, std::vector<uint32_t>{4294967295, 7});
  EXPECT_THAT(OfItself("Add", i8), ElementsAre(-56, 56, -2));
  EXPECT_THAT(OfItself("Max", i8), ElementsAre(100, -100, -1));
  EXPECT_THAT(OfItself("Mul", u32), ElementsAre(1, 49));
  EXPECT_THAT(OfItself("Max", u32), ElementsAre(4294967295.0, 7));
}

TEST(OnnxDTypes, BytesArePooledAndRectifiedBetweenConvolutions) {
  OnnxMaker m(14);
  m.Input("x", {1, 1, 1, 4}, TensorProto::INT8).Node("MaxPool", {"x"}, {"p"});
  m.Ints("kernel_shape", {1, 2}).Ints("strides", {1, 2});
  m.Node("Relu", {"p"}, {"r"}).Node("Concat", {"r", "p"}, {"y"}).Int("axis", 1);
  m.Output("y", TensorProto::INT8);
  const Tensor x =
      *Tensor::FromValues<int8_t>({1, 1, 1, 4}, std::vector<int8_t>{-5, -3, 127, -128});
  EXPECT_THAT(RunOnnx(m, {{"x", x}}), ElementsAre(0, 127, -3, 127));
}

}  // namespace
}  // namespace weft
