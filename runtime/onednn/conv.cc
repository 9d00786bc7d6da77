#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

using dnnl::algorithm;

constexpr int kX = 0, kW = 1, kBias = 2;

class ConvFamily {
 public:
  ConvFamily(const KernelRequest& request, ConvProblem problem)
      : request_(request),
        problem_(std::move(problem)),
        posts_(PostsOf(request, /*can_add=*/true)) {}

  absl::StatusOr<Kernels> Candidates(Caches caches) const {
    std::vector<ConvCandidate> candidates;
    for (const ConvFormats& formats : ConvFormatsToTry(problem_, caches)) {
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_direct, formats, candidates));
      if (formats.kind != ConvFormats::Kind::kAny) continue;
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_winograd, formats, candidates));
    }
    return RankConvKernels(problem_, ConvPass::kForward, std::move(candidates));
  }

 private:
  // Every implementation of one algorithm on one pair of formats.
  absl::Status Collect(algorithm how, const ConvFormats& formats,
                       std::vector<ConvCandidate>& candidates) const {
    return TryCandidate([&]() -> absl::Status {
      const dnnl::primitive_attr attributes = AttributesFor(posts_);
      const ConvDescs conv = DescribeConv(problem_, formats, request_.has(kBias));
      ForEachConv(how, conv, attributes, [&](const PrimitiveDesc& desc) {
        auto kernel = std::make_unique<PrimitiveKernel>(request_);
        if (Fill(desc, *kernel).ok()) candidates.push_back({std::move(kernel), formats.kind});
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
};

}  // namespace

absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request) {
  return DnnlConv(request, CachesOfThisMachine());
}

absl::StatusOr<Kernels> DnnlConv(const KernelRequest& request, Caches caches) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(
        ConvProblem problem,
        ReadConvProblem(request.node.attributes(), request.in(kX).dims(), request.in(kW).dims()));
    WEFT_ASSIGN_OR_RETURN(kernels, ConvFamily(request, std::move(problem)).Candidates(caches));
    return absl::OkStatus();
  });
}

}  // namespace weft
