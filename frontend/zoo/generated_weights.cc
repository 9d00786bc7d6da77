#include "frontend/zoo/generated_weights.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "frontend/build/init.h"

namespace weft {
namespace {

// What maps u to an element: scale * u + shift.
struct Line {
  double scale, shift;
};

Line LineOf(std::string_view name, const Dims& dims) {
  if (name.ends_with("layer_scale")) return {0.5, 0.5};
  if (name == "input") return {2, -1};
  if (dims.size() >= 2) {
    int64_t fan_in = 1;
    for (size_t axis = 1; axis < dims.size(); ++axis) fan_in *= dims[axis];
    const double bound = std::sqrt(6.0 / static_cast<double>(std::max<int64_t>(fan_in, 1)));
    return {2 * bound, -bound};
  }
  if (name.ends_with("running_var")) return {1, 0.5};
  if (name.ends_with(".weight")) return {0.5, 0.75};
  return {0.02, -0.01};
}

uint64_t Mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

}  // namespace

absl::StatusOr<Tensor> GeneratedTensor(std::string_view name, const Dims& dims) {
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(DType::kF32, dims));
  const Line line = LineOf(name, dims);
  uint64_t state = HashName(name);
  for (float& element : tensor.mutable_values<float>()) {
    state += 0x9E3779B97F4A7C15u;
    const double u = static_cast<double>(Mix(state) >> 40) * 0x1p-24;
    element = static_cast<float>(line.scale * u + line.shift);
  }
  return tensor;
}

absl::Status SetGeneratedWeights(Graph& graph) {
  for (Node* variable : graph.variables()) {
    if (variable->type().dtype != DType::kF32) {
      return absl::InvalidArgumentError(
          absl::StrCat(variable->Describe(), ": expected f32, it is ", ToString(variable->type())));
    }
    WEFT_ASSIGN_OR_RETURN(Tensor tensor,
                          GeneratedTensor(variable->name(), LeafValue(*variable).dims()));
    WEFT_RETURN_IF_ERROR(graph.SetLeafValue(variable, std::move(tensor)));
  }
  return absl::OkStatus();
}

}  // namespace weft
