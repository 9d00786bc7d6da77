#ifndef WEFT_TESTS_RUNTIME_TESTING_CANDIDATES_H_
#define WEFT_TESTS_RUNTIME_TESTING_CANDIDATES_H_

#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "runtime/kernel.h"
#include "tests/cases/cases.h"

namespace weft {

// An op case as a node, with its inputs and what the reference makes of them.
struct CaseNode {
  explicit CaseNode(const OpCase& c);
  const Node& node() const { return *graph->Find("node"); }

  absl::StatusOr<Graph> graph;
  std::vector<Tensor> inputs;
  absl::StatusOr<std::vector<Tensor>> expected;
};

// Images are channels-last where `channels_last`.
KernelRequest RequestFor(const Node& node, bool channels_last, int threads);

// The outputs of `kernel` for row-major inputs, one of them in an input's memory if `shared`.
absl::StatusOr<std::vector<Tensor>> RunKernel(const Kernel& kernel,
                                              const std::vector<Tensor>& inputs,
                                              std::optional<Alias> shared = std::nullopt);

// Runs all that the family offers, and calls `see` with each kernel.
void ExpectAgreement(const CaseNode& c, const KernelRequest& request, KernelFamily family,
                     absl::FunctionRef<void(const Kernel&)> see);
// Runs all that the families offer for the case, row-major and channels-last.
void ExpectAgreement(
    const OpCase& c, std::span<const KernelFamily> families,
    absl::FunctionRef<void(const Kernel&)> see = [](const Kernel&) {});

// Runs all that the family offers for the case, channels-last, at 1, 2 and 3 threads: results
// within `largest_error` of the largest element, and of the same bits. There are `fewest` kernels
// at least.
void ExpectSameAtAnyThreadCount(const OpCase& c, KernelFamily family, size_t fewest,
                                double largest_error);

// How many kernels the family offers for a Conv of these dims whose x is of `dtype`.
size_t KernelsOffered(KernelFamily family, const AttributeMap& attributes, const Dims& x,
                      const Dims& w, const Dims& y, DType dtype = DType::kF32);

// Calls `run` with the vectors of older CPUs in force instead of this one's: AVX2, and the least.
void WithOlderCpus(absl::FunctionRef<void()> run);

}  // namespace weft

#endif  // WEFT_TESTS_RUNTIME_TESTING_CANDIDATES_H_
