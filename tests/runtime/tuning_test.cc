#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "absl/strings/match.h"
#include "graph/emitter.h"
#include "ops/ops.h"
#include "runtime/exec/executable.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/plan/lowering.h"
#include "runtime/tuning/contest.h"
#include "runtime/tuning/measure.h"
#include "runtime/tuning/priced_kernels.h"
#include "runtime/tuning/tuner.h"
#include "tests/runtime/close.h"
#include "tests/runtime/fresh_folder.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Tensor Wave(Dims dims, float step) {
  Tensor tensor = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  float phase = 0;
  for (float& v : tensor.mutable_values<float>()) v = std::sin(phase += step);
  return tensor;
}

// Convolutions with a residual, a pooling and a matrix product: joins, and ops of several families.
Graph Network(int64_t channels = 16, float step = 0.7F, std::string_view prefix = "") {
  Graph graph(StandardOps());
  Emitter e(graph);
  const auto conv = [&](Value x, int64_t in, int64_t out) {
    return e.Op("Conv", {x, e.Constant(Wave({out, in, 3, 3}, step))},
                {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  };
  Value x = graph.AddInput(std::string(prefix) + "x", {DType::kF32, {2, 3, 12, 12}}).value();
  const Value a = e.Op("Relu", {conv(x, 3, channels)});
  const Value b = e.Op("Relu", {e.Op("Add", {conv(conv(a, channels, 32), 32, channels), a})});
  const Value pooled =
      e.Op("MaxPool", {b},
           {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const Value flat = e.Op("Flatten", {pooled});
  const Value y = e.Op("Gemm", {flat, e.Constant(Wave({channels * 36, 10}, step))});
  EXPECT_TRUE(graph.AddOutput("y", y).ok());
  return graph;
}

Tensor RunOnce(const Graph& graph, const LowerOptions& options) {
  const auto executable = Executable::Create(graph, {}, options).value();
  const auto context = Context::Create(*executable, nullptr).value();
  std::vector<Tensor> outputs(1);
  const Tensor x = Wave({2, 3, 12, 12}, 0.3F);
  EXPECT_TRUE(executable->Run(*context, {&x, 1}, outputs).ok());
  return outputs[0];
}

// Of a node whose inputs are row-major, for one thread.
KernelRequest PlainRequest(const Node& node) {
  return RequestFor(node, 1, [](Value v) { return PlainLayout(v.type()); }).value();
}

KernelChoices ChoicesOfPlan(const Plan& plan) {
  KernelChoices choices;
  for (const PlanStep& step : plan.steps) {
    if (step.node != nullptr) choices[step.name] = ChoiceText(*step.node, *step.kernel);
  }
  return choices;
}

// Each kernel that a convolution is offered can be asked for.
TEST(Choices, ANodeRunsTheKernelThatIsWanted) {
  const Graph graph = Network();
  const Node* conv = nullptr;
  for (const Node& node : graph.nodes()) {
    if (node.op_name() == "Conv" && node.input(0).node->op_name() == "Relu") conv = &node;
  }
  ASSERT_NE(conv, nullptr);
  const KernelRequest request = PlainRequest(*conv);
  const RunScope scope(1);
  const Candidates offered = CandidatesFor(request, Families::kAll).value();
  ASSERT_GT(offered.size(), 2U);
  for (const auto& kernel : offered) {
    const std::string wanted = ChoiceText(*conv, *kernel);
    const LowerOptions options{
        .threads = 1,
        .choices = std::make_shared<FixedChoices>(KernelChoices{{conv->name(), wanted}})};
    EXPECT_EQ(ChoicesOfPlan(Lower(graph, options).value()).at(conv->name()), wanted);
  }
}

TEST(Choices, AKernelThatIsNotOfferedIsTheDefault) {
  const Graph graph = Network();
  const Plan plain = Lower(graph, {.threads = 1}).value();
  KernelChoices unknown;
  for (const PlanStep& step : plain.steps)
    unknown[step.name] = "jit:of_tomorrow (plain) -> (plain)";
  const LowerOptions options{.threads = 1, .choices = std::make_shared<FixedChoices>(unknown)};
  EXPECT_EQ(ChoicesOfPlan(Lower(graph, options).value()), ChoicesOfPlan(plain));
}

TEST(Search, FindsAPlanThatComputesTheSame) {
  for (const int threads : {1, 2}) {
    const Graph graph = Network();
    const SearchResult found = SearchChoices(graph, {.threads = threads}).value();
    EXPECT_GT(found.kernels_timed, 20);
    EXPECT_GT(found.seconds, 0);
    EXPECT_LE(found.seconds, found.default_seconds);
    const LowerOptions options{.threads = threads,
                               .choices = std::make_shared<FixedChoices>(found.choices)};
    const KernelChoices taken = ChoicesOfPlan(Lower(graph, options).value());
    for (const auto& [node, choice] : found.choices) EXPECT_EQ(taken.at(node), choice) << node;
    const Tensor exact = RunOnce(graph, {.reference_only = true});
    const Tensor actual = RunOnce(graph, options);
    double largest = 0;
    for (int64_t i = 0; i < exact.size(); ++i) largest = std::max(largest, std::abs(exact.At(i)));
    for (int64_t i = 0; i < exact.size(); ++i) {
      EXPECT_NEAR(actual.At(i), exact.At(i), 1e-4 * largest);
    }
  }
}

// The reference kernels of all convolutions against what the families put first.
TEST(Contest, TheQuickerOfTwoPlansWins) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {4, 16, 64, 64}}).value();
  const Value w = e.Constant(Wave({64, 16, 3, 3}, 0.7F));
  const Value y = e.Op("Conv", {x, w});
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  const KernelRequest request = PlainRequest(*y.node);
  const Candidates offered = CandidatesFor(request, Families::kAll).value();
  const auto slow = std::ranges::find_if(offered, [](const auto& kernel) {
    return absl::StrContains(kernel->implementation(), "ref");
  });
  ASSERT_NE(slow, offered.end());
  const KernelChoices bad = {{y.node->name(), ChoiceText(*y.node, **slow)}};
  EXPECT_EQ(QuickestChoices(graph, {.threads = 1}, {bad, {}}).value(), KernelChoices());
  EXPECT_EQ(QuickestChoices(graph, {.threads = 1}, {{}, bad}).value(), KernelChoices());
  EXPECT_EQ(QuickestChoices(graph, {.threads = 1}, {{}}).value(), KernelChoices());
}

// An integer by zero.
TEST(Contest, OfRunsThatFailOnWhatIsMadeUpTheFirstWins) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value a = graph.AddInput("a", {DType::kI64, {4}}).value();
  const Value b = graph.AddInput("b", {DType::kI64, {4}}).value();
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Div", {a, b})).ok());
  EXPECT_EQ(QuickestChoices(graph, {.threads = 1}, {{}, {}}).value(), KernelChoices());
  const auto tuner = Tuner::Create({.mode = TuningMode::kMeasured, .folder = ""});
  EXPECT_TRUE(tuner->ChoicesFor(graph, {.threads = 1}).value().empty());
}

// A variable comes in the layout of its first reader. The library's weights for Winograd's method
// are made of row-major ones only, which are between the two then.
TEST(Contest, APlanMayReadAVariableInLayoutsThatHaveNoReorder) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value w = graph.AddVariable("w", Wave({64, 64, 3, 3}, 0.7F)).value();
  const auto conv = [&](const char* name) {
    const Value x = graph.AddInput(name, {DType::kF32, {4, 64, 32, 32}}).value();
    return e.Op("Conv", {x, w}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  };
  const Value first = conv("a"), second = conv("b");
  ASSERT_TRUE(graph.AddOutput("first", first).ok());
  ASSERT_TRUE(graph.AddOutput("second", second).ok());
  ASSERT_TRUE(graph.AddUpdate(w.node, e.Op("Mul", {w, w})).ok());
  const Candidates offered = CandidatesFor(PlainRequest(*second.node), Families::kAll).value();
  const auto transformed = std::ranges::find_if(offered, [](const auto& kernel) {
    return kernel->name() == "onednn" && absl::StrContains(kernel->implementation(), "wino");
  });
  if (transformed == offered.end()) GTEST_SKIP() << "SKIPPED: the library has no such kernel here";
  const KernelChoices choices = {{second.node->name(), ChoiceText(*second.node, **transformed)}};
  const auto results = [&](const KernelChoices& of) {
    const auto made =
        Executable::Create(graph, {}, {.threads = 1, .choices = std::make_shared<FixedChoices>(of)})
            .value();
    auto state = State::Create(graph).value();
    const auto context = Context::Create(*made, state.get()).value();
    const std::vector<Tensor> inputs(2, Wave({4, 64, 32, 32}, 0.3F));
    std::vector<Tensor> outputs(2);
    const absl::Status status = made->Run(*context, inputs, outputs);
    EXPECT_TRUE(status.ok()) << status;
    return outputs;
  };
  const std::vector<Tensor> direct = results({}), mixed = results(choices);
  EXPECT_TRUE(mixed[0] == direct[0]);
  EXPECT_FALSE(mixed[1] == direct[1]) << "by another method";
  ExpectClose(mixed[1], direct[1], "by Winograd's method", 1e-4);
  EXPECT_TRUE(QuickestChoices(graph, {.threads = 1}, {{}, choices}).ok());
}

TEST(Search, CountsWhatItHasDone) {
  const Graph graph = Network();
  std::vector<TuningProgress> seen;
  const auto watch = [&](const TuningProgress& p) { seen.push_back(p); };
  ASSERT_TRUE(SearchChoices(graph, {.threads = 1, .progress = watch}).ok());
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().nodes_done, seen.back().nodes);
  EXPECT_EQ(seen.back().nodes, static_cast<int64_t>(seen.size()));
}

// An op that fails on another number than the one its result was inferred from.
TEST(Search, TimesOpsOnTheirConstants) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {4, 100}}).value();
  Tensor count = Tensor::Zeros(DType::kI64, {1}).value();
  count.mutable_values<int64_t>()[0] = 3;
  ASSERT_TRUE(graph.AddOutput("y", e.Op("TopK", {x, e.Constant(count)})).ok());
  const double seconds = SearchChoices(graph, {.threads = 1}).value().seconds;
  EXPECT_GT(seconds, 0);
  EXPECT_TRUE(std::isfinite(seconds));
}

TEST(Search, RefusesNoGraphForAnOpWithoutFastKernels) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF64, {4, 4}}).value();
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Relu", {x})).ok());
  EXPECT_TRUE(SearchChoices(graph, {.threads = 1}).value().choices.empty());
}

// 3 x 16 filters of 3x3 are padded to 32 and transformed: 36 floats instead of 9.
TEST(Price, IsOfScratchAndOfWhatPackedConstantsTakeMore) {
  const Graph graph = Network();
  const Node& conv = *std::ranges::find_if(
      graph.nodes(), [](const Node& node) { return node.op_name() == "Conv"; });
  const KernelRequest request = PlainRequest(conv);
  const RunScope scope(1);
  const Kernels offered = HostWinogradConv(request).value();
  int seen = 0;
  for (const auto& kernel : offered) {
    if (kernel->implementation() != "winograd:4x4") continue;
    ++seen;
    const auto scratch = static_cast<double>(kernel->scratch_bytes());
    EXPECT_GT(scratch, 0);
    const double more = 4.0 * 3 * (32 * 36 - 16 * 9);
    EXPECT_DOUBLE_EQ(PriceOfMemory(request, *kernel), (scratch + more) * kSecondsPerByte);
  }
  EXPECT_GE(seen, 1);
}

TEST(Error, OfAKernelIsThatOfItsLargestResult) {
  const Graph graph = Network();
  const RunScope scope(1);
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != "Conv") continue;
    const KernelRequest request = PlainRequest(node);
    const Candidates offered = CandidatesFor(request, Families::kAll).value();
    const auto reference = MakeReferenceKernel(request);
    for (const auto& kernel : offered) {
      const double error = RelativeError(request, *kernel, *reference).value();
      EXPECT_LT(error, 1e-4) << kernel->implementation();
    }
    EXPECT_EQ(RelativeError(request, *reference, *reference).value(), 0);
  }
}

// All zeros but for a NaN in the first place.
class KernelWithNaN : public Kernel {
 public:
  explicit KernelWithNaN(const Kernel& like) {
    inputs_ = like.inputs();
    outputs_ = like.outputs();
  }
  std::string name() const override { return "test"; }
  std::string implementation() const override { return "with a NaN"; }
  bool AllowsInPlace(int, int) const override { return false; }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<Bound>(reinterpret_cast<float*>(bindings.outputs[0]));
  }

 private:
  class Bound : public BoundKernel {
   public:
    explicit Bound(float* y) : y_(y) {}
    absl::Status Run(const RandomKey&) override {
      y_[0] = std::numeric_limits<float>::quiet_NaN();
      return absl::OkStatus();
    }
    void SetInput(int, std::byte*) override {}
    void SetOutput(int, std::byte* data) override { y_ = reinterpret_cast<float*>(data); }

   private:
    float* y_;
  };
};

TEST(Error, IsNaNWhereAResultIs) {
  Graph graph(StandardOps());
  Emitter e(graph);
  const Value x = graph.AddInput("x", {DType::kF32, {4, 4}}).value();
  const Value y = e.Op("Relu", {x});
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  const RunScope scope(1);
  const Layout plain = PlainLayout(x.type()).value();
  const KernelRequest request{.node = *y.node,
                              .inputs = {plain},
                              .outputs = {plain.dims()},
                              .constant = {false},
                              .threads = 1};
  const auto reference = MakeReferenceKernel(request);
  const KernelWithNaN kernel(*reference);
  EXPECT_TRUE(std::isnan(RelativeError(request, kernel, *reference).value()));
}

TEST(TuningKey, IsThatOfTheComputation) {
  const std::string key = TuningKey(Network(), 2, 1e-4);
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(TuningKey(Network(16, 0.1F, "other_"), 2, 1e-4), key);  // weights and names
  EXPECT_NE(TuningKey(Network(), 1, 1e-4), key);
  EXPECT_NE(TuningKey(Network(24), 2, 1e-4), key);
  EXPECT_NE(TuningKey(Network(), 2, 1e-3), key);
}

TEST(Tuner, MeasuresOnceAndThenReads) {
  const std::string folder = FreshFolder("tuner_kept");
  const Graph graph = Network();
  EXPECT_EQ(Tuner::Create({.mode = TuningMode::kOff, .folder = folder}), nullptr);
  const auto cached = Tuner::Create({.mode = TuningMode::kCached, .folder = folder});
  EXPECT_TRUE(cached->ChoicesFor(graph, {.threads = 1}).value().empty());
  EXPECT_FALSE(std::filesystem::exists(folder));
  int64_t steps = 0;
  TuningOptions options{.mode = TuningMode::kMeasured, .folder = folder};
  options.progress = [&](const TuningProgress&) { ++steps; };
  const auto measured = Tuner::Create(options)->ChoicesFor(graph, {.threads = 1}).value();
  EXPECT_GT(std::exchange(steps, 0), 0);
  EXPECT_EQ(Tuner::Create(options)->ChoicesFor(graph, {.threads = 1}).value(), measured);
  EXPECT_EQ(steps, 0);
  EXPECT_EQ(cached->ChoicesFor(graph, {.threads = 1}).value(), measured);
}

TEST(Tuner, GoesOnWithoutAFolderAndSaysSoOnce) {
  const auto file = FreshFolder("tuner_blocked");
  std::ofstream(file) << "no folder";
  std::vector<std::string> warnings;
  TuningOptions options{.mode = TuningMode::kMeasured, .folder = file / "kernels"};
  options.warn = [&](std::string_view what) { warnings.emplace_back(what); };
  const auto tuner = Tuner::Create(options);
  ASSERT_TRUE(tuner->ChoicesFor(Network(), {.threads = 1}).ok());
  ASSERT_TRUE(tuner->ChoicesFor(Network(8), {.threads = 1}).ok());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("tuner_blocked"));
}

TEST(Tuner, KnowsItsModes) {
  for (const char* mode : {"off", "cached", "measured"}) {
    EXPECT_EQ(ToString(ParseTuningMode(mode).value()), mode);
  }
  EXPECT_THAT(ParseTuningMode("fast").status().message(), HasSubstr("got \"fast\""));
}

}  // namespace
}  // namespace weft
