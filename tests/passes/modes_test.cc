#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// x -> conv1 -> bn1 -> relu1 -> drop1 -> y, mode-neutral, of variables
Net Neutral() {
  Net net;
  net.variables = true;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
  net.Output("y", net.Add("Dropout", "drop1", {net.Relu("relu1", bn)}, {{"stream", 3}}));
  return net;
}

std::string Mode(const Graph& graph, const std::string& node) {
  return GetString(graph.Find(node)->attributes(), "mode");
}

std::vector<std::string> Updates(const Graph& graph) {
  std::vector<std::string> lines;
  for (const Update& u : graph.updates()) {
    lines.push_back(u.variable->name() + " <- " + u.value.ToString());
  }
  return lines;
}

TEST(ForInferenceTest, SetsModesAndFreezesVariables) {
  const Net net = Neutral();
  const Graph inference = ForInference(net.graph).value();
  EXPECT_EQ(inference.Verify(), absl::OkStatus());
  EXPECT_EQ(Mode(inference, "bn1"), "inference");
  EXPECT_EQ(Mode(inference, "drop1"), "inference");
  EXPECT_TRUE(inference.variables().empty());
  EXPECT_EQ(*ConstantValue(inference.Find("conv1.weight")->output()),
            LeafValue(*net.graph.Find("conv1.weight")));
  EXPECT_EQ(RelativeDifference(ResultsOf(net.graph, 2), ResultsOf(inference, 2)), 0);
}

TEST(ForInferenceTest, KeepsVariablesWhenAskedTo) {
  const Net net = Neutral();
  const Graph inference = ForInference(net.graph, {.freeze = false}).value();
  EXPECT_EQ(inference.variables().size(), 6u);
  EXPECT_EQ(Mode(inference, "bn1"), "inference");
}

TEST(ForInferenceTest, DropsUpdatesAndWhatOnlyTheyNeed) {
  Net net = Neutral();
  Node* weight = net.graph.Find("conv1.weight");
  const Value next = net.Add("Neg", "next", {weight->output()});
  ASSERT_EQ(net.graph.AddUpdate(weight, next), absl::OkStatus());
  const Graph inference = ForInference(net.graph).value();
  EXPECT_TRUE(inference.updates().empty());
  EXPECT_EQ(inference.Find("next"), nullptr);
  EXPECT_EQ(net.graph.updates().size(), 1u);
}

TEST(ForInferenceTest, TheOptimizedGraphIsOneFusedConvolutionWithoutDropout) {
  const Net net = Neutral();
  Graph graph = ForInference(net.graph).value();
  ExpectGoldenRewrite("for_inference", graph, TestOptions());
  EXPECT_EQ(RelativeDifference(ResultsOf(net.graph, 2), ResultsOf(graph, 2)) < 1e-12, true);
  EXPECT_EQ(CountOps(graph, "Dropout"), 0);
  EXPECT_EQ(CountOps(graph, "FusedConv"), 1);
}

TEST(ForTrainingTest, RunningStatisticsBecomeUpdates) {
  const Net net = Neutral();
  const Graph training = ForTraining(net.graph).value();
  EXPECT_EQ(training.Verify(), absl::OkStatus());
  EXPECT_EQ(Mode(training, "bn1"), "training");
  EXPECT_EQ(Mode(training, "drop1"), "training");
  EXPECT_EQ(training.Find("bn1")->num_outputs(), 5);
  EXPECT_THAT(Updates(training),
              ElementsAre("bn1.running_mean <- bn1:1", "bn1.running_var <- bn1:2"));
  // The original stays as it was.
  EXPECT_EQ(Mode(net.graph, "bn1"), "auto");
  EXPECT_TRUE(net.graph.updates().empty());
}

// With momentum 0.9: 0.9 * old + 0.1 * the batch's, the variance unbiased over n = 2*6*6 values.
TEST(ForTrainingTest, UpdatesHaveTheRightValues) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("bn1", net.Image(1, 6), "auto"));
  Graph training = ForTraining(net.graph).value();
  training.ClearOutputs();
  ASSERT_EQ(training.AddOutput("x", training.Find("x")->output()), absl::OkStatus());
  for (const Update& u : training.updates()) {
    ASSERT_EQ(training.AddOutput(u.variable->name(), u.value), absl::OkStatus());
  }
  const TensorMap results = ResultsOf(training, 2);
  const Tensor& x = results.at("x");
  double mean = 0, variance = 0;
  for (int64_t i = 0; i < x.size(); ++i) mean += x.At(i) / 72;
  for (int64_t i = 0; i < x.size(); ++i) variance += (x.At(i) - mean) * (x.At(i) - mean) / 71;
  const double old_mean = LeafValue(*net.graph.Find("bn1.running_mean")).At(0);
  const double old_var = LeafValue(*net.graph.Find("bn1.running_var")).At(0);
  EXPECT_NEAR(results.at("bn1.running_mean").At(0), 0.9 * old_mean + 0.1 * mean, 1e-12);
  EXPECT_NEAR(results.at("bn1.running_var").At(0), 0.9 * old_var + 0.1 * variance, 1e-12);
}

TEST(ForTrainingTest, ConstantStatisticsHaveNoUpdates) {
  Net net;
  net.Output("y", net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto"));
  EXPECT_TRUE(ForTraining(net.graph).value().updates().empty());
}

TEST(ForTrainingTest, StatisticsThatNoUpdateReachesAreAnError) {
  Net net;
  net.variables = true;
  const Value bn = net.BatchNorm("bn1", net.Image(2, 4), "auto");
  std::vector<Value> inputs(bn.node->inputs().begin(), bn.node->inputs().end());
  inputs[3] = net.Add("Identity", "copy", {inputs[3]});
  net.Output("y", net.Add("BatchNormalization", "bn2", inputs));
  EXPECT_EQ(ForTraining(net.graph).status().message(),
            "bn2 (BatchNormalization): training could not update its input_mean: expected a "
            "variable, or a constant to keep, got copy (Identity)");
  EXPECT_TRUE(ForInference(net.graph).ok());
}

TEST(ForTrainingTest, NodesThatShareStatisticsUpdateThemInTurn) {
  Net net;
  net.variables = true;
  const Value first = net.BatchNorm("bn1", net.Image(2, 4), "auto");
  std::vector<Value> inputs(first.node->inputs().begin(), first.node->inputs().end());
  inputs[0] = first;
  net.Output("y", net.Add("BatchNormalization", "bn2", inputs));
  const Graph training = ForTraining(net.graph).value();
  EXPECT_THAT(Updates(training),
              ElementsAre("bn1.running_mean <- bn2:1", "bn1.running_var <- bn2:2"));
  EXPECT_EQ(training.Find("bn2")->input(3).ToString(), "bn1:1");
  EXPECT_EQ(training.Find("bn2")->input(4).ToString(), "bn1:2");
}

TEST(ForTrainingTest, AChosenModeStays) {
  Net net;
  net.variables = true;
  net.Output("y", net.BatchNorm("frozen", net.Image(2, 4), "inference"));
  const Graph training = ForTraining(net.graph).value();
  EXPECT_EQ(Mode(training, "frozen"), "inference");
  EXPECT_TRUE(training.updates().empty());
  EXPECT_THAT(ToText(training), HasSubstr("frozen"));
}

TEST(ForTrainingTest, UpdatesOfTheOriginalAreKept) {
  Net net = Neutral();
  Node* weight = net.graph.Find("conv1.weight");
  const Value next = net.Add("Neg", "next", {weight->output()});
  ASSERT_EQ(net.graph.AddUpdate(weight, next), absl::OkStatus());
  EXPECT_THAT(
      Updates(ForTraining(net.graph).value()),
      ElementsAre("conv1.weight <- next", "bn1.running_mean <- bn1:1", "bn1.running_var <- bn1:2"));
}

}  // namespace
}  // namespace weft
