#ifndef WEFT_TESTS_RUNTIME_TESTING_PLANS_H_
#define WEFT_TESTS_RUNTIME_TESTING_PLANS_H_

#include <string_view>

#include "graph/graph.h"
#include "runtime/plan/plan.h"

// What tests of joined steps ask about small graphs.

namespace weft {

// Numbers that go up and down.
Tensor Waves(Dims dims, float step);

int CountSteps(const Plan& plan, std::string_view op);

// That results have the same bits for 1, 2 and 3 threads, and where all parts fall to one of them.
void ExpectSameBitsAtAnyThreadCount(const Graph& graph);

// That the graph gives what its reference kernels give, with 1, 2 and 3 threads, and that every
// step has them all.
void ExpectReferenceResults(const Graph& graph);

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_TESTING_PLANS_H_
