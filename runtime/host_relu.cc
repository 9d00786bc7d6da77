#include <cstddef>

#include "runtime/host_families.h"
#include "runtime/parallel.h"

namespace weft {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread

class BoundRelu : public BoundKernel {
 public:
  BoundRelu(const std::byte* x, std::byte* y, int64_t size) : x_(x), y_(y), size_(size) {}

  absl::Status Run(const RandomKey&) override {
    const auto* x = reinterpret_cast<const float*>(x_);
    auto* y = reinterpret_cast<float*>(y_);
    ParallelFor(size_, kGrain, [x, y](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = x[i] < 0 ? 0.0f : x[i];
    });
    return absl::OkStatus();
  }
  void SetInput(int, std::byte* data) override { x_ = data; }
  void SetOutput(int, std::byte* data) override { y_ = data; }

 private:
  const std::byte* x_;
  std::byte* y_;
  int64_t size_;
};

// In whatever layout X has: padding is zero and stays so.
class ReluKernel : public Kernel {
 public:
  explicit ReluKernel(const Layout& layout) {
    inputs_ = {layout};
    outputs_ = {layout};
  }
  std::string name() const override { return "weft"; }
  std::string implementation() const override { return "element loops"; }
  bool AllowsInPlace(int, int) const override { return true; }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundRelu>(bindings.inputs[0], bindings.outputs[0],
                                       static_cast<int64_t>(inputs_[0].bytes() / sizeof(float)));
  }
};

}  // namespace

absl::StatusOr<Kernels> HostRelu(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  Kernels kernels;
  kernels.push_back(std::make_unique<ReluKernel>(request.in(0)));
  return kernels;
}

}  // namespace weft
