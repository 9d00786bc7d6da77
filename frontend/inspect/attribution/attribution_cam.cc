#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"
#include "frontend/inspect/attribution/map_layers.h"
#include "frontend/inspect/planes.h"
#include "graph/attribute.h"

namespace weft {
namespace {

// maps -> global average pooling -> [flatten] -> Gemm
struct CamStructure {
  const Node* maps = nullptr;
  const Node* linear = nullptr;
};

bool IsOneOf(const Node* node, std::initializer_list<std::string_view> ops) {
  return std::ranges::count(ops, node->op_name()) > 0;
}

// Whether only the axes behind the first one differ. Elements keep their order, so that [N,C,1,1]
// and [N,C] at both ends are the same channels.
bool KeepsExamples(const TensorType& from, const TensorType& to) {
  return from.rank() > 0 && to.rank() > 0 && from.dim(0) == to.dim(0);
}

// What makes the value, past what only gives each example other axes or, in inference, nothing.
Value ProducerOf(Value value) {
  while (value.index == 0) {
    const bool is_same = IsOneOf(value.node, {"Dropout", "Identity"});
    const bool reshapes = IsOneOf(value.node, {"Flatten", "Reshape", "Squeeze"});
    if (!is_same && !(reshapes && KeepsExamples(value.node->input(0).type(), value.type()))) {
      break;
    }
    value = value.node->input(0);
  }
  return value;
}

bool IsGlobalAverage(const Node* node) {
  if (!IsOneOf(node, {"ReduceMean"}) || node->input(0).type().rank() < 3) return false;
  const int rank = node->input(0).type().rank();
  std::vector<int> axes;
  for (const int64_t axis : GetInts(node->attributes(), "axes")) {
    axes.push_back(NormalizeAxis(axis, rank).value_or(-1));
  }
  std::ranges::sort(axes);
  if (static_cast<int>(axes.size()) != rank - 2) return false;
  for (int i = 2; i < rank; ++i) {
    if (axes[static_cast<size_t>(i - 2)] != i) return false;
  }
  return true;
}

absl::Status NotCam(const Node* node, std::string_view expected) {
  return absl::FailedPreconditionError(
      absl::StrCat("CAM: expected maps, global average pooling and one linear layer before the "
                   "scores; ",
                   node->Describe(), " is no ", Absl(expected), " (Grad-CAM needs neither)"));
}

absl::StatusOr<CamStructure> FindCamStructure(const Graph& graph, const std::string& at) {
  WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
  CamStructure found{.linear = ProducerOf(scores).node};
  if (!IsOneOf(found.linear, {"Gemm"}) || GetInt(found.linear->attributes(), "transA") != 0) {
    return NotCam(found.linear, "linear layer (Gemm)");
  }
  const Node* pooling = ProducerOf(found.linear->input(0)).node;
  if (!IsGlobalAverage(pooling)) return NotCam(pooling, "global average pooling");
  found.maps = pooling->input(0).node;
  // Layers are read by their first output.
  if (pooling->input(0).index != 0) return NotCam(found.maps, "node whose first output is pooled");
  if (at.empty() || at == found.maps->name()) return found;
  return absl::InvalidArgumentError(absl::StrCat("CAM: expected the layer that is pooled, ",
                                                 found.maps->name(), ", got ", at,
                                                 " (Grad-CAM takes any)"));
}

// The class's weights, one a channel.
absl::StatusOr<std::vector<double>> ClassWeights(const Node& linear, const Node& maps,
                                                 int64_t target) {
  const Tensor& weights = LeafValue(*linear.input(1).node);
  if (weights.is_empty() || weights.rank() != 2) {
    return absl::FailedPreconditionError(
        absl::StrCat("CAM: expected weights that are kept as they are, those of ",
                     linear.Describe(), " are ", linear.input(1).node->Describe(), "'s"));
  }
  const bool transposed = GetInt(linear.attributes(), "transB") != 0;
  const Dim& maps_channels = maps.type().dim(1);
  const double alpha = GetFloat(linear.attributes(), "alpha", 1);
  const int64_t classes = weights.dims()[transposed ? 0 : 1];
  const int64_t channels = weights.dims()[transposed ? 1 : 0];
  if (target >= classes || maps_channels != Dim(channels)) {
    return NotCam(&linear, absl::StrCat("linear layer of a weight for each class and each of ",
                                        maps_channels.ToString(), " channels"));
  }
  std::vector<double> result;
  for (int64_t c = 0; c < channels; ++c) {
    result.push_back(alpha * weights.At(transposed ? target * channels + c : c * classes + target));
  }
  return result;
}

}  // namespace

absl::StatusOr<Attribution> ClassActivationMap(const Attributor& of, const Tensor& x,
                                               const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const CamStructure found, FindCamStructure(of.model().graph, options.at));
  WEFT_ASSIGN_OR_RETURN(const ScoreProbe scores, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(const std::vector<double> weights,
                        ClassWeights(*found.linear, *found.maps, scores.target()));
  WEFT_ASSIGN_OR_RETURN(
      Probe* const probe,
      of.ProbeFor({.at = {found.maps->name()}, .towards = {}, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe->Values(scores.x()));
  WEFT_ASSIGN_OR_RETURN(const Tensor map, WeightedMaps(values[0], weights));
  WEFT_ASSIGN_OR_RETURN(Attribution what, scores.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.map, ResizedPlanes(map, what.map.dims()[0], what.map.dims()[1]));
  what.is_signed = true;
  what.layer = found.maps->name();
  return what;
}

}  // namespace weft
