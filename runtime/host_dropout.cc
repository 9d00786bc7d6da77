#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/philox.h"
#include "runtime/host_families.h"
#include "runtime/host_kernel.h"
#include "runtime/parallel.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 1024;  // blocks of four elements that are worth a thread

// The mask of ops/dropout.cc, bit for bit: four elements of one example take one draw.
absl::Status DropSome(const EvalContext& c) {
  const double ratio = GetFloat(c.attributes, "ratio");
  const double scale = 1 / (1 - ratio);
  const auto threshold = static_cast<uint64_t>(std::llround(std::ldexp(ratio, 32)));
  const PhiloxKey key =
      StreamKey(c.key.seed, static_cast<uint64_t>(GetInt(c.attributes, "stream")));
  const int64_t examples = c.out().rank() == 0 ? 1 : c.out().dim(0);
  const int64_t size = c.out().size() / std::max<int64_t>(examples, 1);
  const int64_t blocks = (size + 3) / 4;  // an example
  const float* x = c.in(0).in<float>().data();
  float* y = c.out().out<float>().data();
  bool* mask = c.outputs.size() > 1 ? static_cast<bool*>(c.out(1).data) : nullptr;
  ParallelFor(examples * blocks, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; ++at) {
      const int64_t example = at / blocks, block = at % blocks;
      const PhiloxCounter bits =
          Philox4x32(StreamCounter(c.key.step, c.key.first_example + static_cast<uint64_t>(example),
                                   static_cast<uint64_t>(block)),
                     key);
      const int64_t first = example * size + 4 * block;
      const int64_t count = std::min<int64_t>(4, size - 4 * block);
      for (int64_t i = 0; i < count; ++i) {
        const bool kept = bits[static_cast<size_t>(i)] >= threshold;
        y[first + i] = kept ? static_cast<float>(x[first + i] * scale) : 0.0f;
        if (mask != nullptr) mask[first + i] = kept;
      }
    }
  });
  return absl::OkStatus();
}

absl::Status DropNothing(const EvalContext& c) {
  const auto* x = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  auto* mask = c.outputs.size() > 1 ? static_cast<bool*>(c.out(1).data) : nullptr;
  ParallelFor(c.out().size(), 4 * kGrain, [&](int64_t begin, int64_t end) {
    const size_t from = static_cast<size_t>(begin) * sizeof(float);
    const size_t bytes = static_cast<size_t>(end - begin) * sizeof(float);
    if (x != y) std::memcpy(y + from, x + from, bytes);
    if (mask != nullptr) std::fill(mask + begin, mask + end, true);
  });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> HostDropout(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool drops = request.node.op_name() == "DropoutGrad" ||
                     GetString(request.node.attributes(), "mode") == "training";
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", drops ? "philox loops" : "copy",
                                   drops ? DropSome : DropNothing, /*in_place=*/true));
  return kernels;
}

}  // namespace weft
