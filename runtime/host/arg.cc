#include <algorithm>
#include <limits>
#include <vector>

#include "ops/order.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/arg.cc"
#include "runtime/host/simd/simd_math-inl.h"

// ArgMax, ArgMin, Hardmax: the place of the extreme along an axis, in vectors of lines where the
// axis is not the last, in vectors of one line's elements where it is.

#ifndef WEFT_HOST_ARG
#define WEFT_HOST_ARG
namespace weft {
namespace {

struct ArgProblem {
  Lines lines;
  bool largest = true;
  bool last = false;  // of equals
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Where `a` comes before `b`: NaN first (ops/order.h).
HWY_INLINE Mf Beats(Vf a, Vf b, bool largest) {
  const Mf better = largest ? hn::Gt(a, b) : hn::Lt(a, b);
  return hn::Or(better, hn::AndNot(hn::IsNaN(b), hn::IsNaN(a)));
}

struct Best {
  Vf value;
  Vi index;

  HWY_INLINE void Meet(Vf x, Vi at, bool largest, bool last) {
    // Of equals (neither beats the other) the later one is wanted, or the earlier one.
    const Mf replaced = last ? hn::Not(Beats(value, x, largest)) : Beats(x, value, largest);
    value = hn::IfThenElse(replaced, x, value);
    index = hn::IfThenElse(hn::RebindMask(Di(), replaced), at, index);
  }
};

// The indices of `count` <= Lanes() neighbouring lines, `stride` elements from one of their
// elements to the next.
HWY_INLINE Vi ArgOfLines(const ArgProblem& p, const float* x, int64_t count) {
  const bool whole = count == Lanes();
  const int64_t stride = p.lines.inner;
  Best best{whole ? hn::LoadU(Df(), x) : LoadFirst(x, count), hn::Zero(Di())};
  for (int64_t k = 1; k < p.lines.extent; ++k) {
    const float* row = x + k * stride;
    const Vf v = whole ? hn::LoadU(Df(), row) : LoadFirst(row, count);
    best.Meet(v, hn::Set(Di(), static_cast<int32_t>(k)), p.largest, p.last);
  }
  return best.index;
}

// The index within one line of n elements, side by side.
int64_t ArgOfRow(const ArgProblem& p, const float* x, int64_t n) {
  const int64_t lanes = Lanes();
  const auto beats = [&](float a, float b) {
    return p.largest ? NanFirst<float, true>(a, b) : NanFirst<float, false>(a, b);
  };
  float value = x[0];
  int64_t index = 0;
  const auto meet = [&](float v, int64_t at) {
    const bool ordered = p.last ? at > index : at < index;
    if (beats(v, value) || (ordered && !beats(value, v))) {
      value = v;
      index = at;
    }
  };
  int64_t i = 0;
  if (n >= 2 * lanes) {
    Vi at = hn::Iota(Di(), 0);
    Best best{hn::LoadU(Df(), x), at};
    for (i = lanes; i + lanes <= n; i += lanes) {
      at = hn::Add(at, hn::Set(Di(), static_cast<int32_t>(lanes)));
      best.Meet(hn::LoadU(Df(), x + i), at, p.largest, p.last);
    }
    HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)];
    HWY_ALIGN int32_t indices[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(best.value, Df(), values);
    hn::Store(best.index, Di(), indices);
    for (int64_t j = 0; j < lanes; ++j) meet(values[j], indices[j]);
  }
  for (; i < n; ++i) meet(x[i], i);
  return index;
}

}  // namespace

// The indices of the lines [begin, end), in order.
void ArgLines(const ArgProblem& p, const float* x, int64_t begin, int64_t end, int64_t* y) {
  if (p.lines.inner == 1) {
    for (int64_t i = begin; i < end; ++i) {
      *y++ = ArgOfRow(p, x + i * p.lines.extent, p.lines.extent);
    }
    return;
  }
  HWY_ALIGN int32_t indices[HWY_MAX_BYTES / sizeof(float)];
  for (int64_t i = begin; i < end;) {
    const int64_t in_row = p.lines.inner - i % p.lines.inner;  // until the lines jump
    const int64_t count = std::min({Lanes(), in_row, end - i});
    hn::Store(ArgOfLines(p, x + p.lines.first(i), count), Di(), indices);
    for (int64_t j = 0; j < count; ++j) *y++ = indices[j];
    i += count;
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(ArgLines);

namespace {

constexpr int64_t kBlock = 1024;  // indices kept on the stack

void ComputeArg(const ArgProblem& p, const float* x, int64_t* y) {
  ParallelFor(p.lines.count(), ItemGrain(p.lines.extent), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ArgLines)(p, x, begin, end, y + begin);
  });
}

void ComputeHardmax(const ArgProblem& p, const float* x, float* y) {
  const Lines& lines = p.lines;
  ParallelFor(lines.count(), ItemGrain(lines.extent), [&](int64_t begin, int64_t end) {
    int64_t places[kBlock];
    for (int64_t i = begin; i < end;) {  // lines that are neighbours, or one
      const int64_t in_row = lines.inner - i % lines.inner;
      const int64_t count = std::min({kBlock, in_row, end - i});
      HWY_DYNAMIC_DISPATCH(ArgLines)(p, x, i, i + count, places);
      float* first = y + lines.first(i);
      if (lines.inner == 1) {
        std::fill_n(first, lines.extent, 0.0f);
      } else {
        for (int64_t k = 0; k < lines.extent; ++k)
          std::fill_n(first + k * lines.inner, count, 0.0f);
      }
      for (int64_t j = 0; j < count; ++j) first[places[j] * lines.inner + j] = 1;
      i += count;
    }
  });
}

}  // namespace

absl::StatusOr<Kernels> HostArg(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const AttributeMap& attributes = request.node.attributes();
  ArgProblem p;
  WEFT_ASSIGN_OR_RETURN(p.lines, LinesAlong(request.in(0).dims(), GetInt(attributes, "axis")));
  p.largest = request.node.op_name() != "ArgMin";
  p.last = GetInt(attributes, "select_last_index") != 0;
  if (p.lines.extent > std::numeric_limits<int32_t>::max()) return Kernels();
  const bool hardmax = request.node.op_name() == "Hardmax";
  return Single(MakeHostKernel(request, "weft", "line loops", [p, hardmax](const EvalContext& c) {
    const float* x = c.in(0).in<float>().data();
    if (hardmax) {
      ComputeHardmax(p, x, c.out().out<float>().data());
    } else {
      ComputeArg(p, x, c.out().out<int64_t>().data());
    }
    return absl::OkStatus();
  }));
}

}  // namespace weft
#endif  // HWY_ONCE
