#include "ops/im2col.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

// One tap's positions along an axis: output o reads input o*stride + offset where o is in
// [low, high); the others read padding.
struct TapAxis {
  int64_t outputs = 0, stride = 1, offset = 0, low = 0, high = 0;
  int64_t step_in = 1, step_out = 1;  // elements, a unit of this axis
};
using Tap = std::array<TapAxis, kMaxRank>;

// The tap number `tap` of `w`, row-major.
Tap TapOf(const ConvWindow& w, int64_t tap) {
  Tap axes;
  int64_t step_in = 1, step_out = 1;
  for (int i = w.rank() - 1; i >= 0; --i) {
    const size_t a = static_cast<size_t>(i);
    TapAxis& t = axes[a];
    t = {.outputs = w.output[a], .stride = w.strides[a], .step_in = step_in, .step_out = step_out};
    t.offset = tap % w.kernel[a] * w.dilations[a] - w.pads_begin[a];
    t.low = std::min(t.outputs, t.offset < 0 ? (-t.offset + t.stride - 1) / t.stride : 0);
    const int64_t room = w.input[a] - t.offset;  // inputs from the first output's on
    t.high = std::max(t.low, std::min(t.outputs, room > 0 ? (room - 1) / t.stride + 1 : 0));
    tap /= w.kernel[a];
    step_in *= w.input[a];
    step_out *= w.output[a];
  }
  return axes;
}

// One row of the columns, a tap at every position, from its plane of the image.
void CopyTap(const TapAxis* axis, int left, const float* x, float* y) {
  const TapAxis& t = *axis;
  std::fill_n(y, t.low * t.step_out, 0.0f);
  if (left == 1 && t.stride == 1) {
    const size_t bytes = static_cast<size_t>(t.high - t.low) * sizeof(float);
    if (bytes > 0) std::memcpy(y + t.low, x + t.low + t.offset, bytes);
  } else if (left == 1) {
    for (int64_t o = t.low; o < t.high; ++o) y[o] = x[o * t.stride + t.offset];
  } else {
    for (int64_t o = t.low; o < t.high; ++o) {
      CopyTap(axis + 1, left - 1, x + (o * t.stride + t.offset) * t.step_in, y + o * t.step_out);
    }
  }
  std::fill(y + t.high * t.step_out, y + t.outputs * t.step_out, 0.0f);
}

// The transpose: adds a row of the columns to the plane.
void AddTap(const TapAxis* axis, int left, const float* columns, float* image) {
  const TapAxis& t = *axis;
  if (left > 1) {
    for (int64_t o = t.low; o < t.high; ++o) {
      AddTap(axis + 1, left - 1, columns + o * t.step_out,
             image + (o * t.stride + t.offset) * t.step_in);
    }
  } else if (t.stride == 1) {
    float* to = image + t.offset;
    for (int64_t o = t.low; o < t.high; ++o) to[o] += columns[o];
  } else {
    for (int64_t o = t.low; o < t.high; ++o) image[o * t.stride + t.offset] += columns[o];
  }
}

int64_t GrainOf(int64_t elements) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(elements, 1));
}

void RunIm2Col(const ConvWindow& w, const float* x, float* y) {
  const int64_t taps = w.kernel_size(), positions = w.output_size();
  ParallelFor(w.batch * w.in_channels * taps, GrainOf(positions), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const Tap tap = TapOf(w, row % taps);
      CopyTap(tap.data(), w.rank(), x + row / taps * w.input_size(), y + row * positions);
    }
  });
}

void RunCol2Im(const ConvWindow& w, const float* columns, float* y) {
  const int64_t taps = w.kernel_size(), positions = w.output_size(), inputs = w.input_size();
  const auto planes = [&](int64_t begin, int64_t end) {
    std::fill(y + begin * inputs, y + end * inputs, 0.0f);
    for (int64_t row = begin * taps; row < end * taps; ++row) {
      const Tap tap = TapOf(w, row % taps);
      AddTap(tap.data(), w.rank(), columns + row * positions, y + row / taps * inputs);
    }
  };
  ParallelFor(w.batch * w.in_channels, GrainOf(taps * positions), planes);
}

}  // namespace

absl::StatusOr<Kernels> HostIm2Col(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const AttributeMap& attributes = request.node.attributes();
  WEFT_ASSIGN_OR_RETURN(
      const ConvWindow window,
      ReadColumnWindow(attributes, request.in(0).dims(), GetInts(attributes, "kernel_shape")));
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "row copies", [window](const EvalContext& c) {
    if (c.out().size() > 0) {
      RunIm2Col(window, c.in(0).in<float>().data(), c.out().out<float>().data());
    }
    return absl::OkStatus();
  }));
  return kernels;
}

// The window depends on inputs that a run may compute, so it is read in the run.
absl::StatusOr<Kernels> HostCol2Im(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  Kernels kernels;
  kernels.push_back(
      MakeHostKernel(request, "weft", "row sums", [](const EvalContext& c) -> absl::Status {
        if (c.out().size() == 0) return absl::OkStatus();
        WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadCol2ImWindow(c));
        RunCol2Im(window, c.in(0).in<float>().data(), c.out().out<float>().data());
        return absl::OkStatus();
      }));
  return kernels;
}

}  // namespace weft
