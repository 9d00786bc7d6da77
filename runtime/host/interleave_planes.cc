#include "runtime/host/interleave_planes.h"

#include <algorithm>
#include <utility>

#include "runtime/channel_blocks.h"
#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/interleave_planes.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// y[i * channels + c] = x[c * plane + i] for i in [0, n); two to four channels.
void InterleavePlanes(int64_t channels, int64_t plane, int64_t n, const float* x, float* y) {
  const Df d;
  const int64_t lanes = Lanes();
  const auto load = [&](int64_t c, int64_t i) HWY_ATTR { return hn::LoadU(d, x + c * plane + i); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    float* const to = y + i * channels;
    if (channels == 2) {
      hn::StoreInterleaved2(load(0, i), load(1, i), d, to);
    } else if (channels == 3) {
      hn::StoreInterleaved3(load(0, i), load(1, i), load(2, i), d, to);
    } else {
      hn::StoreInterleaved4(load(0, i), load(1, i), load(2, i), load(3, i), d, to);
    }
  }
  for (; i < n; ++i) {
    for (int64_t c = 0; c < channels; ++c) y[i * channels + c] = x[c * plane + i];
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(InterleavePlanes);

namespace {

class BoundInterleavePlanes : public BoundKernel {
 public:
  BoundInterleavePlanes(const ChannelBlocks& planes, const Bindings& bindings)
      : planes_(planes), x_(bindings.inputs[0]), y_(bindings.outputs[0]) {}

  absl::Status Run(const RandomKey&) override {
    const auto* x = reinterpret_cast<const float*>(x_);
    auto* y = reinterpret_cast<float*>(y_);
    const int64_t channels = planes_.blocks, plane = planes_.positions;
    ParallelFor(planes_.images * plane, ItemGrain(channels), [=](int64_t begin, int64_t end) {
      while (begin < end) {
        const int64_t image = begin / plane, first = begin % plane;
        const int64_t n = std::min(plane - first, end - begin);
        HWY_DYNAMIC_DISPATCH(InterleavePlanes)
        (channels, plane, n, x + image * channels * plane + first, y + begin * channels);
        begin += n;
      }
    });
    return absl::OkStatus();
  }
  void SetInput(int, std::byte* data) override { x_ = data; }
  void SetOutput(int, std::byte* data) override { y_ = data; }

 private:
  const ChannelBlocks& planes_;
  std::byte* x_;
  std::byte* y_;
};

class InterleavePlanesKernel : public Kernel {
 public:
  InterleavePlanesKernel(const Layout& from, const Layout& to, const ChannelBlocks& planes)
      : planes_(planes) {
    inputs_ = {from};
    outputs_ = {to};
  }
  std::string name() const override { return "weft"; }
  std::string implementation() const override { return "interleave planes"; }
  bool AllowsInPlace(int, int) const override { return false; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundInterleavePlanes>(planes_, bindings);
  }

 private:
  ChannelBlocks planes_;
};

}  // namespace

std::unique_ptr<Kernel> MakeInterleavePlanes(const Layout& from, const Layout& to) {
  const int64_t channels = from.dims().size() < 3 ? 0 : from.dims()[1];
  if (channels < 2 || channels > 4 || !from.is_plain() || FindPixelStride(to) != channels) {
    return nullptr;
  }
  return std::make_unique<InterleavePlanesKernel>(from, to, *FindChannelBlocks(from));
}

}  // namespace weft
#endif  // HWY_ONCE
