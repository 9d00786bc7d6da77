#include <optional>

#include "ops/ops.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/any_layout_kernel.h"
#include "runtime/host/eltwise.h"
#include "runtime/onednn/conv_problem.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

using dnnl::algorithm;

constexpr int kX = 0, kW = 1, kBias = 2;

// A FusedConv's post-ops from the first activation on, in place. Ours, while the result is still in
// the cache: of the library's activations some turn NaN into a number, and all compute 16 channels
// where there are 6.
struct PostStep {
  std::optional<EltwiseCall> activation;
  size_t addend = 0;  // the input that is added, where there is no activation

  void Run(int64_t n, const Bindings& operands) const {
    auto* y = reinterpret_cast<float*>(operands.outputs[0]);
    if (activation) return activation->Forward(n, y, y);
    const auto* z = reinterpret_cast<const float*>(operands.inputs[addend]);
    ParallelFor(n, kGrain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] += z[i];
    });
  }
};

class ConvFamily {
 public:
  ConvFamily(const KernelRequest& request, ConvProblem problem)
      : request_(request), problem_(std::move(problem)) {}

  absl::StatusOr<Kernels> Candidates(Caches caches) {
    WEFT_RETURN_IF_ERROR(ReadPostOps());
    std::vector<ConvCandidate> candidates;
    for (const ConvFormats& formats : ConvFormatsToTry(problem_, caches)) {
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_direct, formats, candidates));
      if (formats.kind != ConvFormats::Kind::kAny) continue;
      WEFT_RETURN_IF_ERROR(Collect(algorithm::convolution_winograd, formats, candidates));
    }
    return RankConvKernels(problem_, ConvPass::kForward, std::move(candidates));
  }

 private:
  absl::Status ReadPostOps() {
    for (const PostOp& post : GetPostOps(request_.node.attributes(), "post_ops")) {
      if (post.op == "Add") {
        if (rest_.empty()) {
          addends_.push_back(static_cast<int>(post.input));
        } else {
          rest_.push_back({.activation = {}, .addend = static_cast<size_t>(post.input)});
        }
        continue;
      }
      const OpDef& op = *StandardOps().Find(post.op);
      AttributeMap attributes = post.attributes;
      WEFT_RETURN_IF_ERROR(CheckAttributes(op, attributes));  // fills in defaults
      std::optional<EltwiseCall> call = FindEltwiseCall(op, attributes);
      if (!call) return absl::UnimplementedError(absl::StrCat("no vectors for ", post.op));
      rest_.push_back({.activation = std::move(call)});
    }
    return absl::OkStatus();
  }

  // Every implementation of one algorithm on one pair of formats.
  absl::Status Collect(algorithm how, const ConvFormats& formats,
                       std::vector<ConvCandidate>& candidates) {
    return TryCandidate([&]() -> absl::Status {
      ConvDescs conv = DescribeConv(problem_, formats, request_.has(kBias));
      // An addend must have the result's format, which has to be known first.
      if (HasAddend() && FormatOf(conv.dst).kind == Format::Kind::kAny) {
        conv.dst = ConvResult(how, conv, UserScratchpad());
      }
      ForEachConv(how, conv, Attributes(conv.dst, addends_), [&](const PrimitiveDesc& desc) {
        if (HasAddend() && IsMatrixProduct(desc)) return;
        Offer(Make(desc, addends_, rest_), formats, candidates);
      });
      if (!HasAddend()) return absl::OkStatus();
      // oneDNN 2.6.3's convolution by matrix product reads addends at wrong offsets, in every
      // format: ours adds them.
      ForEachConv(how, conv, Attributes(conv.dst, {}), [&](const PrimitiveDesc& desc) {
        if (IsMatrixProduct(desc)) Offer(Make(desc, {}, AllSteps()), formats, candidates);
      });
      return absl::OkStatus();
    });
  }

  void Offer(std::unique_ptr<Kernel> kernel, const ConvFormats& formats,
             std::vector<ConvCandidate>& candidates) const {
    if (IsPadded(kernel->outputs()[0]) && !KeepsZero()) return;
    candidates.push_back({std::move(kernel), formats.kind});
  }

  static bool IsMatrixProduct(const PrimitiveDesc& desc) {
    return KindOf(desc.impl_info_str()) == ImplementationKind::kMatrixProduct;
  }

  // The post-ops where the convolution itself has none.
  std::vector<PostStep> AllSteps() const {
    std::vector<PostStep> steps;
    for (const int addend : addends_) {
      steps.push_back({.activation = {}, .addend = static_cast<size_t>(addend)});
    }
    steps.insert(steps.end(), rest_.begin(), rest_.end());
    return steps;
  }

  bool HasAddend() const { return !addends_.empty(); }

  bool KeepsZero() const {
    return std::all_of(rest_.begin(), rest_.end(), [](const PostStep& step) {
      return !step.activation || step.activation->KeepsZero();
    });
  }

  // Add is a binary post-op rather than a sum: the addend keeps its memory, so that its other
  // readers still find it.
  static dnnl::primitive_attr Attributes(const MemoryDesc& dst, const std::vector<int>& addends) {
    dnnl::primitive_attr attributes = UserScratchpad();
    dnnl::post_ops posts;
    for (size_t i = 0; i < addends.size(); ++i) posts.append_binary(algorithm::binary_add, dst);
    attributes.set_post_ops(posts);
    return attributes;
  }

  // `addends`: the inputs that the primitive adds; `rest`: what follows.
  std::unique_ptr<Kernel> Make(const PrimitiveDesc& desc, const std::vector<int>& addends,
                               const std::vector<PostStep>& rest) const {
    auto kernel = std::make_unique<PrimitiveKernel>(request_);
    kernel->AddPrimitive(desc);
    kernel->Input(DNNL_ARG_SRC, kX, desc.src_desc(0));
    kernel->Input(DNNL_ARG_WEIGHTS, kW, desc.weights_desc(0));
    if (request_.has(kBias)) kernel->Input(DNNL_ARG_BIAS, kBias, RowMajor(problem_.bias));
    const MemoryDesc dst = desc.dst_desc(0);
    kernel->Output(DNNL_ARG_DST, 0, dst);
    for (size_t i = 0; i < addends.size(); ++i) {
      const int id = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
      kernel->Input(id, addends[i], dst);
    }
    if (rest.empty()) return kernel;
    for (const PostStep& step : rest) {
      if (!step.activation) kernel->HostInput(static_cast<int>(step.addend), dst);
    }
    const auto n = static_cast<int64_t>(dst.get_size() / sizeof(float));
    kernel->SetHostStep([rest, n](const Bindings& operands) {
      for (const PostStep& step : rest) step.Run(n, operands);
    });
    return kernel;
  }

  const KernelRequest& request_;
  ConvProblem problem_;
  std::vector<int> addends_;    // the inputs that are added before any activation
  std::vector<PostStep> rest_;  // what follows
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
