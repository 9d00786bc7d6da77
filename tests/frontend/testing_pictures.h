#ifndef WEFT_TESTS_FRONTEND_TESTING_PICTURES_H_
#define WEFT_TESTS_FRONTEND_TESTING_PICTURES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/data/augment/augmented.h"
#include "frontend/data/augment/pipeline.h"
#include "frontend/data/dataset.h"
#include "frontend/io/image.h"
#include "frontend/io/resample.h"

namespace weft {

inline Picture GrayPicture(int64_t height, int64_t width, std::vector<uint8_t> pixels) {
  return {.height = height, .width = width, .channels = 1, .pixels = std::move(pixels)};
}

// Pixel (y, x) of channel c is 10 y + x + 100 c, or its own number modulo 256 where it is larger.
inline Picture CountingPicture(int64_t height, int64_t width, int64_t channels) {
  Picture picture = {.height = height, .width = width, .channels = channels, .pixels = {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        picture.pixels.push_back(static_cast<uint8_t>(10 * y + x + 100 * c));
      }
    }
  }
  return picture;
}

// The picture steps of a pipeline, as drawn for example `index`; the model wants height x width.
inline PictureExample Augmented(std::string_view text, PictureExample example, uint64_t index = 0,
                                int64_t height = 4, int64_t width = 4) {
  const absl::StatusOr<Pipeline> pipeline = ParsePipeline(text);
  EXPECT_TRUE(pipeline.ok()) << pipeline.status();
  if (!pipeline.ok()) return example;
  RandomStream random(1, RandomPurpose::kAugment, index);
  TransformDraw draw = {random, height, width};
  for (const PipelineStep& step : pipeline->steps) {
    step.spec->picture(step.arguments, draw, example);
    EXPECT_TRUE(draw.status.ok()) << draw.status;
  }
  return example;
}
inline Picture Augmented(std::string_view text, const Picture& picture, uint64_t index = 0,
                         int64_t height = 4, int64_t width = 4) {
  return Augmented(text, PictureExample{.picture = picture}, index, height, width).picture;
}

// Pictures of their own, with one label, a mask or targets each.
class PictureList final : public Dataset {
 public:
  PictureList(std::vector<PictureExample> examples, Preprocessing p,
              std::vector<std::string> class_names)
      : Dataset({.name = "pictures",
                 .size = static_cast<int64_t>(examples.size()),
                 .class_names = std::move(class_names),
                 .preprocessing = p,
                 .label_dims = examples[0].mask ? Dims{p.height, p.width} : Dims{},
                 .pictures = true}),
        examples_(std::move(examples)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    const PictureExample& example = examples_[static_cast<size_t>(index)];
    const Preprocessing& p = preprocessing();
    PictureToPlanes(example.picture, p, image);
    labels[0] = example.label;
    if (!example.mask) return absl::OkStatus();
    const Picture mask = Resample(*example.mask, p.height, p.width, ResampleFilter::kNearest);
    std::copy(mask.pixels.begin(), mask.pixels.end(), labels.begin());
    return absl::OkStatus();
  }
  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    return examples_[static_cast<size_t>(index)];
  }

  std::vector<PictureExample> examples_;
};

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_PICTURES_H_
