#ifndef WEFT_FRONTEND_BUILD_LAYERS_ACTIVATION_H_
#define WEFT_FRONTEND_BUILD_LAYERS_ACTIVATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "frontend/build/layers/family.h"

namespace weft {

struct SoftmaxOptions {
  int64_t axis = -1;
  std::string name = {};
};

struct LeakyReluOptions {
  double negative_slope = 0.01;
  std::string name = {};
};

// Of Elu and Celu.
struct EluOptions {
  double alpha = 1;
  std::string name = {};
};

struct GeluOptions {
  std::string approximate = "none";  // or "tanh"
  std::string name = {};
};

struct ClipOptions {
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::string name = {};
};

struct HardTanhOptions {
  double min = -1;
  double max = 1;
  std::string name = {};
};

struct HardSigmoidOptions {
  double slope = 1.0 / 6;  // PyTorch's; ONNX's default is 0.2
  double offset = 0.5;
  std::string name = {};
};

struct SoftplusOptions {
  double beta = 1;  // softplus(beta x) / beta
  std::string name = {};
};

struct ThresholdedReluOptions {
  double threshold = 1;
  std::string name = {};
};

struct ShrinkOptions {
  double lambda = 0.5;
  std::string name = {};
};

struct PReluOptions {
  bool per_channel = false;  // a slope for each channel (axis 1) rather than one for all
  double init = 0.25;
  std::string name = {};
};

struct MaxoutOptions {
  int64_t pieces = 2;  // neighbouring channels that make one
  std::string name = {};
};

// Activations, softmax and what else maps a tensor to one of its shape.
class ActivationLayers : public LayerFamily<ActivationLayers> {
 public:
  Value Sigmoid(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Relu(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Tanh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Relu6(Value x, const NameOption& o = {}, Where where = Where::current());
  Value LeakyRelu(Value x, const LeakyReluOptions& o = {}, Where where = Where::current());
  // x where x >= 0 and weight * x elsewhere; NAME.weight is learned.
  Value PRelu(Value x, const PReluOptions& o = {}, Where where = Where::current());
  Value ThresholdedRelu(Value x, const ThresholdedReluOptions& o = {},
                        Where where = Where::current());
  Value Elu(Value x, const EluOptions& o = {}, Where where = Where::current());
  Value Celu(Value x, const EluOptions& o = {}, Where where = Where::current());
  Value Selu(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Gelu(Value x, const GeluOptions& o = {}, Where where = Where::current());
  Value Silu(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Mish(Value x, const NameOption& o = {}, Where where = Where::current());
  Value HardSigmoid(Value x, const HardSigmoidOptions& o = {}, Where where = Where::current());
  Value HardSwish(Value x, const NameOption& o = {}, Where where = Where::current());
  Value HardTanh(Value x, const HardTanhOptions& o = {}, Where where = Where::current());
  Value Clip(Value x, const ClipOptions& o = {}, Where where = Where::current());
  Value Softplus(Value x, const SoftplusOptions& o = {}, Where where = Where::current());
  Value Softsign(Value x, const NameOption& o = {}, Where where = Where::current());
  Value LogSigmoid(Value x, const NameOption& o = {}, Where where = Where::current());
  // 0 within lambda of 0; beyond it x (hard), or x less lambda in magnitude (soft).
  Value HardShrink(Value x, const ShrinkOptions& o = {}, Where where = Where::current());
  Value SoftShrink(Value x, const ShrinkOptions& o = {}, Where where = Where::current());
  // The largest of every `pieces` neighbouring channels (Goodfellow et al. 2013).
  Value Maxout(Value x, const MaxoutOptions& o = {}, Where where = Where::current());
  Value LogSoftmax(Value x, const SoftmaxOptions& o = {}, Where where = Where::current());
  Value Softmax(Value x, const SoftmaxOptions& o = {}, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_ACTIVATION_H_
