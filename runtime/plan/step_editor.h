#ifndef WEFT_RUNTIME_PLAN_STEP_EDITOR_H_
#define WEFT_RUNTIME_PLAN_STEP_EDITOR_H_

#include <memory>
#include <string_view>
#include <vector>

#include "runtime/plan/lowering.h"

namespace weft {

// The steps of a plan, who makes and who reads each value, and the changes that stages make to
// them. Steps keep their numbers until Assemble.
class StepEditor {
 public:
  using KernelPtr = std::shared_ptr<const Kernel>;

  explicit StepEditor(Lowering& lowering);

  size_t num_steps() const { return removed_.size(); }
  PlanStep& step(size_t s) { return l_.plan.steps[s]; }
  PlanValue& value(int v) { return l_.plan.values[Index(v)]; }
  PlanBuffer& BufferOf(int v) { return l_.BufferOf(v); }
  int plan_threads() const { return l_.plan.threads; }

  bool IsRemoved(size_t s) const { return removed_[s]; }
  int WriterOf(int v) const { return writers_[Index(v)]; }  // -1 where no step writes it
  const std::vector<int>& ReadersOf(int v) const { return readers_[Index(v)]; }
  // The only reader of a value that nothing else needs; -1 where there is another.
  int OnlyReader(int v);
  // Whether a value's memory is another's too, or a variable's, or is needed for other reasons.
  bool IsShared(int v) const { return shared_[Index(v)]; }
  void Share(int v) { shared_[Index(v)] = true; }
  bool IsRegion(int v) { return !value(v).layout.strides().empty(); }
  std::vector<Layout> LayoutsOf(const std::vector<int>& values);
  // Whether the step is one along the channels of channels-last images; false for -1.
  bool IsConcat(int s);
  bool IsSplit(int s);

  // Whether the kernel can have the values as its inputs: as they lie, or as constants of the
  // step's own that can be packed otherwise.
  bool CanPack(const std::vector<int>& inputs, const Kernel& kernel);
  // The step's kernel, with operands that it takes or can pack.
  void SetKernel(size_t s, KernelPtr kernel);
  // Step `s` becomes another, which reads and writes other values.
  void Replace(size_t s, PlanStep step);
  void Remove(size_t s);
  // A step that runs right before `s`, or in its place where that is removed: op "Copy", from `v`
  // to a new value of that layout, in that buffer. Returns the value.
  absl::StatusOr<int> CopyBefore(size_t s, int v, const Layout& layout, int buffer);

  // Puts the steps in order; the last call.
  void Assemble();

 private:
  bool IsAlongChannels(int s, std::string_view op);
  bool IsChannelsLast(int v);
  void SetScratch(PlanStep& step);

  Lowering& l_;
  std::vector<int> writers_;                   // by value
  std::vector<std::vector<int>> readers_;      // by value
  std::vector<bool> shared_;                   // by value
  std::vector<bool> removed_;                  // by step
  std::vector<std::vector<PlanStep>> copies_;  // by step: those before it
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_STEP_EDITOR_H_
