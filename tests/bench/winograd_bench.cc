// 3x3 convolutions by every kernel that there is for them: the library's direct ones, its Winograd
// (oneDNN 2 only) and ours, by turns, on 2 threads; channels-last and in blocks, weights constant.
// Milliseconds, the least of all turns; GFLOP/s count the direct convolution's arithmetic.
//
//   ./run bench --benchmark_filter=winograd/
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "tests/bench/contenders.h"

namespace weft {
namespace {

constexpr int kThreads = 2;

std::string ColumnOf(const Kernel& kernel) {
  const std::string name = kernel.implementation();
  const auto has = [&name](const char* part) { return name.find(part) != name.npos; };
  if (kernel.name() == "weft") return name;
  if (has("wino")) return "library's winograd";
  return has("avx512") || has("brg") ? "direct" : "";
}

void RunShape(benchmark::State& state, const Dims& x, int64_t filters) {
  RunScope scope(kThreads);
  const auto contenders = ContendersFor({.x = x,
                                         .w = {filters, x[1], 3, 3},
                                         .attributes = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}},
                                         .threads = kThreads},
                                        ColumnOf);
  RunContenders(state, contenders, static_cast<double>(x[0] * x[1] * x[2] * x[3] * filters * 9));
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
