#include "frontend/cli/data.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "frontend/data/augment/augmented.h"
#include "frontend/data/fit.h"
#include "frontend/data/random.h"
#include "frontend/data/synthetic.h"

namespace weft {
namespace {

constexpr std::string_view kSynthetic = "synthetic";

// What comes after "synthetic" in a data specification: the number of examples, or nothing.
std::optional<std::string_view> SyntheticSize(std::string_view data) {
  if (!data.starts_with(kSynthetic)) return std::nullopt;
  data.remove_prefix(kSynthetic.size());
  if (data.empty()) return data;
  if (data[0] != ':') return std::nullopt;
  return data.substr(1);
}

}  // namespace

bool IsSynthetic(const std::string& data) { return SyntheticSize(data).has_value(); }

absl::StatusOr<DataSource> DataSourceFor(const Model& model, const Config& given) {
  DataSource source;
  if (model.training) WEFT_RETURN_IF_ERROR(ReadOptions(model.training->config, source));
  WEFT_RETURN_IF_ERROR(ReadOptions(given, source));
  return source;
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenSource(const Model& model,
                                                          const DataSource& source, Split split) {
  const auto size = SyntheticSize(source.data);
  if (!size) return OpenDataset(source.data, split, source.options);
  WEFT_ASSIGN_OR_RETURN(SyntheticOptions options, SyntheticFor(model));
  if (!size->empty() && !absl::SimpleAtoi(std::string(*size), &options.size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("data synthetic:N: expected a number, got \"", Absl(*size), "\""));
  }
  if (split == Split::kTest) options.size = (options.size + 4) / 5;
  return MakeSynthetic(split, options);
}

absl::StatusOr<std::shared_ptr<const Dataset>> FitToModel(std::shared_ptr<const Dataset> dataset,
                                                          const Model& model,
                                                          const DataSource& source) {
  if (!model.preprocessing || !dataset->is_images()) return dataset;
  if (IsSynthetic(source.data) && !dataset->label_dims().empty()) return dataset;
  return FitDataset(std::move(dataset), *model.preprocessing);
}

absl::StatusOr<Pipeline> TestStepsOf(const Model& model) {
  if (!model.training) return Pipeline();
  const auto augment = model.training->config.find("augment");
  if (augment == model.training->config.end()) return Pipeline();
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, ParsePipeline(augment->second));
  Pipeline steps = TestSteps(pipeline);
  std::erase_if(steps.steps, [](const PipelineStep& step) {
    return step.spec->stage() == TransformStage::kMix;
  });
  return steps;
}

absl::StatusOr<Tensor> ApplyTestSteps(const Model& model, Tensor image) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline steps, TestStepsOf(model));
  if (steps.empty()) return image;
  const Dims& dims = image.dims();
  const std::span<float> values = image.mutable_values<float>();
  Signal signal = {.rows = dims[1] * dims[2],
                   .length = dims[3],
                   .values = std::vector<float>(values.begin(), values.end())};
  RandomStream random(0, RandomPurpose::kAugment, 0);  // which none of them draws from
  TransformDraw draw = {random, dims[2], dims[3]};
  for (const PipelineStep& step : steps.steps) step.spec->signal(step.arguments, draw, signal);
  WEFT_RETURN_IF_ERROR(draw.status);
  if (signal.values.size() != values.size()) {
    return absl::InvalidArgumentError("augment: window is for signals, the input is an image");
  }
  std::ranges::copy(signal.values, values.begin());
  return image;
}

absl::StatusOr<std::shared_ptr<const Dataset>> FitForScores(std::shared_ptr<const Dataset> dataset,
                                                            const Model& model,
                                                            const DataSource& source) {
  WEFT_ASSIGN_OR_RETURN(dataset, FitToModel(std::move(dataset), model, source));
  WEFT_ASSIGN_OR_RETURN(const Pipeline steps, TestStepsOf(model));
  if (steps.empty()) return dataset;
  const Preprocessing target = dataset->preprocessing();
  return AugmentedDataset(std::move(dataset), steps, target);
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataFor(const Model& model,
                                                           const DataSource& source, Split split) {
  WEFT_ASSIGN_OR_RETURN(auto dataset, OpenSource(model, source, split));
  return FitForScores(std::move(dataset), model, source);
}

}  // namespace weft
