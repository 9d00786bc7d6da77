#include <utility>

#include "ops/post_ops.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/post_steps.h"
#include "runtime/host/row_product.h"

namespace weft {
namespace {

enum GemmInput { kGemmA, kGemmB, kGemmC };

// With more examples the weights are read so often that the library's products, which keep blocks
// of them in registers, are faster.
constexpr int64_t kMostGemmExamples = 4;

bool IsRow(const Dims& c, int64_t columns) {
  return !c.empty() && c.back() == columns && (c.size() == 1 || c[0] == 1);
}

bool TakesGemmRows(const KernelRequest& request) {
  const AttributeMap& attributes = request.node.attributes();
  const Dims& y = request.outputs[0];
  return AllF32(request) && GetInt(attributes, "transA") == 0 &&
         GetInt(attributes, "transB") != 0 && GetFloat(attributes, "alpha", 1) == 1 &&
         GetFloat(attributes, "beta", 1) == 1 && y[0] <= kMostGemmExamples &&
         (!request.has(kGemmC) || IsRow(request.in(kGemmC).dims(), y[1]));
}

}  // namespace

absl::StatusOr<Kernels> HostGemmRows(const KernelRequest& request) {
  if (!TakesGemmRows(request)) return Kernels();
  const Dims& y = request.outputs[0];
  auto posts = PostSteps::Make(request, PostSteps::RowMajorPlace(y),
                               GetPostOps(request.node.attributes(), "post_ops"));
  if (absl::IsUnimplemented(posts.status())) return Kernels();
  WEFT_RETURN_IF_ERROR(posts.status());
  const int64_t columns = request.in(kGemmA).dims()[1];
  const RowProduct product{
      .examples = y[0], .rows = y[1], .columns = columns, .x_step = columns, .y_step = y[1]};
  return Single(MakeHostKernel(request, "weft", "product of rows",
                               [product, posts = *std::move(posts)](const HostContext& c) {
                                 const auto in = [&c](int i) {
                                   return c.has(i) ? static_cast<const float*>(c.in(i).data)
                                                   : nullptr;
                                 };
                                 RowProduct p = product;
                                 p.x = in(kGemmA);
                                 p.w = in(kGemmB);
                                 p.b = in(kGemmC);
                                 p.y = static_cast<float*>(c.out().data);
                                 RunRowProduct(p);
                                 if (!posts.empty()) posts.Run(p.y, in);
                               }));
}

}  // namespace weft
