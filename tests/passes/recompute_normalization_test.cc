#include "autodiff/gradients.h"
#include "graph/bind.h"
#include "graph/emitter.h"
#include "graph/op.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::IsEmpty;

constexpr char kRecompute[] = "recompute_normalization";

// The training step of a net with one output: the loss is its mean square.
Graph StepOf(const Net& net) {
  Graph graph = ForTraining(net.graph).value();
  Emitter e(graph, "loss");
  const Value y = graph.outputs()[0].value;
  const Value loss = e.Op("ReduceMean", {e.Op("Mul", {y, y})}, {{"keepdims", 0}});
  EXPECT_EQ(e.status(), absl::OkStatus());
  graph.ClearOutputs();
  EXPECT_EQ(graph.AddOutput("loss", loss), absl::OkStatus());
  std::vector<Value> parameters;
  for (Node* v : graph.variables()) {
    if (IsTrainable(*v)) parameters.push_back(v->output());
  }
  const Value losses[] = {loss};
  const std::vector<Value> gradients = Gradients(graph, losses, parameters).value();
  for (size_t i = 0; i < gradients.size(); ++i) {
    Emitter step(graph, "step");
    const Value next = step.Op("Sub", {parameters[i], gradients[i]});
    EXPECT_EQ(graph.AddUpdate(parameters[i].node, next), absl::OkStatus());
  }
  return graph;
}

// The loss and what the variables become.
TensorMap ResultsOfStep(const Graph& step) {
  Graph graph = Clone(step);
  for (const Update& update : step.updates()) {
    const Value value = graph.Find(update.value.node->name())->output(update.value.index);
    EXPECT_EQ(graph.AddOutput(update.variable->name(), value), absl::OkStatus());
  }
  return ResultsOf(graph, 2);
}

// Optimizes, and expects every bit of the step to stay and a second run to change nothing.
PassReport ExpectSameStep(Graph& step, const PassOptions& options) {
  const TensorMap before = ResultsOfStep(step);
  PassReport report = MustOptimize(step, options);
  EXPECT_EQ(RelativeDifference(before, ResultsOfStep(step)), 0);
  EXPECT_THAT(MustOptimize(step, options).rewrites, IsEmpty());
  return report;
}

// The nodes that read the elements of `name` and do not come before the loss.
std::vector<std::string> BackwardReaders(const Graph& graph, const std::string& name) {
  std::vector<std::string> readers;
  for (const Use& use : graph.Find(name)->uses()) {
    if (use.user->op().input(static_cast<size_t>(use.input)).shape_only) continue;
    if (graph.outputs()[0].value.node->IsBefore(*use.user)) readers.push_back(use.user->name());
  }
  return readers;
}

// x -> conv1 -> bn1 -> act1 -> conv2 -> y
Net ConvNormActivationConv(const std::string& activation) {
  Net net;
  net.variables = true;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
  net.Output("y", net.Conv("conv2", net.Add(activation, "act1", {bn}), 2));
  return net;
}

TEST(RecomputeNormalizationTest, BackwardReadersReadWhatIsComputedAgainJustBeforeThem) {
  Graph step = StepOf(ConvNormActivationConv("Relu"));
  EXPECT_EQ(BackwardReaders(step, "act1").size(), 2u);  // of conv2's weight, of act1
  const PassReport report = ExpectSameStep(step, TestOptions({kRecompute}));
  EXPECT_EQ(report.rewrites.size(), 2u);
  EXPECT_THAT(BackwardReaders(step, "act1"), IsEmpty());
  EXPECT_THAT(BackwardReaders(step, "bn1"), IsEmpty());

  const Node* act = step.Find("act1/again");
  const Node* bn = step.Find("bn1/again");
  ASSERT_TRUE(act != nullptr && bn != nullptr) << ToText(step);
  EXPECT_EQ(act->uses().size(), 2u);
  EXPECT_EQ(act->input(0), bn->output());
  EXPECT_EQ(GetString(bn->attributes(), "mode"), "inference");
  EXPECT_EQ(bn->input(3), step.Find("bn1")->output(3));
  EXPECT_EQ(bn->input(4), step.Find("bn1")->output(4));
  EXPECT_TRUE(step.outputs()[0].value.node->IsBefore(*bn));
  for (const Use& use : act->uses()) EXPECT_FALSE(use.user->IsBefore(*act));
}

TEST(RecomputeNormalizationTest, AnActivationWhoseGradientReadsItsOperandSharesTheNormalization) {
  Graph step = StepOf(ConvNormActivationConv("Silu"));
  ExpectSameStep(step, TestOptions({kRecompute}));
  EXPECT_THAT(BackwardReaders(step, "act1"), IsEmpty());
  EXPECT_THAT(BackwardReaders(step, "bn1"), IsEmpty());
  EXPECT_EQ(step.Find("bn1/again")->uses().size(), 2u);  // Silu and SiluGrad
}

TEST(RecomputeNormalizationTest, TheWholePipelineLeavesItAsItIs) {
  PassOptions options = TestOptions();
  options.also = {kRecompute};
  Graph step = StepOf(ConvNormActivationConv("Relu"));
  ExpectSameStep(step, options);
  EXPECT_NE(step.Find("act1/again"), nullptr);
}

TEST(RecomputeNormalizationTest, RunsOnRequestOnly) {
  Graph step = StepOf(ConvNormActivationConv("Relu"));
  MustOptimize(step);
  EXPECT_EQ(step.Find("act1/again"), nullptr);
  PassOptions options = TestOptions();
  options.also = {"recompute"};
  EXPECT_THAT(std::string(Optimize(step, options).status().message()),
              testing::HasSubstr("unknown pass 'recompute'"));
}

TEST(RecomputeNormalizationTest, SumsAreKept) {
  Net net;
  net.variables = true;
  const Value x = net.Conv("conv1", net.Image(3, 6), 4);
  const Value bn = net.BatchNorm("bn1", net.Conv("conv2", x, 4), "auto");
  const Value sum = net.Add("Add", "add1", {bn, x});
  net.Output("y", net.Conv("conv3", net.Relu("relu1", sum), 2));
  Graph step = StepOf(net);
  ExpectDeclined(step, {kRecompute},
                 {"recompute_normalization at relu1: it follows no batch normalization element by "
                  "element"});
}

// A copy has no statistics to read, only values.
TEST(RecomputeNormalizationTest, AStatisticBesideTheNormalizedValuesIsNoSourceOfTheirs) {
  Net net;
  net.variables = true;
  const Value x = net.Conv("conv1", net.Image(3, 4), 4);
  const Value bn = net.Add("BatchNormalization", "bn1",
                           {x, net.Random("scale", {4}), net.Random("bias", {4}),
                            net.Random("mean", {4}), net.Random("var", {4}, 1, 2)},
                           {{"mode", "training"}}, 5);
  const Value mean = bn.node->output(3);
  net.Output("y", net.Conv("conv2", net.Add("Sub", "sub1", {bn, mean}), 2));
  Graph step = StepOf(net);
  MustOptimize(step, TestOptions({"remove_dead"}));  // parts of the statistics' gradients
  ExpectDeclined(step, {kRecompute},
                 {"recompute_normalization at sub1: it follows no batch normalization element by "
                  "element"});
}

// A fused node is as many ops as it has steps.
TEST(RecomputeNormalizationTest, LongChainsAreKeptFusedOrNot) {
  for (const int length : {4, 5}) {
    for (const bool fuses : {false, true}) {
      Net net;
      net.variables = true;
      Value v = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
      for (int i = 0; i < length; ++i) v = net.Add("Neg", absl::StrCat("neg", i), {v});
      net.Output("y", net.Conv("conv2", v, 2));
      Graph step = StepOf(net);
      if (fuses) MustOptimize(step, TestOptions({"fuse_elementwise"}));
      const PassReport report = ExpectSameStep(step, TestOptions({kRecompute}));
      EXPECT_EQ(report.rewrites.size(), length == 4 ? 1u : 0u) << length << fuses;
    }
  }
}

// Where no gradient needs x, keeping it would cost what is gained.
TEST(RecomputeNormalizationTest, ANormalizationWhoseOperandNobodyKeepsStays) {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
  net.variables = true;
  net.Output("y", net.Conv("conv2", net.Relu("relu1", bn), 2));
  Graph step = StepOf(net);
  ExpectDeclined(step, {kRecompute}, {"recompute_normalization at relu1: conv1 is not kept"});
}

TEST(RecomputeNormalizationTest, InferenceIsLeftAlone) {
  Graph graph = ForInference(ConvNormActivationConv("Relu").graph).value();
  ExpectDeclined(graph, {kRecompute}, {});
}

}  // namespace
}  // namespace weft
