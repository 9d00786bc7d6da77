#include "frontend/cli/train_features.h"

#include <algorithm>
#include <string>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/data/augment/pipeline.h"
#include "frontend/train/finetune_features.h"
#include "graph/number_text.h"

namespace weft {
namespace {

// Bytes; 0: no features are to be kept.
absl::StatusOr<size_t> FeatureCacheBytes(const std::string& text) {
  if (text == "0") return 0;
  const auto budget = ParseMemoryBudget(text);
  if (budget.ok() && budget->share == 0) return budget->bytes;
  return absl::InvalidArgumentError(
      absl::StrCat("--feature-cache: expected bytes, as 700MiB or 2GB, or 0, got \"", text, "\""));
}

// What of the options lets features differ from epoch to epoch, or be looked into; "" for nothing.
absl::StatusOr<std::string> ReasonInOptions(const TrainCommandOptions& o) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, ParsePipeline(o.data.augment));
  if (IsRandom(pipeline)) return std::string("--augment changes the examples at random");
  if (o.train.finetune.unfreeze_at != 0) {
    return absl::StrCat("--unfreeze-at ", o.train.finetune.unfreeze_at, " trains them too");
  }
  if (o.train.numerics.on()) return std::string("--check-numerics looks at every node");
  return std::string();
}

// The bytes of the features of so many examples. Errors: others than f32[N,...] of known dims.
absl::StatusOr<double> FeatureBytes(const FrozenSplit& split, int64_t examples) {
  const TensorType& type = split.beginning.graph.outputs()[0].value.type();
  double bytes = static_cast<double>(examples) * sizeof(float);
  bool known = type.dtype == DType::kF32 && type.rank() > 0;
  for (int axis = 1; axis < type.rank() && known; ++axis) {
    known = type.dim(axis).is_static();
    if (known) bytes *= static_cast<double>(type.dim(axis).coefficient());
  }
  if (known) return bytes;
  return absl::InvalidArgumentError(
      absl::StrCat(split.at, " gives ", ToString(type), ", not f32[N,...] of known sizes"));
}

// Why the features of this model are not to be kept; "" where they are.
std::string ReasonInModel(const absl::StatusOr<FrozenSplit>& split, int64_t examples, size_t most,
                          const std::string& most_text) {
  if (!split.ok()) return std::string(split.status().message());
  const absl::StatusOr<double> bytes = FeatureBytes(*split, examples);
  if (!bytes.ok()) return std::string(bytes.status().message());
  if (*bytes <= static_cast<double>(most)) return {};
  return absl::StrCat("those of ", examples, " examples at ", split->at, " are ", BytesText(*bytes),
                      ", --feature-cache is ", most_text);
}

}  // namespace

absl::Status KeepFrozenFeatures(const Model& model, TrainSetup& setup) {
  TrainCommandOptions& o = setup.options;
  WEFT_ASSIGN_OR_RETURN(const size_t most, FeatureCacheBytes(o.data.feature_cache));
  if (o.train.finetune.freeze.empty() || most == 0) return absl::OkStatus();
  const int64_t examples = setup.train->size() + setup.test->size();
  WEFT_ASSIGN_OR_RETURN(std::string reason, ReasonInOptions(o));
  const auto split = SplitFrozen(model, o.train.finetune);
  if (reason.empty()) reason = ReasonInModel(split, examples, most, o.data.feature_cache);
  if (!reason.empty()) {
    Print("frozen features are computed in every epoch: %s\n", reason.c_str());
    return absl::OkStatus();
  }
  FeatureOptions options{.threads = o.train.threads, .workers = static_cast<int>(o.fit.workers)};
  size_t bytes = 0;
  for (auto* dataset : {&setup.train, &setup.test}) {
    // In batches of the sizes that they are trained and judged in.
    options.batch_size = dataset == &setup.train ? o.fit.batch_size : kEvaluationBatch;
    WEFT_ASSIGN_OR_RETURN(Features features, ComputeFrozenFeatures(*split, *dataset, options));
    bytes += features.values.bytes();
    *dataset = FeatureDataset(std::move(features), **dataset);
  }
  o.train.from_features = true;
  Print("features of %s examples at %s computed once: %s\n", WithCommas(examples).c_str(),
        split->at.c_str(), BytesText(static_cast<double>(bytes)).c_str());
  return absl::OkStatus();
}

}  // namespace weft
