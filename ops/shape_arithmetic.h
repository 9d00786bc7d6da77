#ifndef WEFT_OPS_SHAPE_ARITHMETIC_H_
#define WEFT_OPS_SHAPE_ARITHMETIC_H_

#include <optional>

#include "graph/dim.h"

// Arithmetic on elements of a ShapeValue: symbolic extents and any integers. nullopt: a run has to
// show it.

namespace weft {

using KnownDim = std::optional<Dim>;

KnownDim AddKnown(const Dim& a, const Dim& b);
KnownDim SubtractKnown(const Dim& a, const Dim& b);
KnownDim MultiplyKnown(const Dim& a, const Dim& b);
// Of integers; `exactly`: of numbers that need not be.
KnownDim DivideKnown(const Dim& a, const Dim& b, bool exactly);
KnownDim ModKnown(const Dim& a, const Dim& b);
KnownDim MinKnown(const Dim& a, const Dim& b);
KnownDim MaxKnown(const Dim& a, const Dim& b);
// 0 or 1.
KnownDim AreEqualKnown(const Dim& a, const Dim& b);
KnownDim IsLessKnown(const Dim& a, const Dim& b);

}  // namespace weft

#endif  // WEFT_OPS_SHAPE_ARITHMETIC_H_
