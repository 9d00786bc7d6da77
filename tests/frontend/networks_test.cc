// The networks of the zoo as wholes: their dumps, what the passes make of them, their plans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "frontend/weft.h"
#include "ops/post_ops.h"
#include "tests/cases/golden.h"

namespace weft {
namespace {

using ::testing::IsEmpty;

class Networks : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const ZooEntry* entry = FindNetwork(GetParam()).value();
    model_ = std::make_unique<Model>(BuildNetwork(*entry).value());
  }
  std::string GoldenName(const std::string& what) const {
    std::string name = "network_" + GetParam() + "_" + what;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }
  std::unique_ptr<Model> model_;
};

std::vector<std::string> ReferenceSteps(const Plan& plan) {
  std::vector<std::string> names;
  for (const PlanStep& step : plan.steps) {
    if (step.kernel->name() == "reference") names.push_back(step.name + " (" + step.op + ")");
  }
  return names;
}

TEST_P(Networks, DumpsAsTheGoldenText) { ExpectGolden(GoldenName("model"), ToText(model_->graph)); }

TEST_P(Networks, OptimizesToTheGoldenText) {
  PassReport report;
  Graph graph = OptimizedForInference(model_->graph, {}, &report).value();
  EXPECT_TRUE(graph.Verify().ok()) << graph.Verify();
  ExpectGolden(GoldenName("optimized"), report.ToString() + "\n" + ToText(graph));
}

TEST_P(Networks, KeepsNoBatchNormalizationAndNoActivationAfterAProduct) {
  Graph graph = OptimizedForInference(model_->graph).value();
  for (const Node& node : graph.nodes()) {
    EXPECT_NE(node.op_name(), "BatchNormalization") << node.name();
    if (node.num_inputs() == 0 || !node.input(0)) continue;
    const std::string_view before = node.input(0).node->op_name();
    EXPECT_FALSE(node.op().traits.activation && FusedFormOf(before) != nullptr) << node.name();
  }
}

TEST_P(Networks, PlansHaveNoReferenceStep) {
  auto session = Session::Create(*model_).value();
  EXPECT_THAT(ReferenceSteps(*session->PlanFor(16).value()), IsEmpty());
  auto unoptimized = Session::Create(*model_, {.optimize = false}).value();
  EXPECT_THAT(ReferenceSteps(*unoptimized->PlanFor(16).value()), IsEmpty());
  auto trainer = Trainer::Create(std::move(*model_), {.optimizer = {.momentum = 0.9}}).value();
  EXPECT_THAT(ReferenceSteps(*trainer->TrainingPlan(16).value()), IsEmpty());
}

TEST_P(Networks, PlanHasNoReorderFromTheFirstConvolutionToTheLastPooling) {
  auto session = Session::Create(*model_).value();
  const Plan& plan = *session->PlanFor(16).value();
  auto is_pool = [](const PlanStep& s) { return s.op == "MaxPool" || s.op == "AveragePool"; };
  auto first = std::find_if(plan.steps.begin(), plan.steps.end(),
                            [](const PlanStep& s) { return s.op == "FusedConv"; });
  auto last = std::find_if(plan.steps.rbegin(), plan.steps.rend(), is_pool).base();
  ASSERT_LT(first, last);
  EXPECT_EQ(std::count_if(first, last, [](const PlanStep& s) { return s.op == "Reorder"; }), 0)
      << plan.ToString();
}

TEST_P(Networks, GivesTheSameLogitsOptimizedAndNotAfterSomeTraining) {
  auto dataset = OpenDataset("digits:640", Split::kTrain).value();
  auto trainer = Trainer::Create(std::move(*model_), {.optimizer = {.momentum = 0.9}}).value();
  ASSERT_TRUE(Fit(*trainer, dataset, nullptr, {.batch_size = 32, .learning_rate = 0.05}).ok());
  const Model trained = trainer->Snapshot().value();
  auto optimized = Session::Create(trained).value();
  auto plain = Session::Create(trained, {.optimize = false}).value();
  auto reference = Session::Create(trained, {.reference_only = true, .optimize = false}).value();
  auto loader = Loader::Create(dataset, {.batch_size = 16, .shuffle = false}).value();
  Batch batch;
  ASSERT_TRUE(loader->StartEpoch(0).ok());
  ASSERT_TRUE(loader->Next(&batch).value());
  const Tensor a = optimized->Run(batch.images).value();
  const Tensor b = plain->Run(batch.images).value();
  const Tensor c = reference->Run(batch.images).value();
  double largest = 0;
  for (int64_t i = 0; i < c.size(); ++i) largest = std::max(largest, std::abs(c.At(i)));
  for (int64_t i = 0; i < c.size(); ++i) {
    EXPECT_NEAR(a.At(i), c.At(i), 1e-5 * largest);
    EXPECT_NEAR(b.At(i), c.At(i), 1e-5 * largest);
  }
}

// Each of its 35 Relu6 follows a convolution.
TEST(MobileNetV2, KeepsNoClip) {
  const Model model = BuildNetwork(*FindNetwork("mobilenet_v2").value()).value();
  const Graph graph = OptimizedForInference(model.graph).value();
  const auto count = [&](std::string_view op) {
    return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                         [op](const Node& node) { return node.op_name() == op; });
  };
  EXPECT_EQ(count("Clip"), 0);
  EXPECT_EQ(count("Add"), 0);
  EXPECT_GE(count("FusedConv"), 35);
}

INSTANTIATE_TEST_SUITE_P(Zoo, Networks, ::testing::Values("lenet", "lenet-bn"),
                         [](const auto& p) { return p.param == "lenet" ? "LeNet" : "LeNetBn"; });

}  // namespace
}  // namespace weft
