// A convolution whose only window covers its whole image is a matrix product: a 1x1 on a map of
// 1x1, and what slides a fully-connected layer over images no larger than that layer's:
//
//   conv(x [N,C,H,W], w [M,C,H,W], b, z [N,M,1,1])
//     =>  Unsqueeze(gemm(Flatten(x), Flatten(w)^T, b, Squeeze(z)))
//
// Post-ops stay, taps that lie on padding go. It follows fusion, for its views would stand between
// a convolution and its activation; those of two products in a row cancel (merge_views).

#include <algorithm>
#include <numeric>
#include <optional>

#include "passes/combine/combine.h"
#include "passes/conv_form.h"

namespace weft {
namespace {

// The tap of the only window that reads the first of `image` elements, if the taps from there on
// read all of them.
std::optional<int64_t> FirstTap(int64_t image, int64_t kernel, int64_t dilation, int64_t pad) {
  if (image < 1 || (image > 1 && dilation != 1) || pad % dilation != 0) return std::nullopt;
  const int64_t tap = pad / dilation;
  return tap + image <= kernel ? std::optional(tap) : std::nullopt;
}

// For each spatial axis; nullopt where there are several windows, or one that skips elements.
std::optional<Dims> FirstTaps(const Node& conv) {
  const absl::StatusOr<ConvForm> form = FormOf(conv);
  if (!form.ok() || form->auto_pad != AutoPad::kNotSet) return std::nullopt;
  Dims taps;
  for (size_t i = 0; i < form->rank(); ++i) {
    const int axis = static_cast<int>(i) + 2;
    const Dim& image = conv.input(0).type().dim(axis);
    if (!image.is_static() || conv.type().dim(axis) != Dim(1)) return std::nullopt;
    const auto tap =
        FirstTap(image.coefficient(), form->kernel[i], form->dilations[i], form->pads[i]);
    if (!tap) return std::nullopt;
    taps.push_back(*tap);
  }
  return taps;
}

bool CoversItsImage(const Node& conv) { return FirstTaps(conv).has_value(); }

Condition ConvToGemmHolds(const Match& m) {
  return All({HasOneGroup(m, "conv"), IsConstant(m, "w")});
}

// [first, rank)
std::vector<int64_t> AxesFrom(int first, int rank) {
  std::vector<int64_t> axes(static_cast<size_t>(rank - first));
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

// The weights whose taps meet the image, as a matrix [M,K].
Value WeightMatrix(const Node& conv, Rewriter& r) {
  const TensorType &x = conv.input(0).type(), &w = conv.input(1).type();
  const Dims first = FirstTaps(conv).value_or(Dims());
  Dims end;
  for (size_t i = 0; i < first.size(); ++i) {
    end.push_back(first[i] + x.dim(static_cast<int>(i) + 2).coefficient());
  }
  Value taps = conv.input(1);
  if (!std::equal(x.shape.begin() + 2, x.shape.end(), w.shape.begin() + 2)) {
    taps = r.Op("Slice", {taps, r.Ints(first), r.Ints(end), r.Ints(AxesFrom(2, w.rank()))});
  }
  return r.OpAs(conv.input(1).node->name(), "Flatten", {taps}, {{"axis", 1}});
}

// An operand of a post-op without the spatial axes, which are 1.
Value WithoutPlaces(Value z, int spatial, Rewriter& r) {
  const int rank = z.type().rank(), kept = std::max(0, rank - spatial);
  return rank == kept ? z : r.Op("Squeeze", {z, r.Ints(AxesFrom(kept, rank))});
}

std::vector<Value> ConvToGemmReplace(const Match& m, Rewriter& r) {
  const Node& conv = *m.root();
  const int rank = conv.type().rank();
  std::vector<Value> inputs = {r.Op("Flatten", {conv.input(0)}, {{"axis", 1}}),
                               WeightMatrix(conv, r)};
  if (conv.num_inputs() > 2) inputs.push_back(conv.input(2));
  for (int i = 3; i < conv.num_inputs(); ++i) {
    inputs.push_back(WithoutPlaces(conv.input(i), rank - 2, r));
  }
  AttributeMap attributes = {{"transB", 1}};
  if (const auto posts = conv.attributes().find("post_ops"); posts != conv.attributes().end()) {
    attributes.insert(*posts);
  }
  const char* gemm = conv.op_name() == "Conv" ? "Gemm" : "FusedGemm";
  const Value y = r.OpAs(conv.name(), gemm, std::move(inputs), std::move(attributes));
  return {r.Op("Unsqueeze", {y, r.Ints(AxesFrom(2, rank))})};
}

}  // namespace

Pass ConvToGemm() {
  return ToPass({.name = "conv_to_gemm",
                 .doc = "make a matrix product of a convolution that covers its image",
                 .pattern = OneOf({"Conv", "FusedConv"}, {Any(), Any().As("w"), Rest()})
                                .Where(CoversItsImage)
                                .As("conv"),
                 .conditions = ConvToGemmHolds,
                 .rewrite = ConvToGemmReplace});
}

}  // namespace weft
