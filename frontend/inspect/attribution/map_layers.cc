#include "frontend/inspect/attribution/map_layers.h"

#include <algorithm>
#include <span>

#include "frontend/inspect/probe.h"
#include "frontend/io/names.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

bool HasMaps(const TensorType& type, int rank) {
  if (type.rank() != rank || rank < 3 || !kFloatTypes.contains(type.dtype)) return false;
  return std::any_of(type.shape.begin() + 2, type.shape.end(),
                     [](const Dim& dim) { return dim != Dim(1); });
}

}  // namespace

absl::StatusOr<std::vector<const Node*>> LayersWithMaps(const Graph& graph) {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
  const Node* const end = scores.node;
  const auto between = NodesBetween(graph, std::span(&input, 1), std::span(&end, 1));
  std::vector<const Node*> layers;
  for (const Node& node : graph.nodes()) {
    if (between.contains(&node) && HasMaps(node.type(), input->type().rank())) {
      layers.push_back(&node);
    }
  }
  return layers;
}

absl::StatusOr<const Node*> FindMapLayer(const Graph& graph, std::string_view name) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const Node*> layers, LayersWithMaps(graph));
  if (layers.empty()) {
    return absl::FailedPreconditionError(
        "expected a network with maps [N,C,H,W] or [N,C,L] between input and scores, there are "
        "none");
  }
  if (name.empty()) return layers.back();
  const auto found = std::ranges::find(layers, name, &Node::name);
  if (found != layers.end()) return *found;
  if (const Node* node = graph.Find(name); node != nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        node->Describe(), ", ", ToString(node->type()),
        ": expected a layer with maps between input and scores, such as ", layers.back()->name()));
  }
  std::vector<std::string_view> names;
  for (const Node* layer : layers) names.push_back(layer->name());
  const std::string_view nearest = NearestName(name, names);
  return absl::NotFoundError(
      absl::StrCat("no layer is called ", Absl(name),
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
}

absl::StatusOr<Tensor> WeightedMaps(const Tensor& maps, const std::vector<double>& weights) {
  const Dims& dims = maps.dims();
  if ((maps.rank() != 3 && maps.rank() != 4) || dims[0] != 1 ||
      dims[1] != static_cast<int64_t>(weights.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected maps [1,", weights.size(), ",H,W] or [1,", weights.size(),
                     ",L] to be weighted, got ", ToString(maps.type())));
  }
  const int64_t rows = maps.rank() == 4 ? dims[2] : 1;
  const int64_t area = rows * dims.back();
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(DType::kF32, {rows, dims.back()}));
  const std::span<float> sums = result.mutable_values<float>();
  for (int64_t at = 0; at < area; ++at) {
    double sum = 0;
    for (size_t c = 0; c < weights.size(); ++c) {
      sum += weights[c] * maps.At(static_cast<int64_t>(c) * area + at);
    }
    sums[static_cast<size_t>(at)] = static_cast<float>(sum);
  }
  return result;
}

}  // namespace weft
