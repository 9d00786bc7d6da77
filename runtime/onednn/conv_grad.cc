#include <iterator>
#include <optional>
#include <utility>

#include "ops/conv_transpose.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/batch_shares.h"
#include "runtime/host/simd/fold.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

// Adds to each channel of output 0, which is in `data`, its element of input `bias`.
void AddBias(const ConvProblem& p, int bias, const MemoryDesc& data, PrimitiveKernel& kernel) {
  Dims dims(p.src.size(), 1);
  dims[1] = p.src[1];
  kernel.AddPrimitive(
      DescribeBinary(dnnl::algorithm::binary_add, data, RowMajor(dims), data, UserScratchpad()));
  kernel.Output(DNNL_ARG_SRC_0, 0, data);
  kernel.PlainInput(DNNL_ARG_SRC_1, bias, RowMajor(dims));
  kernel.Output(DNNL_ARG_DST, 0, data);
}

// Inputs dY, W, and X (its shape) or a ConvTranspose's bias; output dX, on which a fused one works
// on. The library's primitive cannot add to what is there.
absl::Status CollectGradInput(const KernelRequest& request, const ConvProblem& p,
                              const ConvFormats& formats, std::vector<ConvCandidate>& candidates) {
  const bool bias = request.node.op_name() != "ConvGradInput" && request.has(2);
  const FusedPosts posts = PostsOf(request, /*can_add=*/false);
  return TryCandidate([&]() -> absl::Status {
    const auto add = [&](const PrimitiveDesc& desc) {
      auto kernel = std::make_unique<PrimitiveKernel>(request);
      kernel->AddPrimitive(desc);
      kernel->Input(DNNL_ARG_DIFF_DST, 0, desc.diff_dst_desc(0));
      kernel->Input(DNNL_ARG_WEIGHTS, 1, desc.weights_desc(0));
      kernel->Output(DNNL_ARG_DIFF_SRC, 0, desc.diff_src_desc(0));
      if (bias) AddBias(p, 2, desc.diff_src_desc(0), *kernel);
      if (!AddPostSteps(request, posts, desc.diff_src_desc(0), *kernel).ok()) return true;
      candidates.push_back({std::move(kernel), formats.kind});
      return true;
    };
    ForEachConvGradInput(DescribeConv(p, formats, /*bias=*/false), UserScratchpad(), add);
    return absl::OkStatus();
  });
}

// dB, output 1: the sums of dY's channels, in double. The library adds the positions of all images
// one after the other in float.
void AddBiasGradient(const KernelRequest& request, const ChannelBlocks& dy,
                     PrimitiveKernel& kernel) {
  ScratchPlan memory(request.threads);
  FoldPlan fold({dy.images, dy.blocks, dy.positions, dy.width}, {1, dy.blocks, 1, dy.width},
                memory);
  const size_t at = kernel.AddScratch(memory.bytes());
  const int64_t channels = request.outputs[1][0];
  kernel.AddHostStep([fold = std::move(fold), at, channels](const Bindings& b) {
    auto* const bias = reinterpret_cast<float*>(b.outputs[1]);
    if (bias == nullptr) return;
    const auto* const cotangent = reinterpret_cast<const float*>(b.inputs[0]);
    fold.Run(Fold::kSum, cotangent, {}, b.scratch + at,
             [&](int64_t first, std::span<const double> sums) {
               for (const double sum : sums) {
                 if (first < channels) bias[first] = static_cast<float>(sum);  // else padding
                 ++first;
               }
             });
  });
}

// Inputs dY, X, W (its shape); outputs dW, dB?.
absl::Status CollectGradWeight(const KernelRequest& request, const ConvProblem& p,
                               const ConvFormats& formats, std::vector<ConvCandidate>& candidates) {
  const bool bias = request.node.num_outputs() > 1;
  return TryCandidate([&]() -> absl::Status {
    const auto add = [&](const PrimitiveDesc& desc) {
      auto kernel = std::make_unique<PrimitiveKernel>(request);
      kernel->AddPrimitive(desc);
      kernel->Input(DNNL_ARG_DIFF_DST, 0, desc.diff_dst_desc(0));
      kernel->Input(DNNL_ARG_SRC, 1, desc.src_desc(0));
      kernel->Output(DNNL_ARG_DIFF_WEIGHTS, 0, desc.diff_weights_desc(0));
      if (bias) {
        const std::optional<ChannelBlocks> dy = FindChannelBlocks(kernel->inputs()[0]);
        if (!dy) return true;
        AddBiasGradient(request, *dy, *kernel);
      }
      candidates.push_back({std::move(kernel), formats.kind});
      return true;
    };
    ForEachConvGradWeight(DescribeConv(p, formats, /*bias=*/false), UserScratchpad(), add);
    return absl::OkStatus();
  });
}

// The candidates for a convolution of attributes `conv` on images of dims `x`, with weights `w`.
template <typename CollectFn>
absl::StatusOr<Kernels> Collect(const KernelRequest& request, const AttributeMap& conv,
                                const Dims& x, const Dims& w, ConvPass pass, Caches caches,
                                EmptyInput empty, CollectFn collect) {
  return CollectKernels(
      request,
      [&](Kernels& kernels) -> absl::Status {
        WEFT_ASSIGN_OR_RETURN(const ConvProblem problem, ReadConvProblem(conv, x, w));
        std::vector<ConvCandidate> candidates;
        for (const ConvFormats& formats : ConvFormatsToTry(problem, caches)) {
          WEFT_RETURN_IF_ERROR(collect(request, problem, formats, candidates));
        }
        kernels = RankConvKernels(problem, pass, std::move(candidates));
        return absl::OkStatus();
      },
      empty);
}

// No examples: the sums are zero.
absl::StatusOr<Kernels> GradWeightKernels(const KernelRequest& request, Caches caches) {
  return Collect(request, request.node.attributes(), request.in(1).dims(), request.in(2).dims(),
                 ConvPass::kBackwardWeights, caches, EmptyInput::kZeros, CollectGradWeight);
}

// Whether each thread of a run may as well sum up the gradient of its share of the images: they are
// as many for each, and larger by far than the weights, of which there is a sum for each thread.
bool PaysInShares(const KernelRequest& request) {
  const Dims& dy = request.in(0).dims();
  if (dy.size() != 4 || request.threads < 2 || dy[0] == 0 || dy[0] % request.threads != 0) {
    return false;
  }
  const auto elements = [&](int i) {
    return Layout::Plain(DType::kF32, request.in(i).dims()).bytes();
  };
  const size_t weights = elements(2) * static_cast<size_t>(request.threads);
  return weights * 4 <= elements(0) + elements(1);
}

// Kernels that do; none where they cannot be.
absl::StatusOr<Kernels> GradWeightInShares(const KernelRequest& request, Caches caches) {
  KernelRequest share = request;
  share.threads = 1;
  for (const size_t image : {0, 1}) {
    Dims dims = request.inputs[image].dims();
    dims[0] /= request.threads;
    share.inputs[image] = Layout::Plain(request.inputs[image].dtype(), dims);
  }
  const RunScope alone(1);
  WEFT_ASSIGN_OR_RETURN(Kernels kernels, GradWeightKernels(share, caches));
  for (std::unique_ptr<Kernel>& kernel : kernels) {
    kernel = InShares(std::move(kernel), request.threads, {true, true, false});
  }
  std::erase(kernels, nullptr);
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> DnnlConvGradInput(const KernelRequest& request) {
  return DnnlConvGradInput(request, CachesOfThisMachine());
}

absl::StatusOr<Kernels> DnnlConvGradInput(const KernelRequest& request, Caches caches) {
  return Collect(request, request.node.attributes(), request.in(2).dims(), request.in(1).dims(),
                 ConvPass::kBackwardData, caches, EmptyInput::kNoKernel, CollectGradInput);
}

absl::StatusOr<Kernels> DnnlConvGradWeight(const KernelRequest& request) {
  return DnnlConvGradWeight(request, CachesOfThisMachine());
}

absl::StatusOr<Kernels> DnnlConvGradWeight(const KernelRequest& request, Caches caches) {
  WEFT_ASSIGN_OR_RETURN(Kernels whole, GradWeightKernels(request, caches));
  if (!PaysInShares(request)) return whole;
  WEFT_ASSIGN_OR_RETURN(Kernels kernels, GradWeightInShares(request, caches));
  std::move(whole.begin(), whole.end(), std::back_inserter(kernels));
  PutReferenceLast(kernels);
  return kernels;
}

absl::StatusOr<Kernels> DnnlConvTranspose(const KernelRequest& request) {
  return DnnlConvTranspose(request, CachesOfThisMachine());
}

absl::StatusOr<Kernels> DnnlConvTranspose(const KernelRequest& request, Caches caches) {
  const Dims &x = request.in(0).dims(), &w = request.in(1).dims();
  WEFT_ASSIGN_OR_RETURN(const TransposedConv transposed,
                        ReadConvTranspose(request.node.attributes(), ToShape(x), ToShape(w)));
  return Collect(request, transposed.conv, request.outputs[0], w, ConvPass::kBackwardData, caches,
                 EmptyInput::kNoKernel, CollectGradInput);
}

}  // namespace weft
