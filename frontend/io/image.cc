#include "frontend/io/image.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "frontend/io/read_file.h"

namespace weft {
namespace {

// [C,H,W] in [0,1] of the pixels [H,W,C].
std::vector<float> ToPlanes(const Picture& image, const Preprocessing& p) {
  const auto area = static_cast<size_t>(image.height * image.width);
  std::vector<float> planes(area * static_cast<size_t>(p.channels));
  for (size_t i = 0; i < area; ++i) {
    if (image.channels == 1) {
      const float level = static_cast<float>(image.pixels[i]) / 255.0f;
      for (size_t at = i; at < planes.size(); at += area) planes[at] = level;
      continue;
    }
    const uint8_t* rgb = &image.pixels[3 * i];
    if (p.channels == 1) {
      // ITU-R 601 luma in PIL's 16-bit fixed point.
      const unsigned luma = (rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16;
      planes[i] = static_cast<float>(luma) / 255.0f;
    } else {
      for (size_t c = 0; c < 3; ++c) {
        const size_t source = p.channel_order == "bgr" ? 2 - c : c;
        planes[c * area + i] = static_cast<float>(rgb[source]) / 255.0f;
      }
    }
  }
  return planes;
}

// One axis of a resize: output i is the weighted sum of the inputs from `first[i]` on.
struct Filter {
  std::vector<int64_t> first;
  std::vector<std::vector<float>> weights;
};

// A triangle of half-width 1, or of the scale when shrinking, around the pixel's center.
Filter MakeFilter(int64_t from, int64_t to) {
  Filter filter;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  for (int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(0, std::llround(center - support));
    const int64_t end = std::min<int64_t>(from, std::llround(center + support));
    std::vector<double> raw;
    double sum = 0;
    for (int64_t j = begin; j < end; ++j) {
      const double distance = std::abs(static_cast<double>(j) + 0.5 - center) / support;
      raw.push_back(std::max(0.0, 1.0 - distance));
      sum += raw.back();
    }
    filter.first.push_back(begin);
    std::vector<float>& weights = filter.weights.emplace_back();
    for (double w : raw) weights.push_back(static_cast<float>(w / sum));
  }
  return filter;
}

// [rows, from, inner] to [rows, to, inner].
std::vector<float> ResizeAxis(const std::vector<float>& in, size_t rows, int64_t from, int64_t to,
                              size_t inner) {
  const Filter filter = MakeFilter(from, to);
  std::vector<float> out(rows * static_cast<size_t>(to) * inner, 0.0f);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < static_cast<size_t>(to); ++i) {
      float* target = &out[(r * static_cast<size_t>(to) + i) * inner];
      const float* source =
          &in[(r * static_cast<size_t>(from) + static_cast<size_t>(filter.first[i])) * inner];
      for (float weight : filter.weights[i]) {
        for (size_t k = 0; k < inner; ++k) target[k] += weight * source[k];
        source += inner;
      }
    }
  }
  return out;
}

// Planes [C,H,W] of another size.
std::vector<float> Resize(std::vector<float> planes, int64_t channels, int64_t height,
                          int64_t width, const Preprocessing& to) {
  const auto rows = static_cast<size_t>(channels * height);
  if (width != to.width) planes = ResizeAxis(planes, rows, width, to.width, 1);
  if (height != to.height) {
    planes = ResizeAxis(planes, static_cast<size_t>(channels), height, to.height,
                        static_cast<size_t>(to.width));
  }
  return planes;
}

absl::StatusOr<Tensor> ToTensor(const Picture& image, const Preprocessing& p, bool resize) {
  if ((image.height != p.height || image.width != p.width) && !resize) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", p.height, "x", p.width,
                                                   ", image is ", image.height, "x", image.width));
  }
  std::vector<float> planes = PicturePlanes(image, p);
  Normalize(p, planes);
  return Tensor::FromValues<float>({p.channels, p.height, p.width}, planes);
}

}  // namespace

absl::Status CheckPreprocessing(const Preprocessing& p) {
  const bool gray = p.channel_order == "gray";
  if (!gray && p.channel_order != "rgb" && p.channel_order != "bgr") {
    return absl::InvalidArgumentError(absl::StrCat(
        "preprocessing: expected channel order gray, rgb or bgr, got \"", p.channel_order, "\""));
  }
  if (p.channels != (gray ? 1 : 3)) {
    return absl::InvalidArgumentError(absl::StrCat("preprocessing: channel order ", p.channel_order,
                                                   " has ", gray ? 1 : 3, " channels, got ",
                                                   p.channels));
  }
  WEFT_RETURN_IF_ERROR(
      Annotate(CountElements(Dims{p.channels, p.height, p.width}).status(), "preprocessing"));
  if (p.height < 1 || p.width < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("preprocessing: expected a size above 0, got ", p.height, "x", p.width));
  }
  const auto channels = static_cast<size_t>(p.channels);
  if (p.mean.size() != channels || p.std.size() != channels) {
    return absl::InvalidArgumentError(absl::StrCat("preprocessing: expected ", p.channels,
                                                   " means and stds, got ", p.mean.size(), " and ",
                                                   p.std.size()));
  }
  for (size_t c = 0; c < channels; ++c) {
    if (!std::isfinite(p.mean[c]) || !std::isfinite(p.std[c]) || p.std[c] <= 0.0f) {
      return absl::InvalidArgumentError(
          absl::StrCat("preprocessing: expected a finite mean and a std above 0, channel ", c,
                       " has ", p.mean[c], " and ", p.std[c]));
    }
  }
  return absl::OkStatus();
}

std::vector<float> ConvertImage(std::span<const float> image, const Preprocessing& from,
                                const Preprocessing& to) {
  const auto area = static_cast<size_t>(from.height * from.width);
  std::vector<float> planes(area * static_cast<size_t>(to.channels));
  if (from.channel_order == to.channel_order) {
    std::copy(image.begin(), image.end(), planes.begin());
  } else if (from.channels == 1) {
    for (size_t i = 0; i < planes.size(); ++i) planes[i] = image[i % area];
  } else if (to.channels == 1) {
    const float weights[] = {0.299f, 0.587f, 0.114f};
    for (size_t i = 0; i < image.size(); ++i) {
      const size_t channel = i / area;
      planes[i % area] += weights[from.channel_order == "rgb" ? channel : 2 - channel] * image[i];
    }
  } else {  // rgb and bgr
    for (size_t i = 0; i < image.size(); ++i) planes[(2 - i / area) * area + i % area] = image[i];
  }
  return Resize(std::move(planes), to.channels, from.height, from.width, to);
}

void Normalize(const Preprocessing& p, std::span<float> image) {
  const auto area = static_cast<size_t>(p.height * p.width);
  for (size_t c = 0; c < static_cast<size_t>(p.channels); ++c) {
    for (float& x : image.subspan(c * area, area)) x = (x - p.mean[c]) / p.std[c];
  }
}

std::vector<float> PicturePlanes(const Picture& picture, const Preprocessing& p) {
  return Resize(ToPlanes(picture, p), p.channels, picture.height, picture.width, p);
}

absl::StatusOr<Tensor> DecodeImage(std::span<const std::byte> bytes, const std::string& name,
                                   const Preprocessing& p, const ImageOptions& options) {
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(p), name));
  const DecodeOptions decode = {.background = options.background, .max_pixels = options.max_pixels};
  WEFT_ASSIGN_OR_RETURN(const Picture image, DecodePicture(bytes, name, decode));
  absl::StatusOr<Tensor> tensor = ToTensor(image, p, options.resize);
  if (!tensor.ok()) return Annotate(tensor.status(), name);
  return tensor;
}

absl::StatusOr<Tensor> ReadImage(const std::string& path, const Preprocessing& p,
                                 const ImageOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return DecodeImage(bytes, path, p, options);
}

}  // namespace weft
