#include "runtime/plan/joins.h"

#include <algorithm>
#include <utility>

#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/pointwise/conv.h"
#include "runtime/host/shuffled_concat.h"
#include "runtime/plan/step_patterns.h"

namespace weft {
namespace {

using KernelPtr = StepEditor::KernelPtr;

void JoinShuffle(StepEditor& steps, size_t s) {
  const PlanStep& shuffle = steps.step(s);
  if (shuffle.op != "ChannelShuffle" || shuffle.node == nullptr) return;
  const int concat = steps.WriterOf(shuffle.inputs[0]);
  if (!steps.IsConcat(concat) || steps.OnlyReader(shuffle.inputs[0]) != static_cast<int>(s)) {
    return;
  }
  std::vector<int> outputs = shuffle.outputs;
  const int split = steps.OnlyReader(outputs[0]);
  if (steps.IsSplit(split)) outputs = steps.step(Index(split)).outputs;
  const std::vector<int> inputs = steps.step(Index(concat)).inputs;
  KernelPtr kernel = MakeShuffledConcat(steps.LayoutsOf(inputs), steps.LayoutsOf(outputs),
                                        GetInt(shuffle.node->attributes(), "group"));
  if (kernel == nullptr) return;
  size_t bytes = 0;
  for (const int v : outputs) bytes += steps.value(v).layout.bytes();
  steps.Remove(Index(concat));
  if (steps.IsSplit(split)) steps.Remove(Index(split));
  steps.Replace(s, {.name = shuffle.name,
                    .op = shuffle.op,
                    .kernel = std::move(kernel),
                    .inputs = inputs,
                    .outputs = outputs,
                    .threads = ThreadsToCopy(bytes, steps.plan_threads())});
}

void JoinSplit(StepEditor& steps, size_t s) {
  if (!steps.IsSplit(static_cast<int>(s))) return;
  const int whole = steps.step(s).inputs[0], conv = steps.WriterOf(whole);
  if (conv < 0 || steps.OnlyReader(whole) != static_cast<int>(s)) return;
  // Of a part that was split off already the others would have no maker.
  if (steps.step(Index(conv)).outputs != std::vector<int>{whole}) return;
  const std::vector<int> outputs = steps.step(s).outputs;
  KernelPtr kernel = PointwiseFor(steps, Index(conv), steps.LayoutsOf(outputs));
  if (kernel == nullptr) return;
  PlanStep joined = steps.step(Index(conv));
  joined.kernel = std::move(kernel);
  joined.outputs = outputs;
  steps.Replace(Index(conv), std::move(joined));
  steps.Remove(s);
}

absl::StatusOr<std::unique_ptr<Kernel>> ScalingConv(StepEditor& steps, const PlanStep& conv,
                                                    const std::vector<int>& inputs) {
  KernelRequest request = RequestOf(conv);
  request.inputs[0] = steps.value(inputs[0]).layout;
  const RunScope scope(conv.threads);
  return MakePointwiseConv(request,
                           {.results = conv.kernel->outputs(),
                            .scale_and_shift = steps.LayoutsOf({inputs.end() - 2, inputs.end()})});
}

void JoinScaleShift(StepEditor& steps, size_t s) {
  const PlanStep& chain = steps.step(s);
  if (!IsScaleShift(chain)) return;
  const int reader = steps.OnlyReader(chain.outputs[0]);
  if (reader < 0 || !IsConv(steps.step(Index(reader)))) return;
  PlanStep conv = steps.step(Index(reader));
  const int x = chain.inputs[0];
  if (conv.inputs[0] != chain.outputs[0] || !FindPixelStride(steps.value(x).layout)) return;
  std::vector<int> inputs = conv.inputs;
  inputs[0] = x;
  inputs.insert(inputs.end(), chain.inputs.begin() + 1, chain.inputs.end());
  auto made = ScalingConv(steps, conv, inputs);
  if (!made.ok() || *made == nullptr || (*made)->outputs() != conv.kernel->outputs() ||
      !steps.CanPack(inputs, **made)) {
    return;
  }
  conv.inputs = std::move(inputs);
  conv.kernel = *std::move(made);
  steps.Replace(Index(reader), std::move(conv));
  steps.Remove(s);
}

void ForEachStep(StepEditor& steps, void (*join)(StepEditor&, size_t)) {
  for (size_t s = 0; s < steps.num_steps(); ++s) {
    if (!steps.IsRemoved(s)) join(steps, s);
  }
}

}  // namespace

void JoinShuffles(StepEditor& steps) { ForEachStep(steps, JoinShuffle); }
void JoinSplits(StepEditor& steps) { ForEachStep(steps, JoinSplit); }
void JoinScaleShifts(StepEditor& steps) { ForEachStep(steps, JoinScaleShift); }

bool IsShuffle(const PlanStep& step) { return step.node == nullptr && step.op == "ChannelShuffle"; }

KernelPtr PointwiseFor(StepEditor& steps, size_t s, std::vector<Layout> results) {
  const PlanStep& step = steps.step(s);
  if (!IsConv(step)) return nullptr;
  const RunScope scope(step.threads);
  auto kernel = MakePointwiseConv(RequestOf(step), {.results = std::move(results)});
  if (!kernel.ok() || *kernel == nullptr || !steps.CanPack(step.inputs, **kernel)) return nullptr;
  return *std::move(kernel);
}

}  // namespace weft
