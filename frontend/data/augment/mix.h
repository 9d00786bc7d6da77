#ifndef WEFT_FRONTEND_DATA_AUGMENT_MIX_H_
#define WEFT_FRONTEND_DATA_AUGMENT_MIX_H_

#include <cstdint>
#include <span>

#include "frontend/data/augment/pipeline.h"

namespace weft {

// Carries out a step of stage kMix: mixes `other` into `image`, planes of draw.height x
// draw.width, and returns the share of `image` in the result, in [0,1].
double MixExamples(const PipelineStep& step, TransformDraw& draw, std::span<const float> other,
                   std::span<float> image);

// From the Beta distribution with both parameters `alpha`, above 0.
double DrawBeta(double alpha, TransformDraw& draw);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_MIX_H_
