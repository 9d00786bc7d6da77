#include "passes/linear/shift_map.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/clean/growth.h"
#include "passes/conv_form.h"

namespace weft {
namespace {

// A map, and the image that it is computed from, are no larger than this, whatever the weights are.
constexpr size_t kMostMapBytes = size_t{64} << 20;

// Of a value whose extents are known but for the first axis: of one example.
absl::StatusOr<Dims> PlacesOf(const TensorType& type, int64_t channels) {
  WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(Shape(type.shape.begin() + 2, type.shape.end())));
  dims.insert(dims.begin(), {1, channels});
  return dims;
}

absl::StatusOr<size_t> BytesOfPlaces(const TensorType& type, int64_t channels) {
  WEFT_ASSIGN_OR_RETURN(const Dims dims, PlacesOf(type, channels));
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  return static_cast<size_t>(size) * SizeOf(type.dtype);
}

// [1, 1, places...]
Value ImageOfOnes(Rewriter& r, const TensorType& x) {
  const absl::StatusOr<Dims> dims = PlacesOf(x, 1);
  absl::StatusOr<Tensor> image = dims.ok() ? Tensor::Zeros(DType::kF32, *dims) : dims.status();
  if (image.ok()) std::ranges::fill(image->mutable_values<float>(), 1.0f);
  if (image.ok()) image = image->Converted(x.dtype);
  return image.ok() ? r.Constant(*std::move(image)) : r.Fail(image.status());
}

// Why there is no map; empty where there may be.
std::string WhyNoMap(const Match& m, const CostModel& costs) {
  const Node &linear = *m.node("linear"), &affine = *m.node("affine");
  const TensorType& y = linear.type();
  const auto ones = BytesOfPlaces(m["x"].type(), 1);
  const auto map = BytesOfPlaces(y, y.dim(1).is_static() ? y.dim(1).coefficient() : -1);
  if (!ones.ok() || !map.ok()) {
    return absl::StrCat("needs known extents, ", linear.name(), " is ", ToString(y));
  }
  // The ones are nothing that the graph has: fold_constants would not count them either.
  const size_t from = ConstantValue(m["w"])->bytes(), most = std::max(*map, *ones);
  if (!MayBeFolded(most, from) || most > kMostMapBytes) {
    return absl::StrCat("would take ", BytesText(static_cast<double>(most)), ", made of ",
                        BytesText(static_cast<double>(from)));
  }
  const absl::StatusOr<Cost> cost = costs.Price(affine);
  if (!cost.ok()) return absl::StrCat("has no price: ", std::string(cost.status().message()));
  if (static_cast<double>(*map) < cost->bytes) return "";
  return absl::StrCat("would move ", BytesText(static_cast<double>(*map)), ", ", affine.name(),
                      " moves ", BytesText(cost->bytes));
}

}  // namespace

Condition SeesWholeShift(const Match& m) {
  const Node& linear = *m.node("linear");
  const std::string shift = absl::StrCat("the shift of ", m.node("affine")->name());
  if (linear.op_name() == "ConvTranspose") {
    return Unless(
        true, absl::StrCat(linear.name(), " sums more taps at some places than at others, ", "and ",
                           shift, " with them"));
  }
  if (linear.op_name() != "Conv") return {};
  const Condition no_padding = HasNoPadding(m, "linear");
  return Unless(!no_padding.holds,
                absl::StrCat(no_padding.failure, ", and ", shift, " would not reach the border"));
}

Condition PaysAsMap(const Match& m, const CostModel& costs) {
  const std::string why = WhyNoMap(m, costs);
  return Unless(!why.empty(), absl::StrCat(SeesWholeShift(m).failure, ": a map of it ", why));
}

// What each tap makes of the shift, on an image of ones: summed over channels before it is over
// places.
Value MapOfShift(Rewriter& r, const LinearOp& op, Value shift) {
  AttributeMap attributes = op.node->attributes();
  attributes.erase("group");
  return r.OpAs(absl::StrCat(op.node->name(), ".shift"), op.node->op_name(),
                {ImageOfOnes(r, op.node->input(0).type()), EffectOfTaps(r, op, shift)},
                std::move(attributes));
}

}  // namespace weft
