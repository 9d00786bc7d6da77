// Replaying rewrites: one that is wrong is found, named and taken back.
#include "graph/bind.h"
#include "graph/text.h"
#include "passes/rule.h"
#include "passes/verify/bisect.h"
#include "passes/verify/samples.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

//   relu(conv) -> relu(conv * factors)
Pass Scale(std::vector<double> factors, bool lossy = false) {
  return ToPass({.name = "scale",
                 .doc = "wrong on purpose",
                 .pattern = Op("Relu", {Op("Conv").As("conv")}),
                 .conditions = nullptr,
                 .rewrite = [factors](const Match& m, Rewriter& r) -> std::vector<Value> {
                   const auto n = static_cast<int64_t>(factors.size());
                   const std::span<const double> values(factors);
                   const Tensor tensor = Tensor::FromValues({n, 1, 1}, values).value();
                   const Value scaled = r.Op("Mul", {m["conv"], r.Constant(tensor)});
                   return {r.OpAs(m.root()->name(), "Relu", {scaled})};
                 },
                 .lossy = lossy});
}

Net TwoLayers() {
  Net net;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4));
  const Value a = net.Relu("relu1", bn);
  net.Output("y", net.Relu("relu2", net.Conv("conv2", a, 3)));
  return net;
}

PassOptions Replaying(int samples = 2) {
  PassOptions options = TestOptions();
  options.replay.random = samples;
  return options;
}

TEST(VerifyTest, RightRewritesStayAndHaveTheirError) {
  Net net = TwoLayers(), plain = TwoLayers();
  MustOptimize(plain.graph);
  const PassReport report = ExpectSameResults(net.graph, Replaying());
  EXPECT_EQ(ToText(net.graph), ToText(plain.graph));
  EXPECT_THAT(report.near_misses, IsEmpty());
  EXPECT_EQ(report.taken_back, 0);
  ASSERT_FALSE(report.rewrites.empty());
  for (const Rewrite& rewrite : report.rewrites) {
    ASSERT_TRUE(rewrite.error) << rewrite.rule;
    EXPECT_LE(*rewrite.error, 1e-14) << rewrite.rule;
  }
  ASSERT_TRUE(report.error);
  EXPECT_LE(*report.error, 1e-14);
  EXPECT_THAT(report.ToString(), HasSubstr("; error "));
}

TEST(VerifyTest, AWrongRewriteIsTakenBackAndNamed) {
  for (const std::vector<double>& factors : {std::vector<double>{-1}, {1, 1.001, 1}}) {
    Net net = TwoLayers(), plain = TwoLayers();
    MustOptimize(plain.graph);
    PassOptions options = Replaying();
    options.own = {Scale(factors)};
    const PassReport report = ExpectSameResults(net.graph, options);
    EXPECT_EQ(ToText(net.graph), ToText(plain.graph));
    EXPECT_EQ(report.taken_back, 1);
    const std::vector<std::string> misses = NearMisses(report);
    ASSERT_EQ(misses.size(), 1u);
    EXPECT_THAT(misses[0], StartsWith("scale at relu2: error "));
    EXPECT_THAT(misses[0], HasSubstr(" is beyond 0.0001"));
  }
}

TEST(VerifyTest, WithoutReplayingItIsNotFound) {
  Net net = TwoLayers();
  const TensorMap before = ResultsOf(net.graph, 2);
  PassOptions options = TestOptions();
  options.own = {Scale({1, 1.001, 1})};
  MustOptimize(net.graph, options);
  EXPECT_GT(RelativeDifference(before, ResultsOf(net.graph, 2)), 1e-4);
}

TEST(VerifyTest, ARewriteThatIsWrongWhereASampleIsFindsIt) {
  Net net = TwoLayers();
  PassOptions options = TestOptions();
  options.own = {Scale({1, 1.001, 1})};
  options.replay.samples = RandomSamples(net.graph, 1).value();
  EXPECT_EQ(MustOptimize(net.graph, options).taken_back, 1);
}

TEST(VerifyTest, ALossyPassMayMakeTheErrorThatIsStatedAndNoOtherIsBlamed) {
  for (const double stated : {0.1, 1e-3}) {
    Net net = TwoLayers();
    PassOptions options = Replaying();
    options.own = {Scale({1.01}, /*lossy=*/true)};
    options.lossy = {{"scale", stated}};
    const PassReport report = MustOptimize(net.graph, options);
    EXPECT_EQ(report.taken_back, stated < 0.01 ? 1 : 0);
    EXPECT_NEAR(report.error.value(), stated < 0.01 ? 0 : 0.01, 1e-12);
  }
}

TEST(VerifyTest, ATrainingGraphIsReplayed) {
  Net net;
  net.variables = true;
  const Value bn = net.BatchNorm("bn1", net.Conv("conv1", net.Image(3, 6), 4), "auto");
  net.Output("y", net.Relu("relu1", net.Add("Identity", "same", {bn})));
  Graph training = ForTraining(net.graph).value();
  const PassReport report = MustOptimize(training, Replaying());
  ASSERT_EQ(report.rewrites.size(), 1u);
  EXPECT_EQ(report.rewrites[0].error, 0.0);
  EXPECT_EQ(report.error, 0.0);
}

TEST(VerifyTest, ErrorsSayWhatWasExpected) {
  const auto error = [](const std::function<void(ReplayOptions&)>& change) {
    Net net = TwoLayers();
    PassOptions options = TestOptions();
    change(options.replay);
    const std::string before = ToText(net.graph);
    const absl::Status status = Optimize(net.graph, options).status();
    EXPECT_EQ(ToText(net.graph), before);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  const Tensor wrong = Tensor::Zeros(DType::kF64, {1, 2, 6, 6}).value();
  EXPECT_EQ(error([](auto& r) { r.random = 1, r.tolerance = 0; }),
            "tolerance: expected a number above 0, got 0");
  EXPECT_EQ(error([](auto& r) { r.samples = {TensorMap()}; }),
            "sample: input x: expected f64[N,3,6,6], got nothing");
  EXPECT_THAT(error([&](auto& r) { r.samples = {{{"x", wrong}}}; }), StartsWith("sample: "));
  EXPECT_THAT(error([&](auto& r) {
                r.samples = {{{"x", wrong}, {"z", wrong}}};
              }),
              StartsWith("sample: "));
}

TEST(BisectTest, FindsTheFirstRewriteThatBreaksTheTolerance) {
  for (const std::vector<double>& factors : {std::vector<double>{-1}, {1, 1.001, 1}}) {
    Net net = TwoLayers();
    PassOptions options = TestOptions();
    options.own = {Scale(factors)};
    const std::string before = ToText(net.graph);
    const TensorMap feeds = RandomSample(net.graph, 2).value();
    const auto culprit = Bisect(net.graph, feeds, 1e-4, options).value();
    ASSERT_TRUE(culprit);
    EXPECT_EQ(culprit->rewrite.rule, "scale");
    EXPECT_THAT(culprit->rewrite.sources, ElementsAre("conv2", "relu2"));
    EXPECT_LE(culprit->error_before, 1e-12);
    EXPECT_GT(culprit->error_after, 1e-4);
    EXPECT_EQ(ToText(net.graph), before);
  }
}

TEST(BisectTest, FindsNothingWhereAllIsRight) {
  const Net net = TwoLayers();
  const TensorMap feeds = RandomSample(net.graph, 2).value();
  EXPECT_EQ(Bisect(net.graph, feeds, 1e-10, TestOptions()).value().has_value(), false);
  EXPECT_EQ(Bisect(net.graph, feeds, 0, TestOptions()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Bisect(net.graph, {}, 1, TestOptions()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SamplesTest, FitTheInputsAndAreTheSameEachTime) {
  Net net;
  Graph& graph = net.graph;
  const Value x = net.Image(3, 6);
  const Value ids =
      graph.AddInput("ids", {DType::kI64, {Dim::Symbol("N"), Dim::Symbol("T")}}).value();
  net.Output("y", x);
  net.Output("z", ids);
  const auto samples = RandomSamples(graph, 3).value();
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].at("x").dims(), (Dims{2, 3, 6, 6}));
  EXPECT_EQ(samples[1].at("x").dims(), (Dims{1, 3, 6, 6}));
  EXPECT_EQ(samples[2].at("ids").dims(), (Dims{3, 7}));
  for (int64_t i = 0; i < 21; ++i) EXPECT_THAT(samples[2].at("ids").At(i), testing::AnyOf(0, 1));
  EXPECT_EQ(RandomSamples(graph, 3).value(), samples);
  EXPECT_FALSE(samples[0].at("x") == RandomSample(graph, 2, 9).value().at("x"));
  EXPECT_FALSE(RandomSamples(graph, -1).ok());
}

TEST(SamplesTest, ErrorsAreRelativeToTheLargestElement) {
  const auto tensor = [](std::vector<double> values) {
    const auto n = static_cast<int64_t>(values.size());
    return Tensor::FromValues({n}, std::span<const double>(values)).value();
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_DOUBLE_EQ(ErrorOf(tensor({-4, 1}), tensor({-4, 2})), 0.25);
  EXPECT_DOUBLE_EQ(ErrorOf(tensor({0}), tensor({1e-6})), 1e-3);
  EXPECT_EQ(ErrorOf(tensor({kNan, kInfinity, 1}), tensor({kNan, kInfinity, 1})), 0);
  EXPECT_EQ(ErrorOf(tensor({kNan}), tensor({0})), kInfinity);
  EXPECT_EQ(ErrorOf(tensor({1}), tensor({kNan})), kInfinity);
  EXPECT_EQ(ErrorOf(tensor({kInfinity}), tensor({-kInfinity})), kInfinity);
  EXPECT_EQ(ErrorOf(tensor({1}), tensor({1, 1})), kInfinity);
  EXPECT_EQ(ErrorOf({{"y", tensor({1})}}, {{"z", tensor({1})}}), kInfinity);
}

}  // namespace
}  // namespace weft
