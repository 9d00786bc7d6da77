#include <algorithm>

#include "ops/arguments.h"
#include "ops/order.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

// Running sums along an axis: CumSum.

namespace weft {
namespace {

constexpr int64_t kColumns = 256;  // lines that are summed side by side

struct Scan {
  bool exclusive = false;
  bool reverse = false;
};

// `count` neighbouring lines from the one at x on.
void ScanLines(const Lines& lines, const Scan& scan, int64_t count, const float* x, float* y) {
  double sums[kColumns];
  std::fill_n(sums, count, 0.0);
  for (int64_t k = 0; k < lines.extent; ++k) {
    const int64_t at = (scan.reverse ? lines.extent - 1 - k : k) * lines.inner;
    if (scan.exclusive) {
      for (int64_t j = 0; j < count; ++j) {
        const double sum = sums[j];
        sums[j] += x[at + j];
        y[at + j] = static_cast<float>(sum);
      }
    } else {
      for (int64_t j = 0; j < count; ++j) {
        sums[j] += x[at + j];
        y[at + j] = static_cast<float>(sums[j]);
      }
    }
  }
}

absl::Status ComputeCumSum(const EvalContext& c, const Scan& scan) {
  WEFT_ASSIGN_OR_RETURN(const Lines lines, LinesAlong(c.in(0).dims, IntsOf(c, 1)[0]));
  const float* x = c.in(0).in<float>().data();
  float* y = c.out().out<float>().data();
  ParallelFor(lines.count(), ItemGrain(lines.extent), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      const int64_t in_row = lines.inner - i % lines.inner;  // until the lines jump
      const int64_t count = std::min({kColumns, in_row, end - i});
      ScanLines(lines, scan, count, x + lines.first(i), y + lines.first(i));
      i += count;
    }
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> HostCumSum(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const AttributeMap& attributes = request.node.attributes();
  const Scan scan{GetInt(attributes, "exclusive") != 0, GetInt(attributes, "reverse") != 0};
  return Single(MakeHostKernel(request, "weft", "line loops",
                               [scan](const EvalContext& c) { return ComputeCumSum(c, scan); }));
}

}  // namespace weft
