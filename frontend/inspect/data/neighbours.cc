#include "frontend/inspect/data/neighbours.h"

#include <array>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/inspect/data/nearest_rows.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

absl::Status NeighbourPictureError(const std::string& name) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": expected a picture for a sheet"));
}

}  // namespace

absl::StatusOr<std::vector<Neighbour>> NearestExamples(
    const Model& model, const Tensor& x, const std::shared_ptr<const Dataset>& dataset,
    const NeighbourOptions& options) {
  if (options.count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("nearest: expected 1 or more neighbours, got ", options.count));
  }
  WEFT_ASSIGN_OR_RETURN(const Features features, ComputeFeatures(model, dataset, options.features));
  WEFT_ASSIGN_OR_RETURN(const Model prefix, ModelUpTo(model, options.features.at));
  WEFT_ASSIGN_OR_RETURN(const auto session,
                        Session::Create(prefix, {.threads = options.features.threads}));
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(session->graph()));
  WEFT_ASSIGN_OR_RETURN(const Tensor fitted, FitToInput(*input, x));
  WEFT_ASSIGN_OR_RETURN(
      const std::vector<Tensor> values,
      RunInBatchesOf(FixedBatch(*input), std::array{fitted},
                     [&](std::span<const Tensor> batch) -> absl::StatusOr<std::vector<Tensor>> {
                       WEFT_ASSIGN_OR_RETURN(Tensor y, session->Run(batch[0]));
                       return std::vector<Tensor>{std::move(y)};
                     }));
  WEFT_ASSIGN_OR_RETURN(const Tensor query, values[0].Converted(DType::kF32));
  const int64_t wanted = options.count + (options.leave_out ? 1 : 0);
  WEFT_ASSIGN_OR_RETURN(
      const NearestRows nearest,
      FindNearest(features.values, query, wanted, RowDistance::kCosine, options.features.threads));
  const bool has_class = features.labels.rank() == 1 && features.labels.dtype() == DType::kI64;
  std::vector<Neighbour> neighbours;
  for (int64_t i = 0; i < wanted; ++i) {
    const int64_t index = nearest.IndexOf(0)[static_cast<size_t>(i)];
    if (index == options.leave_out) continue;
    if (static_cast<int64_t>(neighbours.size()) == options.count) break;
    Neighbour neighbour{.index = index, .distance = nearest.DistanceOf(0)[static_cast<size_t>(i)]};
    if (has_class) neighbour.label = static_cast<int64_t>(features.labels.At(index));
    neighbours.push_back(neighbour);
  }
  return neighbours;
}

absl::StatusOr<Picture> NeighbourSheet(const Model& model, const Example& example,
                                       const Dataset& dataset,
                                       std::span<const Neighbour> neighbours,
                                       const SheetOptions& options) {
  if (!example.picture) return NeighbourPictureError(example.name);
  const auto name = [&](std::optional<int64_t> label) {
    return label ? ClassName(model, *label) : std::string();
  };
  std::vector<SheetTile> tiles = {{*example.picture, {name(example.label), "asked"}}};
  for (const Neighbour& n : neighbours) {
    WEFT_ASSIGN_OR_RETURN(Example other, ExampleOf(dataset, n.index));
    if (!other.picture) return NeighbourPictureError(other.name);
    tiles.push_back(
        {*std::move(other.picture), {name(n.label), absl::StrFormat("%.4f", n.distance)}});
  }
  return PictureSheet(tiles, options);
}

}  // namespace weft
