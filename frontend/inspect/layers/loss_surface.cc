#include "frontend/inspect/layers/loss_surface.h"

#include <array>
#include <cmath>
#include <utility>

#include "frontend/build/init.h"
#include "frontend/data/loader.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_features.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr int64_t kMostSurfacePoints = 1001;

template <typename T>
void ScaleToNorms(std::span<T> direction, std::span<const T> weights, size_t filters) {
  const size_t size = direction.size() / filters;
  const auto norm = [](std::span<const T> v) {
    double sum = 0;
    for (const T x : v) sum += static_cast<double>(x) * x;
    return std::sqrt(sum);
  };
  for (size_t f = 0; f < filters; ++f) {
    const std::span<T> filter = direction.subspan(f * size, size);
    const double drawn = norm(filter);
    const double scale = drawn == 0 ? 0 : norm(weights.subspan(f * size, size)) / drawn;
    for (T& x : filter) x = static_cast<T>(x * scale);
  }
}

template <typename T>
void AddScaled(const Tensor& direction, double step, Tensor& weights) {
  const std::span<const T> by = direction.values<T>();
  const std::span<T> to = weights.mutable_values<T>();
  for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<T>(to[i] + step * by[i]);
}

// All examples as a data set in memory, so that files are read and decoded once for all points.
absl::StatusOr<std::shared_ptr<const Dataset>> HeldInMemory(
    const std::shared_ptr<const Dataset>& dataset) {
  if (!dataset->parts().empty() || dataset->tokens()) return dataset;
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(dataset, {.batch_size = dataset->size(), .shuffle = false, .prefetch = 0}));
  Batch all;
  WEFT_RETURN_IF_ERROR(loader->Next(&all).status());
  return FeatureDataset({.values = all.images, .labels = all.labels}, *dataset);
}

absl::Status CheckSurfaceOptions(const LossSurfaceOptions& o) {
  if (o.points < 1 || o.points > kMostSurfacePoints || o.points % 2 == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("loss surface: expected an odd number of points in [1,", kMostSurfacePoints,
                     "], got ", o.points));
  }
  if (o.extent > 0 && std::isfinite(o.extent)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("loss surface: expected an extent above 0, got ", o.extent));
}

}  // namespace

absl::StatusOr<TensorMap> FilterNormalizedDirection(const Model& model, uint64_t seed,
                                                    int64_t number) {
  TensorMap direction;
  for (const Node* variable : model.graph.variables()) {
    const Tensor& weights = LeafValue(*variable);
    if (!IsTrainable(*variable) || weights.rank() < 2 || weights.size() == 0) continue;
    const std::string name = absl::StrCat("loss surface ", number, "/", variable->name());
    WEFT_ASSIGN_OR_RETURN(Tensor drawn, Initializer::Normal(0, 1).Make(
                                            weights.dtype(), weights.dims(), {}, seed, name));
    WEFT_RETURN_IF_ERROR(VisitFloat(weights.dtype(), [&](auto zero) {
      using T = decltype(zero);
      ScaleToNorms<T>(drawn.mutable_values<T>(), weights.values<T>(),
                      static_cast<size_t>(weights.dims()[0]));
    }));
    direction[variable->name()] = std::move(drawn);
  }
  if (direction.empty()) {
    return absl::InvalidArgumentError(
        "loss surface: the model has no trainable weights; those of an optimized file are "
        "constants");
  }
  return direction;
}

absl::StatusOr<Model> Moved(const Model& model, std::span<const TensorMap> directions,
                            std::span<const double> steps) {
  if (directions.size() != steps.size()) {
    return absl::InvalidArgumentError(absl::StrCat("loss surface: ", directions.size(),
                                                   " directions and ", steps.size(), " steps"));
  }
  Model moved(Clone(model.graph));
  moved.preprocessing = model.preprocessing;
  moved.class_names = model.class_names;
  moved.training = model.training;
  moved.metadata = model.metadata;
  for (size_t i = 0; i < directions.size(); ++i) {
    for (const auto& [name, direction] : directions[i]) {
      Node* variable = moved.graph.Find(name);
      if (variable == nullptr || LeafValue(*variable).is_empty() ||
          LeafValue(*variable).type() != direction.type()) {
        return absl::InvalidArgumentError(absl::StrCat("loss surface: the model has no variable ",
                                                       name, " of type ",
                                                       ToString(direction.type())));
      }
      Tensor weights = LeafValue(*variable);
      WEFT_RETURN_IF_ERROR(VisitFloat(weights.dtype(), [&](auto zero) {
        AddScaled<decltype(zero)>(direction, steps[i], weights);
      }));
      WEFT_RETURN_IF_ERROR(moved.graph.SetLeafValue(variable, std::move(weights)));
    }
  }
  return moved;
}

absl::StatusOr<LossSurface> ComputeLossSurface(const Model& model,
                                               const std::shared_ptr<const Dataset>& dataset,
                                               const LossSurfaceOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckSurfaceOptions(options));
  std::array<TensorMap, 2> directions;
  for (size_t i = 0; i < 2; ++i) {
    WEFT_ASSIGN_OR_RETURN(directions[i],
                          FilterNormalizedDirection(model, options.seed, static_cast<int64_t>(i)));
  }
  WEFT_ASSIGN_OR_RETURN(const auto subset, EvenSubset(dataset, options.examples));
  WEFT_ASSIGN_OR_RETURN(const auto examples, HeldInMemory(subset));
  const int64_t n = options.points, half = n / 2;
  LossSurface surface;
  for (int64_t i = -half; i <= half; ++i) {
    surface.steps.push_back(
        half == 0 ? 0 : options.extent * static_cast<double>(i) / static_cast<double>(half));
  }
  WEFT_ASSIGN_OR_RETURN(surface.losses, Tensor::Zeros(DType::kF64, {n, n}));
  WEFT_ASSIGN_OR_RETURN(surface.accuracies, Tensor::Zeros(DType::kF64, {n, n}));
  const std::span<double> losses = surface.losses.mutable_values<double>(),
                          accuracies = surface.accuracies.mutable_values<double>();
  bool scored = true;
  for (size_t i = 0; i < losses.size(); ++i) {
    const std::array<double, 2> steps = {surface.steps[i % static_cast<size_t>(n)],
                                         surface.steps[i / static_cast<size_t>(n)]};
    WEFT_ASSIGN_OR_RETURN(const Model moved, Moved(model, directions, steps));
    WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(moved, {.threads = options.threads}));
    WEFT_ASSIGN_OR_RETURN(const Evaluation e, session->Evaluate(examples, options.batch_size));
    losses[i] = e.loss();
    accuracies[i] = e.accuracy();
    scored = scored && e.scored;
    if (options.progress && !options.progress(static_cast<int64_t>(i) + 1, n * n)) {
      return absl::CancelledError("loss surface: interrupted");
    }
  }
  if (!scored) surface.accuracies = {};
  return surface;
}

}  // namespace weft
