#include "ops/generate.h"

#include <algorithm>
#include <cstring>

#include "ops/common.h"
#include "ops/reverse_sequence.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

int64_t RowGrain(int64_t columns) {
  return std::max<int64_t>(kGrain / std::max<int64_t>(columns, 1), 1);
}

absl::Status Fill(const EvalContext& c, const Tensor& value) {
  VisitWidth(value.dtype(), [&](auto zero) {
    using Word = decltype(zero);
    Word word;
    std::memcpy(&word, value.data(), sizeof word);
    auto* y = static_cast<Word*>(c.out().data);
    ParallelFor(c.out().size(), kGrain,
                [&](int64_t begin, int64_t end) { std::fill(y + begin, y + end, word); });
  });
  return absl::OkStatus();
}

absl::Status MakeRange(const EvalContext& c) {
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T start = c.in(0).in<T>()[0], delta = c.in(2).in<T>()[0];
    T* y = c.out().out<T>().data();
    ParallelFor(c.out().size(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = RangeElement(start, delta, i);
    });
  });
}

absl::Status MakeEye(const EvalContext& c) {
  const int64_t k = GetInt(c.attributes, "k"), rows = c.out().dim(0), columns = c.out().dim(1);
  const Tensor one = Tensor::Scalar(1, c.out().dtype);
  VisitWidth(c.out().dtype, [&](auto zero) {
    auto word = zero;
    std::memcpy(&word, one.data(), sizeof word);
    auto* y = static_cast<decltype(zero)*>(c.out().data);
    ParallelFor(rows, RowGrain(columns), [&](int64_t begin, int64_t end) {
      std::fill(y + begin * columns, y + end * columns, zero);
      for (int64_t row = begin; row < end; ++row) {
        // k may be any number: row + k is compared, not computed.
        if (k >= -row && k < columns - row) y[row * columns + row + k] = word;
      }
    });
  });
  return absl::OkStatus();
}

absl::Status CutTriangle(const EvalContext& c) {
  const int64_t columns = c.out().dim(c.out().rank() - 1), rows = c.out().dim(c.out().rank() - 2);
  if (c.out().size() == 0) return absl::OkStatus();
  VisitWidth(c.out().dtype, [&](auto zero) {
    using Word = decltype(zero);
    const auto* x = static_cast<const Word*>(c.in(0).data);
    auto* y = static_cast<Word*>(c.out().data);
    ParallelFor(c.out().size() / columns, RowGrain(columns), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const auto [first, last] = TriangleColumns(c, row % rows, columns);
        const int64_t at = row * columns;
        std::fill(y + at, y + at + first, Word{0});
        std::copy(x + at + first, x + at + std::max(first, last), y + at + first);
        std::fill(y + at + std::max(first, last), y + at + columns, Word{0});
      }
    });
  });
  return absl::OkStatus();
}

absl::Status ReverseRows(const EvalContext& c) {
  if (c.out().size() == 0) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const SequenceRows rows, ReadSequenceRows(c));
  const auto lengths = c.in(1).in<int64_t>();
  const size_t bytes = static_cast<size_t>(rows.inner) * SizeOf(c.out().dtype);
  const auto* x = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  ParallelFor(rows.rows(), RowGrain(rows.inner), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      std::memcpy(y + static_cast<size_t>(row) * bytes,
                  x + static_cast<size_t>(rows.Source(row, lengths)) * bytes, bytes);
    }
  });
  return absl::OkStatus();
}

absl::StatusOr<Kernels> RowLoops(const KernelRequest& request, HostFunction function) {
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "row loops", std::move(function)));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostConstantOfShape(const KernelRequest& request) {
  const Tensor value = FillValue(request.node.attributes());
  return RowLoops(request, [value](const EvalContext& c) { return Fill(c, value); });
}

absl::StatusOr<Kernels> HostEyeLike(const KernelRequest& request) {
  return RowLoops(request, MakeEye);
}

absl::StatusOr<Kernels> HostRange(const KernelRequest& request) {
  return RowLoops(request, MakeRange);
}

absl::StatusOr<Kernels> HostReverseSequence(const KernelRequest& request) {
  return RowLoops(request, ReverseRows);
}

absl::StatusOr<Kernels> HostTrilu(const KernelRequest& request) {
  return RowLoops(request, CutTriangle);
}

}  // namespace weft
