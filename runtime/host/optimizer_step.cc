#include "ops/optimizer_step.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/optimizer_step.cc"
#include "runtime/host/simd/lines-inl.h"

// OptimizerStep, Momentum and GlobalNorm: one parallel region over the elements of all variables.
// Norms are summed by piece, in an order that no number of threads changes.

#ifndef WEFT_OPTIMIZER_STEP_ONCE
#define WEFT_OPTIMIZER_STEP_ONCE
namespace weft {

// The elements of several tensors, one after the other, with the padding of their layouts.
struct ElementLine {
  std::vector<int64_t> ends;  // [i]: of tensors 0 to i together

  void Add(int64_t elements) { ends.push_back(elements + size()); }
  int64_t size() const { return ends.empty() ? 0 : ends.back(); }
  int64_t blocks() const { return (size() + kGrain - 1) / kGrain; }
  // Parts of tensors within blocks of kGrain; piece `block + tensor` is that tensor's in the block.
  int64_t pieces() const { return blocks() + static_cast<int64_t>(ends.size()); }

  // f(tensor, at, count): the parts of [begin, end), `at` counting from the tensor's first element.
  template <typename F>
  void ForEachPart(int64_t begin, int64_t end, const F& f) const {
    auto tensor =
        static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin());
    for (; begin < end; ++tensor) {
      const int64_t start = tensor == 0 ? 0 : ends[tensor - 1];
      const int64_t stop = std::min(end, ends[tensor]);
      if (stop > begin) f(static_cast<int>(tensor), begin - start, stop - begin);
      begin = stop;
    }
  }
};

// Two sums over a tensor.
struct NormPair {
  double x = 0, measured = 0;
};

struct UpdateOperands {
  const EvalContext& context;
  const ElementLine& line;
  int scalars = 0;
  // For layerwise rules: sums of each piece and of each tensor.
  NormPair *partial = nullptr, *sums = nullptr;

  int variables() const { return static_cast<int>(line.ends.size()); }
  const float* in(int kind, int tensor) const {
    return static_cast<const float*>(context.in(scalars + kind * variables() + tensor).data);
  }
  float* out(int kind, int tensor) const {
    return static_cast<float*>(context.out(kind * variables() + tensor).data);
  }
};

}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

#include "ops/optimizer_rules.inc"

struct VectorMath {
  using Number = Vf;
  static HWY_INLINE Vf Set(double value) { return Fill(static_cast<float>(value)); }
  static HWY_INLINE Vf Sqrt(Vf x) { return hn::Sqrt(x); }
  static HWY_INLINE Vf Max(Vf a, Vf b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
  static HWY_INLINE Vf Sign(Vf x) {
    const Vf zero = hn::Zero(Df());
    return hn::IfThenElse(hn::Gt(x, zero), Fill(1), hn::IfThenElse(hn::Lt(x, zero), Fill(-1), x));
  }
  static HWY_INLINE Vf Clamp(Vf x, Vf bound) {
    const Vf least = hn::Neg(bound);
    return hn::IfThenElse(hn::Lt(x, least), least, hn::IfThenElse(hn::Gt(x, bound), bound, x));
  }
};

// A part of one variable, its gradient and its slots.
template <typename Rule>
struct Part {
  Part(const UpdateOperands& o, int tensor, int64_t at) {
    for (int k = 0; k < 2 + Rule::kSlots; ++k) in[k] = o.in(k, tensor) + at;
    for (int k = 0; k < 1 + Rule::kSlots; ++k) out[k] = o.out(k, tensor) + at;
  }
  const float* in[2 + Rule::kSlots];
  float* out[1 + Rule::kSlots];
};

// x, g and the slots of a vector of elements, ready for the rule.
template <typename Rule>
struct Elements {
  template <typename Load>
  HWY_INLINE Elements(const GradientRule<VectorMath>& prepare, const Part<Rule>& part,
                      const Load& load)
      : x(load(part.in[0])), g(load(part.in[1])) {
    s[Rule::kSlots] = x;
    for (int k = 0; k < Rule::kSlots; ++k) s[k] = load(part.in[2 + k]);
    prepare(x, g);
  }
  Vf x, g, s[Rule::kSlots + 1];
};

template <typename Rule>
void UpdatePart(const Rule& rule, const GradientRule<VectorMath>& prepare, const Part<Rule>& part,
                [[maybe_unused]] float ratio, int64_t count) {
  const auto step = [&](const auto& load, const auto& store) HWY_ATTR {
    Elements<Rule> e(prepare, part, load);
    if constexpr (Rule::kLayerwise) {
      store(rule(e.x, e.g, e.s, Fill(ratio)), part.out[0]);
    } else {
      store(rule(e.x, e.g, e.s), part.out[0]);
    }
    for (int k = 0; k < Rule::kSlots; ++k) store(e.s[k], part.out[1 + k]);
  };
  int64_t i = 0;
  for (; i + Lanes() <= count; i += Lanes()) {
    step([&](const float* p) HWY_ATTR { return hn::LoadU(Df(), p + i); },
         [&](Vf v, float* p) HWY_ATTR { hn::StoreU(v, Df(), p + i); });
  }
  if (const int64_t rest = count - i; rest > 0) {
    step([&](const float* p) HWY_ATTR { return LoadFirst(p + i, rest); },
         [&](Vf v, float* p) HWY_ATTR { StoreFirst(v, p + i, rest); });
  }
}

// The sums of squares that a layerwise rule wants, of one part.
template <typename Rule>
NormPair MeasurePart(const Rule& rule, const GradientRule<VectorMath>& prepare,
                     const Part<Rule>& part, int64_t count) {
  NormPair sums;
  for (int64_t i = 0; i < count;) {
    Vf x2 = hn::Zero(Df()), measured2 = hn::Zero(Df());
    const int64_t end = std::min(count, i + kPartialSum * Lanes());
    for (; i < end; i += Lanes()) {
      Elements<Rule> e(prepare, part,
                       [&](const float* p) HWY_ATTR { return LoadSome(p + i, count - i); });
      const Vf measured = rule.Measured(e.x, e.g, e.s);
      x2 = hn::MulAdd(e.x, e.x, x2);
      measured2 = hn::MulAdd(measured, measured, measured2);
    }
    sums.x += static_cast<double>(SumOf(x2));
    sums.measured += static_cast<double>(SumOf(measured2));
  }
  return sums;
}

// Every variable's ratio, in `ratios`.
template <typename Rule>
void FindRatios(const Rule& rule, const GradientRule<VectorMath>& prepare, const UpdateOperands& o,
                float* ratios) {
  const ElementLine& line = o.line;
  const auto block = [&](int64_t b, const auto& f) HWY_ATTR {
    line.ForEachPart(b * kGrain, std::min((b + 1) * kGrain, line.size()), f);
  };
  ParallelFor(line.blocks(), 1, [&](int64_t begin, int64_t end) HWY_ATTR {
    for (int64_t b = begin; b < end; ++b) {
      block(b, [&](int tensor, int64_t at, int64_t count) HWY_ATTR {
        o.partial[b + tensor] = MeasurePart(rule, prepare, Part<Rule>(o, tensor, at), count);
      });
    }
  });
  std::fill_n(o.sums, o.variables(), NormPair());
  for (int64_t b = 0; b < line.blocks(); ++b) {
    block(b, [&](int tensor, int64_t, int64_t) HWY_ATTR {
      o.sums[tensor].x += o.partial[b + tensor].x;
      o.sums[tensor].measured += o.partial[b + tensor].measured;
    });
  }
  for (int i = 0; i < o.variables(); ++i) {
    const auto [x2, measured2] = o.sums[i];
    ratios[i] = x2 == 0 || measured2 == 0
                    ? 1.0f
                    : static_cast<float>(rule.Ratio(std::sqrt(x2), std::sqrt(measured2)));
  }
}

void RunUpdate(const UpdateRun& update, const UpdateOperands& o, float* ratios) {
  const GradientRule<VectorMath> prepare(update);
  VisitUpdateRule<VectorMath>(update, [&]<typename Rule>(const Rule& rule) HWY_ATTR {
    if constexpr (Rule::kLayerwise) FindRatios(rule, prepare, o, ratios);
    ParallelFor(o.line.size(), kGrain, [&](int64_t begin, int64_t end) HWY_ATTR {
      o.line.ForEachPart(begin, end, [&](int tensor, int64_t at, int64_t count) HWY_ATTR {
        const float ratio = Rule::kLayerwise ? ratios[tensor] : 1.0f;
        UpdatePart(rule, prepare, Part<Rule>(o, tensor, at), ratio, count);
      });
    });
  });
}

// The sum of the squares of n floats.
double SumSquares(const float* x, int64_t n) {
  return SumRow(x, n, 0, [](Vf v) HWY_ATTR { return hn::Mul(v, v); });
}

}  // namespace
}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(RunUpdate);
HWY_EXPORT(SumSquares);

// What an optimizer's kernel needs besides its operands.
struct UpdateMemory {
  ScratchArray<NormPair> partial, sums;
  ScratchArray<float> ratios;
};

void ComputeUpdate(const HostContext& c, const UpdateSpec& spec, int scalars,
                   const ElementLine& line, const UpdateMemory& memory) {
  const UpdateRun update = UpdateOf(spec, c, scalars);
  const int n = static_cast<int>(line.ends.size());
  if (!update.due) {
    KeepOperands(c, scalars, n, [&](int i) {
      const auto w = static_cast<size_t>(i % n);
      return static_cast<size_t>(line.ends[w] - (w == 0 ? 0 : line.ends[w - 1])) * sizeof(float);
    });
    return;
  }
  const UpdateOperands operands{c, line, scalars, memory.partial.In(c.scratch),
                                memory.sums.In(c.scratch)};
  HWY_DYNAMIC_DISPATCH(RunUpdate)(update, operands, memory.ratios.In(c.scratch));
}

// A layout whose bytes are the elements and zeros: `layout` where it is such a one.
Layout ElementwiseLayout(const Layout& layout) {
  return layout.is_elementwise() ? layout : Layout::Plain(layout.dtype(), layout.dims());
}

int64_t StoredFloats(const Layout& layout) {
  return static_cast<int64_t>(layout.bytes() / sizeof(float));
}

}  // namespace

// Each variable, its gradient and its slots lie as the variable comes; zeros of the padding stay
// zeros.
absl::StatusOr<Kernels> HostOptimizerStep(const KernelRequest& request) {
  const bool momentum = request.node.op_name() == "Momentum";
  const AttributeMap& attributes = request.node.attributes();
  const UpdateSpec spec = momentum ? MomentumUpdateSpecOf(attributes) : UpdateSpecOf(attributes);
  const int scalars = momentum ? kMomentumScalars : kStepScalars;
  const size_t slots = SlotNames(spec).size(), n = request.outputs.size() / (1 + slots);
  ElementLine line;
  std::vector<Layout> variables;
  for (size_t i = 0; i < n; ++i) {
    const Layout& variable = request.inputs[static_cast<size_t>(scalars) + i];
    if (variable.dtype() != DType::kF32) return Kernels();
    variables.push_back(ElementwiseLayout(variable));
    line.Add(StoredFloats(variables.back()));
  }
  ScratchPlan scratch(request.threads);
  UpdateMemory memory;
  if (spec.method == UpdateMethod::kLamb || spec.method == UpdateMethod::kLars) {
    memory.partial = scratch.Shared<NormPair>(line.pieces());
    memory.sums = scratch.Shared<NormPair>(static_cast<int64_t>(n));
    memory.ratios = scratch.Shared<float>(static_cast<int64_t>(n));
  }
  auto kernel = MakeHostKernel(
      request, "weft", absl::StrCat("fused ", Absl(ToString(spec.method))),
      [=](const HostContext& c) { ComputeUpdate(c, spec, scalars, line, memory); },
      /*in_place=*/true, scratch);
  std::vector<Layout> inputs(kernel->inputs().begin(), kernel->inputs().begin() + scalars), outputs;
  for (size_t k = 0; k < 2 + slots; ++k) {
    inputs.insert(inputs.end(), variables.begin(), variables.end());
  }
  for (size_t k = 0; k < 1 + slots; ++k) {
    outputs.insert(outputs.end(), variables.begin(), variables.end());
  }
  kernel->SetLayouts(std::move(inputs), std::move(outputs));
  return Single(std::move(kernel));
}

// Tensors lie as they come.
absl::StatusOr<Kernels> HostGlobalNorm(const KernelRequest& request) {
  ElementLine line;
  std::vector<Layout> inputs;
  for (const Layout& tensor : request.inputs) {
    if (tensor.dtype() != DType::kF32) return Kernels();
    inputs.push_back(ElementwiseLayout(tensor));
    line.Add(StoredFloats(inputs.back()));
  }
  ScratchPlan scratch(request.threads);
  const auto partial = scratch.Shared<double>(line.pieces());
  auto kernel = MakeHostKernel(
      request, "weft", "global norm",
      [line, partial](const HostContext& c) {
        double* const sums = partial.In(c.scratch);
        std::fill_n(sums, line.pieces(), 0.0);
        ParallelFor(line.blocks(), 1, [&](int64_t begin, int64_t end) {
          for (int64_t b = begin; b < end; ++b) {
            line.ForEachPart(b * kGrain, std::min((b + 1) * kGrain, line.size()),
                             [&](int tensor, int64_t at, int64_t count) {
                               const auto* x = static_cast<const float*>(c.in(tensor).data) + at;
                               sums[b + tensor] = HWY_DYNAMIC_DISPATCH(SumSquares)(x, count);
                             });
          }
        });
        double sum = 0;
        for (int64_t i = 0; i < line.pieces(); ++i) sum += sums[i];
        c.out().out<float>()[0] = static_cast<float>(std::sqrt(sum));
      },
      /*in_place=*/false, scratch);
  std::vector<Layout> outputs = kernel->outputs();
  kernel->SetLayouts(std::move(inputs), std::move(outputs));
  return Single(std::move(kernel));
}

}  // namespace weft
#endif
