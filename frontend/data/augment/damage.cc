// What is lost on the way: sharpness, JPEG's details, whole regions.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/transform.h"
#include "frontend/io/jpeg.h"
#include "frontend/io/jpeg_encode.h"

namespace weft {
namespace {

void BlurStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const std::vector<double>& sigma = a.numbers("sigma");
  if (!draw.Chance(a.number("p"))) return;
  Picture& picture = example.picture;
  std::vector<float> field(picture.pixels.begin(), picture.pixels.end());
  GaussianBlur(field, picture.height, picture.width, picture.channels,
               draw.Uniform(sigma[0], sigma.back()));
  std::transform(field.begin(), field.end(), picture.pixels.begin(),
                 [](float x) { return static_cast<uint8_t>(x + 0.5f); });
}

void JpegStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const std::vector<double>& quality = a.numbers("quality");
  if (!draw.Chance(a.number("p"))) return;
  const Picture& in = example.picture;
  const double drawn = draw.Uniform(quality[0], quality.back());
  const auto bytes = EncodeJpeg(in, static_cast<int>(std::lround(drawn)));
  auto out = bytes.ok() ? DecodeJpeg(*bytes, {.max_pixels = in.height * in.width})
                        : absl::StatusOr<Picture>(bytes.status());
  if (!out.ok()) {
    draw.status = Annotate(out.status(), "jpeg");
    return;
  }
  if (in.channels == 1 && out->channels == 3) {
    for (size_t i = 0; i < in.pixels.size(); ++i) out->pixels[i] = out->pixels[3 * i];
    out->pixels.resize(in.pixels.size());
    out->channels = 1;
  }
  example.picture = *std::move(out);
}

// The part of a rectangle that is inside.
void FillRectangle(int64_t top, int64_t left, int64_t height, int64_t width,
                   const std::vector<uint8_t>& color, Picture& picture) {
  for (int64_t y = std::max<int64_t>(top, 0); y < std::min(top + height, picture.height); ++y) {
    for (int64_t x = std::max<int64_t>(left, 0); x < std::min(left + width, picture.width); ++x) {
      std::copy(color.begin(), color.end(),
                picture.pixels.begin() + (y * picture.width + x) * picture.channels);
    }
  }
}

std::vector<uint8_t> MeanColor(const Picture& picture) {
  const auto channels = static_cast<size_t>(picture.channels);
  std::vector<int64_t> sums(channels);
  for (size_t i = 0; i < picture.pixels.size(); ++i) sums[i % channels] += picture.pixels[i];
  std::vector<uint8_t> mean;
  for (const int64_t sum : sums) {
    mean.push_back(static_cast<uint8_t>(sum / (picture.height * picture.width)));
  }
  return mean;
}

// DeVries and Taylor 2017: squares whose middles are anywhere in the picture.
void CutoutStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  Picture& picture = example.picture;
  const int64_t size = a.whole("size");
  const std::vector<uint8_t> color(static_cast<size_t>(picture.channels),
                                   static_cast<uint8_t>(a.whole("fill")));
  for (int64_t i = 0; i < a.whole("count"); ++i) {
    const int64_t top = draw.Below(picture.height) - size / 2;
    const int64_t left = draw.Below(picture.width) - size / 2;
    FillRectangle(top, left, size, size, color, picture);
  }
}

// Zhong et al. 2017, as torchvision's RandomErasing.
void EraseStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (!draw.Chance(a.number("p"))) return;
  Picture& picture = example.picture;
  const std::vector<double>&scale = a.numbers("scale"), &ratio = a.numbers("ratio");
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area =
        static_cast<double>(picture.height * picture.width) * draw.Uniform(scale[0], scale.back());
    const double shape = std::exp(draw.Uniform(std::log(ratio[0]), std::log(ratio.back())));
    const int64_t height = std::llround(std::sqrt(area * shape));
    const int64_t width = std::llround(std::sqrt(area / shape));
    if (height >= picture.height || width >= picture.width) continue;
    const int64_t top = draw.Below(picture.height - height + 1);
    const int64_t left = draw.Below(picture.width - width + 1);
    if (a.word("value") == "noise") {
      for (int64_t y = top; y < top + height; ++y) {
        const auto row = picture.pixels.begin() + (y * picture.width + left) * picture.channels;
        std::generate_n(row, width * picture.channels,
                        [&] { return static_cast<uint8_t>(draw.random.NextWord() >> 24); });
      }
      return;
    }
    const bool black = a.word("value") == "black";
    const std::vector<uint8_t> zeros(static_cast<size_t>(picture.channels), 0);
    FillRectangle(top, left, height, width, black ? zeros : MeanColor(picture), picture);
    return;
  }
}

// One axis of a blur: `step` between neighbours, `length` of them from `x` on.
void BlurLine(const std::vector<float>& weights, int64_t length, int64_t step, float* x,
              std::vector<float>& line) {
  const auto radius = static_cast<int64_t>(weights.size()) - 1;
  // Mirrored without the border pixel twice, as often as it takes.
  const auto at = [&](int64_t i) {
    if (length == 1) return x[0];
    const int64_t period = 2 * length - 2, within = (i % period + period) % period;
    return x[(within < length ? within : period - within) * step];
  };
  line.resize(static_cast<size_t>(length + 2 * radius));
  for (int64_t i = -radius; i < length + radius; ++i) line[static_cast<size_t>(i + radius)] = at(i);
  for (int64_t i = 0; i < length; ++i) {
    const float* middle = &line[static_cast<size_t>(i + radius)];
    float sum = weights[0] * middle[0];
    for (int64_t j = 1; j <= radius; ++j) {
      sum += weights[static_cast<size_t>(j)] * (middle[-j] + middle[j]);
    }
    x[i * step] = sum;
  }
}

}  // namespace

void GaussianBlur(std::vector<float>& field, int64_t height, int64_t width, int64_t channels,
                  double sigma) {
  const auto radius = static_cast<size_t>(std::ceil(3 * sigma));
  std::vector<float> weights(radius + 1);
  double sum = -1;
  for (size_t i = 0; i <= radius; ++i) {
    const double z = static_cast<double>(i) / sigma;
    weights[i] = static_cast<float>(std::exp(-0.5 * z * z));
    sum += 2 * weights[i];
  }
  for (float& w : weights) w = static_cast<float>(w / sum);
  std::vector<float> line;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t c = 0; c < channels; ++c) {
      BlurLine(weights, width, channels, &field[static_cast<size_t>(y * width * channels + c)],
               line);
    }
  }
  for (int64_t x = 0; x < width * channels; ++x) {
    BlurLine(weights, height, width * channels, &field[static_cast<size_t>(x)], line);
  }
}

std::span<const TransformSpec> DamageTransforms() {
  const auto chance = [](std::string_view fallback) -> ParameterSpec {
    return {.name = "p", .fallback = fallback, .help = "how often"};
  };
  static const auto* const table = new std::vector<TransformSpec>{
      {"blur",
       "Gaussian (torchvision's GaussianBlur)",
       {{.name = "sigma",
         .fallback = "(0.1, 2)",
         .help = "standard deviation in pixels",
         .low = 0.01,
         .high = 100,
         .most = 2},
        chance("0.5")},
       BlurStep},
      {"jpeg",
       "written as JPEG and read again",
       {{.name = "quality",
         .fallback = "(40, 95)",
         .help = "libjpeg's",
         .low = 1,
         .high = 100,
         .whole = true,
         .most = 2},
        chance("0.5")},
       JpegStep},
      {"cutout",
       "squares of one gray level (DeVries and Taylor 2017)",
       {{.name = "size",
         .fallback = "8",
         .help = "pixels a side",
         .low = 1,
         .high = 16384,
         .whole = true},
        {.name = "count", .fallback = "1", .help = "squares", .high = 100, .whole = true},
        {.name = "fill", .fallback = "0", .help = "gray level", .high = 255, .whole = true}},
       CutoutStep},
      {"erase",
       "a rectangle (Zhong et al. 2017; torchvision's RandomErasing)",
       {chance("0.5"),
        {.name = "scale",
         .fallback = "(0.02, 0.33)",
         .help = "its share of the area",
         .low = 1e-6,
         .most = 2},
        {.name = "ratio",
         .fallback = "(0.3, 3.3)",
         .help = "its height by its width",
         .low = 1e-3,
         .high = 1e3,
         .most = 2},
        {.name = "value",
         .fallback = "mean",
         .help = "what is there instead",
         .words = "mean black noise"}},
       EraseStep}};
  return *table;
}

}  // namespace weft
