#include "tests/bench/contenders.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "ops/ops.h"
#include "ops/window.h"
#include "runtime/channel_blocks.h"

namespace weft {
namespace {

using Clock = std::chrono::steady_clock;

std::shared_ptr<std::byte> Filled(size_t bytes) {
  std::shared_ptr<std::byte> memory = AllocateAligned(bytes);
  AskForHugePages(memory.get(), bytes);  // as weights and arenas of a run are
  std::fill_n(reinterpret_cast<float*>(memory.get()), bytes / sizeof(float), 0.01f);
  return memory;
}

absl::StatusOr<Contender> Bound(std::string column, std::unique_ptr<Kernel> kernel) {
  Contender contender{std::move(column), std::move(kernel)};
  Bindings bindings;
  for (auto [layouts, to] : {std::pair{&contender.kernel->inputs(), &bindings.inputs},
                             std::pair{&contender.kernel->outputs(), &bindings.outputs}}) {
    for (const Layout& layout : *layouts) {
      contender.memory.push_back(Filled(layout.bytes()));
      to->push_back(contender.memory.back().get());
    }
  }
  contender.memory.push_back(Filled(contender.kernel->scratch_bytes()));
  bindings.scratch = contender.memory.back().get();
  WEFT_ASSIGN_OR_RETURN(contender.bound, contender.kernel->Bind(bindings));
  return contender;
}

}  // namespace

absl::StatusOr<std::vector<Contender>> ContendersFor(
    const ConvProblemOf& problem, absl::FunctionRef<std::string(const Kernel&)> column_of) {
  Graph graph(StandardOps());
  WEFT_ASSIGN_OR_RETURN(const Value x,
                        graph.AddInput("x", TensorType{DType::kF32, ToShape(problem.x)}));
  WEFT_ASSIGN_OR_RETURN(const Value w,
                        graph.AddInput("w", TensorType{DType::kF32, ToShape(problem.w)}));
  const bool fused = problem.attributes.contains("post_ops");
  WEFT_ASSIGN_OR_RETURN(const Node* node, graph.AddNode({.op = fused ? "FusedConv" : "Conv",
                                                         .name = "conv",
                                                         .inputs = {x, w},
                                                         .attributes = problem.attributes}));
  WEFT_ASSIGN_OR_RETURN(Dims y, StaticDims(node->type().shape));
  KernelRequest request{.node = *node, .outputs = {std::move(y)}, .constant = {false, true}};
  request.threads = problem.threads;
  WEFT_ASSIGN_OR_RETURN(request.inputs.emplace_back(), ChannelsSideBySide(problem.x, 0));
  request.inputs.push_back(Layout::Plain(DType::kF32, problem.w));
  std::vector<Contender> contenders;
  for (const KernelFamily family : FamiliesFor(node->op_name())) {
    WEFT_ASSIGN_OR_RETURN(Kernels kernels, family(request));
    for (std::unique_ptr<Kernel>& kernel : kernels) {
      std::string column = column_of(*kernel);
      if (column.empty()) continue;
      WEFT_ASSIGN_OR_RETURN(contenders.emplace_back(), Bound(std::move(column), std::move(kernel)));
    }
  }
  return contenders;
}

void RunContenders(benchmark::State& state,
                   const absl::StatusOr<std::vector<Contender>>& contenders, double macs) {
  if (!contenders.ok()) {
    return state.SkipWithError(std::string(contenders.status().message()).c_str());
  }
  std::map<std::string, double> best;
  for (auto _ : state) {
    for (const Contender& contender : *contenders) {
      const auto start = Clock::now();
      const absl::Status status = contender.bound->Run({});
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (!status.ok()) return state.SkipWithError(std::string(status.message()).c_str());
      double& least = best.try_emplace(contender.column, seconds).first->second;
      least = std::min(least, seconds);
    }
  }
  for (const auto& [column, seconds] : best) {
    state.counters[column + " ms"] = seconds * 1e3;
    state.counters[column + " GFLOP/s"] = 2 * macs / seconds * 1e-9;
  }
}

}  // namespace weft
