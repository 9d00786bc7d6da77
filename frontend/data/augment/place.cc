// Where a picture lies: sizes, crops, borders, mirror images.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/transform.h"

namespace weft {
namespace {

constexpr int64_t kMostSide = 16384;  // pixels

const ParameterSpec kFilterParameter = {.name = "filter",
                                        .fallback = "bilinear",
                                        .help = "antialiased, as in Pillow",
                                        .words = "nearest box bilinear bicubic lanczos"};
const ParameterSpec kFillParameter = {.name = "fill",
                                      .fallback = "0",
                                      .help = "gray level of what was outside",
                                      .high = 255,
                                      .whole = true};
const ParameterSpec kModeParameter = {.name = "mode",
                                      .fallback = "constant",
                                      .help = "what is outside the picture",
                                      .words = "constant edge reflect symmetric"};

ParameterSpec SizeParameter(std::string_view help) {
  return {
      .name = "size", .fallback = "0", .help = help, .high = kMostSide, .whole = true, .most = 2};
}
ParameterSpec ChanceParameter(std::string_view fallback) {
  return {.name = "p", .fallback = fallback, .help = "how often"};
}

Outside OutsideOf(const Arguments& a) {
  const std::string& mode = a.word("mode");
  if (mode == "edge") return Outside::kEdge;
  if (mode == "reflect") return Outside::kReflect;
  return mode == "symmetric" ? Outside::kSymmetric : Outside::kConstant;
}

struct PlaceSize {
  int64_t height, width;
};

// (h, w), or n for a square; 0 for the model's.
PlaceSize WantedSize(const Arguments& a, const TransformDraw& draw) {
  const std::vector<double>& n = a.numbers("size");
  const auto side = [](double asked, int64_t of_model) {
    return asked == 0 ? of_model : static_cast<int64_t>(asked);
  };
  return {side(n[0], draw.height), side(n.back(), draw.width)};
}

// Whether a picture that follows from another's size is none too large; a long and narrow one can
// grow without bounds.
bool FitsMemory(std::string_view step, PlaceSize size, TransformDraw& draw) {
  draw.status = Annotate(CheckPixelCount(size.height, size.width, kMostSide * kMostSide), step);
  return draw.status.ok();
}

void ResizeBoth(const PictureRegion& region, PlaceSize size, ResampleFilter filter,
                PictureExample& example) {
  example.picture = Resample(example.picture, region, size.height, size.width, filter);
  if (example.mask) {
    *example.mask =
        Resample(*example.mask, region, size.height, size.width, ResampleFilter::kNearest);
  }
}

void CutBoth(const PictureRegion& region, Outside outside, uint8_t fill, PictureExample& example) {
  example.picture = CutOrPad(example.picture, region, outside, fill);
  if (example.mask) *example.mask = CutOrPad(*example.mask, region, outside, 0);
}

// torchvision.transforms.Resize: one number is the shorter side's.
void ResizeStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const Picture& in = example.picture;
  PlaceSize size = WantedSize(a, draw);
  const std::vector<double>& n = a.numbers("size");
  if (n.size() == 1 && n[0] > 0) {
    const int64_t shorter = std::min(in.height, in.width);
    const auto scaled = [&](int64_t side) {
      return std::max<int64_t>(1, side * static_cast<int64_t>(n[0]) / shorter);
    };
    size = {scaled(in.height), scaled(in.width)};
  }
  if (!FitsMemory("resize", size, draw)) return;
  ResizeBoth({.height = in.height, .width = in.width}, size, *ParseResampleFilter(a.word("filter")),
             example);
}

// Halves of a pixel go to the even place, and with a window that is larger upwards and left, as in
// torchvision.transforms.CenterCrop.
void CenterCropStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const PlaceSize size = WantedSize(a, draw);
  const std::vector<double>& at = a.numbers("at");
  const auto offset = [](int64_t from, int64_t to, double where) {
    const double slack = static_cast<double>(from - to) * where;
    return static_cast<int64_t>(from < to ? std::ceil(slack) : std::nearbyint(slack));
  };
  CutBoth({.top = offset(example.picture.height, size.height, at[0]),
           .left = offset(example.picture.width, size.width, at.back()),
           .height = size.height,
           .width = size.width},
          Outside::kConstant, static_cast<uint8_t>(a.whole("fill")), example);
}

// Any place where the smaller of both, picture and window, lies inside the other.
int64_t DrawOffset(TransformDraw& draw, int64_t from, int64_t to) {
  const int64_t slack = from - to;
  const int64_t offset = draw.Below(std::abs(slack) + 1);
  return slack < 0 ? -offset : offset;
}

// torchvision.transforms.RandomCrop.
void CropStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const PlaceSize size = WantedSize(a, draw);
  const int64_t padding = a.whole("padding");
  const int64_t top = DrawOffset(draw, example.picture.height + 2 * padding, size.height);
  const int64_t left = DrawOffset(draw, example.picture.width + 2 * padding, size.width);
  CutBoth(
      {.top = top - padding, .left = left - padding, .height = size.height, .width = size.width},
      OutsideOf(a), static_cast<uint8_t>(a.whole("fill")), example);
}

void RandomPlaceStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const PlaceSize size = WantedSize(a, draw);
  const int64_t top = DrawOffset(draw, example.picture.height, size.height);
  const int64_t left = DrawOffset(draw, example.picture.width, size.width);
  CutBoth({.top = top, .left = left, .height = size.height, .width = size.width},
          Outside::kConstant, static_cast<uint8_t>(a.whole("fill")), example);
}

// torchvision.transforms.Pad: all sides; left and right, top and bottom; or left, top, right,
// bottom.
void PadStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const std::vector<double>& n = a.numbers("padding");
  const auto side = [&](size_t i) { return static_cast<int64_t>(n[i % n.size()]); };
  const PlaceSize size = {example.picture.height + side(1) + side(3),
                          example.picture.width + side(0) + side(2)};
  if (!FitsMemory("pad", size, draw)) return;
  CutBoth({.top = -side(1), .left = -side(0), .height = size.height, .width = size.width},
          OutsideOf(a), static_cast<uint8_t>(a.whole("fill")), example);
}

// torchvision.transforms.RandomResizedCrop.get_params: an area and a ratio, drawn up to ten times
// until they fit; then the middle.
PictureRegion DrawResizedCrop(const Arguments& a, TransformDraw& draw, int64_t height,
                              int64_t width) {
  const std::vector<double>&scale = a.numbers("scale"), &ratio = a.numbers("ratio");
  const auto h = static_cast<double>(height), w = static_cast<double>(width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = h * w * draw.Uniform(scale[0], scale.back());
    const double shape = std::exp(draw.Uniform(std::log(ratio[0]), std::log(ratio.back())));
    PictureRegion region = {.height = std::llround(std::sqrt(area / shape)),
                            .width = std::llround(std::sqrt(area * shape))};
    if (region.height < 1 || region.width < 1 || region.height > height || region.width > width) {
      continue;
    }
    region.top = draw.Below(height - region.height + 1);
    region.left = draw.Below(width - region.width + 1);
    return region;
  }
  const double shape =
      std::clamp(w / h, std::min(ratio[0], ratio.back()), std::max(ratio[0], ratio.back()));
  PictureRegion region = {.height = std::clamp<int64_t>(std::llround(w / shape), 1, height),
                          .width = std::clamp<int64_t>(std::llround(h * shape), 1, width)};
  region.top = (height - region.height) / 2;
  region.left = (width - region.width) / 2;
  return region;
}

void RandomResizedCropStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const PictureRegion region =
      DrawResizedCrop(a, draw, example.picture.height, example.picture.width);
  ResizeBoth(region, WantedSize(a, draw), *ParseResampleFilter(a.word("filter")), example);
}

void FlipBoth(Picture (*flip)(const Picture&), PictureExample& example) {
  example.picture = flip(example.picture);
  if (example.mask) *example.mask = flip(*example.mask);
}

void FlipStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) FlipBoth(FlippedColumns, example);
}

void VerticalFlipStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  if (draw.Chance(a.number("p"))) FlipBoth(FlippedRows, example);
}

// Where row or column i of a picture of n is read; -1: outside.
int64_t InsideIndex(int64_t i, int64_t n, Outside outside) {
  if (i >= 0 && i < n) return i;
  if (outside == Outside::kConstant) return -1;
  if (outside == Outside::kEdge || n == 1) return std::clamp<int64_t>(i, 0, n - 1);
  const int64_t period = outside == Outside::kReflect ? 2 * n - 2 : 2 * n;
  const int64_t within = (i % period + period) % period;
  return within < n ? within : (outside == Outside::kReflect ? period : period - 1) - within;
}

}  // namespace

Picture CutOrPad(const Picture& picture, const PictureRegion& region, Outside outside,
                 uint8_t fill) {
  if (region.top >= 0 && region.left >= 0 && region.top + region.height <= picture.height &&
      region.left + region.width <= picture.width) {
    return Cut(picture, region);
  }
  Picture result = {.height = region.height, .width = region.width, .channels = picture.channels};
  result.pixels.resize(static_cast<size_t>(region.height * region.width * picture.channels), fill);
  // The columns of the result that lie inside are copied at once.
  const int64_t begin = std::clamp<int64_t>(-region.left, 0, region.width);
  const int64_t end = std::clamp<int64_t>(picture.width - region.left, begin, region.width);
  for (int64_t y = 0; y < region.height; ++y) {
    const int64_t row = InsideIndex(region.top + y, picture.height, outside);
    if (row < 0) continue;
    const auto copy = [&](int64_t x, int64_t column, int64_t count) {
      std::copy_n(picture.pixels.begin() + (row * picture.width + column) * picture.channels,
                  count * picture.channels,
                  result.pixels.begin() + (y * region.width + x) * picture.channels);
    };
    if (begin < end) copy(begin, region.left + begin, end - begin);
    for (int64_t x = 0; x < region.width && outside != Outside::kConstant; ++x) {
      if (x < begin || x >= end) {
        copy(x, InsideIndex(region.left + x, picture.width, outside), 1);
      }
    }
  }
  return result;
}

Picture FlippedColumns(const Picture& picture) {
  Picture result = picture;
  const int64_t row = picture.width * picture.channels;
  for (int64_t y = 0; y < picture.height; ++y) {
    const auto begin = result.pixels.begin() + y * row, end = begin + row;
    std::reverse(begin, end);  // the channels too, so back again
    for (auto pixel = begin; picture.channels == 3 && pixel != end; pixel += 3) {
      std::iter_swap(pixel, pixel + 2);
    }
  }
  return result;
}

Picture FlippedRows(const Picture& picture) {
  Picture result = picture;
  const auto bytes = static_cast<ptrdiff_t>(picture.width * picture.channels);
  for (int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.pixels.begin() + (picture.height - 1 - y) * bytes, bytes,
                result.pixels.begin() + y * bytes);
  }
  return result;
}

std::span<const TransformSpec> PlaceTransforms() {
  static const auto* const table = new std::vector<TransformSpec>{
      {"resize",
       "another size: the shorter side, or (height, width)",
       {SizeParameter("0: the model's"), kFilterParameter},
       ResizeStep},
      {"center_crop",
       "the middle, or another fixed place",
       {SizeParameter("0: the model's"),
        {.name = "at",
         .fallback = "0.5",
         .help = "0 is the top and left, 1 bottom and right",
         .most = 2},
        kFillParameter},
       CenterCropStep},
      {"crop",
       "a random place of the padded picture (torchvision's RandomCrop)",
       {SizeParameter("0: the model's"),
        {.name = "padding",
         .fallback = "0",
         .help = "pixels around it",
         .high = kMostSide,
         .whole = true},
        kModeParameter,
        kFillParameter},
       CropStep},
      {"five_crop",
       "the corners and the middle, for testing",
       {SizeParameter("0: the model's")},
       nullptr,
       nullptr,
       true},
      {"ten_crop",
       "the corners and the middle and their mirror images, for testing",
       {SizeParameter("0: the model's")},
       nullptr,
       nullptr,
       true},
      {"pad",
       "a border",
       {{.name = "padding",
         .help = "pixels: all sides, (x, y) or (left, top, right, bottom)",
         .high = kMostSide,
         .whole = true,
         .most = 4},
        kModeParameter,
        kFillParameter},
       PadStep},
      {"random_place",
       "the picture at a random place of a canvas",
       {SizeParameter("the canvas's; 0: the model's"), kFillParameter},
       RandomPlaceStep},
      {"random_resized_crop",
       "a random part, resized (Szegedy et al. 2015, section 6)",
       {SizeParameter("0: the model's"),
        {.name = "scale",
         .fallback = "(0.08, 1)",
         .help = "the part's share of the area",
         .low = 1e-6,
         .most = 2},
        {.name = "ratio",
         .fallback = "(0.75, 1.3333333333333333)",
         .help = "its width by its height",
         .low = 1e-3,
         .high = 1e3,
         .most = 2},
        kFilterParameter},
       RandomResizedCropStep},
      {"flip", "left and right exchanged", {ChanceParameter("0.5")}, FlipStep},
      {"vflip", "top and bottom exchanged", {ChanceParameter("0.5")}, VerticalFlipStep}};
  return *table;
}

}  // namespace weft
