#include "frontend/inspect/map_picture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "frontend/inspect/planes.h"
#include "frontend/io/image.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

constexpr int64_t kMostGridPixels = int64_t{1} << 26;
constexpr int64_t kLeastMapPixels = 32;
constexpr int kColorSteps = 256;

// The colors of a map, so that an element costs a look.
std::vector<Rgb> Palette(ColorMap colors) {
  std::vector<Rgb> palette(kColorSteps + 1);
  for (int i = 0; i <= kColorSteps; ++i) {
    palette[static_cast<size_t>(i)] = ColorOf(colors, static_cast<double>(i) / kColorSteps);
  }
  return palette;
}

Rgb Look(const std::vector<Rgb>& palette, double place) {
  if (std::isnan(place)) return ColorOf(ColorMap::kGray, place);
  return palette[static_cast<size_t>(std::lround(std::clamp(place, 0.0, 1.0) * kColorSteps))];
}

Picture Blank(int64_t height, int64_t width, uint8_t level) {
  return {.height = height,
          .width = width,
          .channels = 3,
          .pixels = std::vector<uint8_t>(static_cast<size_t>(height * width * 3), level)};
}

void FillTile(Picture& picture, int64_t top, int64_t left, int64_t size, const Rgb& color) {
  for (int64_t row = top; row < top + size; ++row) {
    uint8_t* at = &picture.pixels[static_cast<size_t>((row * picture.width + left) * 3)];
    for (int64_t i = 0; i < size; ++i) at = std::ranges::copy(color, at).out;
  }
}

// Maps [N,C,H,W], C 1 or 3.
struct MapStack {
  int64_t count = 0, channels = 1, height = 0, width = 0;
  std::span<const float> values = {};
  std::span<const float> Of(int64_t i) const {
    const auto size = static_cast<size_t>(channels * height * width);
    return values.subspan(static_cast<size_t>(i) * size, size);
  }
};

absl::StatusOr<MapStack> StackOf(const Tensor& maps, bool rgb) {
  const Dims& d = maps.dims();
  const bool fits = maps.dtype() == DType::kF32 && maps.size() > 0 &&
                    (rgb ? maps.rank() == 4 && d[1] == 3 : maps.rank() == 3);
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "grid: expected maps f32[N,", rgb ? "3," : "", "H,W], N, H and W above 0, got ",
        maps.is_empty() ? "nothing" : ToString(maps.type())));
  }
  if (rgb) return MapStack{d[0], 3, d[2], d[3], maps.values<float>()};
  return MapStack{d[0], 1, d[1], d[2], maps.values<float>()};
}

// Draws map `i`, its top left corner at (top, left).
void DrawMap(const MapStack& maps, int64_t i, const ValueRange& range,
             const std::vector<Rgb>& palette, int64_t scale, int64_t top, int64_t left,
             Picture& picture) {
  const std::span<const float> map = maps.Of(i);
  const int64_t area = maps.height * maps.width;
  for (int64_t at = 0; at < area; ++at) {
    Rgb color;
    if (maps.channels == 1) {
      color = Look(palette, range.Place(map[static_cast<size_t>(at)]));
    } else {
      for (size_t c = 0; c < 3; ++c) {
        color[c] =
            ColorOf(ColorMap::kGray,
                    range.Place(map[static_cast<size_t>(at) + c * static_cast<size_t>(area)]))[0];
      }
    }
    FillTile(picture, top + at / maps.width * scale, left + at % maps.width * scale, scale, color);
  }
}

absl::Status CheckMap(const Tensor& map) {
  if (!map.is_empty() && map.dtype() == DType::kF32 && map.rank() == 2 && map.size() > 0) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("map: expected f32[H,W], H and W above 0, got ",
                   map.is_empty() ? "nothing" : ToString(map.type())));
}

uint8_t GrayOf(const Picture& picture, size_t pixel) {
  return picture.channels == 1 ? picture.pixels[pixel] : LumaOf(&picture.pixels[pixel * 3]);
}

}  // namespace

double ValueRange::Place(double value) const {
  return high > low ? (value - low) / (high - low) : std::isnan(value) ? value : 0.5;
}

ValueRange RangeOf(std::span<const float> values, bool symmetric) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const float v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min<double>(low, v);
    high = std::max<double>(high, v);
  }
  if (low > high) return {};
  if (!symmetric) return {low, high};
  const double most = std::max(std::abs(low), std::abs(high));
  return {-most, most};
}

absl::StatusOr<Picture> MapPicture(const Tensor& map, ColorMap colors, const ValueRange& range,
                                   int64_t scale) {
  WEFT_RETURN_IF_ERROR(CheckMap(map));
  const int64_t h = map.dims()[0], w = map.dims()[1];
  // Each of them first, so that no product overflows.
  if (scale < 1 || std::max({h, w, scale}) > kMostGridPixels ||
      h * scale > kMostGridPixels / (w * scale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("map: expected a scale of 1 or more and at most ", kMostGridPixels,
                     " pixels, got ", h, "x", w, " elements of ", scale, " pixels"));
  }
  Picture picture = Blank(h * scale, w * scale, 0);
  DrawMap({1, 1, h, w, map.values<float>()}, 0, range, Palette(colors), scale, 0, 0, picture);
  return picture;
}

absl::StatusOr<Picture> GridPicture(const Tensor& maps, const GridOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const MapStack stack, StackOf(maps, options.rgb));
  if (options.columns < 0 || options.scale < 0 || options.gap < 0) {
    return absl::InvalidArgumentError("grid: expected columns, scale and gap of 0 or more");
  }
  const int64_t longer = std::max(stack.height, stack.width);
  if (std::max({longer, options.scale, options.gap}) > kMostGridPixels) {
    return absl::InvalidArgumentError(
        absl::StrCat("grid: maps of ", stack.height, "x", stack.width, ", scale ", options.scale,
                     " and gap ", options.gap, ", the limit is ", kMostGridPixels));
  }
  const int64_t scale = options.scale > 0
                            ? options.scale
                            : std::max<int64_t>(1, (kLeastMapPixels + longer - 1) / longer);
  const int64_t columns =
      std::min(stack.count,
               options.columns > 0
                   ? options.columns
                   : static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(stack.count)))));
  const int64_t rows = (stack.count + columns - 1) / columns;
  const double height =
      static_cast<double>(rows) * (stack.height * scale + options.gap) + options.gap;
  const double width =
      static_cast<double>(columns) * (stack.width * scale + options.gap) + options.gap;
  if (height * width > static_cast<double>(kMostGridPixels)) {
    return absl::InvalidArgumentError(absl::StrCat("grid: ", stack.count, " maps make ", height,
                                                   "x", width, " pixels, the limit is ",
                                                   kMostGridPixels));
  }
  Picture picture =
      Blank(static_cast<int64_t>(height), static_cast<int64_t>(width), options.background);
  const std::vector<Rgb> palette = Palette(options.colors);
  const ValueRange all = RangeOf(stack.values, options.symmetric);
  for (int64_t i = 0; i < stack.count; ++i) {
    const ValueRange range = options.each ? RangeOf(stack.Of(i), options.symmetric) : all;
    DrawMap(stack, i, range, palette, scale,
            options.gap + i / columns * (stack.height * scale + options.gap),
            options.gap + i % columns * (stack.width * scale + options.gap), picture);
  }
  return picture;
}

absl::StatusOr<Picture> OverlayPicture(const Picture& picture, const Tensor& map,
                                       const OverlayOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckMap(map));
  const ValueRange range = options.is_signed
                               ? RangeOf(map.values<float>(), true)
                               : ValueRange{0, RangeOf(map.values<float>(), false).high};
  const std::vector<Rgb> palette =
      Palette(options.is_signed ? ColorMap::kDiverging : options.colors);
  // Nothing of an unsigned map above 0: nothing has a say.
  const double most_opacity = range.high > 0 ? options.opacity : 0;
  WEFT_ASSIGN_OR_RETURN(const Tensor fitted, ResizedPlanes(map, picture.height, picture.width));
  const std::span<const float> resized = fitted.values<float>();
  Picture result = Blank(picture.height, picture.width, 0);
  for (size_t i = 0; i < resized.size(); ++i) {
    const double place = std::clamp(range.Place(resized[i]), 0.0, 1.0);
    const double weight = options.is_signed ? std::abs(2 * place - 1) : std::sqrt(place);
    const double opacity = std::isnan(weight) ? 0 : most_opacity * weight;
    // Of signed maps the ends' colors: those near the middle would brighten what is seen through.
    const Rgb color = Look(palette, options.is_signed ? std::round(place) : place);
    const uint8_t gray = GrayOf(picture, i);
    for (size_t c = 0; c < 3; ++c) {
      result.pixels[i * 3 + c] =
          static_cast<uint8_t>(std::lround(opacity * color[c] + (1 - opacity) * gray));
    }
  }
  return result;
}

absl::StatusOr<Picture> PictureOfInput(const Tensor& x, const Preprocessing& p) {
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(p));
  const bool fits = !x.is_empty() && x.dtype() == DType::kF32 &&
                    (x.dims() == Dims{p.channels, p.height, p.width} ||
                     x.dims() == Dims{1, p.channels, p.height, p.width});
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat("picture: expected f32[", p.channels, ",",
                                                   p.height, ",", p.width, "], got ",
                                                   x.is_empty() ? "nothing" : ToString(x.type())));
  }
  std::vector<float> planes(x.values<float>().begin(), x.values<float>().end());
  const auto area = static_cast<size_t>(p.height * p.width);
  for (size_t i = 0; i < planes.size(); ++i) {
    planes[i] = std::clamp(planes[i] * p.std[i / area] + p.mean[i / area], 0.0f, 1.0f);
  }
  return PlanesToPicture(planes, p);
}

Picture SideBySide(std::span<const Picture> pictures, int64_t gap) {
  int64_t height = 0, width = -gap;
  for (const Picture& p : pictures) {
    height = std::max(height, p.height);
    width += p.width + gap;
  }
  Picture result = Blank(height, std::max<int64_t>(width, 0), 255);
  int64_t left = 0;
  for (const Picture& p : pictures) {
    for (int64_t i = 0; i < p.height * p.width; ++i) {
      const auto to = static_cast<size_t>((i / p.width * result.width + left + i % p.width) * 3);
      for (size_t c = 0; c < 3; ++c) {
        result.pixels[to + c] =
            p.pixels[static_cast<size_t>(i * p.channels) + (p.channels == 3 ? c : 0)];
      }
    }
    left += p.width + gap;
  }
  return result;
}

Picture Enlarged(const Picture& picture, int64_t scale) {
  return Resample(picture, picture.height * scale, picture.width * scale, ResampleFilter::kNearest);
}

Picture EnlargedTo(const Picture& picture, int64_t least_pixels) {
  const int64_t longer = std::max<int64_t>({picture.height, picture.width, 1});
  return Enlarged(picture, std::max<int64_t>(1, (least_pixels + longer - 1) / longer));
}

}  // namespace weft
