// Pictures turned, sheared, tilted and bent.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/transform.h"

namespace weft {
namespace {

constexpr double kRadians = std::numbers::pi / 180;

const ParameterSpec kWarpFilter = {.name = "filter",
                                   .fallback = "bilinear",
                                   .help = "how pixels between pixels are read",
                                   .words = "nearest bilinear"};
const ParameterSpec kWarpFill = {.name = "fill",
                                 .fallback = "0",
                                 .help = "gray level of what was outside",
                                 .high = 255,
                                 .whole = true};

WarpFilter WarpFilterOf(const Arguments& a) {
  return a.word("filter") == "nearest" ? WarpFilter::kNearest : WarpFilter::kBilinear;
}

uint8_t WarpFillOf(const Arguments& a) { return static_cast<uint8_t>(a.whole("fill")); }

struct SourcePoint {
  double x, y;
};

// As in Pillow's Image.transform: bilinear between the four nearest pixels, the border's repeated.
void SampleBilinear(const Picture& in, SourcePoint p, uint8_t* out) {
  const double x = p.x - 0.5, y = p.y - 0.5;
  const double left = std::floor(x), top = std::floor(y);
  const auto fx = static_cast<float>(x - left), fy = static_cast<float>(y - top);
  const auto column = [&](double at) {
    return std::clamp<int64_t>(static_cast<int64_t>(at), 0, in.width - 1) * in.channels;
  };
  const auto row = [&](double at) {
    return in.pixels.data() +
           std::clamp<int64_t>(static_cast<int64_t>(at), 0, in.height - 1) * in.width * in.channels;
  };
  const uint8_t *upper = row(top), *lower = row(top + 1);
  const int64_t a = column(left), b = column(left + 1);
  for (int64_t c = 0; c < in.channels; ++c) {
    const auto mix = [](float u, float v, float t) { return u + t * (v - u); };
    const float above = mix(upper[a + c], upper[b + c], fx);
    const float below = mix(lower[a + c], lower[b + c], fx);
    out[c] = static_cast<uint8_t>(mix(above, below, fy) + 0.5f);
  }
}

// source(x, y): where the pixel whose middle is (x, y) comes from.
template <typename F>
Picture WarpPicture(const Picture& in, WarpFilter filter, uint8_t fill, const F& source) {
  Picture out = in;
  uint8_t* to = out.pixels.data();
  const auto width = static_cast<double>(in.width), height = static_cast<double>(in.height);
  for (int64_t y = 0; y < in.height; ++y) {
    for (int64_t x = 0; x < in.width; ++x, to += in.channels) {
      const SourcePoint p = source(x, y);
      if (!(p.x >= 0 && p.x < width && p.y >= 0 && p.y < height)) {
        std::fill_n(to, in.channels, fill);
      } else if (filter == WarpFilter::kBilinear) {
        SampleBilinear(in, p, to);
      } else {
        const int64_t at = static_cast<int64_t>(p.y) * in.width + static_cast<int64_t>(p.x);
        std::copy_n(in.pixels.data() + at * in.channels, in.channels, to);
      }
    }
  }
  return out;
}

template <typename F>
void WarpExample(WarpFilter filter, uint8_t fill, const F& source, PictureExample& example) {
  example.picture = WarpPicture(example.picture, filter, fill, source);
  if (example.mask) *example.mask = WarpPicture(*example.mask, WarpFilter::kNearest, 0, source);
}

void RotateStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const AffineChange change = {.degrees = -draw.Around(a.numbers("degrees"))};
  WarpBy(InverseAffine(change, example.picture.height, example.picture.width), WarpFilterOf(a),
         WarpFillOf(a), example);
}

// torchvision.transforms.RandomAffine.
void AffineStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const int64_t height = example.picture.height, width = example.picture.width;
  const std::vector<double>&translate = a.numbers("translate"), &scale = a.numbers("scale");
  AffineChange change;
  change.degrees = draw.Around(a.numbers("degrees"));
  change.right = std::round(draw.Around({translate[0] * static_cast<double>(width)}));
  change.down = std::round(draw.Around({translate.back() * static_cast<double>(height)}));
  change.scale = draw.Uniform(scale[0], scale.back());
  change.shear_x = draw.Around({a.numbers("shear")[0]});
  if (a.numbers("shear").size() == 2) change.shear_y = draw.Around({a.numbers("shear")[1]});
  WarpBy(InverseAffine(change, height, width), WarpFilterOf(a), WarpFillOf(a), example);
}

// torchvision.transforms.RandomPerspective: each corner moves inward by up to half the distortion.
void PerspectiveStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (!draw.Chance(a.number("p"))) return;
  const auto w = static_cast<double>(example.picture.width);
  const auto h = static_cast<double>(example.picture.height);
  const double reach = a.number("distortion") / 2;
  const std::array<double, 8> corners = {0, 0, w, 0, w, h, 0, h};
  std::array<double, 8> moved = corners;
  for (size_t i = 0; i < moved.size(); ++i) {
    const double side = i % 2 == 0 ? w : h;
    const double inward = draw.Uniform(0, reach * side);
    moved[i] += corners[i] == 0 ? inward : -inward;
  }
  WarpBy(MapCorners(moved, corners), WarpFilterOf(a), WarpFillOf(a), example);
}

// Simard, Steinkraus and Platt 2003: uniform displacements, smoothed, times alpha.
void ElasticStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const int64_t height = example.picture.height, width = example.picture.width;
  const auto field = [&] {
    std::vector<float> values(static_cast<size_t>(height * width));
    for (float& x : values) x = draw.random.Uniform(-1, 1);
    GaussianBlur(values, height, width, 1, a.number("sigma"));
    for (float& x : values) x *= static_cast<float>(a.number("alpha"));
    return values;
  };
  const std::vector<float> right = field(), down = field();
  WarpBy(right, down, WarpFilterOf(a), WarpFillOf(a), example);
}

}  // namespace

PlaneMap InverseAffine(const AffineChange& change, int64_t height, int64_t width) {
  const double turn = change.degrees * kRadians;
  const double sx = change.shear_x * kRadians, sy = change.shear_y * kRadians;
  // Rotation times shear along y times shear along x, whose determinant is 1.
  const double a = std::cos(turn - sy) / std::cos(sy);
  const double b = -a * std::tan(sx) - std::sin(turn);
  const double c = std::sin(turn - sy) / std::cos(sy);
  const double d = -c * std::tan(sx) + std::cos(turn);
  const double x0 = static_cast<double>(width) / 2, y0 = static_cast<double>(height) / 2;
  PlaneMap map = {
      .a = d / change.scale, .b = -b / change.scale, .d = -c / change.scale, .e = a / change.scale};
  map.c = x0 - map.a * (x0 + change.right) - map.b * (y0 + change.down);
  map.f = y0 - map.d * (x0 + change.right) - map.e * (y0 + change.down);
  return map;
}

PlaneMap MapCorners(const std::array<double, 8>& to, const std::array<double, 8>& from) {
  // x' = a x + b y + c - g x x' - h y x' for each corner: eight equations, by elimination.
  std::array<std::array<double, 9>, 8> m = {};
  for (size_t i = 0; i < 4; ++i) {
    const double x = to[2 * i], y = to[2 * i + 1], u = from[2 * i], v = from[2 * i + 1];
    m[2 * i] = {x, y, 1, 0, 0, 0, -x * u, -y * u, u};
    m[2 * i + 1] = {0, 0, 0, x, y, 1, -x * v, -y * v, v};
  }
  for (size_t column = 0; column < 8; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < 8; ++row) {
      if (std::abs(m[row][column]) > std::abs(m[pivot][column])) pivot = row;
    }
    std::swap(m[column], m[pivot]);
    for (size_t row = 0; row < 8; ++row) {
      if (row == column || m[column][column] == 0) continue;
      const double factor = m[row][column] / m[column][column];
      for (size_t k = column; k < 9; ++k) m[row][k] -= factor * m[column][k];
    }
  }
  const auto solved = [&](size_t i) { return m[i][8] / m[i][i]; };
  return {solved(0), solved(1), solved(2), solved(3), solved(4), solved(5), solved(6), solved(7)};
}

void WarpBy(const PlaneMap& map, WarpFilter filter, uint8_t fill, PictureExample& example) {
  WarpExample(
      filter, fill,
      [&map](int64_t column, int64_t row) -> SourcePoint {
        const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
        const double depth = map.g * x + map.h * y + 1;
        return {(map.a * x + map.b * y + map.c) / depth, (map.d * x + map.e * y + map.f) / depth};
      },
      example);
}

void WarpBy(const std::vector<float>& right, const std::vector<float>& down, WarpFilter filter,
            uint8_t fill, PictureExample& example) {
  const int64_t width = example.picture.width;
  WarpExample(
      filter, fill,
      [&](int64_t column, int64_t row) -> SourcePoint {
        const auto at = static_cast<size_t>(row * width + column);
        return {static_cast<double>(column) + 0.5 + right[at],
                static_cast<double>(row) + 0.5 + down[at]};
      },
      example);
}

std::span<const TransformSpec> WarpTransforms() {
  const auto degrees = [](std::string_view fallback) -> ParameterSpec {
    return {.name = "degrees",
            .fallback = fallback,
            .help = "up to as many either way, or (from, to)",
            .low = -360,
            .high = 360,
            .most = 2};
  };
  static const auto* const table = new std::vector<TransformSpec>{
      {"rotate",
       "counterclockwise around the middle",
       {degrees(""), kWarpFilter, kWarpFill},
       RotateStep},
      {"affine",
       "turned, moved, scaled and sheared (torchvision's RandomAffine)",
       {degrees("0"),
        {.name = "translate", .fallback = "0", .help = "share of the width, or (x, y)", .most = 2},
        {.name = "scale",
         .fallback = "1",
         .help = "(from, to)",
         .low = 0.01,
         .high = 100,
         .most = 2},
        {.name = "shear",
         .fallback = "0",
         .help = "degrees along x, or (x, y)",
         .low = 0,
         .high = 80,
         .most = 2},
        kWarpFilter,
        kWarpFill},
       AffineStep},
      {"perspective",
       "tilted (torchvision's RandomPerspective)",
       {{.name = "distortion", .fallback = "0.5", .help = "how far corners move, of a side"},
        {.name = "p", .fallback = "0.5", .help = "how often"},
        kWarpFilter,
        kWarpFill},
       PerspectiveStep},
      {"elastic",
       "bent (Simard et al. 2003)",
       {{.name = "alpha", .fallback = "34", .help = "pixels, before smoothing", .high = 10000},
        {.name = "sigma",
         .fallback = "4",
         .help = "of the smoothing, in pixels",
         .low = 0.1,
         .high = 1000},
        kWarpFilter,
        kWarpFill},
       ElasticStep}};
  return *table;
}

}  // namespace weft
