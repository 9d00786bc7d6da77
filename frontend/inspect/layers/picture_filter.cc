#include "frontend/inspect/layers/picture_filter.h"

#include <algorithm>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

constexpr int64_t kMostFilteredBytes = int64_t{1} << 30;
// Of a kernel's magnitudes: with less of them as its sum it looks for differences. Emboss and
// sharpen keep a ninth.
constexpr double kLeastBrightnessShare = 0.1;

absl::Status CheckFilterKernels(std::span<const Tensor> kernels) {
  if (kernels.empty()) return absl::InvalidArgumentError("filter: expected a kernel, got none");
  for (const Tensor& k : kernels) {
    const bool fits = !k.is_empty() && kFloatTypes.contains(k.dtype()) && k.rank() == 2 &&
                      k.dims()[0] % 2 == 1 && k.dims()[1] % 2 == 1;
    if (fits) {
      for (int64_t i = 0; i < k.size(); ++i) {
        if (std::isfinite(k.At(i))) continue;
        return absl::InvalidArgumentError(
            absl::StrCat("filter: expected finite weights, got ", k.At(i)));
      }
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("filter: expected a kernel [h,w] of odd extents, got ",
                     k.is_empty() ? "nothing" : ToString(k.type())));
  }
  return absl::OkStatus();
}

// The kernels as weights f32[K,1,h,w], each in the middle of the largest extents.
absl::StatusOr<Tensor> WeightsOfKernels(std::span<const Tensor> kernels) {
  int64_t h = 0, w = 0;
  for (const Tensor& k : kernels) {
    h = std::max(h, k.dims()[0]);
    w = std::max(w, k.dims()[1]);
  }
  WEFT_ASSIGN_OR_RETURN(
      Tensor weights, Tensor::Zeros(DType::kF32, {static_cast<int64_t>(kernels.size()), 1, h, w}));
  const std::span<float> to = weights.mutable_values<float>();
  for (size_t n = 0; n < kernels.size(); ++n) {
    const Dims& d = kernels[n].dims();
    const int64_t top = (h - d[0]) / 2, left = (w - d[1]) / 2;
    for (int64_t i = 0; i < kernels[n].size(); ++i) {
      const int64_t at = (top + i / d[1]) * w + left + i % d[1];
      to[n * static_cast<size_t>(h * w) + static_cast<size_t>(at)] =
          static_cast<float>(kernels[n].At(i));
    }
  }
  return weights;
}

// [C,1,H,W] in [0,1].
absl::StatusOr<Tensor> FilterPlanesOf(const Picture& picture) {
  const Dims dims = {picture.channels, 1, picture.height, picture.width};
  WEFT_ASSIGN_OR_RETURN(Tensor planes, Tensor::Zeros(DType::kF32, dims));
  const std::span<float> to = planes.mutable_values<float>();
  const auto channels = static_cast<size_t>(picture.channels);
  const size_t area = to.size() / channels;
  for (size_t i = 0; i < to.size(); ++i) {
    to[i % channels * area + i / channels] = static_cast<float>(picture.pixels[i]) / 255;
  }
  return planes;
}

// [C,K,H,W] -> [K,C,H,W]
absl::StatusOr<Tensor> KernelsFirst(const Tensor& results) {
  const Dims& d = results.dims();
  if (d[0] == 1 || d[1] == 1) return results.Reshaped({d[1], d[0], d[2], d[3]});
  WEFT_ASSIGN_OR_RETURN(Tensor turned, Tensor::Zeros(DType::kF32, {d[1], d[0], d[2], d[3]}));
  const auto area = static_cast<size_t>(d[2] * d[3]);
  const std::span<const float> from = results.values<float>();
  const std::span<float> to = turned.mutable_values<float>();
  for (size_t c = 0; c < static_cast<size_t>(d[0]); ++c) {
    for (size_t k = 0; k < static_cast<size_t>(d[1]); ++k) {
      std::copy_n(&from[(c * static_cast<size_t>(d[1]) + k) * area], area,
                  &to[(k * static_cast<size_t>(d[0]) + c) * area]);
    }
  }
  return turned;
}

}  // namespace

absl::StatusOr<Tensor> FilterPicture(const Picture& picture, std::span<const Tensor> kernels,
                                     const PictureFilterOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckFilterKernels(kernels));
  const auto count = static_cast<int64_t>(kernels.size());
  const int64_t plane = picture.height * picture.width * picture.channels;
  if (plane < 1 || count > kMostFilteredBytes / 4 / plane) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: ", count, " results of a picture of ", picture.height, "x",
                     picture.width, " pixels, expected 1 to ", kMostFilteredBytes, " bytes"));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor weights, WeightsOfKernels(kernels));
  Builder b;
  const Value x = b.Input("picture", {"C", 1, picture.height, picture.width});
  const Extent2 extent = {weights.dims()[2], weights.dims()[3]};
  b.Output("filtered", b.Conv2d(x, {.channels = count,
                                    .kernel = extent,
                                    .padding = "same",
                                    .bias = false,
                                    .padding_mode = options.padding,
                                    .init = Initializer::Values(std::move(weights)),
                                    .name = "filter"}));
  WEFT_ASSIGN_OR_RETURN(const Model model, b.Build());
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, {.threads = options.threads}));
  WEFT_ASSIGN_OR_RETURN(const Tensor planes, FilterPlanesOf(picture));
  WEFT_ASSIGN_OR_RETURN(const Tensor results, session->Run(planes));
  return KernelsFirst(results);
}

FilteredLook LookFor(const Tensor& kernel) {
  double sum = 0, magnitudes = 0;
  for (int64_t i = 0; i < kernel.size(); ++i) {
    sum += kernel.At(i);
    magnitudes += std::abs(kernel.At(i));
  }
  return sum < kLeastBrightnessShare * magnitudes ? FilteredLook::kSigned : FilteredLook::kPlain;
}

absl::StatusOr<Picture> FilteredPicture(const Tensor& result, FilteredLook look) {
  const Dims& d = result.dims();
  if (result.is_empty() || result.dtype() != DType::kF32 || d.size() != 3 ||
      (d[0] != 1 && d[0] != 3)) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: expected a result f32[1,H,W] or f32[3,H,W], got ",
                     result.is_empty() ? "nothing" : ToString(result.type())));
  }
  const std::span<const float> values = result.values<float>();
  double most = 0;
  for (const float v : values) most = std::max<double>(most, std::abs(v));
  const auto level = [&](double v) {
    if (look == FilteredLook::kPlain) return v;
    if (most == 0) return look == FilteredLook::kSigned ? 0.5 : 0.0;
    return look == FilteredLook::kSigned ? 0.5 + v / most / 2 : std::abs(v) / most;
  };
  Picture picture{.height = d[1], .width = d[2], .channels = d[0]};
  picture.pixels.resize(values.size());
  const auto channels = static_cast<size_t>(d[0]);
  const size_t area = values.size() / channels;
  for (size_t i = 0; i < values.size(); ++i) {
    picture.pixels[i % area * channels + i / area] =
        static_cast<uint8_t>(std::lround(255 * std::clamp(level(values[i]), 0.0, 1.0)));
  }
  return picture;
}

absl::StatusOr<Tensor> RootOfSquares(const Tensor& results) {
  const Dims& d = results.dims();
  if (results.is_empty() || results.dtype() != DType::kF32 || d.size() != 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: expected results f32[K,C,H,W], got ",
                     results.is_empty() ? "nothing" : ToString(results.type())));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor root, Tensor::Zeros(DType::kF32, {d[1], d[2], d[3]}));
  const std::span<const float> from = results.values<float>();
  const std::span<float> to = root.mutable_values<float>();
  for (size_t i = 0; i < from.size(); ++i) to[i % to.size()] += from[i] * from[i];
  for (float& v : to) v = std::sqrt(v);
  return root;
}

}  // namespace weft
