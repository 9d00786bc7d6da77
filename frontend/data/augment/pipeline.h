#ifndef WEFT_FRONTEND_DATA_AUGMENT_PIPELINE_H_
#define WEFT_FRONTEND_DATA_AUGMENT_PIPELINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/augment/transform.h"
#include "graph/status.h"

namespace weft {

struct PipelineStep {
  const TransformSpec* spec = nullptr;  // a row of the table, which lives forever
  Arguments arguments;
};

// Transforms of examples, one after the other: first those of pictures, then those of their
// numbers, then those that mix examples.
struct Pipeline {
  std::vector<PipelineStep> steps = {};
  bool empty() const { return steps.empty(); }
};

// Reads "random_resized_crop(224), flip, color_jitter(0.4, hue=0.1)": names of transforms, in
// parentheses their arguments in order or by name; lists as (0.08, 1). The name of a preset stands
// for its steps (none, light, cifar, imagenet, strong, imagenet_test). Errors say at which
// character: an unknown transform or argument, a number out of range, a missing argument, the wrong
// order of the three kinds, a transform that makes several views.
absl::StatusOr<Pipeline> ParsePipeline(std::string_view text);
// Each combination of what the steps of `text` make of a picture, in order: flip both ways,
// five_crop the four corners and the middle, ten_crop those and their mirror images. Other steps
// are in all of them. Errors: as above; mixing; more than 100 views.
absl::StatusOr<std::vector<Pipeline>> TtaPipelines(std::string_view text);

// What test data need of the pipeline that the training's go through, without chance: the steps
// that do the same to every example (resize, center_crop, pad, standardize, min_max, and others
// with p=1 and no range), windows and, of what was resized before, crops from the middle, and where
// examples are mixed labels as shares of classes, of one example each. Other steps have no part in
// it: random_resized_crop has no counterpart.
Pipeline TestSteps(const Pipeline& pipeline);
// Whether an example may come out of it in more than one way.
bool IsRandom(const Pipeline& pipeline);

// The text of a pipeline: presets written out, arguments that are the defaults left out. Parsing it
// gives the same pipeline.
std::string ToString(const Pipeline& pipeline);

// All transforms and presets, a line each, with their parameters, defaults and meaning.
std::string DescribeTransforms();

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_PIPELINE_H_
