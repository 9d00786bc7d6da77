// What the plans of networks consist of.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/weft.h"
#include "runtime/scratch.h"
#include "tests/cases/golden.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

// The most that is live during one step, which no arena can be smaller than.
size_t LeastArena(const Plan& plan) {
  std::vector<size_t> live(plan.steps.size());
  for (const PlanBuffer& buffer : plan.buffers) {
    if (buffer.place != Place::kArena || buffer.first < 0) continue;
    for (int step = buffer.first; step <= buffer.last; ++step) {
      live[static_cast<size_t>(step)] += AlignedBytes(buffer.bytes);
    }
  }
  return *std::max_element(live.begin(), live.end());
}

std::shared_ptr<const Plan> PlanOf(const Model& model, int threads) {
  return Session::Create(model, {.threads = threads}).value()->PlanFor(1).value();
}

// "densenet121: 192 steps (Conv 61, ...), arena 4.6 MiB, least 4.6"
std::string PlanRow(const std::string& name, const Plan& plan) {
  std::map<std::string, int> counts;
  for (const PlanStep& step : plan.steps) ++counts[step.op];
  const auto mebibytes = [](size_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  return absl::StrFormat("%s: %d steps (%s), arena %.2f MiB, least %.2f\n", name, plan.steps.size(),
                         absl::StrJoin(counts, ", ", absl::PairFormatter(" ")),
                         mebibytes(plan.arena_bytes), mebibytes(LeastArena(plan)));
}

// What a plan copies and reorders shows here. Kernels, and with them layouts, depend on the CPU.
TEST(ZooPlans, OpsAndArenasAreThoseOfTheTable) {
  if (!__builtin_cpu_supports("avx512bw")) GTEST_SKIP() << "SKIPPED: the table is of AVX-512";
  std::string table;
  for (const char* name :
       {"resnet18", "resnet50", "vgg16", "alexnet", "googlenet", "inception_v3", "densenet121",
        "squeezenet1_0", "shufflenet_v2_x1_0", "mobilenet_v2", "efficientnet_b0", "se_resnet50"}) {
    const Model model = BuildNetwork(**FindNetwork(name), {}).value();
    table += PlanRow(name, *PlanOf(model, /*threads=*/2));
  }
  ExpectGolden("zoo_plans", table);
}

class ZooArena : public ::testing::TestWithParam<std::string> {};

TEST_P(ZooArena, IsWithinATenthOfTheLeast) {
  const auto plan = PlanOf(SmallNetwork(**FindNetwork(GetParam())), kTestThreads);
  const size_t least = LeastArena(*plan);
  EXPECT_GE(plan->arena_bytes, least);
  EXPECT_LE(static_cast<double>(plan->arena_bytes), 1.1 * static_cast<double>(least));
}

INSTANTIATE_TEST_SUITE_P(Zoo, ZooArena, ::testing::ValuesIn(NetworkNames()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace weft
