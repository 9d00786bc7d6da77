#include "ops/roi_align.h"

#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

namespace weft {

absl::Status CheckRegions(const RoiAligner& aligner, const TensorView& rois,
                          const TensorView& images, int64_t batch) {
  constexpr double kMostSamples = 1 << 14;  // of a bin, along an axis
  for (int64_t r = 0; r < images.size(); ++r) {
    const double image = images.At(r);
    if (image < 0 || image >= static_cast<double>(batch)) {
      return absl::InvalidArgumentError(absl::StrCat("expected regions of images in [0,", batch,
                                                     "), got ", image, " for region ", r));
    }
    for (int64_t k = 0; k < 2; ++k) {
      const double from = rois.At(4 * r + k), to = rois.At(4 * r + k + 2);
      const double bins = static_cast<double>(k == 0 ? aligner.bins_x : aligner.bins_y);
      if (!(std::abs(to - from) * aligner.scale <= kMostSamples * bins)) {
        return absl::InvalidArgumentError(absl::StrCat("expected regions of at most ", kMostSamples,
                                                       " elements a bin along an axis, got ", from,
                                                       " to ", to, " for region ", r));
      }
    }
  }
  return absl::OkStatus();
}

namespace {

absl::Status CheckRoiAttributes(const AttributeMap& attributes) {
  constexpr int64_t kMostBins = 1 << 14, kMostRatio = 1 << 10;
  WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "coordinate_transformation_mode",
                                  {"half_pixel", "output_half_pixel"}));
  WEFT_RETURN_IF_ERROR(CheckFinite(attributes, "spatial_scale", 0));
  for (const char* name : {"output_height", "output_width"}) {
    const int64_t bins = GetInt(attributes, name);
    if (bins >= 1 && bins <= kMostBins) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("attribute ", name, ": expected 1 to ", kMostBins, " bins, got ", bins));
  }
  const int64_t ratio = GetInt(attributes, "sampling_ratio");
  if (ratio >= 0 && ratio <= kMostRatio) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("attribute sampling_ratio: expected 0 to ", kMostRatio, " points, got ", ratio));
}

absl::StatusOr<Shape> AlignedShape(const InferContext& c, const Shape& x) {
  WEFT_RETURN_IF_ERROR(CheckRoiAttributes(c.attributes()));
  const Shape &rois = c.type(1).shape, &images = c.type(2).shape;
  const bool fits = x.size() == 4 && rois.size() == 2 && !DimsDiffer({rois[1]}, {Dim(4)}) &&
                    images.size() == 1 && !DimsDiffer({rois[0]}, images);
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected X [N,C,H,W], rois [R,4] and batch_indices [R], got ", ToString(x),
                     ", ", ToString(rois), " and ", ToString(images)));
  }
  return Shape{rois[0].is_static() ? rois[0] : images[0], x[1],
               Dim(GetInt(c.attributes(), "output_height")),
               Dim(GetInt(c.attributes(), "output_width"))};
}

absl::StatusOr<std::vector<TensorType>> InferRoiAlign(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape y, AlignedShape(c, c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

absl::StatusOr<std::vector<TensorType>> InferRoiAlignGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape y, AlignedShape(c, c.type(3).shape));
  if (DimsDiffer(y, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(y), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(3).shape}};
}

// f(x_offset, y_offset, weight) for all elements of X that elements of Y are sums of.
template <typename F>
void ForEachWeight(const EvalContext& c, const RoiAligner& aligner, const F& f) {
  const int64_t plane = aligner.height * aligner.width, bins = aligner.bins_y * aligner.bins_x;
  for (int64_t r = 0; r < c.in(2).size(); ++r) {
    const auto corner = [&](int64_t k) { return c.in(1).At(4 * r + k); };
    const auto image = static_cast<int64_t>(c.in(2).At(r));
    const RoiAligner::Span x = aligner.SpanOf(corner(0), corner(2), aligner.bins_x);
    const RoiAligner::Span y = aligner.SpanOf(corner(1), corner(3), aligner.bins_y);
    for (int64_t bin = 0; bin < bins; ++bin) {
      const int64_t by = bin / aligner.bins_x, bx = bin % aligner.bins_x;
      aligner.ForEachTap(y, x, by, bx, [&](int64_t offset, double weight) {
        for (int64_t channel = 0; channel < aligner.channels; ++channel) {
          f(static_cast<size_t>((image * aligner.channels + channel) * plane + offset),
            static_cast<size_t>((r * aligner.channels + channel) * bins + bin), weight);
        }
      });
    }
  }
}

// Both directions: `from` is X where it is weighed into regions, dY where it goes back.
absl::Status SumWeights(const EvalContext& c, std::span<const int64_t> x, bool back) {
  const RoiAligner aligner(c.attributes, x);
  WEFT_RETURN_IF_ERROR(CheckRegions(aligner, c.in(1), c.in(2), x[0]));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto from = c.in(0).in<T>();
    std::vector<double> sums(static_cast<size_t>(c.out().size()));
    ForEachWeight(c, aligner, [&](size_t x_offset, size_t y_offset, double weight) {
      sums[back ? x_offset : y_offset] +=
          weight * static_cast<double>(from[back ? y_offset : x_offset]);
    });
    std::transform(sums.begin(), sums.end(), c.out().out<T>().begin(),
                   [](double v) { return static_cast<T>(v); });
  });
}

absl::Status EvaluateRoiAlign(const EvalContext& c) { return SumWeights(c, c.in(0).dims, false); }
absl::Status EvaluateRoiAlignGrad(const EvalContext& c) {
  return SumWeights(c, c.out().dims, true);
}

InputGradients RoiAlignGradient(GradientContext& c) {
  InputGradients dx(3);
  dx[0] = c.Op("RoiAlignGrad", {c.dy(), c.x(1), c.x(2), c.x(0)}, c.attributes());
  return dx;
}

// Linear in dY.
InputGradients RoiAlignGradGradient(GradientContext& c) {
  InputGradients dx(4);
  dx[0] = c.Op("RoiAlign", {c.dy(), c.x(1), c.x(2)}, c.attributes());
  return dx;
}

// Four weights for each point.
Cost RoiCost(const CostContext& c, double elements) {
  const auto ratio =
      static_cast<double>(std::max<int64_t>(GetInt(c.attributes, "sampling_ratio"), 2));
  return {.flops = 8 * ratio * ratio * elements};
}
Cost RoiAlignCost(const CostContext& c) { return RoiCost(c, static_cast<double>(c.OutputSize())); }
Cost RoiAlignGradCost(const CostContext& c) {
  return RoiCost(c, static_cast<double>(c.InputSize(0)));
}

std::vector<InputSpec> RoiInputs(std::string_view first) {
  return {{.name = first},
          {.name = "rois"},
          {.name = "batch_indices", .dtypes = kIndexTypes, .type_variable = 'I'}};
}

std::vector<AttributeSpec> RoiAttributes() {
  using Kind = Attribute::Kind;
  return {
      {.name = "coordinate_transformation_mode", .kind = Kind::kString, .fallback = "half_pixel"},
      {.name = "output_height", .fallback = 1},
      {.name = "output_width", .fallback = 1},
      {.name = "sampling_ratio", .fallback = 0},
      {.name = "spatial_scale", .kind = Kind::kFloat, .fallback = 1.0}};
}

}  // namespace

std::vector<OpDef> RoiAlignOps() {
  std::vector<InputSpec> with_like = RoiInputs("dY");
  with_like.push_back({.name = "like", .type_variable = ' ', .shape_only = true});
  return {
      {.name = "RoiAlign",
       .doc = "A window of output_height x output_width bins for each region (x1, y1, x2, y2) of "
              "an image of X [N,C,H,W]; a bin is the average of points interpolated in it "
              "(ONNX's RoiAlign in mode avg).",
       .inputs = RoiInputs("X"),
       .attributes = RoiAttributes(),
       .infer = InferRoiAlign,
       .gradient = RoiAlignGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateRoiAlign,
       .cost = RoiAlignCost},
      {.name = "RoiAlignGrad",
       .doc = "The gradient of RoiAlign in X, which has like's shape: each bin's dY goes back to "
              "the elements around its points, by their weights.",
       .inputs = std::move(with_like),
       .outputs = {{"dX"}},
       .attributes = RoiAttributes(),
       .infer = InferRoiAlignGrad,
       .gradient = RoiAlignGradGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateRoiAlignGrad,
       .cost = RoiAlignGradCost}};
}

}  // namespace weft
