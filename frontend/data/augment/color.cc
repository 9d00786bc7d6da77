// What changes bytes where they are.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/transform.h"

namespace weft {
namespace {

uint8_t TruncatedByte(float x) { return static_cast<uint8_t>(std::clamp(x, 0.0f, 255.0f)); }

uint8_t BlendBytes(uint8_t x, float other, float factor) {
  return TruncatedByte(factor * static_cast<float>(x) + (1 - factor) * other);
}

// Every byte by a table of 256.
template <typename F>
void MapBytes(Picture& picture, const F& f) {
  std::array<uint8_t, 256> table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = f(static_cast<uint8_t>(i));
  for (uint8_t& x : picture.pixels) x = table[x];
}

using ByteHistogram = std::array<int64_t, 256>;

// f(histogram of the channel) is the channel's table.
template <typename F>
void MapChannels(Picture& picture, const F& f) {
  const auto channels = static_cast<size_t>(picture.channels);
  for (size_t c = 0; c < channels; ++c) {
    ByteHistogram histogram = {};
    for (size_t i = c; i < picture.pixels.size(); i += channels) ++histogram[picture.pixels[i]];
    const std::array<uint8_t, 256> table = f(histogram);
    for (size_t i = c; i < picture.pixels.size(); i += channels) {
      picture.pixels[i] = table[picture.pixels[i]];
    }
  }
}

// Hue and back as torchvision's functional_tensor._rgb2hsv and _hsv2rgb, in sixths of the circle.
void TurnHue(uint8_t* rgb, float turn) {
  const float r = rgb[0], g = rgb[1], b = rgb[2];
  const float top = std::max({r, g, b}), range = top - std::min({r, g, b});
  if (range == 0) return;
  float hue = 0;
  if (top == r) {
    hue = (g - b) / range;
  } else if (top == g) {
    hue = 2 + (b - r) / range;
  } else {
    hue = 4 + (r - g) / range;
  }
  hue += 6 * turn;
  hue -= 6 * std::floor(hue / 6);
  // A channel is at the top for two sixths around its own hue and falls in the sixths beside them.
  const auto channel = [&](float own) {
    float away = std::abs(hue - own);
    away = std::min(away, 6 - away);
    return static_cast<uint8_t>(top - range * std::clamp(away - 1, 0.0f, 1.0f) + 0.5f);
  };
  rgb[0] = channel(0);
  rgb[1] = channel(2);
  rgb[2] = channel(4);
}

// timm's color_jitter where there is one number, else torchvision's ColorJitter: a factor each, in
// a random order.
void ColorJitterStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const double brightness = a.number("brightness");
  const auto strength = [&](std::string_view name) {
    const double x = a.number(name);
    return x < 0 ? brightness : x;
  };
  const double reaches[] = {brightness, strength("contrast"), strength("saturation"),
                            a.number("hue")};
  std::array<size_t, 4> order = {0, 1, 2, 3};
  for (size_t i = 4; i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<size_t>(draw.Below(static_cast<int64_t>(i)))]);
  }
  for (const size_t i : order) {
    const double reach = reaches[i];
    if (reach == 0) continue;
    const double factor =
        i == 3 ? draw.Uniform(-reach, reach) : draw.Uniform(std::max(0.0, 1 - reach), 1 + reach);
    constexpr void (*kAdjust[])(Picture&, double) = {AdjustBrightness, AdjustContrast,
                                                     AdjustSaturation, AdjustHue};
    kAdjust[i](example.picture, factor);
  }
}

void GrayStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) MakeGray(example.picture);
}

// Krizhevsky et al. 2012, section 4.1: along the principal components of ImageNet's colors, with
// the numbers of fb.resnet.torch.
void LightingStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (example.picture.channels != 3) return;
  constexpr double kValues[] = {0.2175, 0.0188, 0.0045};
  constexpr double kVectors[3][3] = {
      {-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
  double shift[3] = {};
  for (size_t k = 0; k < 3; ++k) {
    const double alpha = a.number("std") * draw.random.Bell();
    for (size_t c = 0; c < 3; ++c) shift[c] += 255 * kVectors[c][k] * kValues[k] * alpha;
  }
  uint8_t* x = example.picture.pixels.data();
  for (size_t i = 0; i < example.picture.pixels.size(); ++i) {
    x[i] = TruncatedByte(static_cast<float>(x[i] + shift[i % 3]) + 0.5f);
  }
}

void PosterizeStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) Posterize(example.picture, static_cast<int>(a.number("bits")));
}

void SolarizeStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (!draw.Chance(a.number("p"))) return;
  Solarize(example.picture, static_cast<int>(a.number("threshold")));
}

void InvertStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) Solarize(example.picture, 0);
}

void AutoContrastStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) AutoContrast(example.picture);
}

void EqualizeStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) Equalize(example.picture);
}

void SharpnessStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) AdjustSharpness(example.picture, a.number("factor"));
}

}  // namespace

void AdjustBrightness(Picture& picture, double factor) {
  MapBytes(picture, [f = static_cast<float>(factor)](uint8_t x) { return BlendBytes(x, 0, f); });
}

void AdjustContrast(Picture& picture, double factor) {
  const auto channels = static_cast<size_t>(picture.channels);
  int64_t sum = 0;
  for (size_t i = 0; i < picture.pixels.size(); i += channels) {
    sum += channels == 3 ? LumaOf(&picture.pixels[i]) : picture.pixels[i];
  }
  const auto mean = static_cast<float>(static_cast<double>(sum) /
                                       static_cast<double>(picture.height * picture.width));
  MapBytes(picture,
           [=, f = static_cast<float>(factor)](uint8_t x) { return BlendBytes(x, mean, f); });
}

void AdjustSaturation(Picture& picture, double factor) {
  if (picture.channels != 3) return;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) {
    uint8_t* rgb = &picture.pixels[i];
    const float luma = LumaOf(rgb);
    for (size_t c = 0; c < 3; ++c) rgb[c] = BlendBytes(rgb[c], luma, static_cast<float>(factor));
  }
}

void AdjustHue(Picture& picture, double turn) {
  if (picture.channels != 3) return;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) {
    TurnHue(&picture.pixels[i], static_cast<float>(turn));
  }
}

// Against PIL's ImageFilter.SMOOTH; the border stays.
void AdjustSharpness(Picture& picture, double factor) {
  const std::vector<uint8_t> in = picture.pixels;
  const auto channels = static_cast<size_t>(picture.channels);
  const size_t stride = static_cast<size_t>(picture.width) * channels;
  for (int64_t y = 1; y + 1 < picture.height; ++y) {
    for (size_t x = channels; x + channels < stride; ++x) {
      const size_t at = static_cast<size_t>(y) * stride + x;
      int sum = 4 * in[at];
      for (const size_t row : {at - stride, at, at + stride}) {
        sum += in[row - channels] + in[row] + in[row + channels];
      }
      const float smooth = std::floor(static_cast<float>(sum) / 13 + 0.5f);
      picture.pixels[at] = BlendBytes(in[at], smooth, static_cast<float>(factor));
    }
  }
}

void MakeGray(Picture& picture) {
  if (picture.channels != 3) return;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) {
    std::fill_n(&picture.pixels[i], 3, LumaOf(&picture.pixels[i]));
  }
}

void Posterize(Picture& picture, int bits) {
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits));
  MapBytes(picture, [mask](uint8_t x) { return static_cast<uint8_t>(x & mask); });
}

void Solarize(Picture& picture, int threshold) {
  MapBytes(picture,
           [threshold](uint8_t x) { return x >= threshold ? static_cast<uint8_t>(255 - x) : x; });
}

void AutoContrast(Picture& picture) {
  MapChannels(picture, [](const ByteHistogram& histogram) {
    size_t low = 0, high = 255;
    while (low < 255 && histogram[low] == 0) ++low;
    while (high > low && histogram[high] == 0) --high;
    std::array<uint8_t, 256> table;
    std::iota(table.begin(), table.end(), uint8_t{0});
    if (high == low) return table;
    for (size_t i = low; i <= high; ++i) {
      table[i] = static_cast<uint8_t>((i - low) * 255 / (high - low));
    }
    return table;
  });
}

void Equalize(Picture& picture) {
  MapChannels(picture, [](const ByteHistogram& histogram) {
    std::array<uint8_t, 256> table;
    std::iota(table.begin(), table.end(), uint8_t{0});
    const int64_t total = std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
    size_t last = 255;
    while (last > 0 && histogram[last] == 0) --last;
    const int64_t step = (total - histogram[last]) / 255;
    if (step == 0) return table;
    int64_t below = step / 2;
    for (size_t i = 0; i < table.size(); ++i) {
      table[i] = static_cast<uint8_t>(std::min<int64_t>(below / step, 255));
      below += histogram[i];
    }
    return table;
  });
}

std::span<const TransformSpec> ColorTransforms() {
  const auto chance = [](std::string_view fallback) -> ParameterSpec {
    return {.name = "p", .fallback = fallback, .help = "how often"};
  };
  const auto strength = [](std::string_view name) -> ParameterSpec {
    return {.name = name,
            .fallback = "-1",
            .help = "likewise; -1: as brightness",
            .low = -1,
            .high = 10};
  };
  static const auto* const table = new std::vector<TransformSpec>{
      {"color_jitter",
       "brightness, contrast, saturation and hue (torchvision's ColorJitter)",
       {{.name = "brightness",
         .fallback = "0.4",
         .help = "factors from 1 - x to 1 + x",
         .high = 10},
        strength("contrast"),
        strength("saturation"),
        {.name = "hue", .fallback = "0", .help = "turns up to x of the circle", .high = 0.5}},
       ColorJitterStep},
      {"gray", "colors taken away", {chance("0.1")}, GrayStep},
      {"lighting",
       "AlexNet's noise along the principal colors",
       {{.name = "std", .fallback = "0.1", .help = "of the components' weights", .high = 10}},
       LightingStep},
      {"posterize",
       "only the upper bits",
       {{.name = "bits", .help = "how many", .high = 8, .whole = true}, chance("0.5")},
       PosterizeStep},
      {"solarize",
       "bright pixels inverted",
       {{.name = "threshold",
         .fallback = "128",
         .help = "from this level on",
         .high = 256,
         .whole = true},
        chance("0.5")},
       SolarizeStep},
      {"invert", "a negative", {chance("0.5")}, InvertStep},
      {"autocontrast",
       "each channel stretched to the full range",
       {chance("0.5")},
       AutoContrastStep},
      {"equalize", "each channel's histogram made even", {chance("0.5")}, EqualizeStep},
      {"sharpness",
       "sharpened or, below 1, smoothed",
       {{.name = "factor", .fallback = "2", .help = "1: as it is", .high = 100}, chance("0.5")},
       SharpnessStep}};
  return *table;
}

}  // namespace weft
