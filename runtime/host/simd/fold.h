#ifndef WEFT_RUNTIME_HOST_SIMD_FOLD_H_
#define WEFT_RUNTIME_HOST_SIMD_FOLD_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "graph/type.h"
#include "runtime/scratch.h"

// The one mechanism of our reductions: f32 elements folded over any axes, in double.

namespace weft {

enum class Fold {
  kSum,             // of x
  kDot,             // of x * other
  kMagnitude,       // of |x|
  kSquare,          // of x^2
  kExp,             // of exp(x - shift)
  kProduct,         // of x
  kNonzeroProduct,  // of x but for zeros
  kZeros,           // how many
  kLargest,         // NaN if there is one
  kSmallest,        // NaN if there is one
};

// Neighbouring axes that are all folded, or all kept, count as one level.
struct FoldLevel {
  int64_t extent = 1;
  bool folded = false;
  int64_t step_in = 1;   // elements of the input, a unit of this level
  int64_t step_out = 0;  // of the output; 0 where folded
};

// What some folds read besides x.
struct FoldOperands {
  const float* other = nullptr;  // kDot: of x's dims
  const float* shift = nullptr;  // kExp: one element an output
};

// How the elements of a tensor are folded, and the scratch memory that takes.
class FoldPlan {
 public:
  // Of an input of dims `x`; `kept` has 1 for every axis that is folded.
  FoldPlan(const Dims& x, const Dims& kept, ScratchPlan& scratch);

  // Gives done(first, folded) the results of the outputs from `first` on, in parts, from the run's
  // threads; it may overwrite the shifts of those outputs. What is added to what follows from the
  // levels, so the bits are the same for any number of threads.
  void Run(Fold fold, const float* x, const FoldOperands& more, std::byte* scratch,
           absl::FunctionRef<void(int64_t, std::span<const double>)> done) const;
  int64_t outputs() const { return outputs_; }

 private:
  std::vector<FoldLevel> levels_;
  int64_t outputs_ = 1;
  ScratchArray<double> sums_;  // of each thread's outputs, or of all chunks
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_FOLD_H_
