#include "ops/matmul.h"

#include <utility>

#include "ops/broadcast.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/post_steps.h"
#include "runtime/onednn/batched_gemm.h"
#include "runtime/onednn/families.h"
#include "runtime/onednn/post_steps.h"

namespace weft {
namespace {

BatchedGemm GemmOf(const KernelRequest& request) {
  MatMulProblem p = ReadMatMul(request.in(0).dims(), request.in(1).dims());
  BatchedGemm gemm{.m = p.m, .n = p.n, .k = p.k, .a = {.step = p.k}, .b = {.step = p.n}};
  gemm.y.step = p.n;
  gemm.y_strides = RowMajorStrides(p.batch);
  for (int64_t& stride : gemm.y_strides) stride *= p.m * p.n;
  gemm.batch = std::move(p.batch);
  gemm.a_strides = std::move(p.a_strides);
  gemm.b_strides = std::move(p.b_strides);
  return Simplify(std::move(gemm));
}

// One product with weights packed once, in the order the primitive likes.
absl::StatusOr<std::unique_ptr<Kernel>> PackedProduct(const KernelRequest& request,
                                                      const BatchedGemm& gemm) {
  const MemoryDesc a = RowMajor({gemm.m, gemm.k}), y = RowMajor({gemm.m, gemm.n});
  const FusedPosts posts = PostsOf(request, /*can_add=*/true);
  const PrimitiveDesc desc =
      DescribeMatmul(a, AnyFormat({gemm.k, gemm.n}), MemoryDesc(), y, AttributesFor(posts));
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(desc);
  kernel->PlainInput(DNNL_ARG_SRC, 0, a);
  kernel->Input(DNNL_ARG_WEIGHTS, 1, desc.weights_desc(0));
  kernel->PlainOutput(DNNL_ARG_DST, 0, y);
  WEFT_RETURN_IF_ERROR(AddPostSteps(request, posts, RowMajor(request.outputs[0]), *kernel));
  return kernel;
}

// The library's function, matrix by matrix where the batch needs that.
absl::StatusOr<std::unique_ptr<Kernel>> BatchedProduct(const KernelRequest& request,
                                                       BatchedGemm gemm) {
  const FusedPosts posts = PostsOf(request, /*can_add=*/true);
  gemm.adds = posts.adds();
  WEFT_ASSIGN_OR_RETURN(
      const PostSteps steps,
      PostSteps::Make(request, PostSteps::RowMajorPlace(request.outputs[0]), posts.rest));
  const auto run = [gemm, steps, addend = posts.addend](const EvalContext& c) -> absl::Status {
    const auto in = [&c](int i) { return c.in(i).in<float>().data(); };
    float* y = c.out().out<float>().data();
    if (gemm.adds) {
      CopyUnlessThere(reinterpret_cast<const std::byte*>(in(addend)),
                      c.out().size() * static_cast<int64_t>(sizeof(float)),
                      reinterpret_cast<std::byte*>(y));
    }
    WEFT_RETURN_IF_ERROR(RunBatchedGemm(gemm, in(0), in(1), y));
    steps.Run(y, in);
    return absl::OkStatus();
  };
  return MakeHostKernel(request, "onednn", "sgemm", run, /*in_place=*/posts.adds());
}

}  // namespace

absl::StatusOr<Kernels> DnnlMatMul(const KernelRequest& request) {
  const auto collect = [&](Kernels& kernels) -> absl::Status {
    const BatchedGemm gemm = GemmOf(request);
    if (gemm.batch.empty() && request.constant[1] && request.in(1).dims().size() == 2) {
      WEFT_RETURN_IF_ERROR(TryCandidate([&]() -> absl::Status {
        WEFT_ASSIGN_OR_RETURN(kernels.emplace_back(), PackedProduct(request, gemm));
        return absl::OkStatus();
      }));
    }
    WEFT_ASSIGN_OR_RETURN(kernels.emplace_back(), BatchedProduct(request, gemm));
    PutReferenceLast(kernels);
    return absl::OkStatus();
  };
  // Where there is nothing to sum, a fused product still has its post-ops to do.
  const bool fused = !GetPostOps(request.node.attributes(), "post_ops").empty();
  return CollectKernels(request, collect, fused ? EmptyInput::kNoKernel : EmptyInput::kZeros);
}

}  // namespace weft
