// 1x1 convolutions of networks by the library's kernels and by ours, by turns, on one thread and on
// two; channels-last and in blocks, weights constant. Milliseconds, the least of all turns.
//
//   ./run bench --benchmark_filter=pointwise/
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "tests/bench/contenders.h"

namespace weft {
namespace {

struct Layer {
  const char* network;
  int64_t channels, filters, pixels, step;
};

constexpr Layer kLayers[] = {
    {"resnet50", 64, 64, 56, 1},      {"resnet50", 64, 256, 56, 1},
    {"resnet50", 256, 64, 56, 1},     {"resnet50", 256, 512, 56, 2},
    {"resnet50", 128, 512, 28, 1},    {"resnet50", 512, 128, 28, 1},
    {"resnet50", 256, 1024, 14, 1},   {"resnet50", 1024, 256, 14, 1},
    {"resnet50", 512, 2048, 7, 1},    {"resnet50", 2048, 512, 7, 1},
    {"densenet121", 96, 128, 56, 1},  {"densenet121", 256, 128, 56, 1},
    {"densenet121", 384, 128, 28, 1}, {"densenet121", 512, 128, 14, 1},
    {"densenet121", 960, 128, 7, 1},  {"mobilenet_v2", 16, 96, 112, 1},
    {"mobilenet_v2", 96, 24, 56, 1},  {"mobilenet_v2", 24, 144, 56, 1},
    {"mobilenet_v2", 32, 192, 28, 1}, {"mobilenet_v2", 384, 64, 14, 1},
    {"mobilenet_v2", 160, 960, 7, 1}, {"mobilenet_v2", 320, 1280, 7, 1},
    {"squeezenet", 96, 16, 54, 1},    {"squeezenet", 16, 64, 54, 1},
    {"squeezenet", 256, 32, 27, 1},   {"squeezenet", 64, 256, 13, 1},
};

std::string ColumnOf(const Kernel& kernel) {
  if (kernel.name() == "weft") return "ours";
  const std::string name = kernel.implementation();
  return name.find("avx512") != name.npos || name.find("brg") != name.npos ? "library" : "";
}

void RunPointwise(benchmark::State& state, const Layer& layer, int64_t batch, int threads) {
  RunScope scope(threads);
  const auto contenders =
      ContendersFor({.x = {batch, layer.channels, layer.pixels, layer.pixels},
                     .w = {layer.filters, layer.channels, 1, 1},
                     .attributes = {{"strides", std::vector<int64_t>{layer.step, layer.step}}},
                     .threads = threads},
                    ColumnOf);
  const int64_t pixels = (layer.pixels - 1) / layer.step + 1;
  RunContenders(state, contenders,
                static_cast<double>(batch * pixels * pixels * layer.channels * layer.filters));
}

[[maybe_unused]] const bool registered = [] {
  for (const int threads : {1, 2}) {
    for (const int64_t batch : {1, 16}) {
      for (const Layer& layer : kLayers) {
        benchmark::RegisterBenchmark(
            absl::StrCat("pointwise/", layer.network, "/", layer.channels, "_to_", layer.filters,
                         "_", layer.pixels, "x", layer.pixels, "_step", layer.step, "_b", batch,
                         "_threads", threads)
                .c_str(),
            [=](benchmark::State& state) { RunPointwise(state, layer, batch, threads); })
            ->Iterations(batch == 1 ? 50 : 10)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace weft
