#include <algorithm>

#include "frontend/session/session.h"
#include "frontend/zoo/zoo.h"
#include "gmock/gmock.h"
#include "tests/cases/cases.h"
#include "tests/frontend/testing_onnx_export.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;

TEST(OnnxExport, NamesInputsOutputsNodesAndParametersAsTheGraphDoes) {
  const onnx::ModelProto proto = Export(Build(
      [](Builder& b, Value x) {
        const Value h = b.Relu(b.Conv2d(x, {.channels = 4, .kernel = 3, .padding = 1}));
        return b.Linear(b.Flatten(h), {.features = 2});
      },
      {"N", 1, 4, 4}));
  EXPECT_THAT(Lines(proto),
              ElementsAre("conv1 = Conv(x,conv1.weight,conv1.bias) -> conv1",
                          "relu1 = Relu(conv1) -> relu1", "flatten1 = Flatten(relu1) -> flatten1",
                          "fc1 = Gemm(flatten1,fc1.weight,fc1.bias) -> y"));
  EXPECT_THAT(InitializerNames(proto),
              ElementsAre("conv1.weight", "conv1.bias", "fc1.weight", "fc1.bias"));
  const auto& shape = proto.graph().input(0).type().tensor_type().shape();
  EXPECT_EQ(shape.dim(0).dim_param(), "N");
  EXPECT_EQ(shape.dim(2).dim_value(), 4);
  EXPECT_EQ(proto.graph().output(0).name(), "y");
  EXPECT_EQ(proto.graph().output(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(proto.producer_name(), "weft");
  EXPECT_EQ(proto.ir_version(), 7);
  EXPECT_EQ(proto.opset_import(0).version(), 13);
}

TEST(OnnxExport, AttributesHaveTheirValuesAndDefaultsAreLeftOut) {
  const onnx::ModelProto proto = Export(Build(
      [](Builder& b, Value x) {
        return b.LeakyRelu(
            b.Conv2d(x, {.channels = 4, .kernel = 3, .stride = 2, .padding = 1, .groups = 2}));
      },
      {"N", 2, 8, 8}));
  const onnx::NodeProto& conv = NodeOf(proto, "Conv");
  ASSERT_NE(AttributeOf(conv, "strides"), nullptr);
  EXPECT_THAT(AttributeOf(conv, "strides")->ints(), ElementsAre(2, 2));
  EXPECT_THAT(AttributeOf(conv, "pads")->ints(), ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(AttributeOf(conv, "group")->i(), 2);
  EXPECT_EQ(AttributeOf(conv, "auto_pad"), nullptr);                     // NOTSET
  EXPECT_EQ(AttributeOf(NodeOf(proto, "LeakyRelu"), "alpha"), nullptr);  // 0.01
}

TEST(OnnxExport, ParametersKeepTheirValues) {
  const Model model = *BuildNetwork(**FindNetwork("lenet"));
  const onnx::ModelProto proto = Export(model);
  for (const Node* variable : model.graph.variables()) {
    EXPECT_EQ(InitializerOf(proto, variable->name()), LeafValue(*variable)) << variable->name();
  }
}

TEST(OnnxExport, NetworksKeepTheirNameAndVariables) {
  for (const char* network : {"lenet", "lenet-bn"}) {
    const Model model = *BuildNetwork(**FindNetwork(network));
    const onnx::ModelProto proto = Export(model);
    EXPECT_EQ(proto.graph().name(), network);
    EXPECT_EQ(InitializerNames(proto).size(), model.graph.variables().size()) << network;
  }
}

TEST(OnnxExport, ConstantsAreNodesRightBeforeTheirFirstReader) {
  const onnx::ModelProto proto = Export(Build(
      [](Builder& b, Value x) {
        const Value c = b.Constant(Tensor::Scalar(2, DType::kF32), {.name = "two"});
        return b.Mul(b.Relu(x, {.name = "r"}), c, {.name = "m"});
      },
      {3}));
  EXPECT_THAT(Lines(proto),
              ElementsAre("r = Relu(x) -> r", "two = Constant() -> two", "m = Mul(r,two) -> y"));
  EXPECT_THAT(InitializerNames(proto), IsEmpty());
}

TEST(OnnxExport, OutputsThatAreInputsLeavesOrOtherOutputsAreCopies) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {2}});
  const Value w = *graph.AddVariable("w", RandomTensor({2}, DType::kF32, 1));
  Node* relu = *graph.AddNode({.op = "Relu", .name = "r", .inputs = {x}});
  for (const auto& [name, value] : std::vector<std::pair<std::string, Value>>{
           {"a", relu->output()}, {"b", relu->output()}, {"c", x}, {"w", w}}) {
    ASSERT_TRUE(graph.AddOutput(name, value).ok());
  }
  const onnx::ModelProto proto = Export(Model(std::move(graph)));
  EXPECT_THAT(Lines(proto), ElementsAre("r = Relu(x) -> a", "b = Identity(a) -> b",
                                        "c = Identity(x) -> c", EndsWith(" = Identity(w_1) -> w")));
  EXPECT_THAT(InitializerNames(proto), ElementsAre("w_1"));
}

TEST(OnnxExport, AnOutputWithTheNameOfAnInputGetsAnotherWithANote) {
  Graph graph = WithNode("Relu", {}, {DType::kF32, {2}});
  ASSERT_TRUE(graph.AddOutput("x", graph.Find("node")->output()).ok());
  OnnxExportReport report;
  const onnx::ModelProto proto = Export(Model(std::move(graph)), &report);
  EXPECT_EQ(proto.graph().output(1).name(), "x_1");
  EXPECT_THAT(report.notes, ElementsAre("output x is called x_1, for an input has its name"));
}

TEST(OnnxExport, OnlyWhatOutputsNeedIsExported) {
  Graph graph = WithNode("Relu", {}, {DType::kF32, {2}});
  const Value w = *graph.AddVariable("w", RandomTensor({2}, DType::kF32, 1));
  Node* sum = *graph.AddNode({.op = "Add", .inputs = {graph.Find("x")->output(), w}});
  ASSERT_TRUE(graph.AddUpdate(w.node, sum->output()).ok());
  OnnxExportReport report;
  const onnx::ModelProto proto = Export(Model(std::move(graph)), &report);
  EXPECT_THAT(Lines(proto), ElementsAre("node = Relu(x) -> y"));
  EXPECT_THAT(InitializerNames(proto), IsEmpty());
  EXPECT_THAT(report.notes, ElementsAre("left out: 1 updates of variables, which ONNX has not"));
}

TEST(OnnxExport, RaisesTheOpsetWhereAnOpNeedsItAndSaysForWhich) {
  const Model model =
      Build([](Builder& b,
               Value x) { return b.LayerNorm(b.HardSwish(x, {.name = "hs"}), {.name = "ln"}); },
            {"N", 8});
  OnnxExportReport report;
  const onnx::ModelProto proto = Export(model, &report);
  EXPECT_EQ(proto.opset_import(0).version(), 17);
  EXPECT_EQ(proto.ir_version(), 8);
  EXPECT_EQ(report.opset, 17);
  EXPECT_THAT(report.notes, ElementsAre("opset raised from 13 to 17: ln (LayerNormalization)"));
  Export(model, &report, 17);
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST(OnnxExport, AnAttributeOrADTypeCanRaiseTheOpset) {
  OnnxExportReport report;
  const Shape symbolic = {Dim::Symbol("N"), 3};  // a known shape is a constant
  Export(Model(WithNode("Shape", {{"start", 1}}, {DType::kF32, symbolic})), &report);
  EXPECT_EQ(report.opset, 15);
  Export(Model(WithNode("Shape", {}, {DType::kF32, symbolic})), &report);
  EXPECT_EQ(report.opset, 13);
  Export(Model(WithNode("Relu", {}, {DType::kI32, {2}})), &report);
  EXPECT_EQ(report.opset, 14);
}

TEST(OnnxExport, WindowsThatWouldStartInThePaddingAreLeftOutInOnnxToo) {
  using Ints = std::vector<int64_t>;
  const AttributeMap uneven = {{"kernel_shape", Ints{3, 2}},
                               {"strides", Ints{2, 3}},
                               {"pads", Ints{0, 1, 0, 1}},
                               {"ceil_mode", 1}};
  const auto proto = Export(Model(WithNode("MaxPool", uneven, {DType::kF32, {1, 1, 4, 1}})));
  const auto& pads = AttributeOf(NodeOf(proto, "MaxPool"), "pads")->ints();
  EXPECT_EQ(Ints(pads.begin(), pads.end()), (Ints{0, 1, 1, 0}));
  EXPECT_EQ(AttributeOf(NodeOf(proto, "MaxPool"), "ceil_mode"), nullptr);
  // Of unknown extents some have such a window.
  const AttributeMap wide = {{"kernel_shape", Ints{2, 2}},
                             {"strides", Ints{3, 3}},
                             {"pads", Ints{1, 1, 1, 1}},
                             {"ceil_mode", 1}};
  const Shape symbolic = {1, 1, Dim::Symbol("H"), 5};
  const Model open(WithNode("MaxPool", wide, {DType::kF32, symbolic}));
  EXPECT_THAT(std::string(ToOnnx(open, {}, nullptr).status().message()),
              testing::HasSubstr("ceil_mode keeps windows that start in the padding"));
}

// What inference does not follow shows when the shape is computed.
TEST(OnnxExport, AComputedShapeThatCannotBeIsAnError) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", {DType::kF32, {6}}).value();
  const Value fours =
      graph.AddConstant("fours", Tensor::FromInts(std::vector<int64_t>{4, 4})).value();
  const Value shape =
      graph.AddNode({.op = "Clip", .name = "shape", .inputs = {fours}}).value()->output();
  Node* y = graph.AddNode({.op = "Reshape", .name = "y", .inputs = {x, shape}}).value();
  ASSERT_TRUE(graph.AddOutput("y", y->output()).ok());
  const auto proto = ToOnnx(Model(std::move(graph)), {}, nullptr);
  EXPECT_THAT(std::string(proto.status().message()),
              testing::HasSubstr("y (Reshape): cannot reshape [6] to [4,4]"));
}

TEST(OnnxExport, TheOpsetIsChosenFrom13To17) {
  const Model model(WithNode("Relu", {}, {DType::kF32, {2}}));
  for (int opset : {13, 15, 17}) {
    OnnxExportReport report;
    EXPECT_EQ(Export(model, &report, opset).opset_import(0).version(), opset);
  }
  for (int opset : {12, 18}) {
    EXPECT_EQ(ToOnnx(model, {.opset = opset}, nullptr).status().message(),
              absl::StrCat("opset: expected 13 to 17, got ", opset));
  }
}

TEST(OnnxExport, ModeNeutralBatchNormAndDropoutExportTheirInferenceForm) {
  const onnx::ModelProto proto = Export(Build(
      [](Builder& b, Value x) {
        return b.Dropout(b.Dropout(b.BatchNorm2d(x, {.name = "bn"}), {.ratio = 0.5, .name = "d"}),
                         {.ratio = 0.25, .name = "e"});
      },
      {"N", 3, 4, 4}));
  const onnx::NodeProto& bn = NodeOf(proto, "BatchNormalization");
  EXPECT_EQ(bn.output_size(), 1);
  EXPECT_EQ(bn.attribute_size(), 0);  // ONNX's epsilon and momentum
  EXPECT_EQ(Lines(proto)[1], "d = Dropout(bn) -> d");
  EXPECT_EQ(Lines(proto)[2], "e = Dropout(d,e.ratio) -> y");
  EXPECT_EQ(InitializerOf(proto, "e.ratio"), Tensor::Scalar(0.25, DType::kF32));
  EXPECT_EQ(proto.opset_import(0).version(), 13);
}

TEST(OnnxExport, TrainingModeIsAnAttributeOfBatchNormAndAnInputOfDropout) {
  Graph graph(StandardOps());
  std::vector<Value> in = {*graph.AddInput("x", {DType::kF32, {4, 3}})};
  for (const char* name : {"s", "b", "m", "v"})
    in.push_back(*graph.AddInput(name, {DType::kF32, {3}}));
  Node* bn = *graph.AddNode({.op = "BatchNormalization",
                             .name = "bn",
                             .inputs = in,
                             .attributes = {{"mode", "training"}}});
  Node* drop = *graph.AddNode({.op = "Dropout",
                               .name = "d",
                               .inputs = {bn->output()},
                               .attributes = {{"mode", "training"}}});
  ASSERT_TRUE(graph.AddOutput("y", drop->output()).ok());
  const onnx::ModelProto proto = Export(Model(std::move(graph)));
  EXPECT_EQ(proto.opset_import(0).version(), 14);
  EXPECT_EQ(AttributeOf(NodeOf(proto, "BatchNormalization"), "training_mode")->i(), 1);
  EXPECT_THAT(Lines(proto), ElementsAre("bn = BatchNormalization(x,s,b,m,v) -> bn,bn:1,bn:2",
                                        "d = Dropout(bn,d.ratio,d.training_mode) -> y"));
  EXPECT_EQ(InitializerOf(proto, "d.training_mode"), Tensor::Scalar(1, DType::kBool));
}

TEST(OnnxExport, AnUnbiasedRunningVarianceThatIsReadIsAnError) {
  for (const bool unbiased : {true, false}) {
    Graph graph(StandardOps());
    std::vector<Value> in = {*graph.AddInput("x", {DType::kF32, {4, 3}})};
    for (const char* name : {"s", "b", "m", "v"}) {
      in.push_back(*graph.AddInput(name, {DType::kF32, {3}}));
    }
    Node* bn =
        *graph.AddNode({.op = "BatchNormalization",
                        .name = "bn",
                        .inputs = in,
                        .attributes = {{"mode", "training"},
                                       {"running_variance", unbiased ? "unbiased" : "biased"}},
                        .num_outputs = 3});
    ASSERT_TRUE(graph.AddOutput("var", bn->output(2)).ok());
    const auto proto = ToOnnx(Model(std::move(graph)), {}, nullptr);
    EXPECT_EQ(proto.ok(), !unbiased) << proto.status();
    if (unbiased) {
      EXPECT_EQ(
          proto.status().message(),
          "ONNX cannot express 1 node: bn (BatchNormalization): ONNX's running_var is biased, "
          "this one unbiased");
    }
  }
}

TEST(OnnxExport, EveryNodeThatCannotBeExportedIsNamed) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {1, 1, 4, 4}});
  Node* a = *graph.AddNode({.op = "ReluGrad", .name = "a", .inputs = {x, x}});
  Node* b =
      *graph.AddNode({.op = "RandomPlacement",
                      .name = "b",
                      .inputs = {a->output()},
                      .attributes = {{"mode", "training"}, {"pads", std::vector<int64_t>{2, 2}}}});
  ASSERT_TRUE(graph.AddOutput("y", b->output()).ok());
  EXPECT_EQ(ToOnnx(Model(std::move(graph)), {}, nullptr).status().message(),
            "ONNX cannot express 2 nodes: a (ReluGrad): a gradient op, ONNX has none; b "
            "(RandomPlacement): draws at random, as no op of ONNX does");
}

TEST(OnnxExport, ACompositionWithAHugeConstantIsAnError) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {1}});
  const Value pads = *graph.AddConstant("pads", Tensor::FromInts(std::vector<int64_t>{0, 1 << 27}));
  Node* pad = *graph.AddNode(
      {.op = "Pad", .name = "p", .inputs = {x, pads}, .attributes = {{"mode", "wrap"}}});
  ASSERT_TRUE(graph.AddOutput("y", pad->output()).ok());
  EXPECT_EQ(ToOnnx(Model(std::move(graph)), {}, nullptr).status().message(),
            "ONNX cannot express 1 node: p (Pad): its composition would need a constant of "
            "1.34218e+08 elements, more than 6.71089e+07");
}

TEST(OnnxExport, AGraphWithoutOutputsIsAnError) {
  Graph graph(StandardOps());
  ASSERT_TRUE(graph.AddInput("x", {DType::kF32, {2}}).ok());
  EXPECT_EQ(ToOnnx(Model(std::move(graph)), {}, nullptr).status().message(),
            "the graph has no outputs, so there is nothing to export");
}

TEST(OnnxExport, CompositionsAreNamedAfterTheirNode) {
  const onnx::ModelProto proto =
      Export(Build([](Builder& b, Value x) { return b.Gelu(x, {.name = "act"}); }, {"N", 8}));
  EXPECT_THAT(Lines(proto), ElementsAre("act/Constant = Constant() -> act/Constant",
                                        "act/Mul = Mul(x,act/Constant) -> act/Mul",
                                        "act/Erf = Erf(act/Mul) -> act/Erf",
                                        "act/Constant_1 = Constant() -> act/Constant_1",
                                        "act/Mul_1 = Mul(x,act/Constant_1) -> act/Mul_1",
                                        "act/Constant_2 = Constant() -> act/Constant_2",
                                        "act/Add = Add(act/Erf,act/Constant_2) -> act/Add",
                                        "act = Mul(act/Mul_1,act/Add) -> y"));
}

std::vector<std::string> OpsOf(const onnx::ModelProto& proto) {
  std::vector<std::string> ops;
  for (const onnx::NodeProto& node : proto.graph().node()) {
    if (node.op_type() != "Constant") ops.push_back(node.op_type());
  }
  return ops;
}

TEST(OnnxExport, FusedConvolutionsExportAsWhatTheyWereFusedFrom) {
  const Model model = Build(
      [](Builder& b, Value x) {
        const Value h = b.Conv2d(x, {.channels = 3, .kernel = 3, .padding = 1, .name = "c"});
        return b.Silu(b.Add(b.BatchNorm2d(h), b.Tanh(x)), {.name = "s"});
      },
      {"N", 3, 4, 4});
  auto optimized = OptimizedForInference(model.graph);
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  ASSERT_EQ(std::count_if(optimized->nodes().begin(), optimized->nodes().end(),
                          [](const Node& n) { return n.op_name() == "FusedConv"; }),
            1);
  const onnx::ModelProto proto = Export(Model(*std::move(optimized)));
  EXPECT_THAT(OpsOf(proto), ElementsAre("Tanh", "Conv", "Add", "Sigmoid", "Mul"));
  EXPECT_THAT(InitializerNames(proto), IsEmpty());  // frozen weights are constants
}

TEST(OnnxExport, StructuresExportAsWhatTheyWereRecognizedFrom) {
  const Model model = Build(
      [](Builder& b, Value x) {
        const Value shuffled = b.ChannelShuffle(x, 2);
        Value s = b.GlobalAvgPool(shuffled, {.keep_dims = true});
        s = b.Silu(b.Conv2d(s, {.channels = 3, .kernel = 1}));
        return b.Mul(shuffled, b.HardSigmoid(b.Conv2d(s, {.channels = 6, .kernel = 1})));
      },
      {"N", 6, 4, 4});
  auto optimized = OptimizedForInference(model.graph);
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  std::vector<std::string_view> ops;
  for (const Node& node : optimized->nodes()) {
    if (node.num_inputs() > 0) ops.push_back(node.op_name());
  }
  EXPECT_THAT(ops, ElementsAre("ChannelShuffle", "SqueezeExcitation"));
  EXPECT_THAT(OpsOf(Export(Model(*std::move(optimized)))),
              ElementsAre("Reshape", "Transpose", "Reshape", "ReduceMean", "Conv", "Sigmoid", "Mul",
                          "Conv", "HardSigmoid", "Mul"));
}

TEST(OnnxExport, PostOpsExportWithTheirLimitsAndOperands) {
  const Model model = Build(
      [](Builder& b, Value x) {
        const Value h = b.Relu6(b.Conv2d(x, {.channels = 3, .kernel = 1, .name = "c"}));
        const Value scale = b.Sigmoid(b.Input("s", {"N", 3, 1, 1}));
        return b.Gelu(b.Linear(b.Flatten(b.Mul(h, scale)), {.features = 2}));
      },
      {"N", 3, 4, 4});
  const Graph optimized = OptimizedForInference(model.graph).value();
  for (const char* op : {"Clip", "Mul", "Gelu"}) {
    EXPECT_EQ(std::count_if(optimized.nodes().begin(), optimized.nodes().end(),
                            [&](const Node& n) { return n.op_name() == op; }),
              0);
  }
  const onnx::ModelProto proto = Export(Model(OptimizedForInference(model.graph).value()));
  std::vector<std::string> ops;
  for (const onnx::NodeProto& node : proto.graph().node()) {
    if (node.op_type() != "Constant") ops.push_back(node.op_type());
  }
  EXPECT_THAT(ops, ElementsAre("Sigmoid", "Conv", "Clip", "Mul", "Flatten", "Gemm", "Mul", "Erf",
                               "Mul", "Add", "Mul"));
}

TEST(OnnxExport, FusedChainsExportAsTheirSteps) {
  const Model model = Build(
      [](Builder& b, Value x) {
        const Value h = b.Silu(b.Sub(b.Input("c", {3, 1, 1}), b.BatchNorm2d(x)));
        return b.Conv2d(h, {.channels = 2, .kernel = 3});
      },
      {"N", 3, 4, 4});
  auto optimized = OptimizedForInference(model.graph);
  ASSERT_TRUE(optimized.ok()) << optimized.status();
  ASSERT_EQ(std::count_if(optimized->nodes().begin(), optimized->nodes().end(),
                          [](const Node& n) { return n.op_name() == "FusedElementwise"; }),
            1);
  const onnx::ModelProto proto = Export(Model(*std::move(optimized)));
  std::vector<std::string> ops;
  for (const onnx::NodeProto& node : proto.graph().node()) {
    EXPECT_TRUE(node.op_type() != "Sub" || node.input(0) == "c") << node.input(0);
    if (node.op_type() != "Constant") ops.push_back(node.op_type());
  }
  EXPECT_THAT(ops, ElementsAre("Mul", "Add", "Sub", "Sigmoid", "Mul", "Conv"));
}

TEST(OnnxExport, ReduceSumsAxesAreAnInitializer) {
  const onnx::ModelProto proto = Export(Model(WithNode(
      "ReduceSum", {{"axes", std::vector<int64_t>{1}}, {"keepdims", 0}}, {DType::kF32, {2, 3}})));
  EXPECT_THAT(Lines(proto), ElementsAre("node = ReduceSum(x,node.axes) -> y"));
  EXPECT_EQ(InitializerOf(proto, "node.axes"), Tensor::FromInts(std::vector<int64_t>{1}));
  EXPECT_EQ(AttributeOf(proto.graph().node(0), "keepdims")->i(), 0);
}

TEST(OnnxExport, BatchFirstRecurrentOpsAreTransposed) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", {DType::kF32, {5, 7, 3}});
  const Value w = *graph.AddVariable("w", RandomTensor({1, 8, 3}, DType::kF32, 1));
  const Value r = *graph.AddVariable("r", RandomTensor({1, 8, 2}, DType::kF32, 2));
  Node* lstm = *graph.AddNode({.op = "LSTM",
                               .name = "l",
                               .inputs = {x, w, r},
                               .attributes = {{"layout", 1}},
                               .num_outputs = 2});
  Node* relu = *graph.AddNode({.op = "Relu", .name = "q", .inputs = {lstm->output(1)}});
  ASSERT_TRUE(graph.AddOutput("y", lstm->output(0)).ok());
  ASSERT_TRUE(graph.AddOutput("z", relu->output()).ok());
  const onnx::ModelProto proto = Export(Model(std::move(graph)));
  EXPECT_THAT(Lines(proto), ElementsAre("l/Transpose = Transpose(x) -> l/Transpose",
                                        "l/LSTM = LSTM(l/Transpose,w,r) -> l/LSTM,l/LSTM:1",
                                        "l = Transpose(l/LSTM) -> y",
                                        "l/Transpose_1 = Transpose(l/LSTM:1) -> l/Transpose_1",
                                        "q = Relu(l/Transpose_1) -> z"));
  EXPECT_EQ(AttributeOf(NodeOf(proto, "LSTM"), "hidden_size")->i(), 2);
  EXPECT_EQ(AttributeOf(NodeOf(proto, "LSTM"), "layout"), nullptr);
}

TEST(OnnxExport, MomentumIsOfTheTrainingDomain) {
  for (const OpCase& c : OpCases()) {
    if (c.TestName() != "Momentum_standard_later") continue;
    const onnx::ModelProto proto = Export(Model(*BuildCase(c, DType::kF32)));
    ASSERT_EQ(proto.opset_import_size(), 2);
    EXPECT_EQ(proto.opset_import(1).domain(), "ai.onnx.preview.training");
    EXPECT_EQ(proto.opset_import(1).version(), 1);
    EXPECT_EQ(NodeOf(proto, "Momentum").domain(), "ai.onnx.preview.training");
    return;
  }
  ADD_FAILURE() << "no such case";
}

}  // namespace
}  // namespace weft
