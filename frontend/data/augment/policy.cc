// Policies: random changes of a picture with one strength for all.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "frontend/data/augment/picture_ops.h"
#include "frontend/data/augment/transform.h"

namespace weft {
namespace {

constexpr double kBins = 31;  // of a magnitude

// How far the strongest changes go.
struct PolicyReach {
  double shear;
  double translate_x, translate_y;  // pixels
  double degrees;
  double factor;  // of brightness, color, contrast and sharpness, beside 1
  double bits;    // that posterize takes away
};

// One of the 14 changes, at `magnitude` in [0,1] of its reach, some in a random direction.
using PolicyChange = void (*)(const PolicyReach&, double magnitude, TransformDraw&,
                              PictureExample&);

void WarpInPolicy(const PlaneMap& map, PictureExample& example) {
  WarpBy(map, WarpFilter::kNearest, 0, example);
}

template <void (*adjust)(Picture&, double)>
void AdjustInPolicy(const PolicyReach& reach, double m, TransformDraw& draw,
                    PictureExample& example) {
  adjust(example.picture, 1 + draw.Sign() * m * reach.factor);
}

template <void (*change)(Picture&)>
void ChangeInPolicy(const PolicyReach&, double, TransformDraw&, PictureExample& example) {
  change(example.picture);
}

void NoChange(const PolicyReach&, double, TransformDraw&, PictureExample&) {}

void ShearX(const PolicyReach& reach, double m, TransformDraw& draw, PictureExample& example) {
  WarpInPolicy({.b = draw.Sign() * m * reach.shear}, example);
}
void ShearY(const PolicyReach& reach, double m, TransformDraw& draw, PictureExample& example) {
  WarpInPolicy({.d = draw.Sign() * m * reach.shear}, example);
}
void TranslateX(const PolicyReach& reach, double m, TransformDraw& draw, PictureExample& example) {
  WarpInPolicy({.c = draw.Sign() * std::trunc(m * reach.translate_x)}, example);
}
void TranslateY(const PolicyReach& reach, double m, TransformDraw& draw, PictureExample& example) {
  WarpInPolicy({.f = draw.Sign() * std::trunc(m * reach.translate_y)}, example);
}
void RotateInPolicy(const PolicyReach& reach, double m, TransformDraw& draw,
                    PictureExample& example) {
  const AffineChange change = {.degrees = draw.Sign() * m * reach.degrees};
  WarpInPolicy(InverseAffine(change, example.picture.height, example.picture.width), example);
}
void PosterizeInPolicy(const PolicyReach& reach, double m, TransformDraw&,
                       PictureExample& example) {
  Posterize(example.picture, 8 - static_cast<int>(std::lround(m * reach.bits)));
}
void SolarizeInPolicy(const PolicyReach&, double m, TransformDraw&, PictureExample& example) {
  Solarize(example.picture, static_cast<int>(std::lround(255 * (1 - m))));
}

constexpr PolicyChange kPolicyChanges[] = {NoChange,
                                           ShearX,
                                           ShearY,
                                           TranslateX,
                                           TranslateY,
                                           RotateInPolicy,
                                           AdjustInPolicy<AdjustBrightness>,
                                           AdjustInPolicy<AdjustSaturation>,
                                           AdjustInPolicy<AdjustContrast>,
                                           AdjustInPolicy<AdjustSharpness>,
                                           PosterizeInPolicy,
                                           SolarizeInPolicy,
                                           ChangeInPolicy<AutoContrast>,
                                           ChangeInPolicy<Equalize>};

void ApplyRandomChange(const PolicyReach& reach, double magnitude, TransformDraw& draw,
                       PictureExample& example) {
  const auto which = static_cast<size_t>(draw.Below(std::size(kPolicyChanges)));
  kPolicyChanges[which](reach, magnitude, draw, example);
}

// Cubuk et al. 2020, as torchvision.transforms.RandAugment.
void RandAugmentStep(const Arguments& a, TransformDraw& draw, PictureExample& example) {
  const PolicyReach reach = {
      .shear = 0.3,
      .translate_x = 150.0 / 331 * static_cast<double>(example.picture.width),
      .translate_y = 150.0 / 331 * static_cast<double>(example.picture.height),
      .degrees = 30,
      .factor = 0.9,
      .bits = 4};
  for (int64_t i = 0; i < a.whole("n"); ++i) {
    ApplyRandomChange(reach, a.number("m") / (kBins - 1), draw, example);
  }
}

// Müller and Hutter 2021, as torchvision.transforms.TrivialAugmentWide.
void TrivialAugmentStep(const Arguments&, TransformDraw& draw, PictureExample& example) {
  const PolicyReach reach = {.shear = 0.99,
                             .translate_x = 32,
                             .translate_y = 32,
                             .degrees = 135,
                             .factor = 0.99,
                             .bits = 6};
  const auto bin = static_cast<double>(draw.Below(static_cast<int64_t>(kBins)));
  ApplyRandomChange(reach, bin / (kBins - 1), draw, example);
}

}  // namespace

std::span<const TransformSpec> PolicyTransforms() {
  static const auto* const table = new std::vector<TransformSpec>{
      {"rand_augment",
       "random changes of one strength (Cubuk et al. 2020)",
       {{.name = "n", .fallback = "2", .help = "changes", .high = 14, .whole = true},
        {.name = "m", .fallback = "9", .help = "their strength, of 30", .high = kBins - 1}},
       RandAugmentStep},
      {"trivial_augment",
       "one random change of random strength (Müller and Hutter 2021)",
       {},
       TrivialAugmentStep}};
  return *table;
}

}  // namespace weft
