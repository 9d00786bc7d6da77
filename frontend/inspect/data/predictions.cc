#include "frontend/inspect/data/predictions.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "frontend/data/loader.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/probe.h"

namespace weft {
namespace {

absl::Status CheckOneClassEach(const Dataset& dataset) {
  if (dataset.parts().empty() && !dataset.targets() && dataset.label_dims().empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(dataset.name(), ": expected examples for one input with one class each"));
}

absl::Status CheckPredicted(const Dataset& dataset, const Tensor& scores, const Batch& batch) {
  if (scores.rank() != 2 || !kFloatTypes.contains(scores.dtype()) || scores.dims()[1] < 1 ||
      scores.dims()[0] != batch.size()) {
    return absl::InvalidArgumentError(absl::StrCat("inspect: expected scores [", batch.size(),
                                                   ",C] of a classifier, the model gives ",
                                                   ToString(scores.type())));
  }
  for (int64_t i = 0; i < scores.size(); ++i) {
    if (std::isfinite(scores.At(i))) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        dataset.name(), ": expected finite scores, example ",
        batch.indices[static_cast<size_t>(i / scores.dims()[1])], " has ", scores.At(i)));
  }
  for (int64_t i = 0; i < batch.size(); ++i) {
    const auto label = static_cast<int64_t>(batch.labels.At(i));
    if (label >= 0 && label < scores.dims()[1]) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(), ": expected classes in [0,", scores.dims()[1], "), example ",
                     batch.indices[static_cast<size_t>(i)], " has ", label));
  }
  return absl::OkStatus();
}

void AddPredictions(const Tensor& scores, const Tensor& labels, Predictions& p) {
  const std::span<const float> values = scores.values<float>();
  const auto classes = static_cast<size_t>(scores.dims()[1]);
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto row = values.subspan(static_cast<size_t>(i) * classes, classes);
    const auto top = std::ranges::max_element(row);
    double sum = 0;
    for (const float v : row) sum += std::exp(static_cast<double>(v) - *top);
    p.labels.push_back(static_cast<int64_t>(labels.At(i)));
    p.predicted.push_back(top - row.begin());
    p.probability.push_back(1 / sum);
  }
}

}  // namespace

double Predictions::accuracy() const {
  int64_t correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) correct += labels[i] == predicted[i];
  return labels.empty() ? 0 : static_cast<double>(correct) / static_cast<double>(labels.size());
}

absl::StatusOr<Predictions> PredictAll(const Model& model,
                                       const std::shared_ptr<const Dataset>& dataset,
                                       const PredictOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckOneClassEach(*dataset));
  WEFT_ASSIGN_OR_RETURN(const auto probe,
                        Probe::Create(model, {.towards = {}, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(dataset, {.batch_size = options.batch_size, .shuffle = false}));
  Predictions p;
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) return p;
    WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> values, probe->Values(batch.images));
    WEFT_RETURN_IF_ERROR(CheckPredicted(*dataset, values[0], batch));
    WEFT_ASSIGN_OR_RETURN(const Tensor scores, values[0].Converted(DType::kF32));
    if (p.scores.is_empty()) {
      WEFT_ASSIGN_OR_RETURN(p.scores,
                            Tensor::Zeros(DType::kF32, {dataset->size(), scores.dims()[1]}));
    }
    std::ranges::copy(scores.values<float>(),
                      p.scores.mutable_values<float>().begin() + batch.first * scores.dims()[1]);
    AddPredictions(scores, batch.labels, p);
  }
}

Confusion ConfusionOf(const Predictions& predictions) {
  Confusion confusion;
  for (size_t i = 0; i < predictions.labels.size(); ++i) {
    confusion.Add(predictions.labels[i], predictions.predicted[i]);
  }
  return confusion;
}

std::vector<Mistake> ConfidentMistakes(const Predictions& p, int64_t count) {
  std::vector<Mistake> mistakes;
  const auto classes = static_cast<size_t>(p.scores.is_empty() ? 0 : p.scores.dims()[1]);
  for (size_t i = 0; i < p.labels.size(); ++i) {
    if (p.labels[i] == p.predicted[i]) continue;
    const std::span<const float> row = p.scores.values<float>().subspan(i * classes, classes);
    const double below = static_cast<double>(row[static_cast<size_t>(p.labels[i])]) -
                         row[static_cast<size_t>(p.predicted[i])];
    mistakes.push_back({static_cast<int64_t>(i), p.labels[i], p.predicted[i], p.probability[i],
                        p.probability[i] * std::exp(below)});
  }
  std::ranges::stable_sort(mistakes, std::ranges::greater(), &Mistake::probability);
  const auto most = static_cast<size_t>(std::max<int64_t>(count, 0));
  if (mistakes.size() > most) mistakes.resize(most);
  return mistakes;
}

absl::StatusOr<Picture> MistakeSheet(const Model& model, const Dataset& dataset,
                                     std::span<const Mistake> mistakes,
                                     const SheetOptions& options) {
  if (mistakes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(), ": there is no mistake to show, every class is right"));
  }
  std::vector<SheetTile> tiles;
  for (const Mistake& m : mistakes) {
    WEFT_ASSIGN_OR_RETURN(Example example, ExampleOf(dataset, m.index));
    if (!example.picture) {
      return absl::InvalidArgumentError(
          absl::StrCat(dataset.name(), ": expected pictures for a sheet"));
    }
    tiles.push_back({*std::move(example.picture),
                     {absl::StrCat("is ", ClassName(model, m.label)),
                      ShareText(ClassName(model, m.predicted), m.probability)}});
  }
  return PictureSheet(tiles, options);
}

}  // namespace weft
