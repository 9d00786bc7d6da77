#include "frontend/bench/bench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "frontend/analysis/summary.h"
#include "frontend/bench/profile.h"
#include "frontend/io/text_table.h"
#include "frontend/zoo/zoo.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kInstant = 1e-3;  // seconds: the least number of runs

Model Network(const char* name) {
  auto model = BuildNetwork(**FindNetwork(name));
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// A workload that has its examples.
std::unique_ptr<Workload> WorkloadOf(Model model, WorkloadOptions options = {}) {
  options.threads = 1;
  auto workload = Workload::Create(std::move(model), std::move(options));
  EXPECT_TRUE(workload.ok()) << workload.status();
  const absl::Status made = (*workload)->MakeExamples();
  EXPECT_TRUE(made.ok()) << made;
  return *std::move(workload);
}

std::string CreationError(Model model, WorkloadOptions options) {
  return std::string(Workload::Create(std::move(model), std::move(options)).status().message());
}

Model ConvOf(const std::vector<Axis>& shape) {
  Builder b;
  b.Output("y", b.Conv2d(b.Input("x", shape), {.channels = 4, .kernel = 3}));
  auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

TEST(Timing, QuantilesLieBetweenSortedValues) {
  const std::vector<double> values = {1, 2, 4, 8, 16};
  EXPECT_EQ(Quantile(values, 0), 1);
  EXPECT_EQ(Quantile(values, 0.5), 4);
  EXPECT_EQ(Quantile(values, 0.625), 6);
  EXPECT_EQ(Quantile(values, 1), 16);
  EXPECT_EQ(Quantile(std::vector<double>{3}, 0.95), 3);
}

TEST(Timing, ASpreadDoesNotMindTheOrder) {
  std::vector<double> values(101);
  std::iota(values.rbegin(), values.rend(), 0.0);
  const Spread spread = SpreadOf(values);
  EXPECT_EQ(spread.p5, 5);
  EXPECT_EQ(spread.median, 50);
  EXPECT_EQ(spread.p95, 95);
  EXPECT_EQ(MedianOf({4, 1}), 2.5);
}

TEST(TextTables, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(TextTable("lr", {{"op", "ms"}, {"Conv", "1"}, {"Gemm"}}), "op    ms\nConv   1\nGemm\n");
}

TEST(Workload, ItsArithmeticIsThatOfTheModelTimesTheBatch) {
  const auto size = SizeOf(Network("lenet").graph);
  ASSERT_TRUE(size.ok());
  for (const int64_t batch : {1, 3}) {
    const auto workload = WorkloadOf(Network("lenet"), {.batch = batch});
    const auto result = RunBench(*workload, kInstant);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->batch, batch);
    EXPECT_EQ(result->threads, 1);
    EXPECT_GE(result->runs, 5);
    EXPECT_GT(result->seconds.p5, 0);
    EXPECT_LE(result->seconds.p5, result->seconds.median);
    EXPECT_LE(result->seconds.median, result->seconds.p95);
    const double products = 2 * static_cast<double>(size->macs * batch);
    EXPECT_GE(result->work.flops, products);
    EXPECT_LE(result->work.flops, 1.2 * products);
    EXPECT_GT(result->work.bytes, 4.0 * static_cast<double>(size->parameters));
    EXPECT_GT(result->peak_bytes, 4u * static_cast<size_t>(size->parameters));
  }
}

TEST(Workload, ATrainingStepGoesBackTwice) {
  const auto workload = WorkloadOf(Network("lenet-bn"), {.batch = 4, .training = TrainOptions()});
  const auto result = RunBench(*workload, kInstant);
  ASSERT_TRUE(result.ok()) << result.status();
  const auto inference = RunBench(*WorkloadOf(Network("lenet-bn"), {.batch = 4}), kInstant);
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_GT(result->work.flops, 2.5 * inference->work.flops);  // two passes back
  EXPECT_LT(result->work.flops, 4 * inference->work.flops);
}

TEST(Workload, TakesTheBatchThatTheModelFixes) {
  EXPECT_EQ(WorkloadOf(ConvOf({2, 3, 8, 8}))->batch(), 2);
  EXPECT_EQ(WorkloadOf(ConvOf({2, 3, 8, 8}), {.batch = 2})->batch(), 2);
  EXPECT_EQ(CreationError(ConvOf({2, 3, 8, 8}), {.batch = 3}),
            "batch: the model's inputs fix it as 2, got 3");
  EXPECT_EQ(CreationError(ConvOf({"N", 3, 8, 8}), {.batch = 0}),
            "batch: expected at least 1, got 0");
}

TEST(Workload, OtherOpenSizesHaveToBeGiven) {
  const std::vector<Axis> open = {"N", 3, "H", "W"};
  EXPECT_THAT(CreationError(ConvOf(open), {}), HasSubstr("these have H, N, W"));
  EXPECT_THAT(CreationError(ConvOf(open), {.sizes = {{"H", 9}}}), HasSubstr("these have N, W"));
  EXPECT_THAT(CreationError(ConvOf(open), {.sizes = {{"D", 9}}}),
              HasSubstr("no input has a size D; there is H, N, W"));
  const auto workload = WorkloadOf(ConvOf(open), {.batch = 2, .sizes = {{"H", 9}, {"W", 8}}});
  const auto plan = workload->FindPlan();
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ((*plan)->input_layouts[0].dims(), (Dims{2, 3, 9, 8}));
}

TEST(Workload, RunsThePlanThatItShows) {
  const auto workload = WorkloadOf(ConvOf({1, 3, "H", 8}), {.batch = 9});  // not the first axis
  const auto before = workload->PeakBytes();
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_TRUE(workload->Run().ok());
  const auto after = workload->PeakBytes();
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(*before, *after);
}

TEST(Bench, RefusesSecondsThatAreNone) {
  const auto workload = WorkloadOf(ConvOf({"N", 3, 8, 8}));
  for (const double seconds : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THAT(RunBench(*workload, seconds).status().message(), HasSubstr("above 0, got"));
  }
  EXPECT_THAT(RunComparison(*workload, *workload, -1).status().message(), HasSubstr("got -1"));
  EXPECT_THAT(ProfileWorkload(*workload, -1).status().message(), HasSubstr("above 0"));
}

TEST(Bench, ComparesByTurns) {
  const auto small = WorkloadOf(ConvOf({"N", 3, 8, 8}));
  const auto large = WorkloadOf(ConvOf({"N", 3, 256, 256}));
  const auto comparison = RunComparison(*small, *large, kInstant);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_GE(comparison->turns, 5);
  EXPECT_GE(comparison->a.runs, comparison->turns);
  EXPECT_GT(comparison->b.work.flops, 900 * comparison->a.work.flops);
  EXPECT_LE(comparison->ratio.p5, comparison->ratio.median);
  EXPECT_LE(comparison->ratio.median, comparison->ratio.p95);
  EXPECT_GT(comparison->ratio.median, 1);
}

// A profile whose numbers are easy to add.
Profile MadeUpProfile() {
  Profile profile{
      .runs = 7, .seconds = 0.010, .profiled = 0.011, .step_total = 0.008, .step_share = 0.75};
  profile.peak = {.flops = 1e9, .reads = {{.bytes = 1, .per_second = 1e9}}};
  profile.steps = {
      {.name = "conv1",
       .op = "Conv",
       .implementation = "jit",
       .from = "fold(conv1, bn1)",
       .seconds = 0.003,
       .work = {.flops = 3e6, .bytes = 1e6},
       .bound = 0.0015},
      {.name = "reorder", .op = "Reorder", .seconds = 0.001, .work = {.bytes = 1e6}},
      {.name = "conv2", .op = "Conv", .seconds = 0.004, .work = {.flops = 1e6}, .bound = 0.001}};
  profile.recorded = {{.start = 0, .seconds = 0.011, .step_seconds = {0.003, 0.001, 0.004}},
                      {.start = 0.02, .seconds = 0.012, .step_seconds = {0.004, 0.001, 0.004}}};
  return profile;
}

TEST(Profile, AddsUpTheStepsOfAnOp) {
  const std::vector<ProfileRow> ops = MadeUpProfile().ByOp();
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(ops[0].op, "Conv");
  EXPECT_EQ(ops[0].calls, 2);
  EXPECT_DOUBLE_EQ(ops[0].seconds, 0.007);
  EXPECT_EQ(ops[0].work.flops, 4e6);
  EXPECT_DOUBLE_EQ(ops[0].bound, 0.0025);
  EXPECT_EQ(ops[1].op, "Reorder");
}

TEST(Profile, ShowsTheSlowestStepsFirst) {
  const std::string text = MadeUpProfile().ToString(2);
  EXPECT_LT(text.find("conv2"), text.find("conv1"));
  EXPECT_THAT(text, HasSubstr("and 1 more\n"));
  EXPECT_THAT(text, HasSubstr("37.5 %      1.0   0.3  1.500      2.00  jit"));
  EXPECT_THAT(text, HasSubstr("fold(conv1, bn1)\n"));
  EXPECT_THAT(text, HasSubstr("7 runs; a run 10.000 ms, profiled 11.000 ms; its 3 steps 8.000 ms, "
                              "75.0 % of a run"));
  EXPECT_THAT(MadeUpProfile().ToString(0), HasSubstr("reorder"));
}

TEST(Profile, TraceEventsFollowOneAnother) {
  const auto trace = nlohmann::json::parse(TraceEvents(MadeUpProfile()));
  std::vector<std::string> names;
  std::vector<double> starts, ends;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    names.push_back(event["name"]);
    starts.push_back(event["ts"]);
    ends.push_back(starts.back() + event["dur"].get<double>());
  }
  EXPECT_THAT(names, ElementsAre("run 1", "conv1", "reorder", "conv2", "run 2", "conv1", "reorder",
                                 "conv2"));
  EXPECT_DOUBLE_EQ(starts[4], 20000);  // microseconds
  EXPECT_DOUBLE_EQ(starts[5], 20000);
  EXPECT_DOUBLE_EQ(starts[7], 25000);
  EXPECT_DOUBLE_EQ(ends[7], 29000);
  EXPECT_DOUBLE_EQ(ends[4], 32000);
  EXPECT_EQ(trace["traceEvents"][3]["args"]["from"], "fold(conv1, bn1)");
}

TEST(Profile, HasEachStepOfThePlan) {
  for (const bool training : {false, true}) {
    WorkloadOptions options{.batch = 2};
    if (training) options.training = TrainOptions();
    const auto workload = WorkloadOf(Network("lenet-bn"), std::move(options));
    const auto profile = ProfileWorkload(*workload, kInstant);
    ASSERT_TRUE(profile.ok()) << profile.status();
    const auto plan = workload->FindPlan();
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(profile->steps.size(), (*plan)->steps.size());
    double seconds = 0, bound = 0;
    std::set<std::string> origins;
    for (size_t s = 0; s < profile->steps.size(); ++s) {
      const ProfileRow& row = profile->steps[s];
      EXPECT_EQ(row.name, (*plan)->steps[s].name);
      EXPECT_GT(row.seconds, 0) << row.name;
      EXPECT_GT(row.work.bytes, 0) << row.name;
      EXPECT_GT(row.bound, 0) << row.name;
      origins.insert(row.from.substr(0, row.from.find('(')));
      seconds += row.seconds;
      bound += row.bound;
    }
    EXPECT_GT(origins.size(), 1u);  // some were fused
    EXPECT_DOUBLE_EQ(profile->step_total, seconds);
    EXPECT_DOUBLE_EQ(profile->bound, bound);
    EXPECT_GT(profile->step_share, 0);
    EXPECT_LE(profile->step_share, 1);
    for (const RecordedRun& run : profile->recorded) {
      EXPECT_LE(std::accumulate(run.step_seconds.begin(), run.step_seconds.end(), 0.0),
                run.seconds);
    }
  }
}

}  // namespace
}  // namespace weft
