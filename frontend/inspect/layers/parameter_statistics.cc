#include "frontend/inspect/layers/parameter_statistics.h"

#include <algorithm>
#include <map>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/train/train.h"
#include "graph/bind.h"

namespace weft {
namespace {

// Norms and elements of the gradients that a trainer's steps have.
class GradientSums {
 public:
  explicit GradientSums(std::vector<ParameterStatistics>& all) {
    for (ParameterStatistics& p : all) by_name_[p.parameter] = &p;
  }

  absl::Status Add(const std::string& parameter, const absl::StatusOr<Tensor>& gradient) {
    WEFT_RETURN_IF_ERROR(gradient.status());
    const auto it = by_name_.find(parameter);
    if (it == by_name_.end()) {
      return absl::InternalError(absl::StrCat("gradients: no parameter is called ", parameter));
    }
    WEFT_ASSIGN_OR_RETURN(const Tensor values, gradient->Converted(DType::kF32));
    RunningStatistics batch;
    batch.Add(values.values<float>());
    it->second->gradients.Add(values.values<float>());
    it->second->gradient_norm += batch.norm();
    all_finite_ = all_finite_ && batch.nan() == 0 && batch.infinite() == 0;
    return absl::OkStatus();
  }

  // Of all gradients since the last call.
  bool TakeAllFinite() { return std::exchange(all_finite_, true); }

 private:
  bool all_finite_ = true;
  std::map<std::string, ParameterStatistics*> by_name_;
};

// A trainer of a copy, which leaves the model's weights alone, whose gradients are summed.
absl::StatusOr<std::unique_ptr<Trainer>> WatchedTrainer(const Model& model,
                                                        const TrainOptions& options,
                                                        GradientWatch watch) {
  Model copy(Clone(model.graph));
  copy.preprocessing = model.preprocessing;
  copy.class_names = model.class_names;
  WEFT_ASSIGN_OR_RETURN(auto trainer, Trainer::Create(std::move(copy), options));
  trainer->WatchGradients(std::move(watch), 1);
  return trainer;
}

absl::StatusOr<std::vector<ParameterStatistics>> TrainableWeights(const Graph& graph) {
  std::vector<ParameterStatistics> result;
  for (const Node* variable : graph.variables()) {
    if (!IsTrainable(*variable)) continue;
    const Tensor& value = LeafValue(*variable);
    ParameterStatistics p{.parameter = variable->name(), .dims = value.dims()};
    WEFT_ASSIGN_OR_RETURN(const Tensor weights, value.Converted(DType::kF32));
    p.weights.Add(weights.values<float>());
    result.push_back(std::move(p));
  }
  return result;
}

}  // namespace

absl::StatusOr<std::vector<ParameterStatistics>> GradientStatistics(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const ParameterStatisticsOptions& options) {
  TrainOptions training{.seed = options.seed, .threads = options.threads};
  if (model.training) {
    WEFT_ASSIGN_OR_RETURN(const TrainOptions before, OptionsOf(*model.training));
    training.loss = before.loss;
  }
  WEFT_ASSIGN_OR_RETURN(auto result, TrainableWeights(model.graph));
  GradientSums sums(result);
  absl::Status added;
  const auto watch = [&](const std::string& parameter, const absl::StatusOr<Tensor>& gradient) {
    added.Update(sums.Add(parameter, gradient));
  };
  WEFT_ASSIGN_OR_RETURN(auto trainer, WatchedTrainer(model, training, watch));
  WEFT_ASSIGN_OR_RETURN(const auto examples, EvenSubset(dataset, options.examples));
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(examples, {.batch_size = options.batch_size, .shuffle = false}));
  Batch batch;
  int64_t batches = 0;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) break;
    // A rate of 0 leaves the weights as they are, but for gradients that are no finite numbers: 0
    // times those is NaN. Such weights are given up.
    if (trainer == nullptr) {
      WEFT_ASSIGN_OR_RETURN(trainer, WatchedTrainer(model, training, watch));
    }
    WEFT_RETURN_IF_ERROR(trainer->Step(batch, 0).status());
    WEFT_RETURN_IF_ERROR(added);
    if (!sums.TakeAllFinite()) trainer.reset();
    ++batches;
  }
  for (ParameterStatistics& p : result)
    p.gradient_norm /= static_cast<double>(std::max<int64_t>(batches, 1));
  return result;
}

}  // namespace weft
