#include <algorithm>
#include <optional>

#include "ops/common.h"
#include "ops/families.h"
#include "ops/pool.h"

namespace weft {
namespace {

absl::StatusOr<WindowAttributes> ReadUnpool(const AttributeMap& attributes, const Shape& x) {
  if (x.size() < 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input [N,C,spatial axes...], got ", ToString(x)));
  }
  Dims kernel = GetInts(attributes, "kernel_shape");
  if (kernel.size() != x.size() - 2) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", x.size() - 2,
                                                   " kernel_shape for the input ", ToString(x),
                                                   ", got ", ToString(kernel)));
  }
  return ReadWindowAttributes(attributes, std::move(kernel));
}

// The extent that a pooling of these windows makes `input` of: the smallest one.
absl::StatusOr<Dim> UnpooledDim(const WindowAttributes& w, size_t axis, const Dim& input) {
  const int64_t pads = w.pads[axis] + w.pads[w.kernel.size() + axis];
  if (!input.is_static()) {
    return InferContext::DerivedDim(
        absl::StrCat("(", input.ToString(), "-1)*", w.strides[axis], "+", w.kernel[axis] - pads));
  }
  // At most 2^38 windows of strides below 2^31 would overflow where no tensor could hold them.
  const int64_t windows = input.coefficient() - 1;
  if (windows > kMaxElements / w.strides[axis]) {
    return absl::InvalidArgumentError(absl::StrCat("expected an output of at most ", kMaxElements,
                                                   " elements, got ", input.coefficient(),
                                                   " windows of stride ", w.strides[axis]));
  }
  const int64_t extent = windows * w.strides[axis] + w.kernel[axis] - pads;
  if (input.coefficient() < 1 || extent < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected elements on spatial axis ", axis, " of the output, got ", extent));
  }
  return Dim(extent);
}

// A tensor output_shape is the whole shape of Y, as ONNX's, or its spatial extents alone.
absl::StatusOr<Dims> SpatialOf(std::span<const int64_t> given, const Shape& x) {
  const Dims all(given.begin(), given.end());
  if (all.size() != x.size() && all.size() != x.size() - 2) {
    return absl::InvalidArgumentError(absl::StrCat("expected output_shape of ", x.size(), " or ",
                                                   x.size() - 2, " extents, got ", ToString(all)));
  }
  const size_t skipped = all.size() - (x.size() - 2);
  for (size_t i = 0; i < all.size(); ++i) {
    const bool differs = i < skipped && x[i].is_static() && x[i].coefficient() != all[i];
    if (differs || (i >= skipped && all[i] < 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected output_shape ",
                       differs ? absl::StrCat("that begins as X ", ToString(x))
                               : std::string("of positive spatial extents"),
                       ", got ", ToString(all)));
    }
  }
  return Dims(all.begin() + static_cast<std::ptrdiff_t>(skipped), all.end());
}

absl::StatusOr<Shape> SpatialOfOutput(const InferContext& c, const WindowAttributes& window) {
  const Shape& x = c.type(0).shape;
  Shape spatial;
  if (!c.has(2)) {
    for (size_t a = 0; a + 2 < x.size(); ++a) {
      WEFT_ASSIGN_OR_RETURN(spatial.emplace_back(), UnpooledDim(window, a, x[a + 2]));
    }
    return spatial;
  }
  if (c.type(2).rank() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected output_shape of one axis, got ", ToString(c.type(2).shape)));
  }
  if (const Tensor* constant = c.constant(2)) {
    WEFT_ASSIGN_OR_RETURN(const Dims given, SpatialOf(constant->values<int64_t>(), x));
    return ToShape(given);
  }
  for (size_t a = 0; a + 2 < x.size(); ++a) spatial.push_back(c.FreshDim(absl::StrCat("d", a)));
  return spatial;
}

// Inputs X, I, output_shape (optional).
absl::StatusOr<std::vector<TensorType>> InferMaxUnpool(const InferContext& c) {
  const Shape& x = c.type(0).shape;
  WEFT_ASSIGN_OR_RETURN(const WindowAttributes window, ReadUnpool(c.attributes(), x));
  WEFT_RETURN_IF_ERROR(CheckShape("I", x, c.type(1).shape));
  WEFT_ASSIGN_OR_RETURN(const Shape spatial, SpatialOfOutput(c, window));
  WEFT_ASSIGN_OR_RETURN(Shape y, PooledShape(x, spatial));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

// Inputs dY, I; output of I's shape.
absl::StatusOr<std::vector<TensorType>> InferMaxUnpoolGrad(const InferContext& c) {
  const Shape &dy = c.type(0).shape, &indices = c.type(1).shape;
  WEFT_RETURN_IF_ERROR(ReadUnpool(c.attributes(), indices).status());
  Shape expected = {indices[0], indices[1]};
  if (dy.size() == indices.size()) expected.insert(expected.end(), dy.begin() + 2, dy.end());
  WEFT_RETURN_IF_ERROR(CheckShape("dY", expected, dy));
  return std::vector<TensorType>{{c.type(0).dtype, indices}};
}

absl::Status CheckIndices(std::span<const int64_t> indices, int64_t size) {
  const auto bad = std::find_if(indices.begin(), indices.end(),
                                [&](int64_t at) { return at < 0 || at >= size; });
  if (bad == indices.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected indices in [0,", size, "), got ", *bad,
                                                 " at position ", bad - indices.begin()));
}

absl::Status EvaluateMaxUnpool(const EvalContext& c) {
  const auto indices = c.in(1).in<int64_t>();
  WEFT_RETURN_IF_ERROR(CheckShape("I", ToShape(c.in(0).dims), ToShape(c.in(1).dims)));
  if (c.has(2)) {
    WEFT_ASSIGN_OR_RETURN(const Dims given,
                          SpatialOf(c.in(2).in<int64_t>(), ToShape(c.in(0).dims)));
    WEFT_RETURN_IF_ERROR(
        CheckShape("output_shape", ToShape(c.out().dims.subspan(2)), ToShape(given)));
  }
  WEFT_RETURN_IF_ERROR(CheckIndices(indices, c.out().size()));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    std::fill(y.begin(), y.end(), T{0});
    for (size_t i = 0; i < indices.size(); ++i) y[static_cast<size_t>(indices[i])] = x[i];
  });
}

// An element that a later one overwrote has no influence.
absl::Status EvaluateMaxUnpoolGrad(const EvalContext& c) {
  const auto indices = c.in(1).in<int64_t>();
  WEFT_RETURN_IF_ERROR(CheckIndices(indices, c.in(0).size()));
  std::vector<int64_t> last(static_cast<size_t>(c.in(0).size()), -1);
  for (size_t i = 0; i < indices.size(); ++i) {
    last[static_cast<size_t>(indices[i])] = static_cast<int64_t>(i);
  }
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto dx = c.out().out<T>();
    for (size_t i = 0; i < indices.size(); ++i) {
      const size_t at = static_cast<size_t>(indices[i]);
      dx[i] = last[at] == static_cast<int64_t>(i) ? dy[at] : T{0};
    }
  });
}

InputGradients MaxUnpoolGradient(GradientContext& c) {
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  if (c.needs(0)) gradients[0] = c.Op("MaxUnpoolGrad", {c.dy(), c.x(1)}, c.attributes());
  return gradients;
}

// Linear in dY; the transpose is the unpooling to dY's extents.
InputGradients MaxUnpoolGradGradient(GradientContext& c) {
  if (!c.needs(0)) return {Value(), Value()};
  const Shape& dy = c.x().type().shape;
  const absl::StatusOr<Dims> spatial = StaticDims(Shape(dy.begin() + 2, dy.end()));
  if (!spatial.ok()) return {c.Fail(spatial.status()), Value()};
  return {c.Op("MaxUnpool", {c.dy(), c.x(1), c.Ints(*spatial)}, c.attributes()), Value()};
}

std::vector<AttributeSpec> UnpoolAttributes() {
  return {{"kernel_shape", Attribute::Kind::kInts, std::nullopt, /*required=*/true},
          {"strides", Attribute::Kind::kInts},
          {"pads", Attribute::Kind::kInts}};
}

constexpr DTypeSet kI64 = {DType::kI64};

}  // namespace

std::vector<OpDef> MaxUnpoolOps() {
  return {
      {.name = "MaxUnpool",
       .doc = "Partial inverse of MaxPool, as ONNX's: zeros, with each element of X at its index "
              "in the flat Y (of several with one index the last). An extent of Y is "
              "(in-1)*stride+kernel-pads, or given by output_shape.",
       .inputs = {{"X"},
                  {.name = "I", .dtypes = kI64, .type_variable = ' '},
                  {.name = "output_shape",
                   .dtypes = kI64,
                   .arity = Arity::kOptional,
                   .type_variable = ' '}},
       .attributes = UnpoolAttributes(),
       .infer = InferMaxUnpool,
       .gradient = MaxUnpoolGradient,
       .evaluate = EvaluateMaxUnpool,
       .cost = NoArithmetic},
      {.name = "MaxUnpoolGrad",
       .doc = "The gradient of MaxUnpool: the element of dY at each index; 0 for an index that "
              "comes again later.",
       .inputs = {{"dY"}, {.name = "I", .dtypes = kI64, .type_variable = ' '}},
       .outputs = {{"dX"}},
       .attributes = UnpoolAttributes(),
       .infer = InferMaxUnpoolGrad,
       .gradient = MaxUnpoolGradGradient,
       .evaluate = EvaluateMaxUnpoolGrad,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
