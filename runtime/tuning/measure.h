#ifndef WEFT_RUNTIME_TUNING_MEASURE_H_
#define WEFT_RUNTIME_TUNING_MEASURE_H_

#include <memory>
#include <utility>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// What the kernels that are compared compute: the same node, or the same reorder.
struct TrialOperands {
  std::vector<bool> present{};  // per input: there, and read by the op
  // Per input: its value, which a run finds cold, and on which dims that were inferred may depend;
  // null for what is no constant.
  std::vector<const Tensor*> constants{};
  std::vector<std::pair<int, int>> in_place{};  // (output, input) that may share memory
  int threads = 1;                              // that the kernels were made for
};
TrialOperands OperandsOf(const KernelRequest& request);

// Times kernels on operands of their own, as a run finds the caches: weights out of the second
// level (out of all levels where `weights_bytes`, those of the whole network, overflow the last),
// images where their producer left them. One thread at a time; keeps the memory of the largest
// operands that it met.
class KernelTimer {
 public:
  KernelTimer(int threads, size_t weights_bytes);  // of a run

  // The least seconds of a run of each kernel, taken in turns; of fewer runs for one that another
  // is much faster than; infinity for one that fails. Errors: not enough memory.
  absl::StatusOr<std::vector<double>> Measure(const std::vector<const Kernel*>& kernels,
                                              const TrialOperands& operands);

 private:
  struct Trial;
  absl::Status Reserve(size_t bytes);
  void PrepareCaches(const Trial& trial, const TrialOperands& operands) const;
  void RunInTurns(const TrialOperands& operands, std::vector<Trial>& trials) const;

  bool flushes_;  // weights come from memory
  std::shared_ptr<std::byte> memory_;
  size_t bytes_ = 0;
  std::vector<float> elsewhere_;  // read to push other things out of the second level
};

// The largest difference of the results of `kernel` and `exact`, as a share of the largest result,
// on random operands; both compute request.node and were made within a RunScope of
// request.threads, as all kernels have to be. NaN where either of them has one. Errors: as their
// runs; not enough memory.
absl::StatusOr<double> RelativeError(const KernelRequest& request, const Kernel& kernel,
                                     const Kernel& exact);

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_MEASURE_H_
