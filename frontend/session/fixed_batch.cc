#include "frontend/session/fixed_batch.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

size_t ExampleBytes(const Tensor& batch) {
  return batch.bytes() / static_cast<size_t>(std::max<int64_t>(batch.dims()[0], 1));
}

// `size` examples from `first` on, the last one again where there are no more.
absl::StatusOr<Tensor> FilledBatch(const Tensor& batch, int64_t first, int64_t size) {
  Dims dims = batch.dims();
  dims[0] = size;
  WEFT_ASSIGN_OR_RETURN(Tensor filled, Tensor::Zeros(batch.dtype(), std::move(dims)));
  const size_t bytes = ExampleBytes(batch);
  for (int64_t i = 0; i < size; ++i) {
    const int64_t from = std::min(first + i, batch.dims()[0] - 1);
    std::memcpy(filled.mutable_data() + static_cast<size_t>(i) * bytes,
                batch.data() + static_cast<size_t>(from) * bytes, bytes);
  }
  return filled;
}

// Puts the first `count` rows of a part where they belong in all of the rows.
absl::Status KeepRows(const Tensor& part, int64_t size, int64_t first, int64_t all, int64_t count,
                      Tensor& rows) {
  if (part.rank() < 1 || part.dims()[0] != size) {
    return absl::InvalidArgumentError(absl::StrCat("expected a result for each of ", size,
                                                   " examples, which the model takes, "
                                                   "got ",
                                                   ToString(part.type())));
  }
  if (rows.is_empty()) {
    Dims dims = part.dims();
    dims[0] = all;
    WEFT_ASSIGN_OR_RETURN(rows, Tensor::Zeros(part.dtype(), std::move(dims)));
  }
  const size_t bytes = ExampleBytes(part);
  std::memcpy(rows.mutable_data() + static_cast<size_t>(first) * bytes, part.data(),
              static_cast<size_t>(count) * bytes);
  return absl::OkStatus();
}

}  // namespace

std::optional<int64_t> FixedBatch(const Node& input) {
  const TensorType& type = input.type();
  if (type.rank() < 1 || !type.dim(0).is_static()) return std::nullopt;
  return type.dim(0).coefficient();
}

absl::StatusOr<std::vector<Tensor>> RunInBatchesOf(std::optional<int64_t> size,
                                                   std::span<const Tensor> batches,
                                                   const BatchRun& run) {
  const bool rows =
      std::ranges::all_of(batches, [](const Tensor& t) { return !t.is_empty() && t.rank() > 0; });
  // What is no batch at all is refused where the feeds are checked.
  if (!size || *size < 1 || batches.empty() || !rows) return run(batches);
  const int64_t count = batches[0].dims()[0];
  if (count == *size) return run(batches);
  for (const Tensor& batch : batches) {
    if (count > 0 && batch.dims()[0] == count) continue;
    return absl::InvalidArgumentError(absl::StrCat("expected a batch of ",
                                                   std::max<int64_t>(count, 1), " examples, got ",
                                                   ToString(batch.type())));
  }
  std::vector<Tensor> results;
  for (int64_t first = 0; first < count; first += *size) {
    std::vector<Tensor> filled;
    for (const Tensor& batch : batches) {
      WEFT_ASSIGN_OR_RETURN(filled.emplace_back(), FilledBatch(batch, first, *size));
    }
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> parts, run(filled));
    results.resize(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) {
      WEFT_RETURN_IF_ERROR(
          KeepRows(parts[i], *size, first, count, std::min(*size, count - first), results[i]));
    }
  }
  return results;
}

}  // namespace weft
