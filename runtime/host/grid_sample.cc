#include "ops/grid_sample.h"

#include <algorithm>
#include <array>

#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

// GridSample and its gradients in f32. What a block of points is made of is found once and serves
// all channels; channels are split among threads.

namespace weft {
namespace {

constexpr size_t kBlockTaps = 1024;
constexpr size_t kBlockPoints = 256;

struct FloatTap {
  int64_t offset = 0;
  float weight = 0;
};

struct PointBlock {
  int64_t first = 0;
  size_t count = 0;
  std::array<size_t, kBlockPoints + 1> ends;  // ends[i]: of the taps before point i
  std::array<FloatTap, kBlockTaps> taps;

  // The points of `grid` from `begin` on, as many as there is room for, up to `end`.
  void Fill(const GridSampler& sampler, const float* grid, int64_t begin, int64_t end) {
    first = begin;
    ends[0] = 0;
    GridSampler::Taps found;
    for (count = 0; begin < end && count < kBlockPoints; ++begin) {
      if (ends[count] + GridSampler::kMostTaps > kBlockTaps) break;
      const int n = sampler.TapsAt(sampler.PointOf(grid, begin), found);
      std::transform(found.begin(), found.begin() + n, taps.begin() + ends[count],
                     [](const SampleTap& tap) {
                       return FloatTap{tap.offset, static_cast<float>(tap.weight)};
                     });
      ends[count + 1] = ends[count] + static_cast<size_t>(n);
      ++count;
    }
  }
};

// f(block, plane) for all blocks of points, in order, of all planes.
template <typename F>
void ForEachPointBlock(const GridSampler& sampler, const GridSampleSizes& s, const float* grid,
                       const F& f) {
  ParallelFor(s.images * s.channels, ItemGrain(s.points), [&](int64_t begin, int64_t end) {
    PointBlock block;
    while (begin < end) {
      const int64_t image = begin / s.channels, last = std::min(end, (image + 1) * s.channels);
      const float* points = grid + image * s.points * sampler.axes();
      for (int64_t at = 0; at < s.points; at += static_cast<int64_t>(block.count)) {
        block.Fill(sampler, points, at, s.points);
        for (int64_t plane = begin; plane < last; ++plane) f(block, plane);
      }
      begin = last;
    }
  });
}

void Sample(const PointBlock& block, const float* x, float* y) {
  for (size_t i = 0; i < block.count; ++i) {
    float sum = 0;
    for (size_t k = block.ends[i]; k < block.ends[i + 1]; ++k) {
      sum += block.taps[k].weight * x[block.taps[k].offset];
    }
    y[i] = sum;
  }
}

void AddPointsBack(const PointBlock& block, const float* dy, float* dx) {
  for (size_t i = 0; i < block.count; ++i) {
    for (size_t k = block.ends[i]; k < block.ends[i + 1]; ++k) {
      dx[block.taps[k].offset] += block.taps[k].weight * dy[i];
    }
  }
}

bool IsF32(const KernelRequest& request) { return request.in(0).dtype() == DType::kF32; }

}  // namespace

absl::StatusOr<Kernels> HostGridSample(const KernelRequest& request) {
  if (!IsF32(request)) return Kernels();
  const GridSampler sampler(request.node.attributes(), request.in(0).dims());
  const GridSampleSizes s = GridSampleSizesOf(request.in(0).dims(), request.in(1).dims());
  const auto run = [sampler, s](const HostContext& c) {
    const float *x = c.in(0).in<float>().data(), *grid = c.in(1).in<float>().data();
    float* y = c.out().out<float>().data();
    ForEachPointBlock(sampler, s, grid, [&](const PointBlock& block, int64_t plane) {
      Sample(block, x + plane * s.plane, y + plane * s.points + block.first);
    });
  };
  return Single(MakeHostKernel(request, "weft", "blocks of points", run));
}

absl::StatusOr<Kernels> HostGridSampleGradInput(const KernelRequest& request) {
  if (!IsF32(request)) return Kernels();
  const Dims& x = request.outputs[0];
  const GridSampler sampler(request.node.attributes(), x);
  const GridSampleSizes s = GridSampleSizesOf(x, request.in(1).dims());
  const auto run = [sampler, s](const HostContext& c) {
    const float *dy = c.in(0).in<float>().data(), *grid = c.in(1).in<float>().data();
    float* dx = c.out().out<float>().data();
    std::fill_n(dx, c.out().size(), 0.0f);
    ForEachPointBlock(sampler, s, grid, [&](const PointBlock& block, int64_t plane) {
      AddPointsBack(block, dy + plane * s.points + block.first, dx + plane * s.plane);
    });
  };
  return Single(MakeHostKernel(request, "weft", "blocks of points", run));
}

absl::StatusOr<Kernels> HostGridSampleGradGrid(const KernelRequest& request) {
  if (!IsF32(request)) return Kernels();
  const GridSampler sampler(request.node.attributes(), request.in(1).dims());
  const GridSampleSizes s = GridSampleSizesOf(request.in(1).dims(), request.in(2).dims());
  const auto run = [sampler, s](const HostContext& c) {
    const float *dy = c.in(0).in<float>().data(), *x = c.in(1).in<float>().data();
    const float* grid = c.in(2).in<float>().data();
    float* gradient = c.out().out<float>().data();
    ParallelFor(c.out().size(), ItemGrain(s.channels), [&](int64_t begin, int64_t end) {
      SumSlopes(sampler, s, dy, x, grid, begin, end, gradient);
    });
  };
  return Single(MakeHostKernel(request, "weft", "sums of slopes", run));
}

}  // namespace weft
