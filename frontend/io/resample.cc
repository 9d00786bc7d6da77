#include "frontend/io/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

namespace weft {
namespace {

// A sum of at most 256 grey levels times weights that add to 1, some of them negative, fits 32
// bits.
constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

constexpr std::array<std::pair<ResampleFilter, std::string_view>, 5> kFilterNames = {
    {{ResampleFilter::kNearest, "nearest"},
     {ResampleFilter::kBox, "box"},
     {ResampleFilter::kBilinear, "bilinear"},
     {ResampleFilter::kBicubic, "bicubic"},
     {ResampleFilter::kLanczos, "lanczos"}}};

double Sinc(double x) {
  if (x == 0) return 1;
  return std::sin(x * std::numbers::pi) / (x * std::numbers::pi);
}

double SupportOf(ResampleFilter filter) {
  switch (filter) {
    case ResampleFilter::kNearest:
    case ResampleFilter::kBox:
      return 0.5;
    case ResampleFilter::kBilinear:
      return 1;
    case ResampleFilter::kBicubic:
      return 2;
    case ResampleFilter::kLanczos:
      return 3;
  }
  return 0;
}

double FilterAt(ResampleFilter filter, double x) {
  const double a = std::abs(x);
  switch (filter) {
    case ResampleFilter::kNearest:
    case ResampleFilter::kBox:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case ResampleFilter::kBilinear:
      return std::max(0.0, 1 - a);
    case ResampleFilter::kBicubic:  // Keys 1981, a = -0.5
      if (a < 1) return (1.5 * a - 2.5) * a * a + 1;
      return a < 2 ? ((-0.5 * a + 2.5) * a - 4) * a + 2 : 0;
    case ResampleFilter::kLanczos:
      return a < 3 ? Sinc(x) * Sinc(x / 3) : 0;
  }
  return 0;
}

// With its weights in fixed point besides.
struct FixedPointAxis : ResampleAxis {
  std::vector<int32_t> fixed;
};

FixedPointAxis MakeFixedPointAxis(ResampleFilter filter, int64_t from, int64_t to) {
  FixedPointAxis axis = {MakeResampleAxis(filter, from, to), {}};
  axis.fixed.reserve(axis.weights.size());
  for (const double w : axis.weights) {
    axis.fixed.push_back(static_cast<int32_t>(std::round(w * (1 << kWeightBits))));
  }
  return axis;
}

uint8_t ResampledByte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

template <size_t kChannels>
void ResampleRow(const uint8_t* in, const FixedPointAxis& axis, uint8_t* out) {
  for (size_t i = 0; i < axis.first.size(); ++i) {
    const uint8_t* source = in + axis.first[i] * kChannels;
    const int32_t* weights = &axis.fixed[i * axis.taps];
    std::array<int32_t, kChannels> sums;
    sums.fill(kHalf);
    for (size_t j = 0; j < axis.count[i]; ++j) {
      for (size_t c = 0; c < kChannels; ++c) sums[c] += weights[j] * source[j * kChannels + c];
    }
    for (size_t c = 0; c < kChannels; ++c) *out++ = ResampledByte(sums[c]);
  }
}

// PixelRows of a picture: bytes that lie `stride` apart.
struct PixelRows {
  const uint8_t* data;
  size_t stride;
};

// [rows, from] to [rows, to].
std::vector<uint8_t> ResampleColumns(PixelRows in, size_t rows, size_t channels,
                                     const FixedPointAxis& axis) {
  const size_t width = axis.first.size() * channels;
  std::vector<uint8_t> out(rows * width);
  for (size_t y = 0; y < rows; ++y) {
    const uint8_t* source = in.data + y * in.stride;
    if (channels == 1) ResampleRow<1>(source, axis, &out[y * width]);
    if (channels == 3) ResampleRow<3>(source, axis, &out[y * width]);
  }
  return out;
}

// [from, width] to [to, width], bytes.
std::vector<uint8_t> ResampleRows(PixelRows in, size_t width, const FixedPointAxis& axis) {
  std::vector<uint8_t> out(axis.first.size() * width);
  std::vector<int32_t> sums(width);
  for (size_t i = 0; i < axis.first.size(); ++i) {
    std::fill(sums.begin(), sums.end(), kHalf);
    for (size_t j = 0; j < axis.count[i]; ++j) {
      const uint8_t* source = in.data + (axis.first[i] + j) * in.stride;
      const int32_t weight = axis.fixed[i * axis.taps + j];
      for (size_t x = 0; x < width; ++x) sums[x] += weight * source[x];
    }
    std::transform(sums.begin(), sums.end(), &out[i * width], ResampledByte);
  }
  return out;
}

// The old pixel under the middle of each new one. Pillow adds the middles up, which decides where
// one is on a border (ImagingScaleAffine in src/libImaging/Geometry.c).
std::vector<size_t> NearestSources(int64_t from, int64_t to) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  std::vector<size_t> sources;
  double middle = step / 2;
  for (int64_t i = 0; i < to; ++i, middle += step) {
    sources.push_back(
        static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(middle), from - 1)));
  }
  return sources;
}

Picture NearestPixels(PixelRows in, const PictureRegion& region, Picture result) {
  const auto channels = static_cast<size_t>(result.channels);
  const std::vector<size_t> columns = NearestSources(region.width, result.width);
  uint8_t* out = result.pixels.data();
  for (const size_t y : NearestSources(region.height, result.height)) {
    for (const size_t x : columns) {
      out = std::copy_n(in.data + y * in.stride + x * channels, channels, out);
    }
  }
  return result;
}

}  // namespace

std::string_view ToString(ResampleFilter filter) {
  for (const auto& [value, name] : kFilterNames) {
    if (value == filter) return name;
  }
  return {};
}

std::optional<ResampleFilter> ParseResampleFilter(std::string_view name) {
  for (const auto& [value, known] : kFilterNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

ResampleAxis MakeResampleAxis(ResampleFilter filter, int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double widening = std::max(scale, 1.0);
  const double support = SupportOf(filter) * widening, narrowing = 1 / widening;
  ResampleAxis axis;
  axis.taps = static_cast<size_t>(std::ceil(support)) * 2 + 1;
  axis.weights.resize(static_cast<size_t>(to) * axis.taps);
  std::vector<double> raw(axis.taps);
  for (int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const auto end = std::min<int64_t>(from, static_cast<int64_t>(center + support + 0.5));
    const auto count = static_cast<size_t>(end - begin);
    double sum = 0;
    for (size_t j = 0; j < count; ++j) {
      const double x = static_cast<double>(begin + static_cast<int64_t>(j)) - center + 0.5;
      raw[j] = FilterAt(filter, x * narrowing);
      sum += raw[j];
    }
    double* weights = &axis.weights[static_cast<size_t>(i) * axis.taps];
    for (size_t j = 0; j < count; ++j) weights[j] = sum == 0 ? raw[j] : raw[j] / sum;
    axis.first.push_back(static_cast<size_t>(begin));
    axis.count.push_back(count);
  }
  return axis;
}

Picture Resample(const Picture& picture, const PictureRegion& region, int64_t height, int64_t width,
                 ResampleFilter filter) {
  if (height == region.height && width == region.width) return Cut(picture, region);
  const auto channels = static_cast<size_t>(picture.channels);
  PixelRows rows = {picture.pixels.data() +
                        static_cast<size_t>(region.top * picture.width + region.left) * channels,
                    static_cast<size_t>(picture.width) * channels};
  Picture result = {.height = height, .width = width, .channels = picture.channels};
  if (filter == ResampleFilter::kNearest) {
    result.pixels.resize(static_cast<size_t>(height * width) * channels);
    return NearestPixels(rows, region, std::move(result));
  }
  const size_t row_bytes = static_cast<size_t>(width) * channels;
  if (width != region.width) {
    const FixedPointAxis axis = MakeFixedPointAxis(filter, region.width, width);
    result.pixels = ResampleColumns(rows, static_cast<size_t>(region.height), channels, axis);
    rows = {result.pixels.data(), row_bytes};
  }
  if (height != region.height) {
    result.pixels =
        ResampleRows(rows, row_bytes, MakeFixedPointAxis(filter, region.height, height));
  }
  return result;
}

Picture Resample(const Picture& picture, int64_t height, int64_t width, ResampleFilter filter) {
  return Resample(picture, {.height = picture.height, .width = picture.width}, height, width,
                  filter);
}

Picture Cut(const Picture& picture, const PictureRegion& region) {
  Picture result = {.height = region.height, .width = region.width, .channels = picture.channels};
  const auto bytes = static_cast<ptrdiff_t>(region.width * picture.channels);
  result.pixels.reserve(static_cast<size_t>(region.height * bytes));
  for (int64_t y = 0; y < region.height; ++y) {
    const auto from = picture.pixels.begin() +
                      ((region.top + y) * picture.width + region.left) * picture.channels;
    result.pixels.insert(result.pixels.end(), from, from + bytes);
  }
  return result;
}

}  // namespace weft
