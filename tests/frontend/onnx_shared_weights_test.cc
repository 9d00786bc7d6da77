// Files in which initializers that are equal are written once: what is one weight, and what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/train/train.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<std::string> VariablesOf(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node* v : graph.variables()) names.push_back(v->name());
  return names;
}

const std::vector<std::string> kRoles = {"weight", "bias", "running_mean", "running_var"};

Tensor FirstValue(const std::string& role) {
  const float value = role == "weight" || role == "running_var" ? 1 : 0;
  return Floats({2}, {value, value});
}

// x -> conv1 -> bn1 -> conv2 -> bn2 -> mean of the plane -> fc. `operand` says what is read as a
// role of a layer; it adds it to the model.
template <typename Operand>
OnnxMaker TwoNormalizations(Operand operand) {
  OnnxMaker m(13);
  m.Input("x", {-1, 1, 4, 4})
      .Initializer("conv1.weight", Floats({2, 1, 2, 2}, {.1f, .2f, -.3f, .4f, .5f, -.6f, .7f, .8f}))
      .Initializer("conv2.weight", Floats({2, 2, 1, 1}, {.3f, -.2f, .1f, .5f}))
      .Initializer("fc.weight", Floats({3, 2}, {.1f, .2f, -.1f, .3f, .2f, -.2f}));
  std::string last = "x";
  for (const std::string& layer : {std::string("1"), std::string("2")}) {
    std::vector<std::string> operands = {"c" + layer};
    for (const std::string& role : kRoles) operands.push_back(operand(m, "bn" + layer, role));
    m.Node("Conv", {last, "conv" + layer + ".weight"}, {"c" + layer})
        .Node("BatchNormalization", operands, {"b" + layer})
        .Name("bn" + layer)
        .Node("Relu", {"b" + layer}, {"r" + layer});
    last = "r" + layer;
  }
  m.Node("GlobalAveragePool", {last}, {"p"})
      .Node("Flatten", {"p"}, {"f"})
      .Node("Gemm", {"f", "fc.weight"}, {"logits"})
      .Int("transB", 1)
      .Output("logits");
  return m;
}

// Every role of every layer has an initializer of its own.
OnnxMaker Separate() {
  return TwoNormalizations([](OnnxMaker& m, const std::string& layer, const std::string& role) {
    const std::string name = layer + "." + role;
    m.Initializer(name, FirstValue(role));
    return name;
  });
}

// As PyTorch writes it: the ones and the zeros are the last layer's, the others Identities of them.
OnnxMaker WithIdentities() {
  return TwoNormalizations([](OnnxMaker& m, const std::string& layer, const std::string& role) {
    if (m.proto.graph().initializer_size() == 3) {
      m.Initializer("bn2.weight", FirstValue("weight")).Initializer("bn2.bias", FirstValue("bias"));
    }
    const std::string name = layer + "." + role;
    const bool one = role == "weight" || role == "running_var";
    if (name != "bn2.weight" && name != "bn2.bias") {
      m.Node("Identity", {one ? "bn2.weight" : "bn2.bias"}, {name});
    }
    return name;
  });
}

// As simplifiers write it: statistics of both layers are one initializer, which in layer 2 is also
// what is trained.
OnnxMaker WithSharedStatistics() {
  return TwoNormalizations([](OnnxMaker& m, const std::string& layer, const std::string& role) {
    if (m.proto.graph().initializer_size() == 3) {
      m.Initializer("bn2.weight", FirstValue("weight")).Initializer("bn2.bias", FirstValue("bias"));
    }
    if (role == "running_mean") return std::string("bn2.bias");
    if (role == "running_var") return std::string("bn2.weight");
    if (layer == "bn1") m.Initializer(layer + "." + role, FirstValue(role));
    return layer + "." + role;
  });
}

struct Training {
  std::vector<double> losses;
  std::vector<float> scores;  // of the evaluation, which reads the statistics
};

Training Train(const OnnxMaker& maker) {
  constexpr int64_t kBatch = 6;
  std::vector<float> pixels(16 * kBatch);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = 3 + static_cast<float>((i * 7919) % 31) / 10;
  }
  const Tensor x = Floats({kBatch, 1, 4, 4}, pixels);
  const Tensor labels =
      Tensor::FromValues<int64_t>({kBatch}, std::vector<int64_t>{0, 1, 2, 0, 1, 2}).value();
  auto trainer =
      Trainer::Create(maker.Import().value(), {.optimizer = {.momentum = 0.9}, .threads = 1});
  EXPECT_TRUE(trainer.ok()) << trainer.status();
  Training run;
  for (int step = 0; trainer.ok() && step < 5; ++step) {
    const auto result = (*trainer)->Step(x, labels, 0.1);
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) run.losses.push_back(result->loss);
  }
  const auto scores = (*trainer)->Scores(x);
  EXPECT_TRUE(scores.ok()) << scores.status();
  if (scores.ok())
    run.scores.assign(scores->values<float>().begin(), scores->values<float>().end());
  return run;
}

TEST(OnnxSharedWeights, AnIdentityOfAnInitializerIsAWeightOfItsOwn) {
  const Model model = WithIdentities().Import().value();
  EXPECT_THAT(VariablesOf(model.graph),
              ::testing::UnorderedElementsAreArray(VariablesOf(Separate().Import().value().graph)));
  EXPECT_EQ(VariableRole(*model.graph.Find("bn1.running_mean")), kStatistic);
  EXPECT_FALSE(IsTrainable(*model.graph.Find("bn2.running_var")));
  EXPECT_TRUE(IsTrainable(*model.graph.Find("bn1.weight")));
  const Training expected = Train(Separate()), run = Train(WithIdentities());
  EXPECT_EQ(expected.losses.size(), 5u);
  EXPECT_NE(expected.losses[0], expected.losses[4]);
  EXPECT_EQ(run.losses, expected.losses);
  EXPECT_EQ(run.scores, expected.scores);
}

TEST(OnnxSharedWeights, AStatisticSharesNothing) {
  const Model model = WithSharedStatistics().Import().value();
  EXPECT_THAT(
      VariablesOf(model.graph),
      UnorderedElementsAre("conv1.weight", "bn1.weight", "bn1.bias", "bn2.bias", "bn2.weight",
                           "conv2.weight", "bn1/running_mean", "bn1/running_var",
                           "bn2/running_mean", "bn2/running_var", "fc.weight"));
  const Training expected = Train(Separate()), run = Train(WithSharedStatistics());
  EXPECT_EQ(run.losses, expected.losses);
  EXPECT_EQ(run.scores, expected.scores);
}

TEST(OnnxSharedWeights, ALayerThatIsAppliedTwiceHasOneStatistic) {
  OnnxMaker m(13);
  const std::vector<std::string> roles = {"s", "b", "m", "v"};
  m.Input("x", {-1, 2}).Input("z", {-1, 2});
  for (const std::string& role : roles) m.Initializer(role, Floats({2}, {1, 2}));
  m.Node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"p"})
      .Node("BatchNormalization", {"z", "s", "b", "m", "v"}, {"q"})
      .Node("Add", {"p", "q"}, {"y"})
      .Output("y");
  EXPECT_THAT(VariablesOf(m.Import().value().graph), ElementsAre("s", "b", "m", "v"));
}

TEST(OnnxSharedWeights, TiedWeightsStayTied) {
  OnnxMaker m(13);
  m.Input("tokens", {-1, 3}, onnx::TensorProto::INT64)
      .Initializer("embedding", Floats({5, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}))
      .Node("Gather", {"embedding", "tokens"}, {"h"})
      .Node("Transpose", {"embedding"}, {"t"})
      .Node("MatMul", {"h", "t"}, {"y"})
      .Output("y");
  EXPECT_THAT(VariablesOf(m.Import().value().graph), ElementsAre("embedding"));
}

TEST(OnnxSharedWeights, StatisticsOfConstantNodesAreTrainedToo) {
  OnnxMaker m(13);
  m.Input("x", {-1, 2}).Initializer("s", Floats({2}, {1, 1})).Initializer("b", Floats({2}, {0, 0}));
  for (const char* name : {"mean", "var"}) {
    m.Node("Constant", {}, {name});
    *m.Attribute("value", onnx::AttributeProto::TENSOR)->mutable_t() =
        TensorToProto(Floats({2}, {1, 2}), "");
  }
  m.Node("BatchNormalization", {"x", "s", "b", "mean", "var"}, {"y"}).Output("y");
  const Model model = m.Import().value();
  EXPECT_EQ(VariableRole(*model.graph.Find("mean")), kStatistic);
  EXPECT_EQ(VariableRole(*model.graph.Find("var")), kStatistic);
}

}  // namespace
}  // namespace weft
