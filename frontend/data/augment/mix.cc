#include "frontend/data/augment/mix.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace weft {
namespace {

double UniformAboveZero(TransformDraw& draw) {
  return 1 - static_cast<double>(draw.random.Uniform());
}

// The logarithm of a number from the Gamma distribution: Marsaglia and Tsang 2000, at alpha + 1 and
// brought down by a power of a uniform number. The logarithm, as small alphas give numbers that are
// too small.
double DrawLogGamma(double alpha, TransformDraw& draw) {
  const double d = alpha + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = draw.random.Normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(UniformAboveZero(draw)) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d * v) + std::log(UniformAboveZero(draw)) / alpha;
    }
  }
}

// Zhang et al. 2018.
double Mixup(double share, std::span<const float> other, std::span<float> image) {
  const auto weight = static_cast<float>(share);
  for (size_t i = 0; i < image.size(); ++i) {
    image[i] = weight * image[i] + (1 - weight) * other[i];
  }
  return share;
}

// Yun et al. 2019: a box of the other one, its middle anywhere; the share is what is left of it
// inside the image.
double Cutmix(double share, TransformDraw& draw, std::span<const float> other,
              std::span<float> image) {
  const int64_t height = draw.height, width = draw.width;
  const auto range = [&](int64_t extent, double cut, int64_t* begin, int64_t* end) {
    const auto side = static_cast<int64_t>(static_cast<double>(extent) * cut);
    const int64_t middle = draw.Below(extent);
    *begin = std::clamp<int64_t>(middle - side / 2, 0, extent);
    *end = std::clamp<int64_t>(middle - side / 2 + side, 0, extent);
  };
  // A signal has one axis to be cut.
  const double cut = height == 1 ? 1 - share : std::sqrt(1 - share);
  int64_t top = 0, bottom = 1, left = 0, right = 0;
  if (height > 1) range(height, cut, &top, &bottom);
  range(width, cut, &left, &right);
  const auto planes = static_cast<int64_t>(image.size()) / (height * width);
  for (int64_t plane = 0; plane < planes; ++plane) {
    for (int64_t y = top; y < bottom; ++y) {
      const int64_t row = (plane * height + y) * width;
      std::copy_n(other.begin() + row + left, right - left, image.begin() + row + left);
    }
  }
  return 1 -
         static_cast<double>((bottom - top) * (right - left)) / static_cast<double>(height * width);
}

}  // namespace

double DrawBeta(double alpha, TransformDraw& draw) {
  const double a = DrawLogGamma(alpha, draw), b = DrawLogGamma(alpha, draw);
  return 1 / (1 + std::exp(b - a));
}

double MixExamples(const PipelineStep& step, TransformDraw& draw, std::span<const float> other,
                   std::span<float> image) {
  const double share = DrawBeta(step.arguments.number("alpha"), draw);
  if (step.spec->name == "mixup") return Mixup(share, other, image);
  return Cutmix(share, draw, other, image);
}

std::span<const TransformSpec> MixTransforms() {
  const auto parameters = [](std::string_view alpha) -> std::vector<ParameterSpec> {
    return {{.name = "alpha",
             .fallback = alpha,
             .help = "both parameters of the share's Beta",
             .low = 1e-3,
             .high = 1e3},
            {.name = "p", .fallback = "1", .help = "how often"}};
  };
  static const auto* const table = new std::vector<TransformSpec>{
      {"mixup", "two examples faded into one, labels too (Zhang et al. 2018)", parameters("0.2")},
      {"cutmix", "a box of another example, labels by area (Yun et al. 2019)", parameters("1")}};
  return *table;
}

}  // namespace weft
