#include <algorithm>

#include "runtime/host/post_steps.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

using dnnl::algorithm;

constexpr int kA = 0, kB = 1, kC = 2;

// How C takes part.
enum class Addend {
  kNone,
  kBias,    // a row, as it is
  kColumn,  // added by loops of our own: the library has plain ones only
  kPost     // scaled, or of another shape
};

class GemmFamily {
 public:
  explicit GemmFamily(const KernelRequest& request)
      : request_(request),
        transposes_a_(GetInt(request.node.attributes(), "transA") != 0),
        transposes_b_(GetInt(request.node.attributes(), "transB") != 0),
        alpha_(static_cast<float>(GetFloat(request.node.attributes(), "alpha", 1))),
        beta_(static_cast<float>(GetFloat(request.node.attributes(), "beta", 1))),
        y_(request.outputs[0]),
        inner_(request.in(kA).dims()[transposes_a_ ? 0 : 1]) {
    if (request.has(kC) && beta_ != 0) {
      c_.assign(2, 1);  // right-aligned to Y's axes
      const Dims& dims = request.in(kC).dims();
      std::copy(dims.rbegin(), dims.rend(), c_.rbegin());
      const bool row = c_ == Dims{1, y_[1]};
      addend_ = row && alpha_ == 1 && beta_ == 1 ? Addend::kBias
                : c_[0] != 1 && c_[1] == 1       ? Addend::kColumn
                                                 : Addend::kPost;
    }
    posts_ = PostsOf(request, /*can_add=*/alpha_ == 1 && addend_ != Addend::kPost);
  }

  absl::StatusOr<Kernels> Candidates() const {
    Kernels kernels;
    if (request_.constant[kB]) {  // packed once, in the order the primitive likes
      WEFT_RETURN_IF_ERROR(TryCandidate([&]() -> absl::Status {
        WEFT_ASSIGN_OR_RETURN(kernels.emplace_back(), transposes_b_
                                                          ? PackedInnerProduct()
                                                          : Product(AnyFormat({inner_, y_[1]})));
        return absl::OkStatus();
      }));
    }
    WEFT_RETURN_IF_ERROR(TryCandidate([&]() -> absl::Status {
      WEFT_ASSIGN_OR_RETURN(kernels.emplace_back(),
                            Product(Matrix({inner_, y_[1]}, transposes_b_)));
      return absl::OkStatus();
    }));
    PutReferenceLast(kernels);
    return kernels;
  }

 private:
  // A matrix that lies row-major in memory, or its transpose.
  static MemoryDesc Matrix(const Dims& dims, bool transposed) {
    if (!transposed) return RowMajor(dims);
    return Strided(dims, {1, dims[0]});
  }

  dnnl::primitive_attr Attributes() const {
    dnnl::primitive_attr attributes = UserScratchpad();
    dnnl::post_ops posts;
    if (alpha_ != 1) AppendEltwise(posts, algorithm::eltwise_linear, alpha_, 0);
    if (addend_ == Addend::kPost) posts.append_binary(algorithm::binary_add, RowMajor(c_));
    if (posts_.adds()) posts.append_sum();
    attributes.set_post_ops(posts);
    return attributes;
  }

  absl::StatusOr<std::unique_ptr<Kernel>> Product(const MemoryDesc& b) const {
    const MemoryDesc a = Matrix({y_[0], inner_}, transposes_a_), y = RowMajor(y_);
    const MemoryDesc bias = addend_ == Addend::kBias ? RowMajor(c_) : MemoryDesc();
    return Make(DescribeMatmul(a, b, bias, y, Attributes()), a,
                Matrix({inner_, y_[1]}, transposes_b_));
  }

  // Y = A B^T with B as the weights [N,K] of a fully-connected layer.
  absl::StatusOr<std::unique_ptr<Kernel>> PackedInnerProduct() const {
    const MemoryDesc a = Matrix({y_[0], inner_}, transposes_a_), y = RowMajor(y_);
    const MemoryDesc b = AnyFormat({y_[1], inner_});
    const MemoryDesc bias = addend_ == Addend::kBias ? RowMajor({y_[1]}) : MemoryDesc();
    return Make(DescribeInnerProduct(a, b, bias, y, Attributes()), a, RowMajor({y_[1], inner_}));
  }

  // `a`: row-major, or read as the transpose of the operand. `plain_b`: B's operand as it lies in
  // memory, of the primitive's dims; with K = N, its transpose has the same dims.
  absl::StatusOr<std::unique_ptr<Kernel>> Make(const PrimitiveDesc& desc, const MemoryDesc& a,
                                               const MemoryDesc& plain_b) const {
    auto kernel = std::make_unique<PrimitiveKernel>(request_);
    const bool apart = addend_ == Addend::kPost || addend_ == Addend::kColumn;
    const size_t scaled = apart && beta_ != 1 ? AddScaling(*kernel) : 0;
    kernel->AddPrimitive(desc);
    kernel->PlainInput(DNNL_ARG_SRC, kA, a);
    const MemoryDesc b = desc.weights_desc(0);
    if (b == plain_b) {
      kernel->PlainInput(DNNL_ARG_WEIGHTS, kB, b);
    } else {
      kernel->Input(DNNL_ARG_WEIGHTS, kB, b);
    }
    kernel->Output(DNNL_ARG_DST, 0, desc.dst_desc(0));
    if (addend_ == Addend::kBias) kernel->PlainInput(DNNL_ARG_BIAS, kC, desc.weights_desc(1));
    if (addend_ == Addend::kColumn) WEFT_RETURN_IF_ERROR(AddColumn(scaled, *kernel));
    if (addend_ == Addend::kPost) {
      const int id = DNNL_ARG_ATTR_MULTIPLE_POST_OP(alpha_ != 1 ? 1 : 0) | DNNL_ARG_SRC_1;
      if (beta_ == 1) {
        kernel->PlainInput(id, kC, RowMajor(c_));
      } else {
        kernel->Scratch(id, scaled, RowMajor(c_));
      }
    }
    WEFT_RETURN_IF_ERROR(AddPostSteps(request_, posts_, RowMajor(y_), *kernel));
    return kernel;
  }

  // After the product: C, or beta * C from scratch memory.
  absl::Status AddColumn(size_t scaled, PrimitiveKernel& kernel) const {
    const std::vector<PostOp> add = {{.op = "Add", .input = kC}};
    WEFT_ASSIGN_OR_RETURN(PostSteps steps,
                          PostSteps::Make(request_, PostSteps::RowMajorPlace(y_), add));
    if (beta_ == 1) kernel.HostInput(kC, RowMajor(c_));
    kernel.AddHostStep(
        [steps = std::move(steps), scaled, plain = beta_ == 1](const Bindings& operands) {
          const std::byte* c = plain ? operands.inputs[kC] : operands.scratch + scaled;
          steps.Run(reinterpret_cast<float*>(operands.outputs[0]),
                    [c](int) { return reinterpret_cast<const float*>(c); });
        });
    return absl::OkStatus();
  }

  // A first primitive: beta * C into scratch memory, whose offset it returns.
  size_t AddScaling(PrimitiveKernel& kernel) const {
    const MemoryDesc c = RowMajor(c_);
    const size_t offset = kernel.AddScratch(c.get_size());
    kernel.AddPrimitive(DescribeEltwise(algorithm::eltwise_linear, c, beta_, 0, UserScratchpad()));
    kernel.PlainInput(DNNL_ARG_SRC, kC, c);
    kernel.Scratch(DNNL_ARG_DST, offset, c);
    return offset;
  }

  const KernelRequest& request_;
  bool transposes_a_, transposes_b_;
  float alpha_, beta_;
  Dims y_;         // [M,N]
  int64_t inner_;  // K
  Dims c_;
  Addend addend_ = Addend::kNone;
  FusedPosts posts_;
};

}  // namespace

absl::StatusOr<Kernels> DnnlGemm(const KernelRequest& request) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(kernels, GemmFamily(request).Candidates());
    return absl::OkStatus();
  });
}

}  // namespace weft
