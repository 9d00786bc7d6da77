#include "frontend/session/tta.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "frontend/data/augment/augmented.h"
#include "frontend/data/augment/pipeline.h"
#include "frontend/data/loader.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<std::unique_ptr<Loader>>> LoadersOfViews(
    const std::shared_ptr<const Dataset>& source, const Preprocessing& preprocessing,
    std::string_view views, int64_t batch_size) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<Pipeline> pipelines, TtaPipelines(views));
  std::vector<std::unique_ptr<Loader>> loaders;
  for (const Pipeline& pipeline : pipelines) {
    WEFT_ASSIGN_OR_RETURN(const auto dataset, AugmentedDataset(source, pipeline, preprocessing));
    WEFT_ASSIGN_OR_RETURN(
        auto loader,
        Loader::Create(dataset, {.batch_size = batch_size, .shuffle = false, .prefetch = 1}));
    loaders.push_back(std::move(loader));
  }
  return loaders;
}

}  // namespace

absl::Status AddProbabilities(const Tensor& scores, bool normalized, Tensor* sum) {
  if (scores.is_empty() || !kFloatTypes.contains(scores.dtype()) || scores.rank() != 2 ||
      scores.dims()[1] < 1 || (!sum->is_empty() && sum->dims() != scores.dims())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected scores ", sum->is_empty() ? std::string("[N,classes]") : ToString(sum->dims()),
        ", got ", scores.is_empty() ? std::string("nothing") : ToString(scores.type())));
  }
  if (sum->is_empty()) {
    WEFT_ASSIGN_OR_RETURN(*sum, Tensor::Zeros(DType::kF64, scores.dims()));
  }
  const auto classes = static_cast<size_t>(scores.dims()[1]);
  const std::span<double> sums = sum->mutable_values<double>();
  std::vector<double> row(classes);
  for (size_t begin = 0; begin < sums.size(); begin += classes) {
    for (size_t c = 0; c < classes; ++c) row[c] = scores.At(static_cast<int64_t>(begin + c));
    const double top = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (double& x : row) total += x = normalized ? x : std::exp(x - top);
    for (size_t c = 0; c < classes; ++c) sums[begin + c] += normalized ? row[c] : row[c] / total;
  }
  return absl::OkStatus();
}

absl::StatusOr<Evaluation> EvaluateWithTta(const std::shared_ptr<const Dataset>& source,
                                           const Preprocessing& preprocessing,
                                           std::string_view views, int64_t batch_size,
                                           const ScoreFunction& scores, bool normalized,
                                           int64_t ignored) {
  WEFT_ASSIGN_OR_RETURN(const auto loaders,
                        LoadersOfViews(source, preprocessing, views, batch_size));
  Evaluation result;
  std::vector<Batch> batches(loaders.size());
  for (;;) {
    Tensor sum;
    for (size_t view = 0; view < loaders.size(); ++view) {
      WEFT_ASSIGN_OR_RETURN(const bool more, loaders[view]->Next(&batches[view]));
      if (!more) return result;
      WEFT_ASSIGN_OR_RETURN(const Tensor output, scores(batches[view]));
      WEFT_RETURN_IF_ERROR(AddProbabilities(output, normalized, &sum));
    }
    const Tensor& labels = batches[0].labels;
    if (!labels.is_empty() && !kIndexTypes.contains(labels.dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected examples of one class each, whose probabilities have a mean; got targets ",
          ToString(labels.type())));
    }
    for (double& x : sum.mutable_values<double>()) x /= static_cast<double>(loaders.size());
    WEFT_ASSIGN_OR_RETURN(const Tensor mean, ScoresOfProbabilities(sum));
    WEFT_RETURN_IF_ERROR(AddOutputs(mean, labels, {}, &result, ignored));
  }
}

}  // namespace weft
