#ifndef WEFT_RUNTIME_ONEDNN_FAMILIES_H_
#define WEFT_RUNTIME_ONEDNN_FAMILIES_H_

#include "runtime/kernel.h"
#include "runtime/onednn/caches.h"

// The families of this folder, one file each; runtime/families.cc says which ops they serve. All
// follow the layouts of their inputs where they can, take f32 only, and offer nothing where oneDNN
// does not apply. Those of convolutions and matrix products serve the fused ops too.

namespace weft {

absl::StatusOr<Kernels> DnnlConcat(const KernelRequest& request);  // of layouts of its own
absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request);
// Those of DnnlConv up to one that is its first: most of the time goes into the others.
absl::StatusOr<Kernels> DnnlFirstConv(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlConvGradInput(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlConvGradWeight(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlConvTranspose(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlPool(const KernelRequest& request);  // MaxPool, AveragePool
absl::StatusOr<Kernels> DnnlMaxPoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlAveragePoolGrad(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlBatchNorm(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlBatchNormGrad(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlEinsum(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlGemm(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlMatMul(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlRecurrent(const KernelRequest& request);  // RNN, LSTM, GRU, gradients
absl::StatusOr<Kernels> DnnlBinary(const KernelRequest& request);     // Add, Sub, Mul, Div
absl::StatusOr<Kernels> DnnlSoftmax(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlSoftmaxGrad(const KernelRequest& request);
absl::StatusOr<Kernels> DnnlSplit(const KernelRequest& request);  // of channels-last inputs
absl::StatusOr<Kernels> DnnlTranspose(const KernelRequest& request);

// As above, but for a machine whose caches are as given, rather than this one.
absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request, Caches caches);
absl::StatusOr<Kernels> DnnlConvGradInput(const KernelRequest& request, Caches caches);
absl::StatusOr<Kernels> DnnlConvGradWeight(const KernelRequest& request, Caches caches);
absl::StatusOr<Kernels> DnnlConvTranspose(const KernelRequest& request, Caches caches);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_FAMILIES_H_
