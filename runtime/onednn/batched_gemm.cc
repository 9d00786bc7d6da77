#include "runtime/onednn/batched_gemm.h"

#include <algorithm>
#include <atomic>

#include "ops/broadcast.h"
#include "runtime/exec/parallel.h"
#include "runtime/onednn/common.h"

namespace weft {
namespace {

constexpr int64_t kSmallProduct = 2048;  // multiplications that a call of the library outweighs
constexpr int64_t kMacGrain = 1 << 16;   // multiplications that are worth a thread

void ZeroRows(int64_t m, int64_t n, float* y, int64_t y_step) {
  for (int64_t i = 0; i < m; ++i) std::fill_n(y + i * y_step, n, 0.0f);
}

// Plain loops, for matrices of a few elements.
void MultiplySmall(const BatchedGemm& g, const float* a, const float* b, float* y) {
  const int64_t a_row = g.a.transposed ? 1 : g.a.step, a_column = g.a.transposed ? g.a.step : 1;
  const int64_t b_row = g.b.transposed ? 1 : g.b.step, b_column = g.b.transposed ? g.b.step : 1;
  if (!g.adds) ZeroRows(g.m, g.n, y, g.y.step);
  for (int64_t i = 0; i < g.m; ++i) {
    float* to = y + i * g.y.step;
    for (int64_t k = 0; k < g.k; ++k) {
      const float factor = a[i * a_row + k * a_column];
      const float* from = b + k * b_row;
      for (int64_t j = 0; j < g.n; ++j) to[j] += factor * from[j * b_column];
    }
  }
}

absl::Status Multiply(const BatchedGemm& g, const float* a, const float* b, float* y) {
  const SgemmOptions options = {
      .transpose_a = g.a.transposed, .transpose_b = g.b.transposed, .beta = g.adds ? 1.0f : 0.0f};
  return Sgemm(options, g.m, g.n, g.k, a, g.a.step, b, g.b.step, y, g.y.step);
}

constexpr int64_t kBlock = 2048;  // elements of a row that stay in the first cache

// y[i] += a[i * (0 or 1)] * b[i * (0 or 1)], or = for the first.
void AddProducts(int64_t n, bool first, const float* a, int64_t a_step, const float* b,
                 int64_t b_step, float* __restrict y) {
  const auto run = [&](auto at_a, auto at_b) {
    if (first) {
      for (int64_t i = 0; i < n; ++i) y[i] = at_a(i) * at_b(i);
    } else {
      for (int64_t i = 0; i < n; ++i) y[i] += at_a(i) * at_b(i);
    }
  };
  const auto all_of = [](const float* x) { return [x](int64_t i) { return x[i]; }; };
  const auto one_of = [](const float* x) { return [v = *x](int64_t) { return v; }; };
  if (a_step == 0) return b_step == 0 ? run(one_of(a), one_of(b)) : run(one_of(a), all_of(b));
  return b_step == 0 ? run(all_of(a), one_of(b)) : run(all_of(a), all_of(b));
}

float Dot(int64_t n, const float* a, int64_t a_step, const float* b, int64_t b_step) {
  float lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t j = 0; j < 8; ++j) lanes[j] += a[(i + j) * a_step] * b[(i + j) * b_step];
  }
  for (int64_t j = 0; i < n; ++i, ++j) lanes[j] += a[i * a_step] * b[i * b_step];
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
         ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

struct Offsets {
  int64_t a = 0, b = 0, y = 0;
};

// Where matrix `i` of the batch starts.
Offsets OffsetsOf(const BatchedGemm& g, int64_t i) {
  Offsets at;
  for (size_t axis = g.batch.size(); axis-- > 0;) {
    const int64_t index = i % g.batch[axis];
    i /= g.batch[axis];
    at.a += index * g.a_strides[axis];
    at.b += index * g.b_strides[axis];
    at.y += index * g.y_strides[axis];
  }
  return at;
}

void EraseBatchAxis(BatchedGemm& g, size_t axis) {
  for (std::vector<int64_t>* list : {&g.batch, &g.a_strides, &g.b_strides, &g.y_strides}) {
    list->erase(list->begin() + static_cast<std::ptrdiff_t>(axis));
  }
}

// Whether the last batch axis goes on where the rows of A and Y end.
bool ContinuesRows(const BatchedGemm& g) {
  return g.batch.back() == 1 || (g.b_strides.back() == 0 && g.a_strides.back() == g.m * g.a.step &&
                                 g.y_strides.back() == g.m * g.y.step);
}

// Whether `axis` goes on where the next one ends.
bool ContinuesAxis(const BatchedGemm& g, size_t axis) {
  const auto continues = [&](const std::vector<int64_t>& strides) {
    return strides[axis] == strides[axis + 1] * g.batch[axis + 1];
  };
  return continues(g.a_strides) && continues(g.b_strides) && continues(g.y_strides);
}

// Every result is one dot product. Where the batch runs along memory, many are computed side by
// side.
void RunDots(const BatchedGemm& g, int64_t count, const float* a, const float* b, float* y) {
  const int64_t a_step = g.a.transposed ? g.a.step : 1, b_step = g.b.transposed ? 1 : g.b.step;
  const int64_t row = g.batch.empty() ? 1 : g.batch.back();
  const bool side_by_side = row > 1 && g.k > 0 && g.y_strides.back() == 1 &&
                            g.a_strides.back() <= 1 && g.b_strides.back() <= 1;
  const int64_t block = side_by_side ? std::min(row, kBlock) : 1;
  const int64_t blocks = (row + block - 1) / block;  // of a row
  const int64_t grain = std::max<int64_t>(1, kMacGrain / std::max<int64_t>(1, block * g.k));
  ParallelFor(count / row * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % blocks * block;
      const Offsets at = OffsetsOf(g, i / blocks * row + first);
      if (!side_by_side) {
        const float sum = Dot(g.k, a + at.a, a_step, b + at.b, b_step);
        y[at.y] = g.adds ? y[at.y] + sum : sum;
        continue;
      }
      for (int64_t k = 0; k < g.k; ++k) {
        AddProducts(std::min(block, row - first), k == 0 && !g.adds, a + at.a + k * a_step,
                    g.a_strides.back(), b + at.b + k * b_step, g.b_strides.back(), y + at.y);
      }
    }
  });
}

}  // namespace

BatchedGemm Simplify(BatchedGemm g) {
  while (!g.batch.empty() && !g.a.transposed && ContinuesRows(g)) {
    g.m *= g.batch.back();
    EraseBatchAxis(g, g.batch.size() - 1);
  }
  for (size_t axis = g.batch.size(); axis-- > 0;) {
    if (g.batch[axis] == 1) {
      EraseBatchAxis(g, axis);
    } else if (axis + 1 < g.batch.size() && ContinuesAxis(g, axis)) {
      g.batch[axis + 1] *= g.batch[axis];
      EraseBatchAxis(g, axis);
    }
  }
  return g;
}

absl::Status Sgemm(const SgemmOptions& o, int64_t m, int64_t n, int64_t k, const float* a,
                   int64_t a_step, const float* b, int64_t b_step, float* y, int64_t y_step) {
  if (m == 0 || n == 0) return absl::OkStatus();
  if (k == 0) {
    if (o.beta == 0) ZeroRows(m, n, y, y_step);
    return absl::OkStatus();
  }
  const dnnl_status_t code = dnnl_sgemm(o.transpose_a ? 'T' : 'N', o.transpose_b ? 'T' : 'N', m, n,
                                        k, 1.0f, a, a_step, b, b_step, o.beta, y, y_step);
  return DnnlStatus(code, "sgemm");
}

absl::Status RunBatchedGemm(const BatchedGemm& g, const float* a, const float* b, float* y) {
  int64_t count = 1;
  for (int64_t extent : g.batch) count *= extent;
  if (count == 0 || g.m == 0 || g.n == 0) return absl::OkStatus();
  if (count > 1 && g.m == 1 && g.n == 1) {
    RunDots(g, count, a, b, y);
    return absl::OkStatus();
  }
  if (count == 1 && g.m * g.n * g.k > kSmallProduct) return Multiply(g, a, b, y);
  const int64_t work = std::max<int64_t>(1, g.m * g.n * g.k);
  const bool small = work <= kSmallProduct;
  // Few products that are large: each on all threads.
  if (count < RunThreads() && !small) {
    for (int64_t i = 0; i < count; ++i) {
      const Offsets at = OffsetsOf(g, i);
      WEFT_RETURN_IF_ERROR(Multiply(g, a + at.a, b + at.b, y + at.y));
    }
    return absl::OkStatus();
  }
  std::atomic<bool> failed = false;
  ParallelFor(count, std::max<int64_t>(1, kMacGrain / work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Offsets at = OffsetsOf(g, i);
      if (small) {
        MultiplySmall(g, a + at.a, b + at.b, y + at.y);
      } else if (!Multiply(g, a + at.a, b + at.b, y + at.y).ok()) {
        failed = true;
      }
    }
  });
  return failed ? absl::InternalError("oneDNN: sgemm failed") : absl::OkStatus();
}

}  // namespace weft
