#ifndef WEFT_RUNTIME_HOST_HOST_FAMILIES_H_
#define WEFT_RUNTIME_HOST_HOST_FAMILIES_H_

#include "runtime/kernel.h"

// Kernels of our own, on row-major operands; runtime/families.cc says which ops they serve. The
// bits of a result do not depend on the number of threads.

namespace weft {

// Add, Sub, Mul, Div of f32; the first where both operands are row-major already.
absl::StatusOr<Kernels> HostPlainBinary(const KernelRequest& request);
absl::StatusOr<Kernels> HostBatchNorm(const KernelRequest& request);  // row-major X only
absl::StatusOr<Kernels> HostBatchNormGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostBinary(const KernelRequest& request);
absl::StatusOr<Kernels> HostVariadic(const KernelRequest& request);  // Max, Min, Sum, Mean
// Comparisons of f32 and i64, And, Or, Xor.
absl::StatusOr<Kernels> HostPairs(const KernelRequest& request);
absl::StatusOr<Kernels> HostPower(const KernelRequest& request);       // Pow, Mod
absl::StatusOr<Kernels> HostWhere(const KernelRequest& request);       // any dtype
absl::StatusOr<Kernels> HostExpandLike(const KernelRequest& request);  // any dtype
absl::StatusOr<Kernels> HostRowNorm(const KernelRequest& request);     // layer, instance and group
absl::StatusOr<Kernels> HostRowNormGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostReduce(const KernelRequest& request);  // ReduceSum, …, ReduceToLike
// Gemm and FusedGemm of few examples with B as fully-connected layers have it, [N,K].
absl::StatusOr<Kernels> HostGemmRows(const KernelRequest& request);
absl::StatusOr<Kernels> HostReduceProdGrad(const KernelRequest& request);
// Functions of one element (Exp, Relu, Gelu, …) and the gradients of activations, in any layout.
// NaN stays NaN: oneDNN's Relu makes 0 of it, which would hide that a training has diverged.
absl::StatusOr<Kernels> HostEltwise(const KernelRequest& request);
absl::StatusOr<Kernels> HostEltwiseGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostClip(const KernelRequest& request);              // Clip, ClipGrad
absl::StatusOr<Kernels> HostFusedElementwise(const KernelRequest& request);  // f32
absl::StatusOr<Kernels> HostIsSpecial(const KernelRequest& request);         // IsNaN, IsInf
absl::StatusOr<Kernels> HostPRelu(const KernelRequest& request);
absl::StatusOr<Kernels> HostPReluGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostLoss(const KernelRequest& request);  // SoftmaxCrossEntropyLoss
absl::StatusOr<Kernels> HostLossGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostLpNorm(const KernelRequest& request);
absl::StatusOr<Kernels> HostLrn(const KernelRequest& request);            // LRN, LRNGrad
absl::StatusOr<Kernels> HostOptimizerStep(const KernelRequest& request);  // Momentum too
absl::StatusOr<Kernels> HostGlobalNorm(const KernelRequest& request);
absl::StatusOr<Kernels> HostNllLoss(const KernelRequest& request);  // NegativeLogLikelihoodLoss
absl::StatusOr<Kernels> HostNllLossGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostDropout(const KernelRequest& request);  // Dropout, DropoutGrad
absl::StatusOr<Kernels> HostRandom(const KernelRequest& request);  // RandomUniform, …Normal, …Like
absl::StatusOr<Kernels> HostBernoulli(const KernelRequest& request);
absl::StatusOr<Kernels> HostPlacement(const KernelRequest& request);  // RandomPlacement, …Grad
absl::StatusOr<Kernels> HostGather(const KernelRequest& request);     // any dtype
absl::StatusOr<Kernels> HostGatherGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostScatter(const KernelRequest& request);
absl::StatusOr<Kernels> HostScatterGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostOneHot(const KernelRequest& request);
absl::StatusOr<Kernels> HostSqueezeExcitation(const KernelRequest& request);
absl::StatusOr<Kernels> HostResize(const KernelRequest& request);
absl::StatusOr<Kernels> HostResizeGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostGridSample(const KernelRequest& request);
absl::StatusOr<Kernels> HostGridSampleGradInput(const KernelRequest& request);
absl::StatusOr<Kernels> HostGridSampleGradGrid(const KernelRequest& request);
absl::StatusOr<Kernels> HostRoiAlign(const KernelRequest& request);
absl::StatusOr<Kernels> HostRoiAlignGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostDft(const KernelRequest& request);  // DFT, DFTGrad
absl::StatusOr<Kernels> HostArg(const KernelRequest& request);  // ArgMax, ArgMin, Hardmax
absl::StatusOr<Kernels> HostCumSum(const KernelRequest& request);
absl::StatusOr<Kernels> HostTopK(const KernelRequest& request);
absl::StatusOr<Kernels> HostIm2Col(const KernelRequest& request);
absl::StatusOr<Kernels> HostCol2Im(const KernelRequest& request);
absl::StatusOr<Kernels> HostSoftmax(const KernelRequest& request);  // LogSoftmax too
absl::StatusOr<Kernels> HostSoftmaxGrad(const KernelRequest& request);
// Depthwise 3x3 and 5x5 convolutions, f32: depthwise/problem.h.
absl::StatusOr<Kernels> HostDepthwiseConv(const KernelRequest& request);  // FusedConv too
// 1x1 convolutions of channels-last images, f32: pointwise/problem.h.
absl::StatusOr<Kernels> HostPointwiseConv(const KernelRequest& request);  // FusedConv too
// 3x3 convolutions of stride 1, f32: winograd/problem.h.
absl::StatusOr<Kernels> HostWinogradConv(const KernelRequest& request);  // FusedConv too
absl::StatusOr<Kernels> HostWinogradGradInput(const KernelRequest& request);
absl::StatusOr<Kernels> HostWinogradGradWeight(const KernelRequest& request);
absl::StatusOr<Kernels> HostCast(const KernelRequest& request);  // any dtypes

// Ops that only move data (ops/movement.h), any dtype: Concat, Pad, Slice, Transpose, …
absl::StatusOr<Kernels> HostMovement(const KernelRequest& request);
// Of other layouts than row-major: [N,C,...] by blocks of channels.
absl::StatusOr<Kernels> HostChannelShuffle(const KernelRequest& request);
absl::StatusOr<Kernels> HostDepthSpace(const KernelRequest& request);
absl::StatusOr<Kernels> HostConstantOfShape(const KernelRequest& request);
absl::StatusOr<Kernels> HostEyeLike(const KernelRequest& request);
absl::StatusOr<Kernels> HostRange(const KernelRequest& request);
absl::StatusOr<Kernels> HostReverseSequence(const KernelRequest& request);
absl::StatusOr<Kernels> HostTrilu(const KernelRequest& request);

// Poolings. Those of windows leave a layout of the library's to its kernels, where it has one.
absl::StatusOr<Kernels> HostMaxPool(const KernelRequest& request);
absl::StatusOr<Kernels> HostMaxPoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostMaxPoolGradGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostPlainAveragePool(const KernelRequest& request);
absl::StatusOr<Kernels> HostPlainAveragePoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostAveragePool(const KernelRequest& request);  // and AdaptiveAveragePool
absl::StatusOr<Kernels> HostAveragePoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostLpPool(const KernelRequest& request);
absl::StatusOr<Kernels> HostLpPoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> HostChoicePool(const KernelRequest& request);  // MedianPool, …, …Grad
absl::StatusOr<Kernels> HostMaxUnpool(const KernelRequest& request);   // and its gradient

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_HOST_FAMILIES_H_
