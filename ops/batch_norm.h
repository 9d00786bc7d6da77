#ifndef WEFT_OPS_BATCH_NORM_H_
#define WEFT_OPS_BATCH_NORM_H_

#include "graph/op.h"

// What ops/batch_norm.cc and its gradient rules in ops/batch_norm_grad.cc share.

namespace weft {

// Inputs and optional outputs of BatchNormalization.
namespace bn {
inline constexpr int kX = 0, kScale = 1, kBias = 2, kMean = 3, kVar = 4;
inline constexpr int kRunningMean = 1, kRunningVar = 2, kBatchMean = 3, kBatchVar = 4;
}  // namespace bn

inline bool IsUnbiased(const AttributeMap& attributes) {
  return GetString(attributes, "running_variance") == "unbiased";
}

InputGradients BatchNormGradient(GradientContext& c);
InputGradients BatchNormGradGradient(GradientContext& c);

}  // namespace weft

#endif  // WEFT_OPS_BATCH_NORM_H_
