// A 1x1 convolution of an enlarged image mixes the channels of each element alone, and an element
// of the enlarged image is a mean of elements of the small one. So it may as well come first, and
// work on fewer elements:
//
//   conv(resize(x), w, b) {1x1}  =>  resize(conv(x, w, b))
//
// But then its channels are enlarged, which may be many more than x has; and an element-wise op
// behind is no longer part of it, unless the elements are just repeated (move_elementwise_up).

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/conv_form.h"
#include "passes/prices.h"
#include "passes/resample/repeats.h"
#include "passes/resample/resample.h"

namespace weft {
namespace {

Condition IsUnstridedPointwise(const Match& m) {
  const absl::StatusOr<ConvForm> form = FormOf(*m.node("conv"));
  const bool fits = form.ok() && form->IsPointwise() && form->strides == Dims(form->rank(), 1);
  return Unless(!fits, m.node("conv")->name() + " is not 1x1 without stride");
}

// No axis becomes smaller, and some axis larger.
bool Enlarges(const Node& resize) {
  const Shape &from = resize.input(0).type().shape, &to = resize.type().shape;
  if (from == to) return false;
  for (size_t i = 0; i < from.size(); ++i) {
    const bool grows =
        from[i].is_static() && to[i].is_static() && from[i].coefficient() <= to[i].coefficient();
    if (!grows && !RatioOf(from[i], to[i])) return false;
    if (i < 2 && from[i] != to[i]) return false;
  }
  return true;
}

// Outside of a region that is cut out it is a number that is no mean.
Condition MakesMeans(const Match& m) {
  const Node& resize = *m.node("resize");
  const std::string how = GetString(resize.attributes(), "coordinate_transformation_mode");
  return All(
      {Unless(how == "tf_crop_and_resize", absl::StrCat(resize.name(), " is by ", how)),
       Unless(!Enlarges(resize), absl::StrCat(resize.name(), " makes ", ToString(resize.type()),
                                              " of ", ToString(resize.input(0).type())))});
}

Condition MoveResizeDownHolds(const Match& m) {
  return All({HasSingleReader(m, "resize"), IsUnstridedPointwise(m), MakesMeans(m)});
}

// The image of one example that the resize makes of `small`, priced extents and all.
Shape Enlarged(const Node& resize, const TensorType& small) {
  Shape shape = resize.type().shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    const Dim &from = resize.input(0).type().shape[i], &priced = small.shape[i];
    if (from == shape[i]) {
      shape[i] = priced;
    } else if (!shape[i].is_static()) {
      const int64_t times = RatioOf(from, shape[i]).value_or(1);
      shape[i] = Dim::Multiply(priced, Dim(times)).value_or(shape[i]);
    }
  }
  return shape;
}

// Prices the convolution of the enlarged image, and the enlarging of the convolution's result.
absl::Status AddBoth(const Match& m, Prices& now, Prices& moved) {
  const Node &conv = *m.node("conv"), &resize = *m.node("resize");
  const std::string mode = GetString(resize.attributes(), "mode");
  WEFT_ASSIGN_OR_RETURN(const ConvForm form, FormOf(conv));
  WEFT_ASSIGN_OR_RETURN(const Dims w, StaticDims(conv.input(1).type().shape));
  WEFT_ASSIGN_OR_RETURN(const Value x, now.AddImage(m["x"].type()));
  Shape large = Enlarged(resize, x.type());
  WEFT_ASSIGN_OR_RETURN(const Value resized, now.AddResize(x, large, mode));
  WEFT_RETURN_IF_ERROR(now.AddConv(resized, w, AttributesOf(form)).status());
  WEFT_ASSIGN_OR_RETURN(const Value small, moved.AddImage(m["x"].type()));
  WEFT_ASSIGN_OR_RETURN(const Value mixed, moved.AddConv(small, w, AttributesOf(form)));
  large[1] = mixed.type().dim(1);
  WEFT_ASSIGN_OR_RETURN(const Value y, moved.AddResize(mixed, large, mode));
  return RepeatsOf(resize) ? absl::OkStatus() : moved.AddElementwise(y);
}

// Why it does not pay; empty where it does.
std::string WhyNot(const Match& m, const CostModel& costs) {
  Prices now(m.graph().registry(), costs), moved(m.graph().registry(), costs);
  const absl::Status priced = AddBoth(m, now, moved);
  if (!priced.ok()) return std::string(priced.message());
  if (moved.flops() < now.flops() && moved.bytes() < now.bytes()) return "";
  const auto text = [](const Prices& prices) {
    return absl::StrCat(WithCommas(std::llround(prices.flops())), " operations and ",
                        BytesText(prices.bytes()));
  };
  return absl::StrCat("first it would take ", text(moved), " an example, as it is ", text(now));
}

std::vector<Value> MoveResizeDownReplace(const Match& m, Rewriter& r) {
  const Node &conv = *m.node("conv"), &resize = *m.node("resize");
  std::string why_not = WhyNot(m, *r.options().costs);
  if (!why_not.empty()) return r.Decline(std::move(why_not));
  std::vector<Value> inputs(conv.inputs().begin(), conv.inputs().end());
  inputs[0] = m["x"];
  std::vector<Value> resized(resize.inputs().begin(), resize.inputs().end());
  resized[0] = r.OpAs(conv.name(), "Conv", std::move(inputs), conv.attributes());
  const std::string name = resize.name();
  const Value y = r.OpAs(name, "Resize", std::move(resized), resize.attributes());
  if (r.ok() && y.type() != conv.type()) {
    return r.Decline(name + " says how many channels there are");
  }
  return {y};
}

}  // namespace

Pass MoveResizeDown() {
  return ToPass(
      {.name = "move_resize_down",
       .doc = "let a 1x1 convolution work on an image before it is enlarged",
       .pattern =
           Op("Conv", {Op("Resize", {Any().As("x"), Rest()}).As("resize"), Rest()}).As("conv"),
       .conditions = MoveResizeDownHolds,
       .rewrite = MoveResizeDownReplace});
}

}  // namespace weft
