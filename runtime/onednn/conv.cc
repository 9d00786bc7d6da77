#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/exec/cpus.h"
#include "runtime/host/batch_parts.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

using dnnl::algorithm;

constexpr int kX = 0, kW = 1, kBias = 2;

class ConvFamily {
 public:
  // `first_only`: what comes behind the first kernel may be left out.
  ConvFamily(const KernelRequest& request, ConvProblem problem, bool first_only)
      : request_(request),
        problem_(std::move(problem)),
        posts_(PostsOf(request, /*can_add=*/true)),
        first_only_(first_only) {}

  absl::StatusOr<Kernels> Candidates(Caches caches) const {
    std::vector<ConvCandidate> candidates;
    for (const ConvFormats& formats : ConvFormatsToTry(problem_, caches)) {
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_direct, formats, candidates));
      if (IsDone(candidates)) break;
      if (formats.kind != ConvFormats::Kind::kAny) continue;
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_winograd, formats, candidates));
    }
    return RankConvKernels(problem_, ConvPass::kForward, std::move(candidates));
  }

 private:
  bool IsDone(const std::vector<ConvCandidate>& candidates) const {
    return first_only_ && !candidates.empty() && IsBestForward(problem_, candidates.back());
  }

  // Every implementation of one algorithm on one pair of formats.
  absl::Status Collect(algorithm how, const ConvFormats& formats,
                       std::vector<ConvCandidate>& candidates) const {
    return TryCandidate([&]() -> absl::Status {
      const dnnl::primitive_attr attributes = AttributesFor(posts_);
      const ConvDescs conv = DescribeConv(problem_, formats, request_.has(kBias));
      ForEachConv(how, conv, attributes, [&](const PrimitiveDesc& desc) {
        auto kernel = std::make_unique<PrimitiveKernel>(request_);
        if (Fill(desc, *kernel).ok()) candidates.push_back({std::move(kernel), formats.kind});
        return !IsDone(candidates);
      });
      return absl::OkStatus();
    });
  }

  absl::Status Fill(const PrimitiveDesc& desc, PrimitiveKernel& kernel) const {
    kernel.AddPrimitive(desc);
    kernel.Input(DNNL_ARG_SRC, kX, desc.src_desc(0));
    kernel.Input(DNNL_ARG_WEIGHTS, kW, desc.weights_desc(0));
    if (request_.has(kBias)) kernel.Input(DNNL_ARG_BIAS, kBias, RowMajor(problem_.bias));
    const MemoryDesc dst = desc.dst_desc(0);
    kernel.Output(DNNL_ARG_DST, 0, dst);
    return AddPostSteps(request_, posts_, dst, kernel);
  }

  const KernelRequest& request_;
  ConvProblem problem_;
  FusedPosts posts_;
  bool first_only_;
};

absl::StatusOr<Kernels> ConvKernels(const KernelRequest& request, Caches caches, bool first_only) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(
        ConvProblem problem,
        ReadConvProblem(request.node.attributes(), request.in(kX).dims(), request.in(kW).dims()));
    WEFT_ASSIGN_OR_RETURN(kernels,
                          ConvFamily(request, std::move(problem), first_only).Candidates(caches));
    return absl::OkStatus();
  });
}

// In how many parts of its batch a convolution is best computed whose result is then gone through
// by loops of ours: as few as make a part's result fit the L2 caches, if that is much larger than
// the weights, which each part reads; else one. 24->144 channels, 56x56, batch 16, then Clip, on
// one thread: 7.1 to 5.6 ms.
int64_t ConvParts(const KernelRequest& request) {
  const Dims& y = request.outputs[0];
  const auto caches = static_cast<int64_t>(CacheBytes(2)) * std::max(request.threads, 1);
  const int64_t bytes = static_cast<int64_t>(Layout::Plain(DType::kF32, y).bytes());
  if (y.size() != 4 || bytes <= caches || PostsOf(request, /*can_add=*/true).rest.empty()) return 1;
  const auto weights = static_cast<int64_t>(request.in(kW).bytes());
  for (int64_t parts = 2; parts <= y[0]; ++parts) {
    if (y[0] % parts != 0 || bytes / parts > caches) continue;
    return weights * 2 <= bytes / parts ? parts : 1;
  }
  return 1;
}

// The kernels in so many parts; none where one cannot be.
absl::StatusOr<Kernels> ConvKernelsInParts(const KernelRequest& request, Caches caches,
                                           bool first_only, int64_t parts) {
  KernelRequest part = request;
  const auto shrink = [&](const Dims& dims) {
    Dims result = dims;
    result[0] /= parts;
    return result;
  };
  part.outputs[0] = shrink(request.outputs[0]);
  std::vector<bool> images(request.inputs.size());
  for (size_t i = 0; i < images.size(); ++i) {
    const Dims& dims = request.inputs[i].dims();
    images[i] = i == kX || (i > kBias && dims.size() == 4 && dims[0] == request.outputs[0][0]);
    if (images[i]) part.inputs[i] = Layout::Plain(request.inputs[i].dtype(), shrink(dims));
  }
  WEFT_ASSIGN_OR_RETURN(Kernels kernels, ConvKernels(part, caches, first_only));
  for (std::unique_ptr<Kernel>& kernel : kernels) {
    kernel = InParts(std::move(kernel), parts, images);
    if (kernel == nullptr) return Kernels();
  }
  return kernels;
}

// In parts where that is best and possible.
absl::StatusOr<Kernels> WholeOrInParts(const KernelRequest& request, Caches caches,
                                       bool first_only) {
  const int64_t parts = ConvParts(request);
  if (parts > 1) {
    WEFT_ASSIGN_OR_RETURN(Kernels kernels, ConvKernelsInParts(request, caches, first_only, parts));
    if (!kernels.empty()) return kernels;
  }
  return ConvKernels(request, caches, first_only);
}

}  // namespace

absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request) {
  return DnnlConv(request, CachesOfThisMachine());
}

absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request, Caches caches) {
  return WholeOrInParts(request, caches, /*first_only=*/false);
}

absl::StatusOr<Kernels> DnnlFirstConv(const KernelRequest& request) {
  return WholeOrInParts(request, CachesOfThisMachine(), /*first_only=*/true);
}

}  // namespace weft
