#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "ops/common.h"
#include "ops/index_map.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

// Gather, GatherElements, GatherND, ScatterElements, ScatterND and their gradients; what the rows,
// slices and slots of an IndexMap are is said in ops/index_map.h. An index out of range is
// reported by the reference kernel.

namespace weft {
namespace {

int64_t GrainOf(const IndexMap& map) { return std::max<int64_t>(1, kGrain / (map.width + 1)); }

// Fills in the slots of the rows; false if an index is out of range.
bool Resolve(const IndexMap& map, int64_t* slots) {
  std::atomic<bool> ok = true;
  ParallelFor(map.rows, kGrain, [&](int64_t begin, int64_t end) {
    if (!map.Resolve(begin, end, slots).ok()) ok = false;
  });
  return ok;
}

// f(row, slice) for rows [begin, end).
template <typename F>
void ForRows(const IndexMap& map, const int64_t* slots, int64_t begin, int64_t end, F f) {
  while (begin < end) {
    const int64_t batch = begin / map.rows;
    const int64_t stop = std::min(end, (batch + 1) * map.rows);
    for (; begin < stop; ++begin) {
      f(begin, slots[begin - batch * map.rows] + batch * map.slices);
    }
  }
}

// f(row, slice) for the rows of slices [begin, end), those of one slice in order.
template <typename F>
void ForSlices(const IndexMap& map, const int64_t* slots, int64_t begin, int64_t end, F f) {
  for (int64_t batch = begin / map.slices; batch * map.slices < end; ++batch) {
    const int64_t first = begin - batch * map.slices, last = end - batch * map.slices;
    for (int64_t row = 0; row < map.rows; ++row) {
      if (slots[row] < first || slots[row] >= last) continue;
      f(batch * map.rows + row, batch * map.slices + slots[row]);
    }
  }
}

template <typename Word>
void TakeRows(const EvalContext& c, const IndexMap& map, const int64_t* slots) {
  const auto* data = static_cast<const Word*>(c.in(0).data);
  auto* y = static_cast<Word*>(c.out().data);
  const int64_t width = map.width;
  ParallelFor(map.batches * map.rows, GrainOf(map), [&](int64_t begin, int64_t end) {
    if (width == 1) {
      ForRows(map, slots, begin, end, [&](int64_t row, int64_t slice) { y[row] = data[slice]; });
      return;
    }
    ForRows(map, slots, begin, end, [&](int64_t row, int64_t slice) {
      std::memcpy(y + row * width, data + slice * width, static_cast<size_t>(width) * sizeof(Word));
    });
  });
}

// What ScatterElements and ScatterND start from, or zeros, and then combine(y, update) for each
// row.
template <typename Word, typename Update, typename F>
void PutRows(const IndexMap& map, const int64_t* slots, const Word* data, const Update* updates,
             Word* y, F combine) {
  const int64_t width = map.width;
  ParallelFor(map.batches * map.slices, GrainOf(map), [&](int64_t begin, int64_t end) {
    const size_t bytes = static_cast<size_t>((end - begin) * width) * sizeof(Word);
    if (data == nullptr) std::memset(y + begin * width, 0, bytes);
    if (data != nullptr && data != y) std::memcpy(y + begin * width, data + begin * width, bytes);
    ForSlices(map, slots, begin, end, [&](int64_t row, int64_t slice) {
      Word* to = y + slice * width;
      const Update* from = updates + row * width;
      for (int64_t i = 0; i < width; ++i) to[i] = combine(to[i], from[i]);
    });
  });
}

template <typename Word>
void TakeLastRows(const EvalContext& c, const IndexMap& map, const int64_t* slots,
                  int64_t* writers) {
  for (int64_t row = 0; row < map.rows; ++row) writers[slots[row]] = row;
  const auto* dy = static_cast<const Word*>(c.in(0).data);
  auto* to = static_cast<Word*>(c.out().data);
  const size_t bytes = static_cast<size_t>(map.width) * sizeof(Word);
  ParallelFor(map.rows, GrainOf(map), [&](int64_t begin, int64_t end) {
    ForRows(map, slots, begin, end, [&](int64_t row, int64_t slice) {
      if (writers[slice] == row) {
        std::memcpy(to + row * map.width, dy + slice * map.width, bytes);
      } else {
        std::memset(to + row * map.width, 0, bytes);
      }
    });
  });
}

// What a run computes in: the slot of each row, for TakeLast the row that wrote each slice last,
// for AddBack the sums of the slices, null where few rows go to each.
struct Rows {
  int64_t *slots, *writers;
  double* sums;
};
using Compute = void (*)(const EvalContext&, const IndexMap&, const Rows&);

void Take(const EvalContext& c, const IndexMap& map, const Rows& rows) {
  VisitWidth(c.out().dtype, [&](auto word) { TakeRows<decltype(word)>(c, map, rows.slots); });
}

void TakeLast(const EvalContext& c, const IndexMap& map, const Rows& rows) {
  VisitWidth(c.out().dtype,
             [&](auto word) { TakeLastRows<decltype(word)>(c, map, rows.slots, rows.writers); });
}

// From so many rows on that are added to a slice, on average, they are so in double.
constexpr int64_t kManyRows = 64;

void AddBack(const EvalContext& c, const IndexMap& map, const Rows& rows) {
  const float* const dy = c.in(0).in<float>().data();
  float* const dx = c.out().out<float>().data();
  if (rows.sums == nullptr) {
    PutRows<float>(map, rows.slots, nullptr, dy, dx, std::plus<float>());
    return;
  }
  PutRows<double>(map, rows.slots, nullptr, dy, rows.sums, std::plus<double>());
  for (int64_t i = 0; i < c.out().size(); ++i) dx[i] = static_cast<float>(rows.sums[i]);
}

void Replace(const EvalContext& c, const IndexMap& map, const Rows& rows) {
  VisitWidth(c.out().dtype, [&](auto word) {
    using Word = decltype(word);
    PutRows<Word>(map, rows.slots, static_cast<const Word*>(c.in(0).data),
                  static_cast<const Word*>(c.in(2).data), static_cast<Word*>(c.out().data),
                  [](Word, Word update) { return update; });
  });
}

template <typename F>
void Combine(const EvalContext& c, const IndexMap& map, const Rows& rows) {
  PutRows<float>(map, rows.slots, c.in(0).in<float>().data(), c.in(2).in<float>().data(),
                 c.out().out<float>().data(), F());
}

struct Larger {  // NaN stays
  float operator()(float y, float u) const { return u > y || u != u ? u : y; }
};
struct Smaller {
  float operator()(float y, float u) const { return u < y || u != u ? u : y; }
};

// The extents of the node's map, which follow from its operands' dims; none for an empty output.
absl::StatusOr<IndexMap> ExtentsOf(const KernelRequest& request) {
  std::vector<TensorView> inputs, outputs;
  for (const Layout& layout : request.inputs) {
    inputs.push_back({layout.dtype(), layout.dims(), nullptr, true});
  }
  outputs.push_back({request.node.type().dtype, request.outputs[0], nullptr, true});
  if (outputs[0].size() == 0) return IndexMap();
  return IndexMapOf(request.node.op_name(), {request.node.attributes(), inputs, outputs, {}});
}

absl::StatusOr<Kernels> Make(const KernelRequest& request, Compute compute, bool in_place) {
  const EvaluateFn reference = request.node.op().evaluate;
  const std::string_view op = request.node.op_name();
  WEFT_ASSIGN_OR_RETURN(const IndexMap extents, ExtentsOf(request));
  ScratchPlan scratch(request.threads);
  const auto slots = scratch.Shared<int64_t>(extents.rows);
  const auto writers = scratch.Shared<int64_t>(compute == TakeLast ? extents.slices : 0);
  const bool sums = compute == AddBack && extents.rows >= kManyRows * extents.slices;
  const auto of_slices =
      scratch.Shared<double>(sums ? extents.batches * extents.slices * extents.width : 0);
  const auto run = [=](const HostContext& c) -> absl::Status {
    if (c.out().size() == 0) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(const IndexMap map, IndexMapOf(op, c));
    const Rows rows{slots.In(c.scratch), writers.In(c.scratch),
                    sums ? of_slices.In(c.scratch) : nullptr};
    if (!Resolve(map, rows.slots)) return reference(c);
    compute(c, map, rows);
    return absl::OkStatus();
  };
  return Single(MakeHostKernel(request, "weft", "row loops", run, in_place, scratch));
}

}  // namespace

absl::StatusOr<Kernels> HostGather(const KernelRequest& request) {
  return Make(request, Take, /*in_place=*/false);
}

absl::StatusOr<Kernels> HostGatherGrad(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  return Make(request, AddBack, /*in_place=*/false);
}

absl::StatusOr<Kernels> HostScatter(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(const ScatterReduction reduction,
                        ScatterReductionOf(request.node.attributes()));
  if (reduction == ScatterReduction::kNone) return Make(request, Replace, /*in_place=*/true);
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  Compute compute = Combine<std::plus<float>>;
  if (reduction == ScatterReduction::kMul) compute = Combine<std::multiplies<float>>;
  if (reduction == ScatterReduction::kMax) compute = Combine<Larger>;
  if (reduction == ScatterReduction::kMin) compute = Combine<Smaller>;
  return Make(request, compute, /*in_place=*/true);
}

absl::StatusOr<Kernels> HostScatterGrad(const KernelRequest& request) {
  return Make(request, TakeLast, /*in_place=*/false);
}

// values[0] everywhere, then values[1] at the index of each line.
absl::StatusOr<Kernels> HostOneHot(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(request.node.attributes(), "axis", -1),
                                                      static_cast<int>(request.outputs[0].size())));
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "fill loops", [axis](const EvalContext& c) {
    const int64_t depth = c.out().dim(axis);
    int64_t inner = 1;
    for (int i = axis + 1; i < c.out().rank(); ++i) inner *= c.out().dim(i);
    if (c.out().size() == 0) return;
    VisitWidth(c.out().dtype, [&](auto word) {
      using Word = decltype(word);
      const auto* values = static_cast<const Word*>(c.in(2).data);
      auto* y = static_cast<Word*>(c.out().data);
      ParallelFor(c.out().size(), kGrain,
                  [&](int64_t begin, int64_t end) { std::fill(y + begin, y + end, values[0]); });
      ParallelFor(c.in(0).size(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          double at = std::trunc(c.in(0).At(i));
          if (at < 0) at += static_cast<double>(depth);
          if (!(at >= 0 && at < static_cast<double>(depth))) continue;
          y[(i / inner * depth + static_cast<int64_t>(at)) * inner + i % inner] = values[1];
        }
      });
    });
  }));
  return kernels;
}

}  // namespace weft
