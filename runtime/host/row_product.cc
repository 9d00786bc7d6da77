#include "runtime/host/row_product.h"

#include <algorithm>

#include "runtime/exec/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/row_product.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int kProductExamples = 4;  // that a row of weights serves while it is in registers
constexpr int kProductRows = 4;      // that read an example together, where it is alone

// Row `row` and those after it, for `example` and those after it.
template <int kRows, int kExamples>
HWY_INLINE void RowsForExamples(const RowProduct& p, int64_t row, int64_t example) {
  const int64_t lanes = Lanes();
  const float *w = p.w + row * p.columns, *x = p.x + example * p.x_step;
  Vf sums[kRows][kExamples];
#pragma GCC unroll 4
  for (auto& of_row : sums) {
#pragma GCC unroll 4
    for (Vf& sum : of_row) sum = hn::Zero(Df());
  }
  const auto add = [&](int64_t k, const auto& load) HWY_ATTR {
    Vf values[kExamples];
#pragma GCC unroll 4
    for (int i = 0; i < kExamples; ++i) values[i] = load(x + i * p.x_step + k);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const Vf weights = load(w + r * p.columns + k);
#pragma GCC unroll 4
      for (int i = 0; i < kExamples; ++i) sums[r][i] = hn::MulAdd(weights, values[i], sums[r][i]);
    }
  };
  int64_t k = 0;
  for (; k + lanes <= p.columns; k += lanes) {
    add(k, [](const float* from) HWY_ATTR { return hn::LoadU(Df(), from); });
  }
  if (const int64_t rest = p.columns - k; rest > 0) {
    add(k, [rest](const float* from) HWY_ATTR { return LoadFirst(from, rest); });
  }
  for (int r = 0; r < kRows; ++r) {
    const float bias = p.b == nullptr ? 0 : p.b[row + r];
    for (int i = 0; i < kExamples; ++i) {
      p.y[(example + i) * p.y_step + row + r] = SumOf(sums[r][i]) + bias;
    }
  }
}

template <int kRows, int kExamples>
void Rows(const RowProduct& p, int64_t example, int64_t begin, int64_t end) {
  int64_t row = begin;
  for (; row + kRows <= end; row += kRows) RowsForExamples<kRows, kExamples>(p, row, example);
  for (; row < end; ++row) RowsForExamples<1, kExamples>(p, row, example);
}

}  // namespace

void ProductRows(const RowProduct& p, int64_t begin, int64_t end) {
  int64_t example = 0;
  for (; example + kProductExamples <= p.examples; example += kProductExamples) {
    Rows<1, kProductExamples>(p, example, begin, end);
  }
  if (example + 2 <= p.examples) {
    Rows<2, 2>(p, example, begin, end);
    example += 2;
  }
  if (example < p.examples) Rows<kProductRows, 1>(p, example, begin, end);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(ProductRows);

void RunRowProduct(const RowProduct& p) {
  const int64_t work = std::max<int64_t>(1, p.examples * p.columns);
  ParallelFor(p.rows, std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ProductRows)(p, begin, end);
  });
}

}  // namespace weft
#endif  // HWY_ONCE
