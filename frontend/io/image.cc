#include "frontend/io/image.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "frontend/io/read_file.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

// [rows, from, inner] to [rows, to, inner].
std::vector<float> ResizeAxis(const std::vector<float>& in, size_t rows, int64_t from, int64_t to,
                              size_t inner) {
  const ResampleAxis axis = MakeResampleAxis(ResampleFilter::kBilinear, from, to);
  std::vector<float> out(rows * static_cast<size_t>(to) * inner, 0.0f);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < static_cast<size_t>(to); ++i) {
      float* target = &out[(r * static_cast<size_t>(to) + i) * inner];
      const float* source = &in[(r * static_cast<size_t>(from) + axis.first[i]) * inner];
      for (size_t j = 0; j < axis.count[i]; ++j, source += inner) {
        const auto weight = static_cast<float>(axis.weights[i * axis.taps + j]);
        for (size_t k = 0; k < inner; ++k) target[k] += weight * source[k];
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
  std::vector<float> planes(static_cast<size_t>(p.channels * p.height * p.width));
  PictureToPlanes(image, p, planes);
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

void PictureToPlanes(const Picture& picture, const Preprocessing& p, std::span<float> planes) {
  if (picture.height != p.height || picture.width != p.width) {
    return PictureToPlanes(Resample(picture, p.height, p.width), p, planes);
  }
  const auto area = static_cast<size_t>(p.height * p.width);
  const auto channels = static_cast<size_t>(picture.channels);
  const uint8_t* from = picture.pixels.data();
  for (size_t i = 0; i < area && p.channels == 1; ++i, from += channels) {
    planes[i] = static_cast<float>(channels == 1 ? *from : LumaOf(from)) / 255.0f;
  }
  for (size_t c = 0; c < 3 && p.channels == 3; ++c) {
    const size_t source = channels == 1 ? 0 : p.channel_order == "bgr" ? 2 - c : c;
    for (size_t i = 0; i < area; ++i) {
      planes[c * area + i] = static_cast<float>(from[i * channels + source]) / 255.0f;
    }
  }
}

Picture PlanesToPicture(std::span<const float> planes, const Preprocessing& p) {
  Picture picture = {.height = p.height, .width = p.width, .channels = p.channels, .pixels = {}};
  const auto area = static_cast<size_t>(p.height * p.width);
  picture.pixels.resize(planes.size());
  for (size_t c = 0; c < static_cast<size_t>(p.channels); ++c) {
    const size_t source = p.channel_order == "bgr" ? 2 - c : c;
    for (size_t i = 0; i < area; ++i) {
      const float x = std::clamp(planes[source * area + i], 0.0f, 1.0f);
      picture.pixels[i * static_cast<size_t>(p.channels) + c] =
          static_cast<uint8_t>(x * 255.0f + 0.5f);
    }
  }
  return picture;
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
