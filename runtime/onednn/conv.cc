#include <algorithm>

#include "runtime/exec/parallel.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

using dnnl::algorithm;

constexpr int kX = 0, kW = 1, kBias = 2;

// A convolution whose first post-op adds a value of the result's dims has it added by the library,
// as a sum with what is in the result's memory: the addend lies there already, where the plan could
// arrange that, or is copied. What follows is done by loops of ours.
class ConvFamily {
 public:
  ConvFamily(const KernelRequest& request, ConvProblem problem)
      : request_(request), problem_(std::move(problem)) {
    const std::vector<PostOp> posts = GetPostOps(request_.node.attributes(), "post_ops");
    if (posts.empty() || posts[0].op != "Add") return;
    const int input = static_cast<int>(posts[0].input);
    if (request_.in(input).dims() == request_.outputs[0]) addend_ = input;
  }

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
      dnnl::primitive_attr attributes = UserScratchpad();
      if (HasAddend()) {
        dnnl::post_ops posts;
        posts.append_sum();
        attributes.set_post_ops(posts);
      }
      const ConvDescs conv = DescribeConv(problem_, formats, request_.has(kBias));
      ForEachConv(how, conv, attributes, [&](const PrimitiveDesc& desc) {
        auto kernel = std::make_unique<PrimitiveKernel>(request_);
        if (Fill(desc, *kernel).ok()) candidates.push_back({std::move(kernel), formats.kind});
      });
      return absl::OkStatus();
    });
  }

  bool HasAddend() const { return addend_ >= 0; }

  absl::Status Fill(const PrimitiveDesc& desc, PrimitiveKernel& kernel) const {
    kernel.AddPrimitive(desc);
    kernel.Input(DNNL_ARG_SRC, kX, desc.src_desc(0));
    kernel.Input(DNNL_ARG_WEIGHTS, kW, desc.weights_desc(0));
    if (request_.has(kBias)) kernel.Input(DNNL_ARG_BIAS, kBias, RowMajor(problem_.bias));
    const MemoryDesc dst = desc.dst_desc(0);
    kernel.Output(DNNL_ARG_DST, 0, dst);
    if (HasAddend()) {
      kernel.HostInput(addend_, dst);
      kernel.AllowInPlace(0, addend_);
      kernel.SetFirstStep([z = static_cast<size_t>(addend_),
                           bytes = static_cast<int64_t>(dst.get_size())](const Bindings& operands) {
        CopyUnlessThere(operands.inputs[z], bytes, operands.outputs[0]);
      });
    }
    return AddPostSteps(request_, HasAddend() ? 1 : 0, dst, kernel);
  }

  static void CopyUnlessThere(const std::byte* from, int64_t bytes, std::byte* to) {
    if (from == to) return;
    ParallelFor(
        bytes, kGrain * static_cast<int64_t>(sizeof(float)),
        [=](int64_t begin, int64_t end) { std::copy(from + begin, from + end, to + begin); });
  }

  const KernelRequest& request_;
  ConvProblem problem_;
  int addend_ = -1;  // the input that the library adds
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
