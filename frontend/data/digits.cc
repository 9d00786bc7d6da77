#include "frontend/data/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "frontend/data/memory.h"
#include "frontend/data/random.h"
#include "frontend/data/strokes.h"

namespace weft {
namespace {

constexpr int kCanvas = static_cast<int>(kDigitSide);
constexpr size_t kPixels = static_cast<size_t>(kCanvas) * kCanvas;
constexpr int kPiecesPerCurve = 4;  // straight pieces between two control points

// What makes two images of one glyph differ, besides the jitter of its points. Lengths in pixels.
struct Hand {
  explicit Hand(RandomStream& random) {
    const float angle = random.Bell() * 0.13f;  // radians
    const float slant = random.Bell() * 0.2f;
    const float scale = random.Uniform(7.2f, 10.4f);  // half the digit's height
    const float aspect = random.Uniform(0.75f, 1.2f);
    const float c = std::cos(angle) * scale;
    const float s = std::sin(angle) * scale;
    xx = c * aspect;
    xy = -c * slant - s;
    yx = s * aspect;
    yy = c - s * slant;
    x0 = kCanvas / 2.0f + random.Uniform(-2.0f, 2.0f);
    y0 = kCanvas / 2.0f + random.Uniform(-2.0f, 2.0f);
    bend = random.Bell() * 0.07f;
    bend_phase = random.Uniform(0.0f, 6.2832f);
    jitter = random.Uniform(0.015f, 0.06f);
    radius = random.Uniform(0.65f, 1.6f);
    pressure = random.Uniform(0.0f, 0.3f);
    pressure_phase = random.Uniform(0.0f, 6.2832f);
    softness = random.Uniform(0.5f, 1.1f);
    ink = random.Uniform(0.7f, 1.0f);
    noise = random.Uniform(0.01f, 0.08f);
  }

  // From the glyph's coordinates to pixels: a slow bend, then slant, rotation, scale, place.
  Point Place(Point p) const {
    const float x = p.x + bend * std::sin(2.5f * p.y + bend_phase);
    const float y = p.y + bend * std::sin(2.5f * p.x + bend_phase);
    return {xx * x + xy * y + x0, yx * x + yy * y + y0};
  }

  float xx, xy, yx, yy, x0, y0;
  float bend, bend_phase;
  float jitter;                                      // of control points, in glyph units
  float radius, pressure, pressure_phase, softness;  // of the pen
  float ink;                                         // brightest value
  float noise;                                       // standard deviation per pixel
};

// Catmull-Rom: from b to c, with a before and d after them, at t in [0, 1].
Point Interpolate(Point a, Point b, Point c, Point d, float t) {
  const auto along = [t](float p, float q, float r, float s) {
    return q + 0.5f * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
  };
  return {along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)};
}

// For each pixel the least squared distance to the strokes, in units of the pen's radius there.
class Canvas {
 public:
  Canvas() { distance_.fill(std::numeric_limits<float>::max()); }

  // A straight piece of a pen of this radius; `reach` is how far from it anything can be seen.
  void Line(Point a, Point b, float radius, float reach) {
    const auto low = [reach](float u, float v) {
      return std::clamp(static_cast<int>(std::floor(std::min(u, v) - reach)), 0, kCanvas);
    };
    const auto high = [reach](float u, float v) {
      return std::clamp(static_cast<int>(std::ceil(std::max(u, v) + reach)) + 1, 0, kCanvas);
    };
    const int left = low(a.x, b.x), right = high(a.x, b.x);
    const int top = low(a.y, b.y), bottom = high(a.y, b.y);
    const float dx = b.x - a.x;
    const float dy = b.y - a.y;
    const float inverse_length = 1.0f / std::max(dx * dx + dy * dy, 1e-12f);
    const float inverse_radius = 1.0f / (radius * radius);
    for (int y = top; y < bottom; ++y) {
      const float py = static_cast<float>(y) + 0.5f - a.y;
      float* row = &distance_[static_cast<size_t>(y) * kCanvas];
      for (int x = left; x < right; ++x) {
        const float px = static_cast<float>(x) + 0.5f - a.x;
        const float t = std::min(std::max((px * dx + py * dy) * inverse_length, 0.0f), 1.0f);
        const float ex = px - t * dx;
        const float ey = py - t * dy;
        row[x] = std::min(row[x], (ex * ex + ey * ey) * inverse_radius);
      }
    }
  }

  // Ink where the pen was, its edge `softness` pixels wide; then noise; then bytes.
  void Develop(const Hand& hand, RandomStream& random, std::span<uint8_t> image) const {
    // The four bytes of a word sum to a bell of mean 510 and standard deviation 147.8.
    const float noise = hand.noise / 147.8f;
    for (size_t i = 0; i < kPixels; i += 4) {
      const std::array<uint32_t, 4> words = random.NextBlock();
      for (size_t k = 0; k < 4; ++k) {
        const float beyond = hand.radius * (1.0f - std::sqrt(distance_[i + k]));
        const float ink = std::clamp(beyond / hand.softness + 0.5f, 0.0f, 1.0f) * hand.ink;
        const uint32_t pairs = (words[k] & 0x00ff00ffu) + (words[k] >> 8 & 0x00ff00ffu);
        const uint32_t sum = (pairs & 0xffffu) + (pairs >> 16);
        const float value = ink + noise * (static_cast<float>(sum) - 510.0f);
        image[i + k] = static_cast<uint8_t>(std::clamp(value, 0.0f, 1.0f) * 255.0f + 0.5f);
      }
    }
  }

 private:
  std::array<float, kPixels> distance_;
};

void DrawStroke(const Stroke& stroke, const Hand& hand, RandomStream& random, Canvas* canvas) {
  std::array<Point, 16> points;  // no stroke has more
  const size_t n = stroke.size();
  for (size_t i = 0; i < n; ++i) {
    if (i > 0 && stroke[i] == stroke[i - 1]) {
      points[i] = points[i - 1];  // both halves of a corner move together
      continue;
    }
    const float dx = hand.jitter * random.Bell();
    const float dy = hand.jitter * random.Bell();
    points[i] = hand.Place({stroke[i].x + dx, stroke[i].y + dy});
  }
  const float reach = hand.radius * (1 + hand.pressure) * (1 + 0.5f * hand.softness / hand.radius);
  float way = 0;
  for (size_t i = 0; i + 1 < n; ++i) {
    if (stroke[i] == stroke[i + 1]) continue;
    Point from = points[i];
    for (int piece = 1; piece <= kPiecesPerCurve; ++piece) {
      const float t = static_cast<float>(piece) / kPiecesPerCurve;
      const Point to = Interpolate(points[i == 0 ? 0 : i - 1], points[i], points[i + 1],
                                   points[std::min(i + 2, n - 1)], t);
      const float press = 1 + hand.pressure * std::sin(way + hand.pressure_phase);
      canvas->Line(from, to, hand.radius * press, reach);
      from = to;
      way += 0.25f;
    }
  }
}

}  // namespace

int DrawDigit(uint64_t seed, Split split, int64_t index, std::span<uint8_t> image) {
  const RandomPurpose purpose =
      split == Split::kTrain ? RandomPurpose::kTrainDigits : RandomPurpose::kTestDigits;
  RandomStream random(seed, purpose, static_cast<uint64_t>(index));
  const int label = static_cast<int>(index % 10);
  const std::span<const Glyph> glyphs = GlyphsOf(label);
  const Glyph& glyph = glyphs[random.Below(glyphs.size())];
  const Hand hand(random);
  Canvas canvas;
  for (const Stroke& stroke : glyph) DrawStroke(stroke, hand, random, &canvas);
  canvas.Develop(hand, random, image);
  return label;
}

absl::StatusOr<std::shared_ptr<const Dataset>> MakeDigits(Split split, int64_t size,
                                                          uint64_t seed) {
  if (size < 1 || size > kMaxDigits) {
    return absl::InvalidArgumentError(
        absl::StrCat("digits: expected a size in [1,", kMaxDigits, "], got ", size));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor images, Tensor::Zeros(DType::kU8, {size, kDigitSide, kDigitSide}));
  const std::span<uint8_t> pixels = images.mutable_values<uint8_t>();
  std::vector<uint8_t> labels(static_cast<size_t>(size));
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<uint8_t>(
        DrawDigit(seed, split, static_cast<int64_t>(i), pixels.subspan(i * kPixels, kPixels)));
  }
  DatasetInfo info;
  info.name = split == Split::kTrain ? "digits (train)" : "digits (test)";
  for (int digit = 0; digit < 10; ++digit) info.class_names.push_back(absl::StrCat(digit));
  info.preprocessing = {.channels = 1,
                        .height = kDigitSide,
                        .width = kDigitSide,
                        .channel_order = "gray",
                        .mean = {kDigitsMean},
                        .std = {kDigitsStd}};
  return MakeMemoryDataset(std::move(info), std::move(images), std::move(labels));
}

}  // namespace weft
