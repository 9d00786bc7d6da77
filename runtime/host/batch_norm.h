#ifndef WEFT_RUNTIME_HOST_BATCH_NORM_H_
#define WEFT_RUNTIME_HOST_BATCH_NORM_H_

#include <functional>
#include <memory>

#include "runtime/host/channel_columns.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/host_kernel.h"

// BatchNormalization and its gradient. In a row-major X [N,C,...] a channel is N planes of `inner`
// elements. Where there are enough channels, a thread takes one after the other, so that the second
// pass over a channel finds it in the cache; else planes are shared out in both passes. Sums are
// made by plane and added in the order of the batch, so that both ways give the same bits. Narrow
// planes ([N,C]), and channels that lie side by side in memory, are summed by columns
// (channel_columns.h). Sums are in double, of a few lines at most in float: where the library sums
// whole channels in float, it is a hundred times as far off.

namespace weft {

// Relu or Clip behind a normalization, as part of its kernel. Backward, the normalization's result
// is computed again from X, with the same bits, and the cotangent passes as the activation's own
// gradient lets it.
struct NormActivation {
  ResultBounds bounds = {};
  bool open = false;  // Relu: what is at bounds.least lets nothing pass, nor does NaN
};

// Our kernel for BatchNormalization, whose Y is bounded. Null for other types, for layouts whose
// channels lie in no way that we know, and where zero, which fills up blocks, is out of the bounds.
absl::StatusOr<std::unique_ptr<Kernel>> MakeBatchNorm(const KernelRequest& request,
                                                      const NormActivation& activation);

// Our kernel for BatchNormalizationGrad where dY is the cotangent behind the activation; B, of that
// layout, is an input more, the last one. Null as above.
absl::StatusOr<std::unique_ptr<Kernel>> MakeBatchNormGrad(const KernelRequest& request,
                                                          const NormActivation& activation,
                                                          const Layout& bias);

// y = (x - mean) v + w, or dx = dy u + (x - mean) v + w, of one channel.
struct ChannelMap {
  double mean, u, v, w;

  // What the mean's float part leaves out is in the bias.
  double AffineBias() const { return w - (mean - static_cast<float>(mean)) * v; }
};

// What a run computes in.
struct ChannelMemory {
  static constexpr int kNumbers = 6;  // of a column, at most

  const ColumnGrid* grid;  // null: by planes
  ChannelMap* maps;        // of the channels
  float* numbers;          // of a grid: kNumbers for each column of each block
  double* sums;            // two each of planes, or of a grid's (see SumColumns)
};

using ChannelRun = std::function<void(const EvalContext&, const ChannelMemory&)>;

// A kernel in the layout that input `x` comes in, with which the inputs before it and the first
// output have it too. Null for other types, and where channels lie in no way that we know.
// `with`: what plans show beside the way that channels are taken.
std::unique_ptr<HostKernel> MakeChannelKernel(const KernelRequest& request, int x, ChannelRun run,
                                              std::string_view with = "");

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_BATCH_NORM_H_
