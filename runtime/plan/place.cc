#include <algorithm>
#include <numeric>

#include "runtime/plan/lowering.h"

namespace weft {
namespace {

size_t Aligned(size_t bytes) {
  return (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

void Extend(PlanBuffer& buffer, int step) {
  if (buffer.first < 0) buffer.first = step;
  buffer.last = step;
}

void FindLifetimes(Plan& plan) {
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    auto use = [&](int buffer) {
      if (buffer >= 0) Extend(plan.buffers[static_cast<size_t>(buffer)], static_cast<int>(s));
    };
    for (const std::vector<int>* operands : {&step.inputs, &step.outputs}) {
      for (int v : *operands) {
        if (v >= 0) use(plan.values[static_cast<size_t>(v)].buffer);
      }
    }
    use(step.scratch);
    use(step.workspace);
  }
}

bool Overlap(const PlanBuffer& a, const PlanBuffer& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

// Greedy by size (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference,
// 2020): the largest buffer first, each at the lowest offset that is free during its lifetime.
absl::Status PlaceStage(Lowering& lowering) {
  Plan& plan = lowering.plan;
  FindLifetimes(plan);
  std::vector<PlanBuffer*> order;
  for (PlanBuffer& buffer : plan.buffers) {
    if (buffer.place == Place::kArena && buffer.first >= 0 && buffer.bytes > 0) {
      order.push_back(&buffer);
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const PlanBuffer* a, const PlanBuffer* b) { return a->bytes > b->bytes; });
  std::vector<PlanBuffer*> placed;  // by offset
  for (PlanBuffer* buffer : order) {
    size_t offset = 0;
    for (const PlanBuffer* other : placed) {
      if (!Overlap(*buffer, *other)) continue;
      if (offset + Aligned(buffer->bytes) <= other->offset) break;
      offset = std::max(offset, other->offset + Aligned(other->bytes));
    }
    buffer->offset = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + Aligned(buffer->bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const PlanBuffer* a, const PlanBuffer* b) {
                                     return a->offset < b->offset;
                                   }),
                  buffer);
  }
  return absl::OkStatus();
}

}  // namespace weft
