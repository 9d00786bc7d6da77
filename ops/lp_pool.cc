#include "ops/lp_pool.h"

#include <limits>

#include "ops/families.h"
#include "ops/pool.h"

namespace weft {
namespace {

absl::Status CheckP(const AttributeMap& attributes) {
  const int64_t p = GetInt(attributes, "p", 2);
  if (p >= 1 && p <= std::numeric_limits<int32_t>::max()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected p of at least 1, got ", p));
}

absl::StatusOr<std::vector<TensorType>> InferLpPool(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckP(c.attributes()));
  return InferPooled<InferPoolShape>(c);
}

// Inputs dY, X, Y.
absl::StatusOr<std::vector<TensorType>> InferLpPoolGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckP(c.attributes()));
  WEFT_RETURN_IF_ERROR(CheckShape("Y", c.type(0).shape, c.type(2).shape));
  return InferPooledGrad<InferPoolShape>(c);
}

absl::Status EvaluateLpPool(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(c.attributes, c.in(0).dims));
  const Regions regions = WindowRegions(window);
  const int64_t p = GetInt(c.attributes, "p", 2);
  RegionScratch scratch;
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    for (int64_t plane = 0; plane < window.batch * window.channels; ++plane) {
      NormsOfPlane(regions, p, x, y, scratch);
      x += regions.input_size();
      y += regions.output_size();
    }
  });
}

absl::Status EvaluateLpPoolGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.in(0)));
  const Regions regions = WindowRegions(window);
  const int64_t p = GetInt(c.attributes, "p", 2);
  RegionScratch scratch;
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *dy = c.in(0).in<T>().data(), *x = c.in(1).in<T>().data(), *y = c.in(2).in<T>().data();
    T* dx = c.out().out<T>().data();
    std::vector<double> sums(static_cast<size_t>(regions.input_size()));
    for (int64_t plane = 0; plane < window.batch * window.channels; ++plane) {
      NormGradientsOfPlane(regions, p, dy, x, y, sums.data(), scratch);
      dx = std::transform(sums.begin(), sums.end(), dx, [](double s) { return static_cast<T>(s); });
      x += regions.input_size();
      dy += regions.output_size();
      y += regions.output_size();
    }
  });
}

InputGradients LpPoolGradient(GradientContext& c) {
  return {c.Op("LpPoolGrad", {c.dy(), c.x(), c.y()}, c.attributes())};
}

std::vector<AttributeSpec> LpPoolAttributes() {
  return PoolAttributes({{"p", Attribute::Kind::kInt, 2}});
}

}  // namespace

std::vector<OpDef> LpPoolOps() {
  return {
      {.name = "LpPool",
       .doc = "The p-norm of each window, (sum |x|^p)^(1/p), as ONNX's LpPool. Padding adds "
              "nothing.",
       .inputs = {{"X"}},
       .attributes = LpPoolAttributes(),
       .infer = InferLpPool,
       .gradient = LpPoolGradient,
       .evaluate = EvaluateLpPool,
       .cost = PoolCost},
      {.name = "LpPoolGrad",
       .doc = "The gradient of LpPool: the sum of dY * sign(X) * (|X|/Y)^(p-1) over the windows "
              "of each element; 0 where Y is 0.",
       .inputs = {{"dY"}, {"X"}, {"Y"}},
       .outputs = {{"dX"}},
       .attributes = LpPoolAttributes(),
       .infer = InferLpPoolGrad,
       .no_gradient = "the curvature of norms is not differentiated",
       .evaluate = EvaluateLpPoolGrad,
       .cost = PoolGradCost},
  };
}

}  // namespace weft
