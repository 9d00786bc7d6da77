// How fast each op moves its bytes, against a streaming copy measured in the same run: layers on
// [32,64,56,56] f32 and their gradients, 2 threads. Bytes count each operand once (training's
// BatchNormalization reads x twice). `of_copy` is the share of the copy's bytes per second that the
// op reaches, `asked` what it should reach at least; convolutions and other products also show
// their multiply-accumulates per second.
//
//   ./run bench --benchmark_filter=ops/
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <set>

#include "frontend/weft.h"
#include "runtime/exec/parallel.h"
#include "tests/bench/ops_table.h"

namespace weft {
namespace {

constexpr int kThreads = 2;
constexpr int64_t kElements = 32 * 64 * 56 * 56;

using Clock = std::chrono::steady_clock;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

absl::StatusOr<Tensor> RandomLike(const TensorType& type, uint64_t seed, double low, double high) {
  WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(type.shape));
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(type.dtype, dims));
  uint64_t state = seed;
  WEFT_RETURN_IF_ERROR(VisitDType<kComputeTypes>(type.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& v : tensor.mutable_values<T>()) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double uniform = static_cast<double>(state >> 40) * 0x1p-24;
      v = static_cast<T>(low + (high - low) * uniform);
    }
  }));
  return tensor;
}

// One row's graph, lowered, with its operands.
struct Problem {
  std::unique_ptr<Executable> executable;
  std::unique_ptr<State> state;
  std::unique_ptr<Context> context;
  std::vector<Tensor> inputs, outputs;
  std::vector<bool> timed;  // by step of the plan
  double bytes = 0;
  double macs = 0;

  absl::Status Run(std::vector<double>* seconds) {
    return executable->Run(*context, inputs, outputs, {.key = {}, .step_seconds = seconds});
  }
};

// Adds the gradients of `y` in everything differentiable, as outputs.
absl::Status AddGradients(Graph& graph) {
  const Value y = graph.outputs()[0].value;
  std::vector<Value> xs;
  for (const Node& node : graph.nodes()) {
    const Value value = const_cast<Node&>(node).output();
    const bool leaf = node.op_name() == kInput || IsTrainable(node);
    if (leaf && kFloatTypes.contains(value.type().dtype)) xs.push_back(value);
  }
  WEFT_ASSIGN_OR_RETURN(const Value dy, graph.AddInput("dy", y.type()));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Value> dxs,
                        Gradients(graph, std::vector<Value>{y}, xs, std::vector<Value>{dy}));
  for (size_t i = 0; i < dxs.size(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(absl::StrCat("dx", i), dxs[i]));
  }
  return absl::OkStatus();
}

bool IsGradientStep(const PlanStep& step) { return step.name.find("grad/") != std::string::npos; }

// The bytes that the timed steps must move: what they read that others made, and the graph's
// outputs that they write.
double BytesOf(const Plan& plan, const std::vector<bool>& timed) {
  std::set<int> made, moved;
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    if (!timed[s]) continue;
    for (int v : step.inputs) {
      if (v >= 0 && !made.contains(v)) moved.insert(v);
    }
    for (int v : step.outputs) {
      if (v < 0) continue;
      made.insert(v);
      const PlanValue& value = plan.values[static_cast<size_t>(v)];
      if (plan.buffers[static_cast<size_t>(value.buffer)].place == Place::kOutput) moved.insert(v);
    }
  }
  double bytes = 0;
  for (int v : moved)
    bytes += static_cast<double>(plan.values[static_cast<size_t>(v)].layout.bytes());
  return bytes;
}

absl::StatusOr<Problem> MakeProblem(const BenchRow& row, bool gradient) {
  Builder builder;
  builder.Output("y", row.build(builder));
  WEFT_ASSIGN_OR_RETURN(const Model model, builder.Build());
  WEFT_ASSIGN_OR_RETURN(
      Graph graph, row.training || gradient ? ForTraining(model.graph) : ForInference(model.graph));
  if (gradient) WEFT_RETURN_IF_ERROR(AddGradients(graph));
  Problem p;
  WEFT_ASSIGN_OR_RETURN(p.state, State::Create(graph));
  WEFT_ASSIGN_OR_RETURN(p.executable, Executable::Create(graph, {}, {.threads = kThreads}));
  WEFT_ASSIGN_OR_RETURN(p.context, Context::Create(*p.executable, p.state.get()));
  const Plan& plan = p.executable->plan();
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    const TensorType type{plan.input_layouts[i].dtype(), ToShape(plan.input_layouts[i].dims())};
    const bool is_float = kFloatTypes.contains(type.dtype);
    WEFT_ASSIGN_OR_RETURN(p.inputs.emplace_back(), RandomLike(type, i + 1, is_float ? row.low : 0,
                                                              is_float ? 1 : row.labels));
  }
  p.outputs.resize(plan.outputs.size());
  for (const PlanStep& step : plan.steps) p.timed.push_back(!gradient || IsGradientStep(step));
  p.bytes = BytesOf(plan, p.timed);
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    if (!p.timed[s] || plan.steps[s].node == nullptr) continue;
    WEFT_ASSIGN_OR_RETURN(const Cost cost, CostOf(*plan.steps[s].node));
    p.macs += static_cast<double>(cost.macs);
  }
  if (row.reads_x_twice && !gradient) p.bytes += static_cast<double>(kElements * sizeof(float));
  return p;
}

// y = x with the run's threads; seconds.
double StreamingCopy() {
  static std::vector<float> x(kElements, 1.0f), y(kElements);
  RunScope scope(kThreads);
  const auto start = Clock::now();
  ParallelFor(kElements, 1, [](int64_t begin, int64_t end) {
    std::memcpy(y.data() + begin, x.data() + begin,
                static_cast<size_t>(end - begin) * sizeof(float));
  });
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Alternates the op with the copy.
void RunRow(benchmark::State& state, const BenchRow& row, bool gradient) {
  absl::StatusOr<Problem> problem = MakeProblem(row, gradient);
  if (!problem.ok()) {
    state.SkipWithError(std::string(problem.status().message()).c_str());
    return;
  }
  std::vector<double> op_seconds, copy_seconds;
  for (auto _ : state) {
    std::vector<double> steps;
    const absl::Status status = problem->Run(&steps);
    if (!status.ok()) {
      state.SkipWithError(std::string(status.message()).c_str());
      return;
    }
    double seconds = 0;
    for (size_t s = 0; s < steps.size(); ++s) seconds += problem->timed[s] ? steps[s] : 0;
    op_seconds.push_back(seconds);
    copy_seconds.push_back(StreamingCopy());
    state.SetIterationTime(std::max(seconds, 1e-9));
  }
  const double copied = 2.0 * kElements * sizeof(float) / Median(copy_seconds);
  const double moved = problem->bytes / Median(op_seconds);
  state.counters["GB/s"] = moved * 1e-9;
  state.counters["copy_GB/s"] = copied * 1e-9;
  state.counters["of_copy_%"] = 100 * moved / copied;
  if (problem->macs > 0) {
    state.counters["GMAC/s"] = problem->macs / Median(op_seconds) * 1e-9;
  }
  state.counters["asked_%"] = gradient ? row.asked_of_gradient : row.asked;
}

bool Register() {
  for (const BenchRow& row : BenchRows()) {
    for (const bool gradient : {false, true}) {
      if (gradient && !row.has_gradient) continue;
      const std::string name = absl::StrCat("ops/", row.name, gradient ? "/gradient" : "");
      benchmark::RegisterBenchmark(
          name.c_str(), [&row, gradient](benchmark::State& state) { RunRow(state, row, gradient); })
          ->Iterations(15)
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}

[[maybe_unused]] const bool registered = Register();

}  // namespace
}  // namespace weft
