#include "runtime/plan/step_editor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/plan/step_patterns.h"

namespace weft {

StepEditor::StepEditor(Lowering& lowering) : l_(lowering) {
  const Plan& plan = l_.plan;
  writers_.assign(plan.values.size(), -1);
  readers_.resize(plan.values.size());
  shared_.assign(plan.values.size(), false);
  removed_.assign(plan.steps.size(), false);
  copies_.resize(plan.steps.size());
  std::vector<int> first(plan.buffers.size(), -1);
  for (size_t v = 0; v < plan.values.size(); ++v) {
    int& other = first[Index(plan.values[v].buffer)];
    if (other >= 0) shared_[v] = shared_[Index(other)] = true;
    other = static_cast<int>(v);
  }
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    for (const int v : plan.steps[s].outputs) writers_[Index(v)] = static_cast<int>(s);
    for (const int v : plan.steps[s].inputs) {
      if (v >= 0) readers_[Index(v)].push_back(static_cast<int>(s));
    }
  }
  for (const auto& [value, variable] : l_.updates) Share(value);
}

int StepEditor::OnlyReader(int v) {
  const std::vector<int>& readers = ReadersOf(v);
  const bool only = readers.size() == 1 && !IsShared(v);
  return only && BufferOf(v).place == Place::kArena ? readers[0] : -1;
}

std::vector<Layout> StepEditor::LayoutsOf(const std::vector<int>& values) {
  std::vector<Layout> layouts;
  for (const int v : values) layouts.push_back(value(v).layout);
  return layouts;
}

bool StepEditor::IsChannelsLast(int v) {
  return v >= 0 && FindPixelStride(value(v).layout).has_value();
}

bool StepEditor::IsAlongChannels(int s, std::string_view op) {
  if (s < 0 || IsRemoved(Index(s))) return false;
  const PlanStep& at = step(Index(s));
  if (at.node == nullptr || at.op != op) return false;
  const int rank = static_cast<int>(value(at.inputs[0]).layout.dims().size());
  const auto axis = NormalizeAxis(GetInt(at.node->attributes(), "axis"), rank);
  return axis.ok() && *axis == kChannelAxis;
}

bool StepEditor::IsConcat(int s) {
  const auto channels_last = [this](int v) { return IsChannelsLast(v); };
  return IsAlongChannels(s, "Concat") && channels_last(step(Index(s)).outputs[0]) &&
         std::ranges::all_of(step(Index(s)).inputs, channels_last);
}

bool StepEditor::IsSplit(int s) {
  const auto channels_last = [this](int v) { return IsChannelsLast(v); };
  return (IsAlongChannels(s, "Split") || IsAlongChannels(s, "SplitLike")) &&
         channels_last(step(Index(s)).inputs[0]) &&
         std::ranges::all_of(step(Index(s)).outputs, channels_last);
}

bool StepEditor::CanPack(const std::vector<int>& inputs, const Kernel& kernel) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int v = inputs[i];
    if (v < 0 || value(v).layout == kernel.inputs()[i]) continue;
    if (BufferOf(v).place != Place::kConstant || IsShared(v) || ReadersOf(v).size() > 1) {
      return false;
    }
  }
  return true;
}

void StepEditor::SetKernel(size_t s, KernelPtr kernel) {
  const std::vector<int>& inputs = step(s).inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int v = inputs[i];
    if (v < 0 || BufferOf(v).place != Place::kConstant) continue;
    const Layout& wanted = kernel->inputs()[i];
    l_.plan.constant_bytes += wanted.bytes() - value(v).layout.bytes();
    BufferOf(v).bytes = wanted.bytes();
    value(v).layout = wanted;
  }
  step(s).kernel = std::move(kernel);
  SetScratch(step(s));
}

void StepEditor::SetScratch(PlanStep& of) {
  const size_t bytes = of.kernel->scratch_bytes();
  if (bytes == 0) {
    of.scratch = -1;
    return;
  }
  if (of.scratch < 0) of.scratch = l_.AddBuffer(Place::kArena, bytes);
  l_.plan.buffers[Index(of.scratch)].bytes = bytes;
}

void StepEditor::Replace(size_t s, PlanStep other) {
  Remove(s);
  removed_[s] = false;
  for (const int v : other.inputs) {
    if (v >= 0) readers_[Index(v)].push_back(static_cast<int>(s));
  }
  for (const int v : other.outputs) writers_[Index(v)] = static_cast<int>(s);
  KernelPtr kernel = other.kernel;
  step(s) = std::move(other);
  SetKernel(s, std::move(kernel));
}

void StepEditor::Remove(size_t s) {
  removed_[s] = true;
  for (const int v : step(s).inputs) {
    if (v >= 0) std::erase(readers_[Index(v)], static_cast<int>(s));
  }
}

absl::StatusOr<int> StepEditor::CopyBefore(size_t s, int v, const Layout& layout, int buffer) {
  const int threads = ThreadsToCopy(value(v).layout.bytes(), l_.plan.threads);
  const RunScope scope(threads);  // those that the kernel is made for
  WEFT_ASSIGN_OR_RETURN(KernelPtr kernel, MakeReorder(value(v).layout, layout));
  const std::string name = value(v).name;
  Share(v);  // with a step that reads it as it is
  const int made = l_.AddValue(name, layout, buffer);
  writers_.push_back(-1);  // no step with a number
  readers_.emplace_back();
  shared_.push_back(true);
  PlanStep& copy = copies_[s].emplace_back();
  copy.name = absl::StrCat("copy ", name, " -> ", step(s).name);
  copy.op = "Copy";
  copy.kernel = std::move(kernel);
  copy.inputs = {v};
  copy.outputs = {made};
  copy.threads = threads;
  SetScratch(copy);
  return made;
}

void StepEditor::Assemble() {
  std::vector<PlanStep> steps;
  for (size_t s = 0; s < removed_.size(); ++s) {
    std::ranges::move(copies_[s], std::back_inserter(steps));
    if (!removed_[s]) steps.push_back(std::move(step(s)));
  }
  l_.plan.steps = std::move(steps);
}

}  // namespace weft
