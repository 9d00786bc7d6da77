#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "ops/order.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/topk.cc"
#include "runtime/host/simd/simd_math-inl.h"

// TopK: a few elements of as many lines at a time as a vector has lanes; many by a partial sort.

#ifndef WEFT_HOST_TOPK
#define WEFT_HOST_TOPK
namespace weft {
namespace {

constexpr int64_t kFew = 32;  // elements that are kept by insertion

struct TopKProblem {
  Lines from, to;
  bool largest = true;
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Where a comes before b (NanLargest in ops/order.h).
HWY_INLINE Mf ComesFirst(Vf a, Vf b, bool largest) {
  if (largest) return hn::Or(hn::Gt(a, b), hn::AndNot(hn::IsNaN(b), hn::IsNaN(a)));
  return hn::Or(hn::Lt(a, b), hn::AndNot(hn::IsNaN(a), hn::IsNaN(b)));
}

constexpr size_t kMostLanes = HWY_MAX_BYTES / sizeof(float);

// The best so far of each lane's line, in order.
struct Kept {
  HWY_ALIGN float values[kFew * kMostLanes];
  HWY_ALIGN int32_t indices[kFew * kMostLanes];

  // Takes in x, element `index` of the lines, where `count` are kept of at most k. What it comes
  // before moves on by one; of equals the earlier stays first.
  HWY_INLINE void Insert(Vf x, int64_t index, int64_t count, int64_t k, bool largest) {
    const int64_t lanes = Lanes();
    if (count == k) {
      const Vf worst = hn::Load(Df(), values + (k - 1) * lanes);
      if (hn::AllFalse(Df(), ComesFirst(x, worst, largest))) return;
    }
    Vi at = hn::Set(Di(), static_cast<int32_t>(index));
    Mf moves = hn::MaskFromVec(hn::Zero(Df()));
    for (int64_t s = 0; s < count; ++s) {
      const Vf v = hn::Load(Df(), values + s * lanes);
      const Vi i = hn::Load(Di(), indices + s * lanes);
      moves = hn::Or(moves, ComesFirst(x, v, largest));
      const auto moves_i = hn::RebindMask(Di(), moves);
      hn::Store(hn::IfThenElse(moves, x, v), Df(), values + s * lanes);
      hn::Store(hn::IfThenElse(moves_i, at, i), Di(), indices + s * lanes);
      x = hn::IfThenElse(moves, v, x);
      at = hn::IfThenElse(moves_i, i, at);
    }
    if (count == k) return;
    hn::Store(x, Df(), values + count * lanes);
    hn::Store(at, Di(), indices + count * lanes);
  }
};

// Element k of `count` <= Lanes() lines from `line` on.
HWY_INLINE Vf LoadLines(const Lines& lines, const float* x, int64_t line, int64_t count,
                        int64_t k) {
  if (lines.inner > 1) {  // neighbours in memory
    const float* first = x + lines.first(line) + k * lines.inner;
    return count == Lanes() ? hn::LoadU(Df(), first) : LoadFirst(first, count);
  }
  HWY_ALIGN float gathered[kMostLanes] = {};
  for (int64_t j = 0; j < count; ++j) gathered[j] = x[(line + j) * lines.extent + k];
  return hn::Load(Df(), gathered);
}

}  // namespace

// Lines [begin, end), where K is at most kFew.
void TopFew(const TopKProblem& p, const float* x, int64_t begin, int64_t end, float* values,
            int64_t* indices) {
  const int64_t lanes = Lanes(), k = p.to.extent;
  Kept kept;
  for (int64_t line = begin; line < end;) {
    const int64_t jump = p.from.inner - line % p.from.inner;  // to lines that are no neighbours
    const int64_t together = p.from.inner > 1 ? std::min(jump, end - line) : end - line;
    const int64_t count = std::min(lanes, together);
    for (int64_t e = 0; e < p.from.extent; ++e) {
      kept.Insert(LoadLines(p.from, x, line, count, e), e, std::min(e, k), k, p.largest);
    }
    for (int64_t j = 0; j < count; ++j) {
      const int64_t to = p.to.first(line + j);
      for (int64_t s = 0; s < k; ++s) {
        values[to + s * p.to.inner] = kept.values[s * lanes + j];
        indices[to + s * p.to.inner] = kept.indices[s * lanes + j];
      }
    }
    line += count;
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(TopFew);

namespace {

// An element and its index in one number: the larger comes first, and of equals the lower index.
// NaN counts as the largest.
uint64_t KeyOf(float value, int64_t index, bool largest) {
  const float canonical = value + 0.0f;  // of -0, 0
  uint32_t bits;
  std::memcpy(&bits, &canonical, sizeof bits);
  bits ^= (bits >> 31) != 0 ? 0xFFFFFFFFu : 0x80000000u;  // in the order of the numbers
  if (value != value) bits = 0xFFFFFFFFu;
  if (!largest) bits = ~bits;
  return uint64_t{bits} << 32 | (0xFFFFFFFFu - static_cast<uint32_t>(index));
}

int64_t IndexOf(uint64_t key) { return 0xFFFFFFFFu - static_cast<uint32_t>(key); }

// Lines [begin, end), whatever K. `keys`: memory for one a element of a line.
void TopMany(const TopKProblem& p, const float* x, int64_t begin, int64_t end, float* values,
             int64_t* indices, uint64_t* keys) {
  for (int64_t i = begin; i < end; ++i) {
    const float* line = x + p.from.first(i);
    for (int64_t j = 0; j < p.from.extent; ++j) {
      keys[j] = KeyOf(line[j * p.from.inner], j, p.largest);
    }
    std::partial_sort(keys, keys + p.to.extent, keys + p.from.extent, std::greater<>());
    for (int64_t j = 0; j < p.to.extent; ++j) {
      const int64_t index = IndexOf(keys[j]);
      const int64_t to = p.to.first(i) + j * p.to.inner;
      values[to] = line[index * p.from.inner];
      indices[to] = index;
    }
  }
}

absl::Status ComputeTopK(const HostContext& c, const TopKProblem& p, ScratchArray<uint64_t> keys,
                         EvaluateFn reference) {
  // A K that is not what the plan was made for: the reference says so.
  if (c.in(1).in<int64_t>()[0] != p.to.extent) return reference(c);
  if (p.to.extent == 0) return absl::OkStatus();
  const float* x = c.in(0).in<float>().data();
  float* values = c.out(0).out<float>().data();
  int64_t* indices = c.out(1).out<int64_t>().data();
  ParallelFor(p.from.count(), ItemGrain(p.from.extent),
              [&](int thread, int64_t begin, int64_t end) {
                if (p.to.extent <= kFew) {
                  HWY_DYNAMIC_DISPATCH(TopFew)(p, x, begin, end, values, indices);
                } else {
                  TopMany(p, x, begin, end, values, indices, keys.In(c.scratch, thread));
                }
              });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> HostTopK(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const AttributeMap& attributes = request.node.attributes();
  const int64_t axis = GetInt(attributes, "axis");
  TopKProblem p;
  WEFT_ASSIGN_OR_RETURN(p.from, LinesAlong(request.in(0).dims(), axis));
  WEFT_ASSIGN_OR_RETURN(p.to, LinesAlong(request.outputs[0], axis));
  p.largest = GetInt(attributes, "largest") != 0;
  if (p.from.extent > std::numeric_limits<int32_t>::max()) return Kernels();
  ScratchPlan scratch(request.threads);
  const auto keys = scratch.PerThread<uint64_t>(p.to.extent <= kFew ? 0 : p.from.extent);
  const auto run = [p, keys, reference = request.node.op().evaluate](const HostContext& c) {
    return ComputeTopK(c, p, keys, reference);
  };
  return Single(MakeHostKernel(request, "weft", "line loops", run, /*in_place=*/false, scratch));
}

}  // namespace weft
#endif  // HWY_ONCE
