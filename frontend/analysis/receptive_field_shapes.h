#ifndef WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_SHAPES_H_
#define WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_SHAPES_H_

#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/analysis/receptive_field_rules.h"

// What the rules share: operations on traces.

namespace weft {

// An error for what is not understood.
template <typename... Args>
absl::Status Unknown(const Args&... args) {
  return absl::UnimplementedError(absl::StrCat("its receptive field is not known: ", args...));
}

// Whether some axis of the input is traced along `axis`.
bool MovesAlong(const Trace& trace, size_t axis);

// Each unit now sees all the units along `axes`: fields that move along one of them become whole.
void See(Trace& trace, const AxisSet& axes);

// The value loses `axes`, along which nothing moves.
void Drop(Trace& trace, const AxisSet& axes);

// The smallest intervals that hold those of all branches, which have the same axes. Errors: fields
// that move along other axes or with other strides.
absl::StatusOr<Trace> Union(std::vector<Trace> branches);

// The value's elements under other dims. Axes that stay are followed; fields that move along axes
// which are split or merged are no longer placed.
void Regroup(Trace& trace, const Shape& from, const Shape& to);

// Units of `axis` become windows of `span` units, `stride` apart; the first begins `pad` before.
absl::Status Slide(Trace& trace, size_t axis, double span, double stride, double pad);

const Shape& ShapeOf(const FieldContext& c, int input = 0);

// The trace of the input `data`; an error where another input (weights, indices) depends on the
// traced input too.
absl::StatusOr<Trace> OnlyOf(const FieldContext& c, int data = 0);

// The rules of what slides over an image (receptive_field_windows.cc).
absl::StatusOr<Trace> AdaptivePoolFields(const FieldContext& c);
absl::StatusOr<Trace> BlockFields(const FieldContext& c);  // DepthToSpace, SpaceToDepth
absl::StatusOr<Trace> ConvFields(const FieldContext& c);
absl::StatusOr<Trace> ConvTransposeFields(const FieldContext& c);
absl::StatusOr<Trace> PoolFields(const FieldContext& c);
absl::StatusOr<Trace> ResizeFields(const FieldContext& c);
absl::StatusOr<Trace> UnpoolFields(const FieldContext& c);  // MaxUnpool

}  // namespace weft

#endif  // WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_SHAPES_H_
