#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

// How many boxes stay only a run knows, but not more than each class may have. So the op gives that
// many rows, the last ones -1, and their number; whoever needs just those that stay takes a Slice:
//
//   boxes, scores -> NonMaxSuppression -> selected_indices [most,3] -> Slice -> [count,3]
//                                      '-> count ---------------------'

namespace weft {
namespace {

constexpr int kMost = 2, kIou = 3, kScore = 4;  // inputs

// The rows of a class: as many as there are boxes, and as it may have.
Dim MostRows(const InferContext& c, const Dim& boxes) {
  if (!c.has(kMost)) return Dim(0);
  const std::optional<Dims> most = KnownInts(c, kMost);
  if (!most) return c.FreshDim("boxes");
  const int64_t limit = std::max<int64_t>(most->front(), 0);
  if (boxes.is_static()) return Dim(std::min(limit, boxes.coefficient()));
  return InferContext::DerivedDim(absl::StrCat("min(", boxes.ToString(), ",", limit, ")"));
}

absl::StatusOr<std::vector<TensorType>> InferNonMaxSuppression(const InferContext& c) {
  const Shape &boxes = c.type(0).shape, &scores = c.type(1).shape;
  const bool fits = boxes.size() == 3 && scores.size() == 3 && !DimsDiffer({boxes[2]}, {Dim(4)}) &&
                    !DimsDiffer({boxes[0], boxes[1]}, {scores[0], scores[2]});
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected boxes [N,boxes,4] and scores [N,classes,boxes], got ",
                     ToString(boxes), " and ", ToString(scores)));
  }
  for (int i = kMost; i <= kScore; ++i) {
    if (!c.has(i) || c.type(i).rank() == 0 || c.type(i).shape == Shape{Dim(1)}) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected a scalar as input ", i, ", got ", ToString(c.type(i))));
  }
  WEFT_ASSIGN_OR_RETURN(const Dim rows,
                        CountElements({scores[0], scores[1], MostRows(c, scores[2])}));
  return std::vector<TensorType>{{DType::kI64, {rows, Dim(3)}}, {DType::kI64, {Dim(1)}}};
}

// A box by its sides.
struct Box {
  double top = 0, left = 0, bottom = 0, right = 0;

  // Of any two opposite corners y, x, or of x, y of the center, width and height.
  static Box Of(const float* at, bool center) {
    const double a = at[0], b = at[1], c = at[2], d = at[3];
    if (center) return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
    return {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
  }
  double area() const { return (bottom - top) * (right - left); }
};

double IntersectionOverUnion(const Box& a, const Box& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0 && width > 0)) return 0;
  const double common = height * width;
  return common / (a.area() + b.area() - common);
}

struct SuppressionLimits {
  int64_t most = 0;
  double iou = 0;
  double score = -std::numeric_limits<double>::infinity();
};

// The boxes that stay, by falling score: each that overlaps none before it by more than the limit.
std::vector<int64_t> Survivors(const std::vector<Box>& boxes, const float* scores,
                               const SuppressionLimits& limits) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < boxes.size(); ++i) {
    if (scores[i] > limits.score) order.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  std::vector<int64_t> kept;
  for (int64_t candidate : order) {
    if (std::ssize(kept) >= limits.most) break;
    const bool overlaps = std::any_of(kept.begin(), kept.end(), [&](int64_t other) {
      return IntersectionOverUnion(boxes[static_cast<size_t>(candidate)],
                                   boxes[static_cast<size_t>(other)]) > limits.iou;
    });
    if (!overlaps) kept.push_back(candidate);
  }
  return kept;
}

absl::Status EvaluateNonMaxSuppression(const EvalContext& c) {
  SuppressionLimits limits;
  if (c.has(kMost)) limits.most = IntsOf(c, kMost).front();
  if (c.has(kIou)) limits.iou = c.in(kIou).At(0);
  if (c.has(kScore)) limits.score = c.in(kScore).At(0);
  const bool center = GetInt(c.attributes, "center_point_box") != 0;
  const int64_t images = c.in(1).dim(0), classes = c.in(1).dim(1), count = c.in(1).dim(2);
  const auto rows = c.out(0).out<int64_t>();
  std::fill(rows.begin(), rows.end(), -1);
  size_t filled = 0;
  std::vector<Box> boxes(static_cast<size_t>(count));
  for (int64_t image = 0; image < images; ++image) {
    const float* corners = c.in(0).in<float>().data() + image * count * 4;
    for (Box& box : boxes) {
      box = Box::Of(corners, center);
      corners += 4;
    }
    for (int64_t k = 0; k < classes; ++k) {
      const float* scores = c.in(1).in<float>().data() + (image * classes + k) * count;
      for (int64_t box : Survivors(boxes, scores, limits)) {
        for (int64_t part : {image, k, box}) rows[filled++] = part;
      }
    }
  }
  c.out(1).out<int64_t>()[0] = static_cast<int64_t>(filled / 3);
  return absl::OkStatus();
}

// Every box against every one that is kept of its class.
Cost SuppressionCost(const CostContext& c) {
  const auto scores = static_cast<double>(c.InputSize(1));
  const double classes = static_cast<double>(c.inputs[1][0] * c.inputs[1][1]);
  const double kept = static_cast<double>(c.outputs[0][0]) / std::max(classes, 1.0);
  return {.flops = 16 * scores * std::max(kept, 1.0)};
}

InputSpec LimitInput(std::string_view name, DType dtype) {
  return {.name = name, .dtypes = {dtype}, .arity = Arity::kOptional, .type_variable = ' '};
}

}  // namespace

std::vector<OpDef> NonMaxSuppressionOps() {
  return {{.name = "NonMaxSuppression",
           .doc = "The boxes of each class that overlap none of a higher score by more than "
                  "iou_threshold (intersection over union): rows image, class, box in "
                  "selected_indices, as many as count says; rows after them are -1. The rows are "
                  "those of ONNX's NonMaxSuppression.",
           .inputs = {{"boxes", {DType::kF32}},
                      {"scores", {DType::kF32}},
                      LimitInput("max_output_boxes_per_class", DType::kI64),
                      LimitInput("iou_threshold", DType::kF32),
                      LimitInput("score_threshold", DType::kF32)},
           .outputs = {{"selected_indices"}, {"count"}},
           .attributes = {{.name = "center_point_box", .fallback = 0}},
           .infer = InferNonMaxSuppression,
           .no_gradient = "its output is an integer",
           .evaluate = EvaluateNonMaxSuppression,
           .cost = SuppressionCost}};
}

}  // namespace weft
