#ifndef WEFT_PASSES_AXES_H_
#define WEFT_PASSES_AXES_H_

#include <vector>

#include "passes/rule.h"

namespace weft {

// The axes that a reduction takes away, sorted, from 0 on.
std::vector<int64_t> ReducedAxes(const Node& reduction);

// The reductions called `a` and `b` are over the same axes and keep them as 1. One that is absent
// fulfils it.
Condition ReduceAlike(const Match& match, std::string_view a, std::string_view b);

}  // namespace weft

#endif  // WEFT_PASSES_AXES_H_
