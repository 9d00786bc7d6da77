#ifndef WEFT_PASSES_AXES_H_
#define WEFT_PASSES_AXES_H_

#include <optional>
#include <vector>

#include "passes/rule.h"

namespace weft {

// The op's attribute `axis`, counted from the front.
int64_t AxisOf(const Node& node);

// The one axis that a Slice cuts, counted from the front; nullopt where that is several or unknown.
std::optional<int64_t> SlicedAxis(const Node& slice);

// The axes that a reduction takes away, sorted, from 0 on.
std::vector<int64_t> ReducedAxes(const Node& reduction);

// Whether a value has the same numbers for all pixels of an image [N,C,...] of `image_rank` axes
// that it broadcasts to.
bool IsSpread(const TensorType& type, int image_rank);

// The reductions called `a` and `b` are over the same axes and keep them as 1. One that is absent
// fulfils it.
Condition ReduceAlike(const Match& match, std::string_view a, std::string_view b);

}  // namespace weft

#endif  // WEFT_PASSES_AXES_H_
