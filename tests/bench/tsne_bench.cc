// t-SNE of 10,000 points in ten clouds of 64 dimensions, 1000 iterations, by threads: all of it,
// its exact neighbours, and one step's repulsion by Barnes and Hut.
//
//   ./run bench --benchmark_filter=tsne/
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/data/nearest_rows.h"
#include "frontend/inspect/data/quad_tree.h"
#include "frontend/inspect/data/tsne.h"

namespace weft {
namespace {

constexpr int64_t kPoints = 10000, kWidth = 64, kClouds = 10;

std::vector<int64_t> CloudLabels() {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < kPoints; ++i) labels.push_back(i % kClouds);
  return labels;
}

// Clouds that overlap a little.
Tensor CloudRows() {
  Tensor rows = Tensor::Zeros(DType::kF32, {kPoints, kWidth}).value();
  float* to = rows.mutable_values<float>().data();
  for (int64_t i = 0; i < kPoints; ++i) {
    RandomStream random(1, RandomPurpose::kNoise, static_cast<uint64_t>(i));
    RandomStream middle(2, RandomPurpose::kNoise, static_cast<uint64_t>(i % kClouds));
    for (int64_t d = 0; d < kWidth; ++d) *to++ = 0.6f * middle.Bell() + random.Bell();
  }
  return rows;
}

void Embed(benchmark::State& state) {
  const Tensor rows = CloudRows();
  const int threads = static_cast<int>(state.range(0));
  for (auto _ : state) {
    const auto tsne = ComputeTsne(rows, {.threads = threads});
    if (!tsne.ok()) return state.SkipWithError(std::string(tsne.status().message()).c_str());
    state.counters["divergence"] = tsne->divergence;
    state.counters["neighbour_accuracy"] =
        NeighbourAccuracy(tsne->coordinates, CloudLabels(), 10, threads).value();
  }
}
BENCHMARK(Embed)
    ->Name("tsne/10000_points")
    ->Arg(1)
    ->Arg(2)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kSecond);

void Neighbours(benchmark::State& state) {
  const Tensor rows = CloudRows();
  for (auto _ : state) {
    benchmark::DoNotOptimize(FindNearestOthers(rows, 90, RowDistance::kSquared, 2));
  }
}
BENCHMARK(Neighbours)
    ->Name("tsne/neighbours_of_10000")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void Repulsion(benchmark::State& state) {
  std::vector<PlanePoint> points;
  RandomStream random(1, RandomPurpose::kNoise, 0);
  for (int64_t i = 0; i < kPoints; ++i) points.push_back({40 * random.Bell(), 40 * random.Bell()});
  QuadTree tree;
  for (auto _ : state) {
    tree.Build(points);
    double sum = 0;
    for (size_t place = 0; place < points.size(); ++place) sum += tree.PushOf(place, 0.5).sum;
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(Repulsion)->Name("tsne/repulsion_of_10000")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weft
