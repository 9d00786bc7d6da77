// Depthwise convolutions by the library's kernels and by ours, by turns, on 1 thread; channels-last
// (and the library's in blocks), weights constant, followed by Clip (Relu6), as in MobileNet, or
// Silu, as in EfficientNet. Milliseconds, the least of all turns.
//
//   ./run bench --benchmark_filter=depthwise/
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "tests/bench/contenders.h"

namespace weft {
namespace {

struct DepthwiseLayer {
  int64_t channels, pixels, taps, stride;
};

std::string DepthwiseColumn(const Kernel& kernel) {
  const std::string name = kernel.implementation();
  if (kernel.name() == "weft") return "ours";
  return name.find("ref") != name.npos || name.find("gemm") != name.npos ? "" : "library's";
}

void RunLayer(benchmark::State& state, const DepthwiseLayer& layer, int64_t batch) {
  const int64_t pad = layer.taps / 2, out = (layer.pixels - 1) / layer.stride + 1;
  const PostOp relu6{.op = "Clip", .attributes = {{"min", 0.0}, {"max", 6.0}}};
  const PostOp silu{.op = "Silu"};
  RunScope scope(1);
  const auto contenders = ContendersFor(
      {.x = {batch, layer.channels, layer.pixels, layer.pixels},
       .w = {layer.channels, 1, layer.taps, layer.taps},
       .attributes = {{"group", layer.channels},
                      {"strides", std::vector<int64_t>{layer.stride, layer.stride}},
                      {"pads", std::vector<int64_t>{pad, pad, pad, pad}},
                      {"post_ops", std::vector<PostOp>{layer.taps == 3 ? relu6 : silu}}}},
      DepthwiseColumn);
  RunContenders(state, contenders,
                static_cast<double>(batch * layer.channels * out * out * layer.taps * layer.taps));
}

// Layers of MobileNet, ShuffleNet and EfficientNet.
[[maybe_unused]] const bool registered = [] {
  for (const DepthwiseLayer& layer : std::vector<DepthwiseLayer>{{32, 112, 3, 1},
                                                                 {96, 112, 3, 2},
                                                                 {144, 56, 3, 1},
                                                                 {192, 28, 3, 1},
                                                                 {576, 14, 3, 2},
                                                                 {384, 14, 3, 1},
                                                                 {960, 7, 3, 1},
                                                                 {58, 28, 3, 1},
                                                                 {116, 14, 3, 1},
                                                                 {232, 7, 3, 1},
                                                                 {144, 56, 5, 2},
                                                                 {240, 28, 5, 1},
                                                                 {480, 14, 5, 1},
                                                                 {672, 14, 5, 2},
                                                                 {1152, 7, 5, 1}}) {
    for (const int64_t batch : {1, 16}) {
      benchmark::RegisterBenchmark(
          absl::StrCat("depthwise/", layer.channels, "ch_", layer.pixels, "x", layer.pixels, "_k",
                       layer.taps, "_s", layer.stride, "_b", batch)
              .c_str(),
          [layer, batch](benchmark::State& state) { RunLayer(state, layer, batch); })
          ->Iterations(batch == 1 ? 100 : 20)
          ->Unit(benchmark::kMillisecond);
    }
  }
  return true;
}();

}  // namespace
}  // namespace weft
