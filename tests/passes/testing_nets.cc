#include "tests/passes/testing_nets.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_join.h"
#include "graph/text.h"
#include "tests/cases/golden.h"

namespace weft {
namespace {

// The same on every platform, unlike std::uniform_real_distribution.
double Uniform(std::mt19937& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random()) / 4294967296.0;
}

Tensor RandomOf(std::mt19937& random, DType dtype, Dims dims, double low, double high) {
  Tensor tensor = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  for (double& v : tensor.mutable_values<double>()) v = Uniform(random, low, high);
  return tensor.Converted(dtype).value();
}

}  // namespace

Net::Net(DType dtype, uint32_t seed) : graph(StandardOps()), dtype_(dtype), random_(seed) {}

Value Net::Image(int64_t channels, int64_t size, const std::string& name) {
  return graph.AddInput(name, {dtype_, {Dim::Symbol("N"), channels, size, size}}).value();
}

Tensor Net::RandomTensor(Dims dims, double low, double high) {
  return RandomOf(random_, dtype_, std::move(dims), low, high);
}

Value Net::Random(const std::string& name, Dims dims, double low, double high) {
  return graph.AddConstant(name, RandomTensor(std::move(dims), low, high)).value();
}

Value Net::Leaf(const std::string& name, Dims dims, double low, double high, bool statistic) {
  if (!variables) return Random(name, std::move(dims), low, high);
  return graph
      .AddVariable(name, RandomTensor(std::move(dims), low, high), !statistic,
                   statistic ? kStatistic : kParameter)
      .value();
}

Value Net::Add(const std::string& op, const std::string& name, std::vector<Value> inputs,
               AttributeMap attributes, int num_outputs) {
  NodeSpec spec;
  spec.op = op;
  spec.name = name;
  spec.inputs = std::move(inputs);
  spec.attributes = std::move(attributes);
  spec.num_outputs = num_outputs;
  return graph.AddNode(std::move(spec)).value()->output();
}

Value Net::Conv(const std::string& name, Value x, int64_t channels, ConvShape shape) {
  const int64_t in = x.type().dim(1).coefficient();
  const int64_t pad = shape.padding < 0 ? shape.kernel / 2 : shape.padding;
  std::vector<Value> inputs = {
      x, Leaf(name + ".weight", {channels, in, shape.kernel, shape.kernel}, -1, 1)};
  if (shape.bias) inputs.push_back(Leaf(name + ".bias", {channels}, -1, 1));
  AttributeMap attributes;
  if (shape.stride != 1) attributes["strides"] = std::vector<int64_t>{shape.stride, shape.stride};
  if (pad != 0) attributes["pads"] = std::vector<int64_t>(4, pad);
  return Add("Conv", name, std::move(inputs), std::move(attributes));
}

Value Net::ConvOf(const std::string& name, Value x, Dims w, AttributeMap attributes, bool bias) {
  std::vector<Value> inputs = {x, Leaf(name + ".weight", w, -1, 1)};
  if (bias) inputs.push_back(Leaf(name + ".bias", {w[0]}, -1, 1));
  return Add("Conv", name, std::move(inputs), std::move(attributes));
}

Value Net::BatchNorm(const std::string& name, Value x, const std::string& mode) {
  const int64_t c = x.type().dim(1).coefficient();
  std::vector<Value> inputs = {x, Leaf(name + ".weight", {c}, 0.5, 1.5),
                               Leaf(name + ".bias", {c}, -1, 1),
                               Leaf(name + ".running_mean", {c}, -1, 1, true),
                               Leaf(name + ".running_var", {c}, 0.5, 2, true)};
  return Add("BatchNormalization", name, std::move(inputs), {{"mode", mode}});
}

void Net::Output(const std::string& name, Value value) {
  ASSERT_EQ(graph.AddOutput(name, value), absl::OkStatus());
}

PassOptions TestOptions(std::vector<std::string> passes) {
  static auto* evaluator = new ReferenceEvaluator();
  static const auto* costs = new OpCostModel({{"N", 1}});
  PassOptions options;
  options.evaluator = evaluator;
  options.costs = costs;
  for (const Stage& stage : Pipeline()) {
    for (const Pass& pass : stage.passes) {
      const bool named = std::find(passes.begin(), passes.end(), pass.name) != passes.end();
      if (pass.lossy && named) options.lossy.emplace(pass.name, 1e-9);
    }
  }
  options.passes = std::move(passes);
  options.verify_each = true;
  return options;
}

PassReport MustOptimize(Graph& graph, const PassOptions& options) {
  absl::StatusOr<PassReport> report = Optimize(graph, options);
  EXPECT_EQ(report.status(), absl::OkStatus());
  EXPECT_EQ(graph.Verify(), absl::OkStatus());
  return report.ok() ? *report : PassReport();
}

TensorMap ResultsOf(const Graph& graph, int64_t batch) {
  TensorMap feeds;
  for (const Node* input : graph.inputs()) {
    std::mt19937 random(static_cast<uint32_t>(7 + feeds.size()));
    SymbolBindings bindings = {{"N", batch}};
    for (const Dim& dim : input->type().shape) {
      for (const std::string& symbol : dim.symbols()) bindings.try_emplace(symbol, 7);
    }
    const Shape shape = Substitute(input->type().shape, bindings).value();
    feeds.emplace(input->name(),
                  RandomOf(random, input->type().dtype, StaticDims(shape).value(), -1, 1));
  }
  absl::StatusOr<TensorMap> results = ReferenceEvaluator().RunGraph(graph, feeds);
  EXPECT_EQ(results.status(), absl::OkStatus());
  return results.ok() ? *results : TensorMap();
}

double RelativeDifference(const TensorMap& expected, const TensorMap& actual) {
  // Below this a value of these nets is rounding: the gradient of a bias before a batch norm.
  constexpr double kSmall = 1e-3;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (expected.size() != actual.size() || expected.empty()) return kInfinity;
  double worst = 0;
  for (const auto& [name, e] : expected) {
    auto it = actual.find(name);
    if (it == actual.end() || it->second.type() != e.type()) return kInfinity;
    double largest = kSmall, difference = 0;
    for (int64_t i = 0; i < e.size(); ++i) {
      largest = std::max(largest, std::abs(e.At(i)));
      const double d = std::abs(e.At(i) - it->second.At(i));
      difference = d <= difference ? difference : d;  // keeps a NaN
    }
    if (!(difference / largest <= worst)) worst = difference / largest;
  }
  return worst;
}

PassReport ExpectSameResults(Graph& graph, const PassOptions& options, double tolerance,
                             int64_t first_batch) {
  std::vector<TensorMap> before;
  for (int64_t i = 0; i < 3; ++i) before.push_back(ResultsOf(graph, first_batch + i));
  PassReport report = MustOptimize(graph, options);
  for (int64_t i = 0; i < 3; ++i) {
    const TensorMap after = ResultsOf(graph, first_batch + i);
    EXPECT_LE(RelativeDifference(before[static_cast<size_t>(i)], after), tolerance)
        << "batch " << first_batch + i << "\n"
        << report.ToString() << ToText(graph);
  }
  const std::string once = ToText(graph);
  EXPECT_THAT(Rewrites(MustOptimize(graph, options)), testing::IsEmpty());
  EXPECT_EQ(ToText(graph), once);
  return report;
}

PassReport ExpectGoldenRewrite(const std::string& name, Graph& graph, const PassOptions& options) {
  std::string text = "--- before\n" + ToText(graph);
  PassReport report = ExpectSameResults(graph, options);
  text += "--- after\n" + ToText(graph) + "--- report\n" + report.ToString();
  ExpectGolden("passes_" + name, text);
  return report;
}

void ExpectDeclined(Graph& graph, const std::vector<std::string>& passes,
                    const std::vector<std::string>& near_misses) {
  const std::string before = ToText(graph);
  const PassReport report = MustOptimize(graph, TestOptions(passes));
  EXPECT_EQ(ToText(graph), before);
  EXPECT_THAT(Rewrites(report), testing::IsEmpty());
  EXPECT_THAT(NearMisses(report), testing::ElementsAreArray(near_misses));
}

std::vector<std::string> NearMisses(const PassReport& report) {
  std::vector<std::string> lines;
  for (const NearMiss& m : report.near_misses) {
    lines.push_back(m.rule + " at " + m.node + ": " + m.condition);
  }
  return lines;
}

std::vector<std::string> Rewrites(const PassReport& report) {
  std::vector<std::string> lines;
  for (const Rewrite& r : report.rewrites) {
    lines.push_back(r.rule + ": " + absl::StrJoin(r.sources, " + ") + " -> " +
                    absl::StrJoin(r.results, " + "));
  }
  return lines;
}

int64_t MacsOf(const Graph& graph) {
  int64_t macs = 0;
  for (const Node& node : graph.nodes()) {
    const absl::StatusOr<Cost> cost = CostOf(node, {{"N", 1}});
    EXPECT_EQ(cost.status(), absl::OkStatus());
    if (cost.ok()) macs += cost->macs;
  }
  return macs;
}

int CountOps(const Graph& graph, std::string_view op) {
  int count = 0;
  for (const Node& node : graph.nodes()) count += node.op_name() == op ? 1 : 0;
  return count;
}

}  // namespace weft
