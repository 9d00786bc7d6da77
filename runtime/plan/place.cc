#include <algorithm>
#include <functional>
#include <limits>

#include "runtime/plan/lowering.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

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

using Order = std::vector<PlanBuffer*>;

// Each buffer at the lowest offset that is free during its lifetime, in the order given; returns
// what that takes.
size_t PlaceInOrder(const Order& order) {
  size_t bytes = 0;
  Order placed;  // by offset
  for (PlanBuffer* buffer : order) {
    size_t offset = 0;
    for (const PlanBuffer* other : placed) {
      if (!Overlap(*buffer, *other)) continue;
      if (offset + AlignedBytes(buffer->bytes) <= other->offset) break;
      offset = std::max(offset, other->offset + AlignedBytes(other->bytes));
    }
    buffer->offset = offset;
    bytes = std::max(bytes, offset + AlignedBytes(buffer->bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const PlanBuffer* a, const PlanBuffer* b) {
                                     return a->offset < b->offset;
                                   }),
                  buffer);
  }
  return bytes;
}

// No placement takes less: the most that is live during one step.
size_t LeastBytes(const Plan& plan, const Order& buffers) {
  std::vector<size_t> live(plan.steps.size() + 1);  // by step: what begins, less what has ended
  for (const PlanBuffer* b : buffers) {
    live[Index(b->first)] += AlignedBytes(b->bytes);
    live[Index(b->last) + 1] -= AlignedBytes(b->bytes);  // sums wrap around and back
  }
  size_t least = 0, now = 0;
  for (const size_t change : live) least = std::max(least, now += change);
  return least;
}

// Placements are tried again and again in as many comparisons of two buffers, 24 times at most.
constexpr size_t kMostComparisons = size_t{1} << 22;
constexpr size_t kMostTries = 24;

// Tries orders until one takes no more than `least`, and keeps the best: the largest buffer first
// (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020), or the one
// of most bytes times steps; then time and again the one that lay highest goes to the front.
class Placement {
 public:
  Placement(Order buffers, size_t least) : buffers_(std::move(buffers)), least_(least) {}

  size_t Run() {
    const auto bytes = [](const PlanBuffer* b) { return b->bytes; };
    const auto area = [](const PlanBuffer* b) {
      return b->bytes * static_cast<size_t>(b->last - b->first + 1);
    };
    Order by_size = buffers_, by_area = buffers_;
    std::ranges::stable_sort(by_size, std::greater<>(), bytes);
    std::ranges::stable_sort(by_area, std::greater<>(), area);
    for (Order* order : {&by_size, &by_area}) Improve(*order);
    for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i]->offset = best_offsets_[i];
    return best_;
  }

 private:
  void Improve(Order& order) {
    const size_t pairs = order.size() * order.size();
    const size_t tries = std::clamp<size_t>(kMostComparisons / pairs, 1, kMostTries);
    for (size_t i = 0; i < tries && best_ > least_; ++i) {
      Try(order);
      const auto highest = std::ranges::max_element(
          order, {}, [](const PlanBuffer* b) { return b->offset + AlignedBytes(b->bytes); });
      std::rotate(order.begin(), highest, highest + 1);
    }
  }

  void Try(const Order& order) {
    const size_t bytes = PlaceInOrder(order);
    if (bytes >= best_) return;
    best_ = bytes;
    best_offsets_.clear();
    for (const PlanBuffer* buffer : buffers_) best_offsets_.push_back(buffer->offset);
  }

  Order buffers_;
  size_t least_;
  size_t best_ = std::numeric_limits<size_t>::max();
  std::vector<size_t> best_offsets_;  // of buffers_
};

}  // namespace

absl::Status PlaceStage(Lowering& lowering) {
  Plan& plan = lowering.plan;
  FindLifetimes(plan);
  Order buffers;
  for (PlanBuffer& buffer : plan.buffers) {
    if (buffer.place == Place::kArena && buffer.first >= 0 && buffer.bytes > 0) {
      buffers.push_back(&buffer);
    }
  }
  if (buffers.empty()) return absl::OkStatus();
  const size_t least = LeastBytes(plan, buffers);
  plan.arena_bytes = Placement(std::move(buffers), least).Run();
  return absl::OkStatus();
}

}  // namespace weft
