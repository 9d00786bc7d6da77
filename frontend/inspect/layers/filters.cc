#include "frontend/inspect/layers/filters.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "frontend/io/names.h"

namespace weft {
namespace {

bool HasFilters(const Node& node) {
  return node.op_name() == "Conv" || node.op_name() == "FusedConv" ||
         node.op_name() == "ConvTranspose";
}

absl::StatusOr<const Node*> FindFilters(const Graph& graph, std::string_view at) {
  std::vector<std::string_view> names;
  for (const Node& node : graph.nodes()) {
    if (HasFilters(node)) names.push_back(node.name());
  }
  if (names.empty()) return absl::InvalidArgumentError("filters: the model has no convolution");
  const Node* node = graph.Find(at.empty() ? names[0] : at);
  if (node == nullptr) {
    const std::string_view nearest = NearestName(at, names);
    return absl::NotFoundError(
        absl::StrCat("filters: no node is called ", Absl(at),
                     nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
  }
  if (HasFilters(*node)) return node;
  return absl::InvalidArgumentError(absl::StrCat("filters: expected a convolution, got ",
                                                 node->Describe(), "; the first of ", names.size(),
                                                 " is ", Absl(names[0])));
}

// [a,b,c,H,W] -> [a,c,b,H,W]
absl::StatusOr<Tensor> SwappedAxes(const Tensor& t) {
  const Dims& d = t.dims();
  const auto b = static_cast<size_t>(d[1]), c = static_cast<size_t>(d[2]);
  const auto area = static_cast<size_t>(d[3] * d[4]);
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(DType::kF32, {d[0], d[2], d[1], d[3], d[4]}));
  const std::span<const float> from = t.values<float>();
  const std::span<float> to = result.mutable_values<float>();
  for (size_t i = 0; i < to.size(); i += area) {
    const size_t plane = i / area, outer = plane / (b * c), at_c = plane / b % c, at_b = plane % b;
    std::copy_n(&from[((outer * b + at_b) * c + at_c) * area], area, &to[i]);
  }
  return result;
}

// [N,3,H,W] with the channels' order turned.
absl::StatusOr<Tensor> TurnedChannels(const Tensor& t) {
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(DType::kF32, t.dims()));
  const auto area = static_cast<size_t>(t.dims()[2] * t.dims()[3]);
  const std::span<const float> from = t.values<float>();
  const std::span<float> to = result.mutable_values<float>();
  for (size_t i = 0; i < to.size(); i += area) {
    const size_t plane = i / area;
    std::copy_n(&from[(plane / 3 * 3 + 2 - plane % 3) * area], area, &to[i]);
  }
  return result;
}

// f32[N,count,H,W] -> [N,H,W], the means over the second axis.
absl::StatusOr<Tensor> MeansOfMaps(const Tensor& t) {
  const Dims& d = t.dims();
  WEFT_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(DType::kF32, {d[0], d[2], d[3]}));
  const auto area = static_cast<size_t>(d[2] * d[3]), count = static_cast<size_t>(d[1]);
  const std::span<const float> from = t.values<float>();
  const std::span<float> to = result.mutable_values<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    to[i / area / count * area + i % area] += from[i] / static_cast<float>(count);
  }
  return result;
}

// As volumes [O,I,D,H,W]; of signals [O,1,1,I,L].
absl::StatusOr<Tensor> AsVolumes(const Tensor& weights) {
  const Dims& d = weights.dims();
  switch (d.size()) {
    case 3:
      return weights.Reshaped({d[0], 1, 1, d[1], d[2]});
    case 4:
      return weights.Reshaped({d[0], d[1], 1, d[2], d[3]});
    case 5:
      return weights;
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "filters: expected weights of one to three extents, got ", ToString(weights.type())));
  }
}

}  // namespace

absl::StatusOr<Filters> FiltersOf(const Model& model, std::string_view at) {
  WEFT_ASSIGN_OR_RETURN(const Node* node, FindFilters(model.graph, at));
  const Tensor& weights = LeafValue(*node->input(1).node);
  if (weights.is_empty() || !kFloatTypes.contains(weights.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "filters: expected weights that are floating-point parameters or constants, those of ",
        node->Describe(), " are ", ToString(node->input(1).type()), " of ",
        node->input(1).node->Describe()));
  }
  Filters filters{.layer = node->name()};
  filters.bgr = model.preprocessing && model.preprocessing->channel_order == "bgr";
  WEFT_ASSIGN_OR_RETURN(filters.weights, weights.Converted(DType::kF32));
  return filters;
}

absl::StatusOr<FilterLayout> LayoutFor(const Filters& filters, FilterLayout wanted) {
  const Dims& d = filters.weights.dims();
  const bool colors = d.size() >= 4 && d[1] == 3;
  if (wanted == FilterLayout::kColors && !colors) {
    return absl::InvalidArgumentError(
        absl::StrCat("filters: expected 3 inputs to be shown as colors, the weights of ",
                     filters.layer, " are ", ToString(filters.weights.type())));
  }
  if (wanted != FilterLayout::kAuto) return wanted;
  if (colors) return FilterLayout::kColors;
  const int64_t pairs = d.size() < 4 ? 1 : d[0] * d[1] * (d.size() == 5 ? d[2] : 1);
  return pairs <= kMostFilterPairs ? FilterLayout::kPairs : FilterLayout::kMeans;
}

absl::StatusOr<Picture> FiltersPicture(const Filters& filters,
                                       const FilterPictureOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const FilterLayout layout, LayoutFor(filters, options.layout));
  WEFT_ASSIGN_OR_RETURN(Tensor maps, AsVolumes(filters.weights));
  const Dims d = maps.dims();
  GridOptions grid{.colors = ColorMap::kDiverging,
                   .symmetric = true,
                   .each = options.each,
                   .columns = options.columns,
                   .scale = options.scale};
  if (layout == FilterLayout::kColors) {
    if (d[2] > 1) {
      WEFT_ASSIGN_OR_RETURN(maps, SwappedAxes(maps));
      grid.columns = d[2];
    }
    WEFT_ASSIGN_OR_RETURN(maps, maps.Reshaped({d[0] * d[2], 3, d[3], d[4]}));
    if (filters.bgr) {
      WEFT_ASSIGN_OR_RETURN(maps, TurnedChannels(maps));
    }
    grid.rgb = true;
  } else if (layout == FilterLayout::kMeans) {
    WEFT_ASSIGN_OR_RETURN(maps, maps.Reshaped({d[0], d[1], d[2] * d[3], d[4]}));
    WEFT_ASSIGN_OR_RETURN(maps, MeansOfMaps(maps));
  } else {
    if (d[1] * d[2] > 1) grid.columns = d[1] * d[2];
    WEFT_ASSIGN_OR_RETURN(maps, maps.Reshaped({d[0] * d[1] * d[2], d[3], d[4]}));
  }
  return GridPicture(maps, grid);
}

}  // namespace weft
