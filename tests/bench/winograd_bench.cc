// 3x3 convolutions by every kernel that there is for them: the library's direct ones, its Winograd
// (oneDNN 2 only) and ours, by turns, on 2 threads; channels-last and in blocks, weights constant.
// Milliseconds, the least of all turns; GFLOP/s count the direct convolution's arithmetic.
//
//   ./run bench --benchmark_filter=winograd/
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "ops/ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"

namespace weft {
namespace {

constexpr int kThreads = 2;

using Clock = std::chrono::steady_clock;

// A kernel with operands of its own.
struct Contender {
  std::unique_ptr<Kernel> kernel;
  std::vector<std::shared_ptr<std::byte>> memory = {};
  std::unique_ptr<BoundKernel> bound = {};
};

std::shared_ptr<std::byte> Filled(size_t bytes) {
  std::shared_ptr<std::byte> memory = AllocateAligned(bytes);
  std::fill_n(reinterpret_cast<float*>(memory.get()), bytes / sizeof(float), 0.01f);
  return memory;
}

absl::StatusOr<Contender> Bound(std::unique_ptr<Kernel> kernel) {
  Contender contender{std::move(kernel)};
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

// What the kernel is called in the table; nothing for those that nobody would choose.
std::string ColumnOf(const Kernel& kernel) {
  const std::string name = kernel.implementation();
  const auto has = [&name](const char* part) { return name.find(part) != name.npos; };
  if (kernel.name() == "weft") return name;
  if (has("wino")) return "library's winograd";
  return has("avx512") || has("brg") ? "direct" : "";
}

absl::StatusOr<std::vector<Contender>> ContendersFor(const Dims& x, int64_t filters) {
  Graph graph(StandardOps());
  const Dims w = {filters, x[1], 3, 3}, y = {x[0], filters, x[2], x[3]};
  WEFT_ASSIGN_OR_RETURN(const Value image,
                        graph.AddInput("x", TensorType{DType::kF32, ToShape(x)}));
  WEFT_ASSIGN_OR_RETURN(const Value weights,
                        graph.AddInput("w", TensorType{DType::kF32, ToShape(w)}));
  WEFT_ASSIGN_OR_RETURN(
      const Node* node,
      graph.AddNode({.op = "Conv",
                     .name = "conv",
                     .inputs = {image, weights},
                     .attributes = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}}}));
  KernelRequest request{.node = *node, .outputs = {y}, .constant = {false, true}};
  request.threads = kThreads;
  WEFT_ASSIGN_OR_RETURN(request.inputs.emplace_back(), ChannelsSideBySide(x, 0));
  request.inputs.push_back(Layout::Plain(DType::kF32, w));
  std::vector<Contender> contenders;
  for (const KernelFamily family : FamiliesFor("Conv")) {
    WEFT_ASSIGN_OR_RETURN(Kernels kernels, family(request));
    for (std::unique_ptr<Kernel>& kernel : kernels) {
      if (ColumnOf(*kernel).empty()) continue;
      WEFT_ASSIGN_OR_RETURN(contenders.emplace_back(), Bound(std::move(kernel)));
    }
  }
  return contenders;
}

void RunShape(benchmark::State& state, const Dims& x, int64_t filters) {
  RunScope scope(kThreads);
  const auto contenders = ContendersFor(x, filters);
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
      double& least = best.try_emplace(ColumnOf(*contender.kernel), seconds).first->second;
      least = std::min(least, seconds);
    }
  }
  const auto macs = static_cast<double>(x[0] * x[1] * x[2] * x[3] * filters * 9);
  for (const auto& [column, seconds] : best) {
    state.counters[column + " ms"] = seconds * 1e3;
    state.counters[column + " GFLOP/s"] = 2 * macs / seconds * 1e-9;
  }
}

// Layers of VGG and ResNet.
[[maybe_unused]] const bool registered = [] {
  for (const auto& [channels, pixels] : std::vector<std::pair<int64_t, int64_t>>{
           {64, 56}, {128, 28}, {256, 14}, {512, 7}, {64, 224}}) {
    for (const int64_t batch : {1, 16}) {
      const Dims x = {batch, channels, pixels, pixels};
      benchmark::RegisterBenchmark(
          absl::StrCat("winograd/", channels, "ch_", pixels, "x", pixels, "_b", batch).c_str(),
          [x](benchmark::State& state) { RunShape(state, x, x[1]); })
          ->Iterations(batch == 1 ? 30 : 10)
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace
}  // namespace weft
