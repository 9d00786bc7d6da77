#include "runtime/host/pool/max.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/pool/plane.h"

// MaxPool, MaxPoolGrad and MaxPoolGradGrad on row-major operands, a plane at a time. All find the
// maxima in the same way; training's forward pass leaves a byte for each output, the number of its
// tap in the window, so that the gradient need not look again.

namespace weft {
namespace {

constexpr int64_t kByteTaps = 256;      // of a window whose tap numbers are bytes
constexpr int64_t kTapsToCompare = 32;  // of a window: comparing all is faster than scattering

struct MaxPlan : WindowPlan {
  std::vector<int64_t> tap_offsets;  // in the plane, from the window's first tap
  std::vector<int64_t> origins;      // of each row of windows: where the first one begins
  bool column_major = false;
  bool has_bytes = false;
  bool numbered = false;  // forward: the taps' numbers are wanted
  PlaneScratch memory = {};
};

std::vector<int64_t> TapOffsets(const PoolWindow& w) {
  std::vector<int64_t> offsets = {0};
  for (size_t a = 0; a < w.kernel.size(); ++a) {
    std::vector<int64_t> next;
    for (const int64_t offset : offsets) {
      for (int64_t k = 0; k < w.kernel[a]; ++k) {
        next.push_back(offset * w.input[a] + k * w.dilations[a]);
      }
    }
    offsets = std::move(next);
  }
  return offsets;
}

MaxPlan MakePlan(const AttributeMap& attributes, WindowPlan window) {
  MaxPlan p{std::move(window), {}, {}};
  p.tap_offsets = TapOffsets(p.window);
  for (int64_t row = 0; row < p.output_rows; ++row) {  // from any input row that it reads
    const RowLink link = p.reads.of(row)[0];
    p.origins.push_back(link.row * p.width - p.tap_offsets[link.tap] - p.last.pad);
  }
  p.column_major = GetInt(attributes, "storage_order") == 1;
  p.has_bytes = static_cast<int64_t>(p.tap_offsets.size()) <= kByteTaps;
  return p;
}

// Calls f(plane, memory) for all planes.
template <typename F>
void ForEachPlane(const MaxPlan& p, std::byte* scratch, F f) {
  ParallelFor(p.planes, p.grain, [&](int thread, int64_t begin, int64_t end) {
    const PlaneMemory m = p.memory.In(scratch, thread);
    for (int64_t plane = begin; plane < end; ++plane) f(plane, m);
  });
}

// Calls f(o, offset) for every output of a plane: where in the input plane its tap is.
template <typename Number, typename F>
void ForEachOffset(const MaxPlan& p, const Number* numbers, F f) {
  int64_t o = 0;
  for (int64_t row = 0; row < p.output_rows; ++row) {
    int64_t origin = p.origins[static_cast<size_t>(row)];
    for (int64_t column = 0; column < p.columns; ++column, ++o, origin += p.last.stride) {
      f(o, origin + p.tap_offsets[numbers[o]]);
    }
  }
}

// ONNX's storage_order 1.
int64_t ColumnMajor(const Dims& input, int64_t offset) {
  int64_t result = 0;
  for (size_t a = input.size(); a-- > 0;) {
    result = result * input[a] + offset % input[a];
    offset /= input[a];
  }
  return result;
}

// Y, and unless null ONNX's indices and the taps' numbers.
void Maxima(const MaxPlan& p, std::byte* scratch, const float* x, float* y, int64_t* indices,
            uint8_t* bytes) {
  ForEachPlane(p, scratch, [&](int64_t plane, const PlaneMemory& m) {
    const float* from = x + plane * p.inputs;
    float* to = y + plane * p.outputs;
    p.numbered ? NumberedMaximaOfPlane(p, from, to, m) : MaximaOfPlane(p, from, to, m);
    if (bytes != nullptr) {
      std::transform(m.of_outputs, m.of_outputs + p.outputs, bytes + plane * p.outputs,
                     [](uint32_t n) { return static_cast<uint8_t>(n); });
    }
    if (indices == nullptr) return;
    ForEachOffset(p, m.of_outputs, [&](int64_t o, int64_t offset) {
      indices[plane * p.outputs + o] =
          plane * p.inputs + (p.column_major ? ColumnMajor(p.window.input, offset) : offset);
    });
  });
}

// dx = dy added at the maxima of a plane.
template <typename Number>
void Scatter(const MaxPlan& p, const float* dy, const Number* numbers, float* dx) {
  std::fill_n(dx, p.inputs, 0.0f);
  ForEachOffset(p, numbers, [&](int64_t o, int64_t offset) { dx[offset] += dy[o]; });
}

// Whether windows are small enough for SpreadMaxima.
bool Spreads(const MaxPlan& p) {
  return static_cast<int64_t>(p.tap_offsets.size()) <= kTapsToCompare && p.last.stride <= 2;
}

void GradientByBytes(const MaxPlan& p, std::byte* scratch, const float* dy, const uint8_t* bytes,
                     float* dx) {
  ParallelFor(p.planes, p.grain, [&](int thread, int64_t begin, int64_t end) {
    if (Spreads(p)) {
      return SpreadMaxima(p, dy + begin * p.outputs, bytes + begin * p.outputs,
                          dx + begin * p.inputs, end - begin, p.memory.In(scratch, thread));
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      Scatter(p, dy + plane * p.outputs, bytes + plane * p.outputs, dx + plane * p.inputs);
    }
  });
}

// Finds the maxima of x again.
void Gradient(const MaxPlan& p, std::byte* scratch, const float* dy, const float* x, float* dx) {
  ForEachPlane(p, scratch, [&](int64_t plane, const PlaneMemory& m) {
    NumberedMaximaOfPlane(p, x + plane * p.inputs, m.plane, m);
    Scatter(p, dy + plane * p.outputs, m.of_outputs, dx + plane * p.inputs);
  });
}

// ddy = the elements of ddx at the maxima of x.
void Gather(const MaxPlan& p, std::byte* scratch, const float* ddx, const float* x, float* ddy) {
  ForEachPlane(p, scratch, [&](int64_t plane, const PlaneMemory& m) {
    float* to = ddy + plane * p.outputs;
    NumberedMaximaOfPlane(p, x + plane * p.inputs, to, m);
    ForEachOffset(p, m.of_outputs,
                  [&](int64_t o, int64_t offset) { to[o] = ddx[plane * p.inputs + offset]; });
  });
}

enum class MaxMode { kForward, kGradient, kGradientByBytes, kSecond };

class BoundMaxPool : public BoundKernel {
 public:
  BoundMaxPool(const MaxPlan& plan, MaxMode mode, bool leaves_bytes, const Bindings& bindings)
      : plan_(plan), mode_(mode), leaves_bytes_(leaves_bytes), bindings_(bindings) {}

  absl::Status Run(const RandomKey&) override {
    auto* bytes = reinterpret_cast<uint8_t*>(bindings_.workspace);
    switch (mode_) {
      case MaxMode::kForward:
        Maxima(plan_, bindings_.scratch, In(0), Out(),
               bindings_.outputs.size() > 1 ? reinterpret_cast<int64_t*>(bindings_.outputs[1])
                                            : nullptr,
               leaves_bytes_ ? bytes : nullptr);
        break;
      case MaxMode::kGradient:
        Gradient(plan_, bindings_.scratch, In(0), In(1), Out());
        break;
      case MaxMode::kGradientByBytes:
        GradientByBytes(plan_, bindings_.scratch, In(0), bytes, Out());
        break;
      case MaxMode::kSecond:
        Gather(plan_, bindings_.scratch, In(0), In(1), Out());
        break;
    }
    return absl::OkStatus();
  }
  void SetInput(int i, std::byte* data) override {
    bindings_.inputs[static_cast<size_t>(i)] = data;
  }
  void SetOutput(int i, std::byte* data) override {
    bindings_.outputs[static_cast<size_t>(i)] = data;
  }

 private:
  const float* In(size_t i) const { return reinterpret_cast<const float*>(bindings_.inputs[i]); }
  float* Out() const { return reinterpret_cast<float*>(bindings_.outputs[0]); }

  const MaxPlan& plan_;
  MaxMode mode_;
  bool leaves_bytes_;
  Bindings bindings_;
};

class MaxPoolKernel : public Kernel {
 public:
  MaxPoolKernel(const KernelRequest& request, MaxPlan plan, MaxMode mode)
      : plan_(std::move(plan)), mode_(mode) {
    for (const Layout& layout : request.inputs) {
      inputs_.push_back(Layout::Plain(layout.dtype(), layout.dims()));
    }
    for (size_t i = 0; i < request.outputs.size(); ++i) {
      outputs_.push_back(
          Layout::Plain(request.node.type(static_cast<int>(i)).dtype, request.outputs[i]));
    }
    if (mode == MaxMode::kForward && request.has_gradient && plan_.has_bytes) {
      workspace_bytes_ = static_cast<size_t>(plan_.planes * plan_.outputs);
    }
    if (mode == MaxMode::kGradientByBytes) workspace_owner_ = request.forward;
    ScratchPlan scratch(request.threads);
    using Use = PlaneScratch::Use;
    if (mode == MaxMode::kForward) {
      plan_.numbered = outputs_.size() > 1 || workspace_bytes_ > 0;
      plan_.memory =
          PlaneScratch(plan_, plan_.numbered ? Use::kNumberedMaxima : Use::kReduce, scratch);
    } else if (mode != MaxMode::kGradientByBytes) {
      plan_.memory = PlaneScratch(plan_, Use::kNumberedMaxima, scratch);
    } else if (Spreads(plan_)) {
      plan_.memory = PlaneScratch(plan_, Use::kSpreadMaxima, scratch);
    }
    scratch_bytes_ = scratch.bytes();
  }

  std::string name() const override { return "weft"; }
  std::string implementation() const override {
    return mode_ == MaxMode::kGradientByBytes ? "tap numbers" : "planes";
  }
  bool AllowsInPlace(int, int) const override { return false; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  bool Reads(int i) const override { return mode_ != MaxMode::kGradientByBytes || i == 0; }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundMaxPool>(plan_, mode_, workspace_bytes_ > 0, bindings);
  }

 private:
  MaxPlan plan_;
  MaxMode mode_;
};

absl::StatusOr<Kernels> MakeKernels(const KernelRequest& request, const Dims& x, MaxMode mode) {
  const AttributeMap& attributes = request.node.attributes();
  WEFT_ASSIGN_OR_RETURN(PoolWindow window, ReadPoolWindow(attributes, x));
  std::optional<WindowPlan> plan = MakeWindowPlan(std::move(window));
  Kernels kernels;
  if (!plan.has_value()) return kernels;
  kernels.push_back(
      std::make_unique<MaxPoolKernel>(request, MakePlan(attributes, *std::move(plan)), mode));
  return kernels;
}

}  // namespace

bool IsGradientOfForward(const Node& node) {
  const Node& forward = *node.forward();
  return forward.input(0) == node.input(1) && forward.attributes() == node.attributes();
}

// The library's indices are within the window; ONNX's are ours alone.
absl::StatusOr<Kernels> HostMaxPool(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  if (!request.in(0).is_plain() && request.node.num_outputs() == 1) return Kernels();
  return MakeKernels(request, request.in(0).dims(), MaxMode::kForward);
}

// Inputs dY, X.
absl::StatusOr<Kernels> HostMaxPoolGrad(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const auto* forward = dynamic_cast<const MaxPoolKernel*>(request.forward);
  if (forward != nullptr && forward->workspace_bytes() > 0 && IsGradientOfForward(request.node)) {
    return MakeKernels(request, request.in(1).dims(), MaxMode::kGradientByBytes);
  }
  if (forward == nullptr && !request.in(1).is_plain()) return Kernels();
  return MakeKernels(request, request.in(1).dims(), MaxMode::kGradient);
}

// Inputs ddX, X.
absl::StatusOr<Kernels> HostMaxPoolGradGrad(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  return MakeKernels(request, request.in(1).dims(), MaxMode::kSecond);
}

}  // namespace weft
