#include "ops/batch_norm.h"

#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

using dnnl::normalization_flags;

const normalization_flags kScaleAndShift =
    normalization_flags::use_scale | normalization_flags::use_shift;

std::unique_ptr<PrimitiveKernel> Normalize(const KernelRequest& request, bool training,
                                           const MemoryDesc& data, const MemoryDesc& per_channel) {
  const auto kind =
      training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  const auto flags =
      training ? kScaleAndShift : kScaleAndShift | normalization_flags::use_global_stats;
  const float epsilon = static_cast<float>(GetFloat(request.node.attributes(), "epsilon"));
  const PrimitiveDesc desc = DescribeBatchNorm(kind, data, epsilon, flags, UserScratchpad());
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(desc);
  kernel->Input(DNNL_ARG_SRC, bn::kX, desc.src_desc(0));
  kernel->Input(DNNL_ARG_SCALE, bn::kScale, per_channel);
  kernel->Input(DNNL_ARG_SHIFT, bn::kBias, per_channel);
  kernel->Output(DNNL_ARG_DST, 0, desc.dst_desc(0));
  kernel->AllowInPlace(0, bn::kX);
  return kernel;
}

std::unique_ptr<Kernel> Inference(const KernelRequest& request, const MemoryDesc& data,
                                  const MemoryDesc& per_channel) {
  auto kernel = Normalize(request, /*training=*/false, data, per_channel);
  kernel->Input(DNNL_ARG_MEAN, bn::kMean, per_channel);
  kernel->Input(DNNL_ARG_VARIANCE, bn::kVar, per_channel);
  return kernel;
}

// The statistics that a training step hands on, after the primitive has left the batch's mean and
// (biased) variance in scratch memory.
struct Statistics {
  size_t channels = 0;
  size_t mean = 0, variance = 0;  // offsets in the scratch memory
  float keep = 0;                 // what the running ones keep of the old
  float correction = 1;           // n / (n - 1) where the running variance is unbiased

  void operator()(const Bindings& b) const {
    const auto output = [&](size_t i) -> float* {
      return i < b.outputs.size() ? reinterpret_cast<float*>(b.outputs[i]) : nullptr;
    };
    const auto input = [&](size_t i) { return reinterpret_cast<const float*>(b.inputs[i]); };
    const auto* batch_mean = reinterpret_cast<const float*>(b.scratch + mean);
    const auto* batch_var = reinterpret_cast<const float*>(b.scratch + variance);
    if (float* to = output(bn::kRunningMean)) Update(input(bn::kMean), batch_mean, 1, to);
    if (float* to = output(bn::kRunningVar)) Update(input(bn::kVar), batch_var, correction, to);
    if (float* to = output(bn::kBatchMean)) std::copy_n(batch_mean, channels, to);
    if (float* to = output(bn::kBatchVar)) std::copy_n(batch_var, channels, to);
  }

  void Update(const float* old, const float* batch, float factor, float* to) const {
    for (size_t c = 0; c < channels; ++c) to[c] = keep * old[c] + (1 - keep) * factor * batch[c];
  }
};

std::unique_ptr<Kernel> Training(const KernelRequest& request, const MemoryDesc& data,
                                 const MemoryDesc& per_channel) {
  const AttributeMap& attributes = request.node.attributes();
  const Dims& dims = request.in(bn::kX).dims();
  double count = static_cast<double>(dims[0]);
  for (size_t axis = 2; axis < dims.size(); ++axis) count *= static_cast<double>(dims[axis]);
  auto kernel = Normalize(request, /*training=*/true, data, per_channel);
  Statistics statistics;
  statistics.channels = static_cast<size_t>(dims[1]);
  statistics.mean = kernel->AddScratch(per_channel.get_size());
  statistics.variance = kernel->AddScratch(per_channel.get_size());
  statistics.keep = static_cast<float>(GetFloat(attributes, "momentum"));
  if (IsUnbiased(attributes)) statistics.correction = static_cast<float>(count / (count - 1));
  kernel->Scratch(DNNL_ARG_MEAN, statistics.mean, per_channel);
  kernel->Scratch(DNNL_ARG_VARIANCE, statistics.variance, per_channel);
  kernel->AddHostStep(statistics);
  if (request.node.num_outputs() > bn::kRunningMean) {
    kernel->HostInput(bn::kMean, per_channel);
    kernel->HostInput(bn::kVar, per_channel);
  }
  kernel->AllowInPlace(bn::kRunningMean, bn::kMean);
  kernel->AllowInPlace(bn::kRunningVar, bn::kVar);
  return kernel;
}

// Inputs dY, X, scale, batch_mean, batch_var; outputs dX, dscale, dB.
std::unique_ptr<Kernel> Gradient(const KernelRequest& request, const MemoryDesc& data,
                                 const MemoryDesc& per_channel) {
  const float epsilon = static_cast<float>(GetFloat(request.node.attributes(), "epsilon"));
  const PrimitiveDesc desc = DescribeBatchNormGrad(data, epsilon, kScaleAndShift, UserScratchpad());
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(desc);
  kernel->Input(DNNL_ARG_DIFF_DST, 0, desc.diff_dst_desc(0));
  kernel->Input(DNNL_ARG_SRC, 1, desc.src_desc(0));
  kernel->Input(DNNL_ARG_SCALE, 2, per_channel);
  // The library may want a shift as well, and does not look at it.
  if (kBatchNormGradTakesShift) kernel->Input(DNNL_ARG_SHIFT, 2, per_channel);
  kernel->Input(DNNL_ARG_MEAN, 3, per_channel);
  kernel->Input(DNNL_ARG_VARIANCE, 4, per_channel);
  kernel->Output(DNNL_ARG_DIFF_SRC, 0, desc.diff_src_desc(0));
  kernel->Output(DNNL_ARG_DIFF_SCALE, 1, per_channel);
  kernel->Output(DNNL_ARG_DIFF_SHIFT, 2, per_channel);
  kernel->AllowInPlace(0, 0);
  return kernel;
}

using MakeFn = std::unique_ptr<Kernel> (*)(const KernelRequest&, const MemoryDesc& data,
                                           const MemoryDesc& per_channel);

absl::StatusOr<Kernels> Collect(const KernelRequest& request, int x, MakeFn make) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    const MemoryDesc per_channel = RowMajor({request.in(x).dims()[1]});
    for (const MemoryDesc& data : LayoutsToTry(request.in(x))) {
      WEFT_RETURN_IF_ERROR(TryCandidate([&] {
        kernels.push_back(make(request, data, per_channel));
        return absl::OkStatus();
      }));
    }
    PutReferenceLast(kernels);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<Kernels> DnnlBatchNorm(const KernelRequest& request) {
  const bool training = GetString(request.node.attributes(), "mode") == "training";
  // Statistics of nothing are an error of the op's.
  if (training && HasEmptyInput(request)) return Kernels();
  return Collect(request, bn::kX, training ? Training : Inference);
}

absl::StatusOr<Kernels> DnnlBatchNormGrad(const KernelRequest& request) {
  return Collect(request, 1, Gradient);
}

}  // namespace weft
