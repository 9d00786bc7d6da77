#ifndef WEFT_TESTS_BENCH_CONTENDERS_H_
#define WEFT_TESTS_BENCH_CONTENDERS_H_

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "runtime/kernel.h"

namespace weft {

// A kernel with operands of its own, and its name in a table.
struct Contender {
  std::string column;
  std::unique_ptr<Kernel> kernel;
  std::vector<std::shared_ptr<std::byte>> memory = {};
  std::unique_ptr<BoundKernel> bound = {};
};

// All kernels that there are for a Conv of images of dims `x`, channels-last, and weights of dims
// `w`, which are constant, with post-ops where there are any. `column_of`: the kernel's name in the
// table; empty for those that nobody would choose.
struct ConvProblemOf {
  Dims x, w;
  AttributeMap attributes = {};
  int threads = 1;
};
absl::StatusOr<std::vector<Contender>> ContendersFor(
    const ConvProblemOf& problem, absl::FunctionRef<std::string(const Kernel&)> column_of);

// Runs all of them by turns, within a RunScope, and shows for each column the least milliseconds
// and the GFLOP/s of so many multiplications; without them the error.
void RunContenders(benchmark::State& state,
                   const absl::StatusOr<std::vector<Contender>>& contenders, double macs);

}  // namespace weft

#endif  // WEFT_TESTS_BENCH_CONTENDERS_H_
