#include "runtime/host/spread_result.h"

#include <algorithm>
#include <utility>

#include "runtime/channel_blocks.h"
#include "runtime/host/loops.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

// Pixels whose lines are asked for while those before are written, and floats of a line.
constexpr int64_t kAhead = 24;
constexpr int64_t kLine = 16;

class BoundSpread : public BoundKernel {
 public:
  BoundSpread(std::unique_ptr<BoundKernel> kernel, const float* dense, std::byte* region,
              const Layout& layout)
      : kernel_(std::move(kernel)),
        dense_(dense),
        region_(reinterpret_cast<float*>(region)),
        channels_(layout.dims()[1]),
        stride_(*FindPixelStride(layout)) {
    for (size_t axis = 0; axis < layout.dims().size(); ++axis) {
      if (axis != 1) pixels_ *= layout.dims()[axis];
    }
  }

  absl::Status Check() override { return kernel_->Check(); }
  absl::Status Run(const RandomKey& key) override {
    WEFT_RETURN_IF_ERROR(kernel_->Run(key));
    ParallelFor(pixels_, ItemGrain(channels_), [this](int64_t begin, int64_t end) {
      for (int64_t pixel = begin; pixel < end; ++pixel) {
        for (int64_t k = 0; k < channels_; k += kLine) {
          __builtin_prefetch(region_ + (pixel + kAhead) * stride_ + k, /*write=*/1);
        }
        std::copy_n(dense_ + pixel * channels_, channels_, region_ + pixel * stride_);
      }
    });
    return absl::OkStatus();
  }
  void SetInput(int i, std::byte* data) override { kernel_->SetInput(i, data); }
  void SetOutput(int, std::byte* data) override { region_ = reinterpret_cast<float*>(data); }

 private:
  std::unique_ptr<BoundKernel> kernel_;
  const float* dense_;
  float* region_;
  int64_t pixels_ = 1, channels_, stride_;
};

class SpreadKernel : public Kernel {
 public:
  SpreadKernel(std::shared_ptr<const Kernel> kernel, int64_t pixel_stride)
      : kernel_(std::move(kernel)), dense_at_(AlignedBytes(kernel_->scratch_bytes())) {
    const Layout& dense = kernel_->outputs()[0];
    inputs_ = kernel_->inputs();
    outputs_ = {ChannelsLastLayout(dense.dims(), pixel_stride)};
    scratch_bytes_ = dense_at_ + dense.bytes();
  }

  std::string name() const override { return kernel_->name(); }
  std::string implementation() const override { return kernel_->implementation() + " + spread"; }
  bool AllowsInPlace(int, int) const override { return false; }
  bool Reads(int i) const override { return kernel_->Reads(i); }
  std::optional<std::vector<int>> CheckedInputs() const override {
    return kernel_->CheckedInputs();
  }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    Bindings inner = bindings;
    inner.outputs[0] = bindings.scratch + dense_at_;
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<BoundKernel> bound, kernel_->Bind(inner));
    return std::make_unique<BoundSpread>(std::move(bound),
                                         reinterpret_cast<const float*>(inner.outputs[0]),
                                         bindings.outputs[0], outputs_[0]);
  }

 private:
  std::shared_ptr<const Kernel> kernel_;
  size_t dense_at_;  // in the scratch memory
};

}  // namespace

std::shared_ptr<const Kernel> SpreadResult(std::shared_ptr<const Kernel> kernel,
                                           int64_t pixel_stride) {
  if (kernel->outputs().size() != 1 || !FindPixelStride(kernel->outputs()[0]) ||
      kernel->workspace_bytes() > 0 || kernel->workspace_owner() != nullptr) {
    return nullptr;
  }
  return std::make_shared<SpreadKernel>(std::move(kernel), pixel_stride);
}

}  // namespace weft
