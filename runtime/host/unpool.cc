#include <algorithm>
#include <atomic>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

// X and Y (or dX and dY) as planes, of one channel of one example each.
struct Planes {
  Planes(const TensorView& small, const TensorView& large)
      : count(small.dim(0) * small.dim(1)),
        small_size(count == 0 ? 0 : small.size() / count),
        large_size(count == 0 ? 0 : large.size() / count),
        grain(std::max<int64_t>(kMathGrain / std::max<int64_t>(large_size, 1), 1)) {}
  int64_t count, small_size, large_size, grain;
};

// Elements of a plane of [N,C,...].
int64_t PlaneSize(const Dims& dims) {
  int64_t size = 1;
  for (size_t axis = 2; axis < dims.size(); ++axis) size *= dims[axis];
  return size;
}

// Whether every plane's indices lie in that plane, as MaxPool gives them: planes are then
// independent.
bool StayInTheirPlanes(const Planes& p, const int64_t* indices) {
  std::atomic<bool> stay = true;
  ParallelFor(p.count, p.grain, [&](int64_t begin, int64_t end) {
    bool all = true;
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t low = plane * p.large_size, high = low + p.large_size;
      for (int64_t i = plane * p.small_size; i < (plane + 1) * p.small_size; ++i) {
        all &= low <= indices[i] && indices[i] < high;
      }
    }
    if (!all) stay = false;
  });
  return stay;
}

// Inputs X, I, output_shape.
void Unpool(const EvalContext& c, const Planes& p) {
  const float* x = c.in(0).in<float>().data();
  const int64_t* indices = c.in(1).in<int64_t>().data();
  float* y = c.out().out<float>().data();
  ParallelFor(p.count, p.grain, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      std::fill_n(y + plane * p.large_size, p.large_size, 0.0f);
      for (int64_t i = plane * p.small_size; i < (plane + 1) * p.small_size; ++i) {
        y[indices[i]] = x[i];
      }
    }
  });
}

// Inputs dY, I. `last` tells which element an output came from in the end.
void Gather(const HostContext& c, const Planes& p, ScratchArray<int64_t> last_writer) {
  const float* dy = c.in(0).in<float>().data();
  const int64_t* indices = c.in(1).in<int64_t>().data();
  float* dx = c.out().out<float>().data();
  ParallelFor(p.count, p.grain, [&](int thread, int64_t begin, int64_t end) {
    int64_t* const last = last_writer.In(c.scratch, thread);
    for (int64_t plane = begin; plane < end; ++plane) {
      const int64_t first = plane * p.small_size, low = plane * p.large_size;
      for (int64_t i = first; i < first + p.small_size; ++i) last[indices[i] - low] = i;
      for (int64_t i = first; i < first + p.small_size; ++i) {
        dx[i] = last[indices[i] - low] == i ? dy[indices[i]] : 0.0f;
      }
    }
  });
}

}  // namespace

// Indices that leave their planes, or the tensor, are the reference kernel's business.
absl::StatusOr<Kernels> HostMaxUnpool(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool gradient = request.node.op_name() == "MaxUnpoolGrad";
  const EvaluateFn reference = request.node.op().evaluate;
  const bool shape_is_checked = !request.has(2) || request.constant[2];  // by inference
  ScratchPlan scratch(request.threads);
  const auto last = scratch.PerThread<int64_t>(gradient ? PlaneSize(request.in(0).dims()) : 0);
  const auto run = [=](const HostContext& c) -> absl::Status {
    const Planes planes(gradient ? c.out() : c.in(0), gradient ? c.in(0) : c.out());
    const int64_t* indices = c.in(1).in<int64_t>().data();
    if (!shape_is_checked || !StayInTheirPlanes(planes, indices)) return reference(c);
    gradient ? Gather(c, planes, last) : Unpool(c, planes);
    return absl::OkStatus();
  };
  return Single(MakeHostKernel(request, "weft", "planes", run, /*in_place=*/false, scratch));
}

}  // namespace weft
