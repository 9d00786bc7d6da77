#include "ops/random_placement.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"
#include "ops/random_words.h"

namespace weft {
namespace {

constexpr int64_t kMostPads = int64_t{1} << 31;  // offsets are made of 32 random bits

// x's dims with the pads added to the spatial ones.
absl::StatusOr<Shape> PlacedShape(const AttributeMap& attributes, Shape shape) {
  const std::vector<int64_t> pads = GetInts(attributes, "pads");
  if (pads.empty() || shape.size() != pads.size() + 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected pads for each spatial axis of [N,C,..], got ", ToString(pads),
                     " for ", ToString(shape)));
  }
  for (size_t i = 0; i < pads.size(); ++i) {
    if (pads[i] < 0 || pads[i] >= kMostPads) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected pads in [0,", kMostPads, "), got ", ToString(pads)));
    }
    Dim& dim = shape[i + 2];
    if (pads[i] == 0) continue;
    dim = dim.is_static() ? Dim(dim.coefficient() + pads[i])
                          : InferContext::DerivedDim(absl::StrCat(dim.ToString(), "+", pads[i]));
  }
  return shape;
}

absl::Status CheckPlacementMode(const AttributeMap& attributes) {
  return CheckOneOf(attributes, "mode", {"auto", "inference", "training"});
}

absl::StatusOr<std::vector<TensorType>> InferPlacement(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckPlacementMode(c.attributes()));
  WEFT_ASSIGN_OR_RETURN(Shape shape, PlacedShape(c.attributes(), c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferPlacementGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckPlacementMode(c.attributes()));
  WEFT_ASSIGN_OR_RETURN(const Shape shape, PlacedShape(c.attributes(), c.type(1).shape));
  if (DimsDiffer(shape, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(shape), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

// f(element of the small tensor, its place in the large one).
template <typename F>
void ForEachPlace(const EvalContext& c, const TensorView& small, const TensorView& large, F f) {
  const PlacementOffsets offsets(c);
  const std::vector<int64_t> strides = RowMajorStrides(large.dims);
  const int64_t size = small.size() / std::max<int64_t>(small.dim(0), 1);  // of an example
  const auto dims = small.dims.subspan(1);
  const std::vector<int64_t> inner(strides.begin() + 1, strides.end());
  for (int64_t n = 0; n < small.dim(0); ++n) {
    int64_t start = n * strides[0];
    for (int axis = 0; axis + 2 < small.rank(); ++axis) {
      start += offsets.At(n, axis) * strides[static_cast<size_t>(axis + 2)];
    }
    ForEachOffset<1>(dims, {inner}, [&](int64_t i, const std::array<int64_t, 1>& at) {
      f(static_cast<size_t>(n * size + i), static_cast<size_t>(start + at[0]));
    });
  }
}

absl::Status EvaluatePlacement(const EvalContext& c) {
  VisitWidth(c.out().dtype, [&](auto zero) {
    const auto* x = static_cast<const decltype(zero)*>(c.in(0).data);
    auto* y = static_cast<decltype(zero)*>(c.out().data);
    std::fill_n(y, c.out().size(), zero);
    ForEachPlace(c, c.in(0), c.out(), [&](size_t i, size_t place) { y[place] = x[i]; });
  });
  return absl::OkStatus();
}

absl::Status EvaluatePlacementGrad(const EvalContext& c) {
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const auto dx = c.out().out<T>();
    ForEachPlace(c, c.out(), c.in(0), [&](size_t i, size_t place) { dx[i] = dy[place]; });
  });
}

InputGradients PlacementGradient(GradientContext& c) {
  if (GetString(c.attributes(), "mode") == "auto") {
    return {c.Fail(absl::FailedPreconditionError(
        "mode is \"auto\": expected \"training\" or \"inference\"; call ForTraining or "
        "ForInference before taking gradients"))};
  }
  return {c.Op("RandomPlacementGrad", {c.dy(), c.x()}, c.attributes())};
}

InputGradients PlacementGradGradient(GradientContext& c) {
  return {c.Op("RandomPlacement", {c.dy()}, c.attributes())};
}

std::vector<AttributeSpec> PlacementAttributes() {
  return {{.name = "mode", .kind = Attribute::Kind::kString, .fallback = "auto"},
          {.name = "pads", .kind = Attribute::Kind::kInts, .required = true},
          {.name = "stream", .fallback = 0}};
}

}  // namespace

PlacementOffsets::PlacementOffsets(const EvalContext& c)
    : c_(c),
      pads_(GetInts(c.attributes, "pads")),
      random_(GetString(c.attributes, "mode") == "training") {}

int64_t PlacementOffsets::At(int64_t n, int axis) const {
  const int64_t pad = pads_[static_cast<size_t>(axis)];
  if (!random_) return pad / 2;
  // Word number `axis` of the example, as a fraction of 2^32.
  const PhiloxCounter words = RandomWords::OfExamples(c_, c_.in(0)).Block(n, axis / 4);
  const uint64_t word = words[static_cast<size_t>(axis % 4)];
  return static_cast<int64_t>(word * static_cast<uint64_t>(pad + 1) >> 32);
}

std::vector<OpDef> RandomPlacementOps() {
  return {
      {.name = "RandomPlacement",
       .doc = "Each example of X [N,C,..] in a frame of zeros that is larger by `pads`, an extent "
              "for each spatial axis: at a random place in mode training (uniform, drawn for each "
              "example), in the middle otherwise.",
       .inputs = {{"X", kAllTypes}},
       .attributes = PlacementAttributes(),
       .infer = InferPlacement,
       .gradient = PlacementGradient,
       .evaluate = EvaluatePlacement,
       .cost = NoArithmetic,
       .draws_random = true},
      {.name = "RandomPlacementGrad",
       .doc = "The gradient of RandomPlacement with the same attributes: what dY has where each "
              "example of `like` was placed.",
       .inputs = {{"dY"},
                  {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true}},
       .outputs = {{"dX"}},
       .attributes = PlacementAttributes(),
       .infer = InferPlacementGrad,
       .gradient = PlacementGradGradient,
       .evaluate = EvaluatePlacementGrad,
       .cost = NoArithmetic,
       .draws_random = true},
  };
}

}  // namespace weft
