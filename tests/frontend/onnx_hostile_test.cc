// Models that are wrong, by accident or by intent: clear errors, no crash, no absurd allocation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

#include "frontend/io/read_file.h"
#include "frontend/onnx/conform/conform.h"
#include "frontend/onnx/import/import.h"
#include "graph/op.h"
#include "ops/reference.h"
#include "passes/passes.h"
#include "testing_files.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kData = WEFT_ONNX_TEST_DATA;

OnnxMaker Relu() {
  OnnxMaker m(13);
  m.Input("x", {2, 3}).Node("Relu", {"x"}, {"y"}).Output("y");
  return m;
}

std::string ErrorOf(const OnnxMaker& m) {
  const auto model = m.Import();
  EXPECT_FALSE(model.ok());
  return MessageOf(model.status());
}

TEST(OnnxHostile, TruncatedModels) {
  const std::string bytes = Relu().proto.SerializeAsString();
  ASSERT_TRUE(ImportOnnxBytes(AsBytes(bytes), "m", {}).ok());
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto model = ImportOnnxBytes(AsBytes(bytes).first(length), "m", {});
    if (model.ok()) continue;
    ++refused;
    EXPECT_THAT(MessageOf(model.status()), testing::StartsWith("m: "));
  }
  // The opset comes last: every prefix lacks it, or a part of the graph.
  EXPECT_EQ(refused, static_cast<int>(bytes.size()));
}

TEST(OnnxHostile, WiringThatCannotBe) {
  OnnxMaker nobody = Relu();
  nobody.proto.mutable_graph()->mutable_output(0)->set_name("z");
  EXPECT_THAT(ErrorOf(nobody), HasSubstr("output z: nothing makes it"));

  OnnxMaker unread = Relu();
  unread.Last()->set_input(0, "z");
  EXPECT_THAT(ErrorOf(unread), HasSubstr("y (Relu, opset 13): reads z, which nothing makes"));

  OnnxMaker cycle(13);
  cycle.Input("x", {2}).Node("Add", {"x", "b"}, {"a"}).Node("Add", {"x", "a"}, {"b"}).Output("b");
  EXPECT_THAT(ErrorOf(cycle),
              HasSubstr("a (Add, opset 13): it is made from its own result: a cycle"));

  OnnxMaker self(13);
  self.Input("x", {2}).Node("Add", {"x", "y"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(self), HasSubstr("made from its own result"));

  OnnxMaker twice(13);
  twice.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Node("Abs", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(twice), HasSubstr("makes y, which another one makes already"));

  OnnxMaker input(13);
  input.Input("x", {2}).Input("x", {3}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(input), HasSubstr("input x: another value has that name"));

  OnnxMaker none(13);
  none.Input("x", {2}).Node("Relu", {"x"}, {"y"});
  EXPECT_THAT(ErrorOf(none), HasSubstr("it has no output"));
}

TEST(OnnxHostile, NodesThatBreakTheirDefinition) {
  OnnxMaker count = Relu();
  count.Last()->add_input("x");
  EXPECT_THAT(ErrorOf(count), HasSubstr("y (Relu, opset 13): expected 1 inputs, got 2"));

  OnnxMaker attribute = Relu();
  attribute.Int("alpha", 1);
  EXPECT_THAT(ErrorOf(attribute), HasSubstr("has an attribute alpha"));

  OnnxMaker kind(13);
  kind.Input("x", {2}).Node("LeakyRelu", {"x"}, {"y"}).Int("alpha", 1).Output("y");
  EXPECT_THAT(ErrorOf(kind), HasSubstr("its attribute alpha: expected FLOAT, got INT"));

  OnnxMaker required(13);
  required.Input("x", {2}).Node("Concat", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(required), HasSubstr("lacks its attribute axis"));

  OnnxMaker absent(13);
  absent.Input("x", {2}).Node("Add", {"x", ""}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(absent), HasSubstr("its input B is required, but absent"));

  OnnxMaker type(13);
  type.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y", onnx::TensorProto::INT64);
  EXPECT_THAT(ErrorOf(type), HasSubstr("output y: declared as INT64, but is f32[2]"));

  OnnxMaker domain = Relu();
  domain.Last()->set_domain("com.example");
  EXPECT_THAT(ErrorOf(domain), HasSubstr("imports no opset of the domain 'com.example'"));

  OnnxMaker mixed(13);
  mixed.Input("x", {2}).Input("i", {2}, onnx::TensorProto::INT64);
  mixed.Node("Add", {"x", "i"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(mixed), HasSubstr("y (Add, opset 13): "));
}

TEST(OnnxHostile, TensorsThatLie) {
  const auto error = [](const onnx::TensorProto& tensor) {
    OnnxMaker m(13);
    m.Input("x", {2}).Node("Add", {"x", "w"}, {"y"}).Output("y");
    *m.proto.mutable_graph()->add_initializer() = tensor;
    m.proto.mutable_graph()->mutable_initializer(0)->set_name("w");
    return ErrorOf(m);
  };
  onnx::TensorProto tensor = TensorToProto(Floats({2}, {1, 2}), "w");
  tensor.set_dims(0, 3);
  EXPECT_THAT(error(tensor), HasSubstr("expected 12 bytes for f32[3], got 8"));
  tensor.set_dims(0, -2);
  EXPECT_THAT(error(tensor), HasSubstr("-2"));
  tensor.set_dims(0, int64_t{1} << 62);
  tensor.add_dims(4);
  EXPECT_THAT(error(tensor), HasSubstr("elements"));
  tensor = TensorToProto(Floats({2}, {1, 2}), "w");
  tensor.set_data_type(99);
  EXPECT_THAT(error(tensor), HasSubstr("data type 99"));
  tensor.set_data_type(onnx::TensorProto::STRING);
  EXPECT_THAT(error(tensor), HasSubstr("STRING"));
  tensor.clear_raw_data();
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  EXPECT_THAT(error(tensor), HasSubstr("expected 2 elements for dims [2], got 0"));
  tensor.set_data_type(onnx::TensorProto::UINT8);
  tensor.add_int32_data(1);
  tensor.add_int32_data(256);
  EXPECT_THAT(error(tensor), HasSubstr("element 1 is 256, which is no u8"));
}

TEST(OnnxHostile, GiantDimsAreRefusedWithoutTheirMemory) {
  OnnxMaker input(13);
  input.Input("x", {int64_t{1} << 60, 64}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(ErrorOf(input), HasSubstr("input x"));

  // A constant of 2^36 elements: representable, so it stays a node and costs nothing yet.
  OnnxMaker fill(13);
  fill.Initializer("s", Tensor::FromInts(std::vector<int64_t>{int64_t{1} << 36}))
      .Node("ConstantOfShape", {"s"}, {"c"})
      .Node("Relu", {"c"}, {"y"})
      .Output("y");
  const auto model = fill.Import();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.outputs()[0].value.type()), "f32[68719476736]");
}

TEST(OnnxHostile, GraphsTenThousandDeep) {
  OnnxMaker chain(13);
  chain.Input("x", {2});
  std::string last = "x";
  for (int i = 0; i < 10000; ++i) {
    const std::string next = absl::StrCat("v", i);
    chain.Node("Relu", {last}, {next});
    last = next;
  }
  chain.Output(last);
  const auto model = chain.Import();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->graph.size(), 10001);

  // Bodies within bodies.
  OnnxMaker nested(13);
  nested.Input("x", {2}).Node("If", {"x"}, {"y"}).Output("y");
  onnx::NodeProto* node = nested.Last();
  for (int i = 0; i < 10000; ++i) {
    onnx::AttributeProto* body = node->add_attribute();
    body->set_name("then_branch");
    body->set_type(onnx::AttributeProto::GRAPH);
    node = body->mutable_g()->add_node();
    node->set_op_type("If");
  }
  EXPECT_THAT(ErrorOf(nested), HasSubstr("too deeply nested"));
}

TEST(OnnxHostile, ShapesThatDoubleWithEveryNode) {
  OnnxMaker m(13);
  m.Input("x", {-1}).Node("Shape", {"x"}, {"v0"});
  for (int i = 0; i < 200; ++i) {
    m.Node("Concat", {absl::StrCat("v", i), absl::StrCat("v", i)}, {absl::StrCat("v", i + 1)})
        .Int("axis", 0);
  }
  m.Node("Mul", {"v0", "v0"}, {"w0"});
  for (int i = 0; i < 200; ++i) {
    m.Node("Mul", {absl::StrCat("w", i), absl::StrCat("w", i)}, {absl::StrCat("w", i + 1)});
  }
  m.Output("w200", onnx::TensorProto::INT64).Output("v3", onnx::TensorProto::INT64);
  EXPECT_THAT(ErrorOf(m), HasSubstr("Concat"));  // more elements than a tensor may have
}

TEST(OnnxHostile, DimsWhoseFormulasDoubleWithEveryNode) {
  OnnxMaker m(13);  // each extent is the sum of the two before it
  m.Input("v0", {-1}).Initializer("one", Floats({1}, {1}));
  m.Node("Concat", {"v0", "one"}, {"v1"}).Int("axis", 0);
  for (int i = 2; i < 60; ++i) {
    m.Node("Concat", {absl::StrCat("v", i - 1), absl::StrCat("v", i - 2)}, {absl::StrCat("v", i)})
        .Int("axis", 0);
  }
  m.Output("v59");
  EXPECT_THAT(ErrorOf(m), HasSubstr("symbols of at most 4096 characters"));
}

TEST(OnnxHostile, KnownIntegersWrapAround) {
  OnnxMaker m(13);
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  m.Initializer("least", Tensor::FromInts(std::vector<int64_t>{kLeast}))
      .Initializer("one", Tensor::FromInts(std::vector<int64_t>{1}))
      .Node("Sub", {"least", "one"}, {"d"})
      .Output("d", onnx::TensorProto::INT64);
  const auto model = m.Import();
  ASSERT_TRUE(model.ok()) << model.status();
  const Tensor* d = ConstantValue(model->graph.outputs()[0].value);
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(*d, Tensor::FromInts(std::vector<int64_t>{std::numeric_limits<int64_t>::max()}));
}

// The op that a transform of `length` known numbers becomes.
std::string OpOfKnownTransform(int64_t length) {
  OnnxMaker m(17);
  m.Node("Constant", {}, {"x"});
  *m.Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t() =
      TensorToProto(Tensor::Zeros(DType::kF32, {1, length, 1}).value(), "");
  m.Node("DFT", {"x"}, {"y"}).Output("y");
  const auto model = m.Import();
  if (!model.ok()) return MessageOf(model.status());
  return std::string(model->graph.outputs()[0].value.node->op_name());
}

TEST(OnnxHostile, LongTransformsOfConstantsAreLeftToTheRun) {
  EXPECT_EQ(OpOfKnownTransform(8), kConstant);
  EXPECT_EQ(OpOfKnownTransform(20000), "DFT");  // slow by definition
}

TEST(OnnxHostile, ConstantsThatGrowWithEveryNodeStayNodes) {
  OnnxMaker m(13);
  m.Node("Constant", {}, {"v0"});
  *m.Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t() =
      TensorToProto(Floats({1}, {1}), "");
  for (int i = 1; i <= 20; ++i) {
    const std::string shape = absl::StrCat("s", i), from = absl::StrCat("v", i - 1);
    m.Initializer(shape, Tensor::FromInts(std::vector<int64_t>{i == 1 ? 4096 : 2}))
        .Node("Tile", {from, shape}, {absl::StrCat("v", i)});
  }
  m.Output("v1").Output("v2").Output("v20");
  const auto model = m.Import();
  ASSERT_TRUE(model.ok()) << model.status();
  const auto& outputs = model->graph.outputs();
  EXPECT_EQ(outputs[0].value.node->op_name(), kConstant);
  EXPECT_EQ(outputs[1].value.node->op_name(), "Tile");
}

TEST(OnnxHostile, FramesOfTransformsStayWithinTheBudget) {
  OnnxMaker m(17);
  m.Input("x", {1, int64_t{1} << 24, 1})
      .Initializer("n", Tensor::FromValues<int64_t>({}, std::array<int64_t, 1>{4096}).value());
  for (const char* y : {"y1", "y2", "y3"}) m.Node("STFT", {"x", "n", "", "n"}, {y}).Output(y);
  const std::string error = ErrorOf(m);
  EXPECT_THAT(error, HasSubstr("y3 (STFT, opset 17): 4096 frames of 4096 samples"));
  EXPECT_THAT(error, Not(HasSubstr("y2")));
}

TEST(OnnxHostile, GradientsOfGradientsOfGradients) {
  OnnxMaker m(13);
  onnx::OperatorSetIdProto* training = m.proto.add_opset_import();
  training->set_domain("ai.onnx.preview.training");
  training->set_version(1);
  m.Input("x", {2});
  std::string last = "x";
  for (int i = 0; i < 30; ++i) {
    const std::string y = absl::StrCat("y", i), dx = absl::StrCat("dx", i);
    m.Node("Sin", {last}, {y}).Node("Gradient", {"x"}, {dx});
    m.Last()->set_domain("ai.onnx.preview.training");
    m.Attribute("xs", onnx::AttributeProto::STRINGS)->add_strings("x");
    m.Attribute("y", onnx::AttributeProto::STRING)->set_s(y);
    last = dx;
  }
  m.Output(last);
  EXPECT_THAT(ErrorOf(m), HasSubstr("gradients in a graph of more than 65536 nodes"));
}

// Zeros for every input of a model that is small enough to run thousands of; nothing otherwise.
std::optional<TensorMap> SmallFeeds(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    const auto cost = CostOf(node);
    if (!cost.ok() || cost->flops > 1e6) return std::nullopt;
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (CountElements(node.type(i).shape)->coefficient() > 10000) return std::nullopt;
    }
  }
  TensorMap feeds;
  for (const Node* input : graph.inputs()) {
    feeds[input->name()] =
        Tensor::Zeros(input->type().dtype, StaticDims(input->type().shape).value()).value();
  }
  return feeds;
}

// Every model of ONNX's suite with 200 random changes of bytes each; those that still are models
// are run.
TEST(OnnxHostile, MutatedModelsAreRefusedOrMeanSomething) {
  std::mt19937 random(7);
  int imported = 0, refused = 0, run = 0;
  for (const char* part : {"node", "pytorch-converted", "pytorch-operator", "simple"}) {
    const auto folders = FindConformCases(absl::StrCat(kData, "/", part)).value();
    for (const std::string& folder : folders) {
      const std::vector<std::byte> original = ReadFile(folder + "/model.onnx").value();
      for (int round = 0; round < 200; ++round) {
        std::vector<std::byte> bytes = original;
        const int changes = 1 + static_cast<int>(random() % 4);
        for (int i = 0; i < changes; ++i) {
          bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 256);
        }
        const auto model = ImportOnnxBytes(bytes, "mutated");
        ++(model.ok() ? imported : refused);
        if (model.ok()) {
          const Graph graph = ForInference(model->graph).value();
          if (const auto feeds = SmallFeeds(graph)) {
            ++run;
            const auto outputs = ReferenceEvaluator().RunGraph(graph, *feeds);
            if (outputs.ok()) {
              ASSERT_EQ(outputs->size(), graph.outputs().size());
            } else {
              ASSERT_NE(MessageOf(outputs.status()), "");
            }
          }
        } else {
          ASSERT_THAT(MessageOf(model.status()), testing::StartsWith("mutated: "));
          ASSERT_THAT(model.status().code(),
                      AnyOf(absl::StatusCode::kInvalidArgument, absl::StatusCode::kUnimplemented,
                            absl::StatusCode::kResourceExhausted, absl::StatusCode::kNotFound))
              << model.status();
        }
      }
    }
  }
  EXPECT_GT(imported, 10000);
  EXPECT_GT(run, 5000);
  EXPECT_GT(refused, 10000);
}

TEST(OnnxHostile, TensorFilesWithEveryByteFlipped) {
  const std::string bytes = TensorToProto(Floats({2, 2}, {1, 2, 3, 4}), "t").SerializeAsString();
  ASSERT_TRUE(ParseOnnxTensor(AsBytes(bytes), "t.pb").ok());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const auto tensor = ParseOnnxTensor(AsBytes(flipped), "t.pb");
      if (tensor.ok()) continue;
      EXPECT_THAT(MessageOf(tensor.status()), testing::StartsWith("t.pb: "));
    }
  }
}

}  // namespace
}  // namespace weft
