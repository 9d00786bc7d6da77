#include "runtime/host/shuffled_concat.h"

#include <algorithm>
#include <utility>

#include "runtime/channel_blocks.h"
#include "runtime/host/loops.h"

namespace weft {
namespace {

// An operand: its channels, and floats from pixel to pixel.
struct ShuffledImage {
  int64_t channels = 0, stride = 0;
};

std::vector<ShuffledImage> ImagesOf(const std::vector<Layout>& layouts) {
  std::vector<ShuffledImage> images;
  for (const Layout& layout : layouts) {
    const std::optional<int64_t> stride = FindPixelStride(layout);
    if (!stride) return {};
    images.push_back({layout.dims()[1], *stride});
  }
  return images;
}

// y[i] = the (first + i)-th of a[0], b[0], a[1], b[1], ...
void Interleave(const float* a, const float* b, int64_t first, int64_t n, float* y) {
  int64_t i = 0;
  if (first % 2 != 0 && n > 0) y[i++] = b[first / 2];
  a += (first + i) / 2;
  b += (first + i) / 2;
  const int64_t pairs = (n - i) / 2;
  float* const to = y + i;
  for (int64_t k = 0; k < pairs; ++k) {
    to[2 * k] = a[k];
    to[2 * k + 1] = b[k];
  }
  if (i + 2 * pairs < n) to[2 * pairs] = a[pairs];
}

class ShuffledConcat : public Kernel {
 public:
  ShuffledConcat(std::vector<Layout> inputs, std::vector<Layout> outputs)
      : from_(ImagesOf(inputs)), to_(ImagesOf(outputs)) {
    const Dims& dims = outputs[0].dims();
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      if (axis != 1) pixels_ *= dims[axis];
    }
    inputs_ = std::move(inputs);
    outputs_ = std::move(outputs);
  }

  std::string name() const override { return "weft"; }
  std::string implementation() const override { return "interleave"; }
  bool AllowsInPlace(int, int) const override { return false; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<Bound>(*this, bindings);
  }

 private:
  class Bound : public BoundKernel {
   public:
    Bound(const ShuffledConcat& kernel, Bindings bindings)
        : kernel_(kernel), bindings_(std::move(bindings)) {}
    absl::Status Run(const RandomKey&) override {
      const int64_t channels = 2 * kernel_.from_[0].channels;
      ParallelFor(kernel_.pixels_, ItemGrain(channels), [this](int64_t begin, int64_t end) {
        for (int64_t pixel = begin; pixel < end; ++pixel) Move(pixel);
      });
      return absl::OkStatus();
    }
    void SetInput(int i, std::byte* data) override {
      bindings_.inputs[static_cast<size_t>(i)] = data;
    }
    void SetOutput(int i, std::byte* data) override {
      bindings_.outputs[static_cast<size_t>(i)] = data;
    }

   private:
    void Move(int64_t pixel) const {
      const auto input = [&](size_t i) {
        return reinterpret_cast<const float*>(bindings_.inputs[i]) +
               pixel * kernel_.from_[i].stride;
      };
      int64_t first = 0;
      for (size_t i = 0; i < kernel_.to_.size(); ++i) {
        const ShuffledImage& to = kernel_.to_[i];
        Interleave(input(0), input(1), first, to.channels,
                   reinterpret_cast<float*>(bindings_.outputs[i]) + pixel * to.stride);
        first += to.channels;
      }
    }

    const ShuffledConcat& kernel_;
    Bindings bindings_;
  };

  std::vector<ShuffledImage> from_, to_;
  int64_t pixels_ = 1;
};

}  // namespace

std::shared_ptr<const Kernel> MakeShuffledConcat(std::vector<Layout> inputs,
                                                 std::vector<Layout> outputs, int64_t group) {
  const std::vector<ShuffledImage> from = ImagesOf(inputs), to = ImagesOf(outputs);
  if (group != 2 || from.size() != 2 || to.empty() || from[0].channels != from[1].channels) {
    return nullptr;
  }
  return std::make_shared<ShuffledConcat>(std::move(inputs), std::move(outputs));
}

}  // namespace weft
