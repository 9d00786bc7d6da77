#ifndef WEFT_TESTS_PASSES_TESTING_PROOF_H_
#define WEFT_TESTS_PASSES_TESTING_PROOF_H_

#include <functional>
#include <string>

#include "passes/pass.h"
#include "tests/passes/testing_random.h"

namespace weft {

// What `options` do wrong to the graph; "" for nothing. The optimized graph has the types and,
// within `tolerance` of the largest, the values of the graph as it was; integers, infinities and
// NaN are the same; it verifies, and a second run changes nothing. A difference is forgiven where
// rounding all values of the graph as it was makes one nearly as large: sums that cancel, steps.
std::string Mistake(const RandomGraph& random, const PassOptions& options, double tolerance);

using Fails = std::function<bool(const RandomGraph&)>;

// The smallest graph to be had that still fails: with fewer outputs, nodes taken away in favour of
// one of their operands, and their results fed or constant.
RandomGraph Shrink(RandomGraph random, const Fails& fails);

}  // namespace weft

#endif  // WEFT_TESTS_PASSES_TESTING_PROOF_H_
