#include "ops/roi_align.h"

#include <array>

#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

// RoiAlign and its gradient in f32. What the bins of a region are made of is found once and serves
// all channels; channels are split among threads.

namespace weft {
namespace {

struct BinTap {
  int64_t offset = 0;
  int64_t bin = 0;
  float weight = 0;
};

struct BinTaps {
  static constexpr size_t kMost = 1024;
  size_t count = 0;
  std::array<BinTap, kMost> taps;
};

// f(taps, region, image), in order, for what all bins of all regions are made of.
template <typename F>
void ForEachBinTaps(const RoiAligner& aligner, const HostContext& c, const F& f) {
  BinTaps block;
  const float* corners = c.in(1).in<float>().data();
  for (int64_t r = 0; r < c.in(2).size(); ++r, corners += 4) {
    const auto image = static_cast<int64_t>(c.in(2).At(r));
    const RoiAligner::Span x = aligner.SpanOf(corners[0], corners[2], aligner.bins_x);
    const RoiAligner::Span y = aligner.SpanOf(corners[1], corners[3], aligner.bins_y);
    const auto flush = [&] {
      f(block, r, image);
      block.count = 0;
    };
    for (int64_t bin = 0; bin < aligner.bins_y * aligner.bins_x; ++bin) {
      const int64_t by = bin / aligner.bins_x, bx = bin % aligner.bins_x;
      aligner.ForEachTap(y, x, by, bx, [&](int64_t offset, double weight) {
        if (block.count == BinTaps::kMost) flush();
        block.taps[block.count++] = {offset, bin, static_cast<float>(weight)};
      });
    }
    flush();
  }
}

absl::Status RunRoiAlign(const RoiAligner& aligner, const HostContext& c, int64_t batch,
                         bool back) {
  WEFT_RETURN_IF_ERROR(CheckRegions(aligner, c.in(1), c.in(2), batch));
  const int64_t plane = aligner.height * aligner.width, bins = aligner.bins_y * aligner.bins_x;
  const float* from = c.in(0).in<float>().data();
  float* to = c.out().out<float>().data();
  std::fill_n(to, c.out().size(), 0.0f);
  ParallelFor(aligner.channels, ItemGrain(bins * c.in(2).size()), [&](int64_t begin, int64_t end) {
    ForEachBinTaps(aligner, c, [&](const BinTaps& block, int64_t region, int64_t image) {
      for (int64_t channel = begin; channel < end; ++channel) {
        const int64_t x = (image * aligner.channels + channel) * plane;
        const int64_t y = (region * aligner.channels + channel) * bins;
        for (size_t k = 0; k < block.count; ++k) {
          const BinTap& tap = block.taps[k];
          if (back) {
            to[x + tap.offset] += tap.weight * from[y + tap.bin];
          } else {
            to[y + tap.bin] += tap.weight * from[x + tap.offset];
          }
        }
      }
    });
  });
  return absl::OkStatus();
}

absl::StatusOr<Kernels> MakeRoiAlign(const KernelRequest& request, const Dims& x, bool back) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const RoiAligner aligner(request.node.attributes(), x);
  const auto run = [aligner, batch = x[0], back](const HostContext& c) {
    return RunRoiAlign(aligner, c, batch, back);
  };
  return Single(MakeHostKernel(request, "weft", "blocks of points", run));
}

}  // namespace

absl::StatusOr<Kernels> HostRoiAlign(const KernelRequest& request) {
  return MakeRoiAlign(request, request.in(0).dims(), false);
}
absl::StatusOr<Kernels> HostRoiAlignGrad(const KernelRequest& request) {
  return MakeRoiAlign(request, request.outputs[0], true);
}

}  // namespace weft
