#include <functional>

#include "ops/reduce.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

// Ops on broadcast operands whose loops the compiler vectorizes: comparisons and logic, Where,
// ExpandLike.

namespace weft {
namespace {

using PairFn = void (*)(const EvalContext&, const Loops&);

template <typename A, typename B, typename Y, typename Fn>
void ComputePairs(const EvalContext& c, const Loops& loops) {
  MapPairs(loops, c.in(0).in<A>().data(), c.in(1).in<B>().data(), c.out().out<Y>().data(), Fn());
}

// A bool as a byte, which may hold more than 0 and 1.
template <typename Fn>
struct OfTruths {
  uint8_t operator()(uint8_t a, uint8_t b) const { return Fn()(a != 0, b != 0); }
};

template <typename T>
PairFn ComparisonOf(std::string_view op) {
  if (op == "Equal") return ComputePairs<T, T, uint8_t, std::equal_to<>>;
  if (op == "Greater") return ComputePairs<T, T, uint8_t, std::greater<>>;
  if (op == "GreaterOrEqual") return ComputePairs<T, T, uint8_t, std::greater_equal<>>;
  if (op == "Less") return ComputePairs<T, T, uint8_t, std::less<>>;
  return ComputePairs<T, T, uint8_t, std::less_equal<>>;
}

PairFn LogicOf(std::string_view op) {
  if (op == "And") return ComputePairs<uint8_t, uint8_t, uint8_t, OfTruths<std::logical_and<>>>;
  if (op == "Or") return ComputePairs<uint8_t, uint8_t, uint8_t, OfTruths<std::logical_or<>>>;
  if (op == "Xor") return ComputePairs<uint8_t, uint8_t, uint8_t, OfTruths<std::not_equal_to<>>>;
  return ComputePairs<uint8_t, uint8_t, uint8_t, OfTruths<std::equal_to<>>>;  // Equal
}

// Null where there is no fast kernel for the operands' dtype.
PairFn FunctionOf(const KernelRequest& request) {
  const std::string_view op = request.node.op_name();
  const DType dtype = request.in(0).dtype();
  if (dtype == DType::kBool) return LogicOf(op);
  if (dtype == DType::kI64) return ComparisonOf<int64_t>(op);
  if (dtype == DType::kF32) return ComparisonOf<float>(op);
  return nullptr;
}

template <typename Word>
void Expand(const EvalContext& c, const Loops& loops) {
  const auto* x = static_cast<const Word*>(c.in(0).data);
  auto* y = static_cast<Word*>(c.out().data);
  const int64_t step = loops.step(0);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    if (step == 0) {
      std::fill_n(y + to, count, x[at[0]]);
    } else {
      std::copy_n(x + at[0], count, y + to);
    }
  });
}

// One run of a choice; the steps are constants, so that the compiler vectorizes.
template <int64_t kC, int64_t kX, int64_t kY, typename Word>
void ChooseRun(const uint8_t* condition, const Word* x, const Word* y, Word* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const Word a = x[i * kX], b = y[i * kY];
    to[i] = condition[i * kC] != 0 ? a : b;
  }
}

template <typename Word>
void Choose(const EvalContext& c, const Loops& loops) {
  using RunFn = void (*)(const uint8_t*, const Word*, const Word*, Word*, int64_t);
  constexpr RunFn kRuns[2][2][2] = {{{ChooseRun<0, 0, 0, Word>, ChooseRun<0, 0, 1, Word>},
                                     {ChooseRun<0, 1, 0, Word>, ChooseRun<0, 1, 1, Word>}},
                                    {{ChooseRun<1, 0, 0, Word>, ChooseRun<1, 0, 1, Word>},
                                     {ChooseRun<1, 1, 0, Word>, ChooseRun<1, 1, 1, Word>}}};
  const RunFn run = kRuns[loops.step(0)][loops.step(1)][loops.step(2)];
  const auto* condition = static_cast<const uint8_t*>(c.in(0).data);
  const auto* x = static_cast<const Word*>(c.in(1).data);
  const auto* y = static_cast<const Word*>(c.in(2).data);
  auto* result = static_cast<Word*>(c.out().data);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    run(condition + at[0], x + at[1], y + at[2], result + to, count);
  });
}

}  // namespace

absl::StatusOr<Kernels> HostPairs(const KernelRequest& request) {
  const PairFn compute = FunctionOf(request);
  if (compute == nullptr) return Kernels();
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops = BroadcastLoops(request), compute](const EvalContext& c) { compute(c, loops); }));
}

absl::StatusOr<Kernels> HostWhere(const KernelRequest& request) {
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops",
      [loops = BroadcastLoops(request)](const EvalContext& c) {
        VisitWidth(c.out().dtype, [&](auto word) { Choose<decltype(word)>(c, loops); });
        return absl::OkStatus();
      },
      /*in_place=*/true));
}

absl::StatusOr<Kernels> HostExpandLike(const KernelRequest& request) {
  const Dims& y = request.outputs[0];
  WEFT_ASSIGN_OR_RETURN(const auto axes, NormalizeAxes(GetInts(request.node.attributes(), "axes"),
                                                       static_cast<int>(y.size())));
  const Dims rest = WithoutAxes(y, axes, /*keep=*/false);  // the axes of Y that X has
  Dims strides = BroadcastStrides(request.in(0).dims(), rest);
  for (int64_t axis : axes) strides.insert(strides.begin() + axis, 0);
  return Single(MakeHostKernel(
      request, "weft", "broadcast loops", [loops = MergeAxes(y, {strides})](const EvalContext& c) {
        VisitWidth(c.out().dtype, [&](auto word) { Expand<decltype(word)>(c, loops); });
      }));
}

}  // namespace weft
