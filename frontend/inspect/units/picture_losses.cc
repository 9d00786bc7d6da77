#include "frontend/inspect/units/picture_losses.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>

namespace weft {
namespace {

// The extents of one example; none after a failure.
Dims ExampleExtents(Emitter& e, Value x, int rank) {
  if (x.null()) return {};
  const TensorType& type = x.type();
  if (type.rank() < 2 || (rank != 0 && type.rank() != rank)) {
    e.Fail(absl::InvalidArgumentError(absl::StrCat(x.ToString(), ": expected ",
                                                   rank == 0 ? "[N,...]" : "maps [N,C,H,W]",
                                                   ", got ", ToString(type))));
    return {};
  }
  absl::StatusOr<Dims> dims = StaticDims(Shape(type.shape.begin() + 1, type.shape.end()));
  if (dims.ok()) return *std::move(dims);
  e.Fail(Annotate(dims.status(), x.ToString()));
  return {};
}

Value ExampleSumOfSquares(Emitter& e, Value x) {
  std::vector<int64_t> axes(static_cast<size_t>(x.null() ? 1 : x.type().rank() - 1));
  std::iota(axes.begin(), axes.end(), 1);
  return e.Op("Flatten", {e.Op("ReduceSumSquare", {x}, {{"axes", axes}})}, {{"axis", 1}});
}

Value TimesNumber(Emitter& e, Value x, double factor) {
  return x.null() ? x : e.Op("Mul", {x, e.Scalar(factor, x.type().dtype)});
}

double CountOf(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), 1.0,
                         [](double a, int64_t b) { return a * static_cast<double>(b); });
}

// x[i+1] - x[i] along an axis.
Value NeighbourDifferences(Emitter& e, Value x, int64_t axis) {
  const Value axes = e.Ints({axis});
  const Value later =
      e.Op("Slice", {x, e.Ints({1}), e.Ints({std::numeric_limits<int64_t>::max()}), axes});
  return e.Op("Sub", {later, e.Op("Slice", {x, e.Ints({0}), e.Ints({-1}), axes})});
}

}  // namespace

Value MeanSquare(Emitter& e, Value x) {
  const Dims dims = ExampleExtents(e, x, 0);
  return TimesNumber(e, ExampleSumOfSquares(e, x), 1 / CountOf(dims));
}

Value TotalVariation(Emitter& e, Value x) {
  const Dims dims = ExampleExtents(e, x, 4);
  if (!e.ok()) return {};
  Value sum = e.Op("Add", {ExampleSumOfSquares(e, NeighbourDifferences(e, x, 2)),
                           ExampleSumOfSquares(e, NeighbourDifferences(e, x, 3))});
  return TimesNumber(e, sum, 1 / CountOf(dims));
}

Value RelativeDistance(Emitter& e, Value value, const Tensor& target) {
  double squares = 0;
  for (int64_t i = 0; i < target.size(); ++i) squares += target.At(i) * target.At(i);
  if (!std::isfinite(squares)) {
    return e.Fail(absl::InvalidArgumentError(absl::StrCat(
        value.null() ? "" : value.ToString(),
        ": expected finite numbers to come near to, the sum of their squares is ", squares)));
  }
  if (!(squares > 0)) {
    return e.Fail(absl::InvalidArgumentError(absl::StrCat(
        value.null() ? "" : value.ToString(),
        ": expected something to come near to, it is zero everywhere for this picture")));
  }
  if (value.null()) return value;
  absl::StatusOr<Tensor> fitted = target.Converted(value.type().dtype);
  if (!fitted.ok()) return e.Fail(fitted.status());
  const Value difference = e.Op("Sub", {value, e.Constant(*std::move(fitted))});
  return TimesNumber(e, ExampleSumOfSquares(e, difference), 1 / squares);
}

Value GramMatrix(Emitter& e, Value maps) {
  const Dims dims = ExampleExtents(e, maps, 4);
  if (!e.ok()) return {};
  const int64_t places = dims[1] * dims[2];
  const Value rows = e.Op("Reshape", {maps, e.Ints({0, dims[0], places})});
  const Value columns = e.Op("Transpose", {rows}, {{"perm", std::vector<int64_t>{0, 2, 1}}});
  return TimesNumber(e, e.Op("MatMul", {rows, columns}), 1 / static_cast<double>(places));
}

Value JoinTerms(Emitter& e, std::vector<Value> terms) {
  return terms.size() == 1 ? terms[0] : e.Op("Concat", std::move(terms), {{"axis", 1}});
}

}  // namespace weft
