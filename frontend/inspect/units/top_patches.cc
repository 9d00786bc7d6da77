#include "frontend/inspect/units/top_patches.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "frontend/analysis/receptive_field.h"
#include "frontend/data/loader.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/inspect/probe.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr uint8_t kPaddingGray = 128;
constexpr int64_t kPatchPixels = 72;  // on a sheet

// A layer's activations [N,C] or [N,C,H,W].
struct PatchLayer {
  int64_t channels = 0;
  bool has_places = false;
  ReceptiveField field = {};
};

absl::StatusOr<PatchLayer> FindPatchLayer(const Model& model, const std::string& at) {
  const Graph graph = WithoutLosses(model.graph);
  WEFT_ASSIGN_OR_RETURN(const Value value, at.empty() ? ScoresOf(graph) : NamedValueOf(graph, at));
  const TensorType& type = value.type();
  if ((type.rank() != 2 && type.rank() != 4) || !type.dim(1).is_static()) {
    return absl::InvalidArgumentError(absl::StrCat("patches: expected a layer [N,C] or [N,C,H,W], ",
                                                   value.node->Describe(), " is ", ToString(type)));
  }
  PatchLayer layer{.channels = type.dim(1).coefficient(), .has_places = type.rank() == 4};
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  if (input->type().rank() != 4) {
    return absl::InvalidArgumentError(absl::StrCat(
        "patches: expected a model of pictures, the input is ", ToString(input->type())));
  }
  WEFT_ASSIGN_OR_RETURN(const ReceptiveFields fields, ReceptiveFields::Create(graph, *input));
  const absl::StatusOr<ReceptiveField> field = fields.Of(*value.node);
  // Weights and what is made of them alone.
  if (absl::IsNotFound(field.status())) return Annotate(field.status(), "patches");
  if (!layer.has_places) return layer;
  if (!field.ok()) return field.status();
  const Dims any = {0, 0};
  WEFT_RETURN_IF_ERROR(Annotate(FieldOfUnitAt(*field, any, any).status(), value.node->Describe()));
  layer.field = *field;
  return layer;
}

Picture CutPadded(const Picture& picture, const PictureRegion& r) {
  Picture cut{.height = r.height, .width = r.width, .channels = picture.channels};
  cut.pixels.assign(static_cast<size_t>(r.height * r.width * picture.channels), kPaddingGray);
  const int64_t left = std::max<int64_t>(r.left, 0);
  const int64_t right = std::min(r.left + r.width, picture.width);
  for (int64_t row = std::max<int64_t>(r.top, 0);
       row < std::min(r.top + r.height, picture.height) && left < right; ++row) {
    std::copy_n(
        &picture.pixels[static_cast<size_t>((row * picture.width + left) * picture.channels)],
        (right - left) * picture.channels,
        &cut.pixels[static_cast<size_t>(((row - r.top) * r.width + left - r.left) *
                                        picture.channels)]);
  }
  return cut;
}

// Puts the patch where it belongs, if it is among the `most` best. Examples come in order.
void KeepBest(Patch patch, size_t most, std::vector<Patch>& best) {
  if (best.size() == most && !(patch.activation > best.back().activation)) return;
  if (best.size() == most) best.pop_back();
  const auto at = std::ranges::find_if(
      best, [&](const Patch& other) { return patch.activation > other.activation; });
  best.insert(at, std::move(patch));
}

// The best places of a batch's maps, width `columns`.
absl::Status KeepBestOf(const Batch& batch, const Tensor& maps, size_t most,
                        std::vector<UnitPatches>& units) {
  if (maps.dims()[0] != batch.size()) {
    return absl::InvalidArgumentError(absl::StrCat("patches: expected a layer [", batch.size(),
                                                   ",C,...] of a batch of that many, got ",
                                                   ToString(maps.type())));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor floats, maps.Converted(DType::kF32));
  const int64_t channels = maps.dims()[1], columns = maps.rank() == 4 ? maps.dims()[3] : 1;
  const auto area = static_cast<size_t>(maps.size() / (maps.dims()[0] * channels));
  for (size_t n = 0; n < batch.indices.size(); ++n) {
    for (UnitPatches& unit : units) {
      const auto map = floats.values<float>().subspan(
          (n * static_cast<size_t>(channels) + static_cast<size_t>(unit.channel)) * area, area);
      const auto bad = std::ranges::find_if(map, [](float v) { return !std::isfinite(v); });
      if (bad != map.end()) {  // a NaN is no maximum, and hides one
        return absl::FailedPreconditionError(absl::StrCat("patches: unit ", unit.channel, " is ",
                                                          *bad, " for example ", batch.indices[n]));
      }
      const auto best = std::ranges::max_element(map);
      const int64_t place = best - map.begin();
      KeepBest({.example = batch.indices[n],
                .activation = *best,
                .row = place / columns,
                .column = place % columns},
               most, unit.patches);
    }
  }
  return absl::OkStatus();
}

absl::Status CutOut(const Dataset& dataset, const PatchLayer& layer, Patch& patch) {
  WEFT_ASSIGN_OR_RETURN(const Example example, ExampleOf(dataset, patch.example));
  if (!example.picture) {
    return absl::InvalidArgumentError(absl::StrCat(
        dataset.name(), ": expected pictures, examples are ", ToString(dataset.example_dims())));
  }
  PictureRegion& field = patch.field;
  field = {.height = example.picture->height, .width = example.picture->width};
  if (layer.has_places) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<FieldInterval> seen,
                          FieldOfUnitAt(layer.field, {patch.row, patch.column},
                                        {example.picture->height, example.picture->width}));
    field = {.top = seen[0].begin,
             .left = seen[1].begin,
             .height = seen[0].size(),
             .width = seen[1].size()};
  }
  patch.picture = CutPadded(*example.picture, field);
  return absl::OkStatus();
}

absl::Status CheckPatchRequest(const PatchLayer& layer, std::span<const int64_t> channels,
                               const TopPatchOptions& options) {
  if (channels.empty() || options.count < 1 || options.batch_size < 1) {
    return absl::InvalidArgumentError(
        "patches: expected channels, and a count and a batch of 1 or more");
  }
  for (const int64_t channel : channels) {
    if (channel >= 0 && channel < layer.channels) continue;
    return absl::InvalidArgumentError(absl::StrCat("patches: expected a channel from 0 to ",
                                                   layer.channels - 1, ", got ", channel));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<UnitPatches>> TopPatches(const Model& model,
                                                    const std::shared_ptr<const Dataset>& dataset,
                                                    const std::string& at,
                                                    std::span<const int64_t> channels,
                                                    const TopPatchOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const PatchLayer layer, FindPatchLayer(model, at));
  WEFT_RETURN_IF_ERROR(CheckPatchRequest(layer, channels, options));
  if (!dataset->is_images() || !dataset->parts().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset->name(), ": expected examples that are one picture each"));
  }
  WEFT_ASSIGN_OR_RETURN(
      const auto probe,
      Probe::Create(model, {.at = {at}, .towards = {}, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(dataset, {.batch_size = options.batch_size, .shuffle = false}));
  std::vector<UnitPatches> units;
  for (const int64_t channel : channels) units.push_back({.channel = channel});
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) break;
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> maps, probe->Values(batch.images));
    WEFT_RETURN_IF_ERROR(KeepBestOf(batch, maps[0], static_cast<size_t>(options.count), units));
  }
  for (UnitPatches& unit : units) {
    for (Patch& patch : unit.patches) WEFT_RETURN_IF_ERROR(CutOut(*dataset, layer, patch));
  }
  return units;
}

absl::StatusOr<Picture> PatchSheet(std::span<const UnitPatches> units) {
  std::vector<SheetTile> tiles;
  for (const UnitPatches& unit : units) {
    for (const Patch& patch : unit.patches) {
      const bool first = &patch == unit.patches.data();
      tiles.push_back({.picture = patch.picture,
                       .lines = {TileNumber(patch.activation)},
                       .title = first ? absl::StrCat("unit ", unit.channel) : ""});
    }
  }
  const size_t columns = units.empty() ? 0 : units[0].patches.size();
  return PictureSheet(tiles, {.columns = static_cast<int64_t>(columns), .tile = kPatchPixels});
}

}  // namespace weft
