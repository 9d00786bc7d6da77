// Every network of the zoo: builds, is kept in files, runs optimized, trains.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "frontend/weft.h"
#include "tests/frontend/testing_files.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

using ::testing::AnyOf;
using ::testing::IsSubsetOf;

class Networks : public ::testing::TestWithParam<std::string> {
 protected:
  const ZooEntry& entry() const { return **FindNetwork(GetParam()); }
};

// Steps of an inference plan that have no fast kernel, and may: none so far.
const std::set<std::string>& AllowedReferenceSteps() {
  static const auto& ops = *new std::set<std::string>{};
  return ops;
}

// Ops that draw numbers in inference too: their values do not survive another runtime's names.
bool Draws(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op().draws_random && GetString(node.attributes(), "mode") != "inference";
  });
}

// The first output of a.weft in `folder` for these inputs, by `weft run`.
Tensor RunByCommand(const std::string& folder, const TensorMap& feeds) {
  std::string line = "cd '" + folder + "' && '" WEFT_BINARY_DIR "/weft' run a.weft --threads 1";
  for (const auto& [name, tensor] : feeds) {
    const std::string file = "feed" + std::to_string(line.size()) + ".npy";
    EXPECT_TRUE(WriteNpy(folder + "/" + file, tensor).ok()) << name;
    line += " --input '" + name + "=" + file + "'";
  }
  EXPECT_EQ(std::system((line + " --output y.npy").c_str()), 0) << line;
  const auto output = ReadNpy(folder + "/y.npy");
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? *output : Tensor();
}

// Kept in files they give the same, and so does the command, which asks for what inference takes.
TEST_P(Networks, IsKeptInFilesOfOursAndOfOnnx) {
  const Model model = SettledNetwork(entry());
  const std::string folder = TestFolder();
  ASSERT_TRUE(SaveModel(model, folder + "/a.weft").ok());
  const auto loaded = LoadModel(folder + "/a.weft", StandardOps());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(ToText(loaded->graph), ToText(model.graph));

  const auto report = ExportOnnx(model, folder + "/a.onnx");
  ASSERT_TRUE(report.ok()) << report.status();
  const auto imported = ImportOnnx(folder + "/a.onnx");
  ASSERT_TRUE(imported.ok()) << imported.status();

  const auto optimized = Session::Create(*loaded, {.threads = kTestThreads}).value();
  const auto plain = Session::Create(model, {.threads = kTestThreads, .optimize = false}).value();
  const auto back = Session::Create(*imported, {.threads = kTestThreads}).value();
  const TensorMap feeds = SmallFeeds(plain->graph());
  const auto expected = plain->Run(feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto a = optimized->Run(feeds);
  const auto b = back->Run(feeds);
  ASSERT_TRUE(a.ok()) << a.status();
  ASSERT_TRUE(b.ok()) << b.status();
  const TensorMap tiled = RunByWinograd(optimized->graph(), feeds);
  ASSERT_EQ(tiled.size(), a->size());
  const bool draws = Draws(plain->graph());
  const Tensor run = RunByCommand(folder, feeds);
  const std::string& first = optimized->outputs()[0].name;
  EXPECT_LE(RelativeDistance(run, expected->at(first)), 1e-4) << first << " of the command";
  for (const auto& [name, tensor] : *expected) {
    EXPECT_LE(RelativeDistance(a->at(name), tensor), 1e-4) << name << " optimized";
    EXPECT_LE(RelativeDistance(tiled.at(name), tensor), 1e-3) << name << " by Winograd's method";
    if (draws && name == "reconstruction") continue;
    EXPECT_LE(RelativeDistance(b->at(name), tensor), 1e-4) << name << " from ONNX";
  }
}

TEST(RunByWinograd, IsForConvolutionsOfThreeByThree) {
  const Graph graph = OptimizedForInference(SmallNetwork(**FindNetwork("resnet18")).graph).value();
  int tiled = 0;
  RunByWinograd(graph, SmallFeeds(graph), &tiled);
  EXPECT_EQ(tiled, 13);  // those of stride 1
}

TEST_P(Networks, RunsOnFastKernels) {
  const auto session = Session::Create(SmallNetwork(entry()), {.threads = kTestThreads}).value();
  const auto plan = session->PlanFor(2);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::set<std::string> reference;
  for (const PlanStep& step : (*plan)->steps) {
    if (step.kernel->name() == "reference") reference.insert(step.op);
  }
  EXPECT_THAT(reference, IsSubsetOf(AllowedReferenceSteps()));
}

// Batch normalizations and activations that no convolution could take are steps of a chain.
TEST(Chains, LeaveNoBatchNormalizationAndNoActivationOnItsOwn) {
  for (const char* name : {"densenet121", "preact_resnet18", "se_resnet50"}) {
    const Graph graph = OptimizedForInference(SmallNetwork(**FindNetwork(name)).graph).value();
    int chains = 0;
    for (const Node& node : graph.nodes()) {
      chains += node.op_name() == "FusedElementwise";
      EXPECT_NE(node.op_name(), "BatchNormalization") << node.name();
      EXPECT_NE(node.op_name(), "Relu") << node.name();
    }
    EXPECT_GT(chains, 0) << name;
  }
}

// With eight fixed examples each loss falls by a fifth or more within 20 steps, and after the first
// step the momentum of every parameter, which is its gradient then, is finite and not zero.
TEST_P(Networks, Trains) {
  constexpr int kSteps = 20;
  Model model = SmallNetwork(entry());
  const Batch batch = SmallBatch(entry(), model, 8);
  auto created =
      Trainer::Create(std::move(model), {.optimizer = {.momentum = 0.9}, .threads = kTestThreads});
  ASSERT_TRUE(created.ok()) << created.status();
  Trainer& trainer = **created;
  std::vector<double> first, least;
  for (int step = 0; step <= kSteps; ++step) {
    const auto result = trainer.Step(batch.images, batch.labels, entry().fit.learning_rate);
    ASSERT_TRUE(result.ok()) << result.status();
    if (step == 0) first = least = result->losses;
    for (size_t i = 0; i < least.size(); ++i) {
      ASSERT_TRUE(std::isfinite(result->losses[i])) << trainer.form().losses[i] << " at " << step;
      least[i] = std::min(least[i], result->losses[i]);
    }
    if (step > 0) continue;
    for (const Node* variable : trainer.training_graph().variables()) {
      if (!IsTrainable(*variable)) continue;
      const Tensor gradient = trainer.Get(variable->name() + "/momentum").value();
      double largest = 0;
      for (int64_t i = 0; i < gradient.size(); ++i) {
        const double x = std::abs(gradient.At(i));
        ASSERT_TRUE(std::isfinite(x)) << variable->name();
        largest = std::max(largest, x);
      }
      EXPECT_GT(largest, 0) << variable->name();
    }
  }
  for (size_t i = 0; i < least.size(); ++i) {
    EXPECT_LE(least[i], 0.8 * first[i]) << trainer.form().losses[i];
  }
}

// Optimized, shuffles and excitations are one node each.
TEST(Structures, LeaveNoPartsBehind) {
  const std::vector<std::string_view> moves = {"Reshape", "ReshapeLike", "Transpose"};
  struct Case {
    const char* network;
    const char* op;
    int count;
    std::vector<std::string_view> parts;
  };
  for (const auto& [network, op, count, parts] :
       {Case{"shufflenet_v1_g3", "ChannelShuffle", 15, moves},
        Case{"shufflenet_v2_x0_5", "ChannelShuffle", 15, moves},
        Case{"efficientnet_b0", "SqueezeExcitation", 16, {"Mul"}},
        Case{"mobilenet_v3_small", "SqueezeExcitation", 9, {"Mul"}},
        Case{"se_resnet50", "SqueezeExcitation", 16, {"Mul"}}}) {
    const Graph graph = OptimizedForInference(SmallNetwork(**FindNetwork(network)).graph).value();
    int found = 0;
    for (const Node& node : graph.nodes()) {
      found += node.op_name() == op ? 1 : 0;
      EXPECT_EQ(std::count(parts.begin(), parts.end(), node.op_name()), 0) << node.name();
    }
    EXPECT_EQ(found, count) << network;
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo, Networks, ::testing::ValuesIn(NetworkNames()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace weft
