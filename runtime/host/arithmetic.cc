#include "runtime/host/arithmetic.h"

#include <algorithm>
#include <optional>

#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/arithmetic.cc"
#include "runtime/host/simd/simd-inl.h"

// Add, Sub, Mul, Div of f32 and Max, Min, Sum, Mean of any number of operands, broadcast together.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

struct AddVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const { return hn::Add(a, b); }
};
struct SubVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const { return hn::Sub(a, b); }
};
struct MulVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const { return hn::Mul(a, b); }
};
struct DivVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const { return hn::Div(a, b); }
};
// NaN wins: where only b is NaN, no comparison holds.
struct MaxVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  }
};
struct MinVectors {
  HWY_INLINE Vf operator()(Vf a, Vf b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
  }
};

template <typename Op>
struct WithFirst {
  Vf a;
  HWY_INLINE Vf operator()(Vf b) const { return Op()(a, b); }
};
template <typename Op>
struct WithSecond {
  Vf b;
  HWY_INLINE Vf operator()(Vf a) const { return Op()(a, b); }
};

struct Constant {
  Vf value;
  HWY_INLINE Vf operator()() const { return value; }
};

template <typename Op>
void Run(RunOperand a, RunOperand b, int64_t n, float* y, bool stream) {
  if (a.step != 0 && b.step != 0) {
    MapRange(n, y, stream, Op(), a.data, b.data);
  } else if (a.step == 0 && b.step == 0) {  // a third operand has elements here
    MapRange(n, y, stream, Constant{Op()(Fill(*a.data), Fill(*b.data))});
  } else if (b.step == 0) {
    MapRange(n, y, stream, WithSecond<Op>{Fill(*b.data)}, a.data);
  } else {
    MapRange(n, y, stream, WithFirst<Op>{Fill(*a.data)}, b.data);
  }
}

}  // namespace

// y = a op b, n elements.
void ArithmeticRun(Arithmetic op, RunOperand a, RunOperand b, int64_t n, float* y, bool stream) {
  switch (op) {
    case Arithmetic::kAdd:
      return Run<AddVectors>(a, b, n, y, stream);
    case Arithmetic::kSub:
      return Run<SubVectors>(a, b, n, y, stream);
    case Arithmetic::kMul:
      return Run<MulVectors>(a, b, n, y, stream);
    case Arithmetic::kDiv:
      return Run<DivVectors>(a, b, n, y, stream);
    case Arithmetic::kMax:
      return Run<MaxVectors>(a, b, n, y, stream);
    case Arithmetic::kMin:
      return Run<MinVectors>(a, b, n, y, stream);
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(ArithmeticRun);

namespace {

constexpr int64_t kBlock = 2048;  // elements of a fold of many operands that stay in the L1 cache
constexpr int64_t kStreamRun = 1024;  // elements of a run whose stores may go past the caches

Arithmetic OperationOf(std::string_view op) {
  return FindArithmetic(op).value_or(Arithmetic::kAdd);  // Sum, Mean
}

const float* Data(const EvalContext& c, int i) { return c.in(i).in<float>().data(); }

void ComputeBinary(const EvalContext& c, const Loops& loops, Arithmetic op) {
  const float *a = Data(c, 0), *b = Data(c, 1);
  float* y = c.out().out<float>().data();
  const bool large =
      loops.size() * static_cast<int64_t>(sizeof(float)) >= HWY_NAMESPACE::kStreamBytes;
  const bool stream = large && loops.dims.back() >= kStreamRun && a != y && b != y;
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    HWY_DYNAMIC_DISPATCH(ArithmeticRun)
    (op, {a + at[0], loops.step(0)}, {b + at[1], loops.step(1)}, count, y + to, stream);
  });
}

// y = x0 op x1 op …, block by block; times `factor`, if any.
void ComputeFold(const EvalContext& c, const Loops& loops, Arithmetic op,
                 std::optional<float> factor) {
  float* y = c.out().out<float>().data();
  const int n = static_cast<int>(c.inputs.size());
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    for (int64_t done = 0; done < count; done += kBlock) {
      const int64_t block = std::min(kBlock, count - done);
      const auto operand = [&](int k) {
        const auto i = static_cast<size_t>(k);
        return RunOperand{Data(c, k) + at[i] + done * loops.step(i), loops.step(i)};
      };
      float* result = y + to + done;
      if (n == 1) std::copy_n(operand(0).data, block, result);
      for (int k = 1; k < n; ++k) {
        const RunOperand so_far = k == 1 ? operand(0) : RunOperand{result, 1};
        HWY_DYNAMIC_DISPATCH(ArithmeticRun)(op, so_far, operand(k), block, result, false);
      }
      if (factor) {
        HWY_DYNAMIC_DISPATCH(ArithmeticRun)
        (Arithmetic::kMul, {result, 1}, {&*factor, 0}, block, result, false);
      }
    }
  });
}

bool AllPlain(const KernelRequest& request) {
  return std::all_of(request.inputs.begin(), request.inputs.end(),
                     [](const Layout& input) { return input.is_plain(); });
}

}  // namespace

std::optional<Arithmetic> FindArithmetic(std::string_view op) {
  if (op == "Add") return Arithmetic::kAdd;
  if (op == "Sub") return Arithmetic::kSub;
  if (op == "Mul") return Arithmetic::kMul;
  if (op == "Div") return Arithmetic::kDiv;
  if (op == "Max") return Arithmetic::kMax;
  if (op == "Min") return Arithmetic::kMin;
  return std::nullopt;
}

void RunArithmetic(Arithmetic op, RunOperand a, RunOperand b, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(ArithmeticRun)(op, a, b, n, y, /*stream=*/false);
}

absl::StatusOr<Kernels> HostBinary(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const Arithmetic op = OperationOf(request.node.op_name());
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops = BroadcastLoops(request), op](const EvalContext& c) { ComputeBinary(c, loops, op); },
      /*in_place=*/true));
}

absl::StatusOr<Kernels> HostPlainBinary(const KernelRequest& request) {
  return AllPlain(request) ? HostBinary(request) : Kernels();
}

absl::StatusOr<Kernels> HostVariadic(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const Arithmetic op = OperationOf(request.node.op_name());
  std::optional<float> factor;
  if (request.node.op_name() == "Mean") factor = 1 / static_cast<float>(request.inputs.size());
  return Single(MakeHostKernel(request, "weft", "broadcast loops",
                               [loops = BroadcastLoops(request), op, factor](const EvalContext& c) {
                                 ComputeFold(c, loops, op, factor);
                               }));
}

}  // namespace weft
#endif  // HWY_ONCE
