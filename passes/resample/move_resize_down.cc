// A 1x1 convolution of an enlarged image mixes the channels of each element alone, and an element
// of the enlarged image is a mean of elements of the small one. So it may as well come first, and
// work on fewer elements:
//
//   conv(resize(x), w, b) {1x1}  =>  resize(conv(x, w, b))

#include "absl/strings/str_cat.h"
#include "passes/conv_form.h"
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

std::vector<Value> MoveResizeDownReplace(const Match& m, Rewriter& r) {
  const Node &conv = *m.node("conv"), &resize = *m.node("resize");
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
