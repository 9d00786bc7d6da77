// How the time of the pipeline grows with a graph: chains of 1,000 to 30,000 nodes, and networks
// without the arithmetic of their weights.
#include <benchmark/benchmark.h>

#include "absl/strings/str_cat.h"
#include "frontend/weft.h"

namespace weft {
namespace {

bool Failed(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  return !status.ok();
}

void TimePasses(benchmark::State& state, const Graph& graph, const PassOptions& options) {
  size_t rewrites = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Graph copy = Clone(graph);
    state.ResumeTiming();
    auto report = RunPasses(copy, options);
    if (Failed(state, report.status())) return;
    rewrites = report->rewrites.size();
  }
  state.counters["nodes"] = graph.size();
  state.counters["rewrites"] = static_cast<double>(rewrites);
}

using Link = Value (*)(Builder& b, Value x);

Value Normalized(Builder& b, Value x) {
  return b.Relu(b.BatchNorm2d(b.Conv2d(x, {.channels = 1, .kernel = 1})));
}
Value Residual(Builder& b, Value x) { return b.Relu(b.Add(Normalized(b, x), x)); }
// One node each: nothing is computed from constants.
Value Activated(Builder& b, Value x) { return b.Relu(x); }
Value Doubled(Builder& b, Value x) { return b.Add(b.Sigmoid(x), b.Sigmoid(x)); }

// So many nodes, made of links.
void Chain(benchmark::State& state, Link link, int nodes_of_link) {
  Builder b;
  Value x = b.Input("x", {"N", 1, 1, 1});
  for (int64_t i = 0; i < state.range(0); i += nodes_of_link) x = link(b, x);
  b.Output("y", x);
  const absl::StatusOr<Model> model = b.Build();
  if (Failed(state, model.status())) return;
  const absl::StatusOr<Graph> graph = ForInference(model->graph);
  if (Failed(state, graph.status())) return;
  TimePasses(state, *graph, {});
}

void Network(benchmark::State& state, const char* name, bool fold) {
  const absl::StatusOr<const ZooEntry*> entry = FindNetwork(name);
  if (Failed(state, entry.status())) return;
  const absl::StatusOr<Model> model = BuildNetwork(**entry);
  if (Failed(state, model.status())) return;
  const absl::StatusOr<Graph> graph = ForInference(model->graph);
  if (Failed(state, graph.status())) return;
  PassOptions options;
  if (!fold) options.disable = {"fold_constants"};
  TimePasses(state, *graph, options);
}

// `nodes`: of one link, its weights too.
#define WEFT_CHAIN(link, nodes)               \
  BENCHMARK_CAPTURE(Chain, link, link, nodes) \
      ->Name("passes/chain/" #link)           \
      ->Arg(1000)                             \
      ->Arg(3000)                             \
      ->Arg(10000)                            \
      ->Arg(30000)                            \
      ->Unit(benchmark::kMillisecond)
WEFT_CHAIN(Normalized, 9);
WEFT_CHAIN(Residual, 10);
WEFT_CHAIN(Activated, 1);
WEFT_CHAIN(Doubled, 3);

#define WEFT_NETWORK(name)                                     \
  BENCHMARK_CAPTURE(Network, name, #name, false)               \
      ->Name("passes/network/" #name "/graph")                 \
      ->Unit(benchmark::kMillisecond);                         \
  BENCHMARK_CAPTURE(Network, name##_with_weights, #name, true) \
      ->Name("passes/network/" #name "/weights")               \
      ->Unit(benchmark::kMillisecond)
WEFT_NETWORK(resnet152);
WEFT_NETWORK(densenet201);

}  // namespace
}  // namespace weft
