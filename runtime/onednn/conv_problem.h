#ifndef WEFT_RUNTIME_ONEDNN_CONV_PROBLEM_H_
#define WEFT_RUNTIME_ONEDNN_CONV_PROBLEM_H_

#include <vector>

#include "ops/window.h"
#include "runtime/onednn/caches.h"
#include "runtime/onednn/common.h"

// What convolutions and their gradients share: the problem in the library's terms, the layouts to
// try and the order of what comes of it.

namespace weft {

struct ConvProblem {
  Dims src, weights, dst;  // weights: [G,O/G,I/G,...] where there are groups
  Dims bias;
  Dims strides, dilations, pads_begin, pads_end;  // dilations count from 0
  int64_t group_inputs = 0;                       // input channels that one output reads
  bool grouped = false;
};

// The problem of a Conv with these attributes, with X and W of these dims. Unimplemented: strides,
// dilations or pads that the library does not compute with.
absl::StatusOr<ConvProblem> ReadConvProblem(const AttributeMap& attributes, const Dims& x,
                                            const Dims& w);

// Formats of the images to ask for; weights are always for the primitive to choose.
struct ConvFormats {
  enum class Kind { kChannelsLast, kAny, kRowMajor };
  Kind kind;
  MemoryDesc src, dst;
};
// Channels-last, the primitive's choice, row-major (unless that is the same); row-major alone where
// the others would end the process.
std::vector<ConvFormats> ConvFormatsToTry(const ConvProblem& problem, Caches caches);

ConvDescs DescribeConv(const ConvProblem& problem, const ConvFormats& formats, bool bias);

enum class ConvPass { kForward, kBackwardData, kBackwardWeights };

// A kernel, and what decides its place.
struct ConvCandidate {
  std::unique_ptr<Kernel> kernel;
  ConvFormats::Kind formats;
};

// Whether no candidate for a forward pass comes before this one, but for those found before it.
bool IsBestForward(const ConvProblem& problem, const ConvCandidate& candidate);

// Best first, without duplicates. The order was measured on an AVX-512 Xeon with 2 threads, batch 8
// to 128, 1 to 128 channels. Channels-last comes first: against blocks of 16 it is twice as fast
// for 6 or 17 channels (nothing is padded) and within 7 % for 32 to 128, and whatever follows keeps
// it without reordering. `brgconv` beats the direct `jit` from 32 input channels on and loses below
// (conv 1->6 5x5: 444 to 241 us). The gradient of an image of few channels is fastest as a matrix
// product on row-major data (3->32 channels: 1.8 to 3.7 ms), that of a volume is not (3->16, 3x3x3:
// 0.84 to 0.65 ms). Plain loops come last.
Kernels RankConvKernels(const ConvProblem& problem, ConvPass pass,
                        std::vector<ConvCandidate> candidates);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_CONV_PROBLEM_H_
