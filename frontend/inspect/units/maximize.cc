#include "frontend/inspect/units/maximize.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "frontend/inspect/example.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/inspect/planes.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr int64_t kUnitColumns = 5, kUnitPixels = 72;  // of a sheet
constexpr int64_t kWakingShare = 4;                    // a quarter of the steps

// [N,C] of a layer.
Value UnitActivations(Emitter& e, Value layer, const UnitLayer& what) {
  const TensorType& type = layer.type();
  if (type.rank() == 2 && !what.place) return layer;
  if (type.rank() != 4) {
    return e.Fail(absl::InvalidArgumentError(
        absl::StrCat(layer.ToString(), ": expected a layer f32[N,C,H,W]",
                     what.place ? "" : " or f32[N,C]", ", got ", ToString(type))));
  }
  if (!what.place) {
    const std::vector<int64_t> places = {2, 3};
    return e.Op("ReduceMean", {layer}, {{"axes", places}, {"keepdims", 0}});
  }
  const auto [row, column] = *what.place;
  const auto inside = [](int64_t at, const Dim& extent) {
    return at >= 0 && (!extent.is_static() || at < extent.coefficient());
  };
  if (!inside(row, type.dim(2)) || !inside(column, type.dim(3))) {
    return e.Fail(absl::InvalidArgumentError(absl::StrCat(
        layer.ToString(), ": expected a place in ", ToString(type), ", got ", row, ",", column)));
  }
  const Value one =
      e.Op("Slice", {layer, e.Ints({row, column}), e.Ints({row + 1, column + 1}), e.Ints({2, 3})});
  return e.Op("Flatten", {one}, {{"axis", 1}});
}

absl::StatusOr<int64_t> ChannelsOfProbe(const Probe& probe) {
  const TensorType& type = probe.type();
  if (type.rank() == 2 && type.dim(1).is_static()) return type.dim(1).coefficient();
  return absl::InvalidArgumentError(
      absl::StrCat("expected activations f32[N,C] of known C, got ", ToString(type)));
}

// The weighted objective. Its first steps go by what the rectifier reads, so that the places where
// a unit is off are pushed too; so do later ones of pictures whose unit is off everywhere.
PictureObjective ObjectiveThatWakes(std::shared_ptr<Probe> probe, std::shared_ptr<Probe> read,
                                    const Tensor& weights, int64_t waking_steps) {
  if (read == nullptr) return WeightedObjective(std::move(probe), weights);
  return [plain = WeightedObjective(std::move(probe), weights),
          waking = WeightedObjective(std::move(read), weights),
          waking_steps](const Tensor& x, int64_t step) -> absl::StatusOr<ObjectiveAt> {
    if (step < waking_steps) return waking(x, step);
    WEFT_ASSIGN_OR_RETURN(ObjectiveAt at, plain(x, step));
    WEFT_ASSIGN_OR_RETURN(at.gradient, at.gradient.Converted(DType::kF32));
    const std::span<float> gradient = at.gradient.mutable_values<float>();
    const size_t size = gradient.size() / at.values.size();
    Tensor woken;
    for (size_t first = 0; first < gradient.size(); first += size) {
      const std::span<float> picture = gradient.subspan(first, size);
      if (std::ranges::any_of(picture, [](float g) { return g != 0; })) continue;
      if (woken.is_empty()) {
        WEFT_ASSIGN_OR_RETURN(const ObjectiveAt other, waking(x, step));
        WEFT_ASSIGN_OR_RETURN(woken, other.gradient.Converted(DType::kF32));
      }
      std::ranges::copy(woken.values<float>().subspan(first, size), picture.begin());
    }
    return at;
  };
}

// A layer's units.
struct UnitProbes {
  std::shared_ptr<Probe> plain;
  std::shared_ptr<Probe> read;  // by the layer, where that is a rectifier; null otherwise
  int64_t channels = 0;
};

absl::StatusOr<UnitProbes> UnitProbesOf(const Model& model, const UnitLayer& layer,
                                        const SessionOptions& session) {
  UnitProbes probes;
  WEFT_ASSIGN_OR_RETURN(probes.plain, UnitProbe(model, layer, session));
  WEFT_ASSIGN_OR_RETURN(probes.channels, ChannelsOfProbe(*probes.plain));
  const Node* node = layer.at.empty() ? nullptr : model.graph.Find(layer.at);
  if (node == nullptr || (node->op_name() != "Relu" && node->op_name() != "Clip") ||
      node->input(0).index != 0) {
    return probes;
  }
  const UnitLayer read{.at = node->input(0).node->name(), .place = layer.place};
  WEFT_ASSIGN_OR_RETURN(probes.read, UnitProbe(model, read, session));
  return probes;
}

// One picture for each of a few channels.
absl::Status MaximizeTogether(const UnitProbes& probes, std::span<const int64_t> channels,
                              const Preprocessing& form, const AscentOptions& options,
                              std::vector<UnitPicture>& pictures) {
  const int64_t channels_there = probes.channels;
  const auto count = static_cast<int64_t>(channels.size());
  WEFT_ASSIGN_OR_RETURN(Tensor weights, Tensor::Zeros(DType::kF32, {count, channels_there}));
  const std::span<float> one = weights.mutable_values<float>();
  for (size_t n = 0; n < channels.size(); ++n) {
    one[n * static_cast<size_t>(channels_there) + static_cast<size_t>(channels[n])] = 1;
  }
  WEFT_ASSIGN_OR_RETURN(const Ascent ascent,
                        AscendFromNoise(ObjectiveThatWakes(probes.plain, probes.read, weights,
                                                           options.steps / kWakingShare),
                                        form, count, options));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> activations, probes.plain->Values(ascent.x));
  const auto size = static_cast<size_t>(ascent.x.size() / count);
  for (size_t n = 0; n < channels.size(); ++n) {
    const auto i = static_cast<int64_t>(n);
    UnitPicture what{.channel = channels[n],
                     .activation = activations[0].At(i * channels_there + channels[n])};
    Dims dims = ascent.x.dims();
    dims[0] = 1;
    WEFT_ASSIGN_OR_RETURN(
        what.x, Tensor::FromValues<float>(dims, ascent.x.values<float>().subspan(n * size, size)));
    WEFT_ASSIGN_OR_RETURN(what.picture, PictureAt(ascent.x, i, form));
    pictures.push_back(std::move(what));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Probe>> UnitProbe(const Model& model, const UnitLayer& layer,
                                                 const SessionOptions& session) {
  return Probe::Create(model,
                       {.at = {layer.at},
                        .objectives =
                            [&](Emitter& e, std::span<const Value> values) {
                              return std::vector<Value>{UnitActivations(e, values[0], layer)};
                            },
                        .session = session});
}

absl::StatusOr<std::vector<UnitPicture>> MaximizeUnits(const Model& model, const UnitLayer& layer,
                                                       std::span<const int64_t> channels,
                                                       const AscentOptions& options,
                                                       int64_t batch_size) {
  WEFT_RETURN_IF_ERROR(CheckAscent(options));
  if (channels.empty() || batch_size < 1) {
    return absl::InvalidArgumentError("maximize: expected channels, and a batch of 1 or more");
  }
  WEFT_ASSIGN_OR_RETURN(const Preprocessing form, PictureFormOf(model));
  WEFT_ASSIGN_OR_RETURN(const UnitProbes probes, UnitProbesOf(model, layer, options.session));
  for (const int64_t channel : channels) {
    if (channel >= 0 && channel < probes.channels) continue;
    return absl::InvalidArgumentError(absl::StrCat(layer.at.empty() ? "scores" : layer.at,
                                                   ": expected a channel from 0 to ",
                                                   probes.channels - 1, ", got ", channel));
  }
  std::vector<UnitPicture> pictures;
  while (pictures.size() < channels.size()) {
    const auto rest = channels.subspan(pictures.size());
    WEFT_RETURN_IF_ERROR(
        MaximizeTogether(probes, rest.first(std::min(rest.size(), static_cast<size_t>(batch_size))),
                         form, options, pictures));
  }
  return pictures;
}

absl::StatusOr<std::vector<UnitPicture>> ClassPrototypes(const Model& model,
                                                         const AscentOptions& options,
                                                         int64_t batch_size) {
  const Graph graph = WithoutLosses(model.graph);
  WEFT_ASSIGN_OR_RETURN(const Value scores, ScoresOf(graph));
  const TensorType& type = scores.type();
  if (type.rank() != 2 || !type.dim(1).is_static()) {
    return absl::InvalidArgumentError(
        absl::StrCat("prototypes: expected scores [N,C], the model gives ", ToString(type)));
  }
  std::vector<int64_t> classes(static_cast<size_t>(type.dim(1).coefficient()));
  std::iota(classes.begin(), classes.end(), 0);
  return MaximizeUnits(model, {}, classes, options, batch_size);
}

absl::StatusOr<Picture> UnitSheet(const Model& model, const UnitLayer& layer,
                                  std::span<const UnitPicture> pictures) {
  std::vector<SheetTile> tiles;
  for (const UnitPicture& p : pictures) {
    tiles.push_back({.picture = p.picture,
                     .lines = {TileNumber(p.activation)},
                     .title = layer.at.empty() ? ClassName(model, p.channel)
                                               : absl::StrCat("unit ", p.channel)});
  }
  return PictureSheet(tiles, {.columns = kUnitColumns, .tile = kUnitPixels});
}

}  // namespace weft
