#include "frontend/train/model_data.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "frontend/data/augment/augmented.h"
#include "frontend/data/fit.h"
#include "frontend/data/picture_files.h"
#include "frontend/data/random.h"
#include "frontend/data/synthetic.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

constexpr std::string_view kSynthetic = "synthetic";
constexpr char kTestStepsKey[] = "weft.test_steps";

// What comes after "synthetic" in a data specification: the number of examples, or nothing.
std::optional<std::string_view> SyntheticSize(std::string_view data) {
  if (!data.starts_with(kSynthetic)) return std::nullopt;
  data.remove_prefix(kSynthetic.size());
  if (data.empty()) return data;
  if (data[0] != ':') return std::nullopt;
  return data.substr(1);
}

// TestSteps, but for mixing.
absl::StatusOr<Pipeline> StepsForScores(const std::string& augment) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, ParsePipeline(augment));
  Pipeline steps = TestSteps(pipeline);
  std::erase_if(steps.steps, [](const PipelineStep& step) {
    return step.spec->stage() == TransformStage::kMix;
  });
  return steps;
}

// Otherwise its preprocessing is that of signals or of rows of a table.
bool TakesImages(const Model& model) {
  const std::vector<Node*> inputs = model.graph.inputs();
  return inputs.empty() ||
         std::ranges::any_of(inputs, [](const Node* input) { return input->type().rank() == 4; });
}

bool IsPictureStep(const PipelineStep& step) {
  return step.spec->stage() == TransformStage::kPicture;
}

// An image f32[C,H,W] taken through steps of its numbers.
absl::StatusOr<Tensor> ApplySignalSteps(const Pipeline& steps, Tensor image) {
  if (steps.empty()) return image;
  const Dims& dims = image.dims();
  const std::span<float> values = image.mutable_values<float>();
  Signal signal = {.rows = dims[0] * dims[1],
                   .length = dims[2],
                   .values = std::vector<float>(values.begin(), values.end())};
  RandomStream random(0, RandomPurpose::kAugment, 0);  // which none of them draws from
  TransformDraw draw = {random, dims[1], dims[2]};
  for (const PipelineStep& step : steps.steps) step.spec->signal(step.arguments, draw, signal);
  WEFT_RETURN_IF_ERROR(draw.status);
  if (signal.values.size() != values.size()) {
    return absl::InvalidArgumentError("augment: window is for signals, the input is an image");
  }
  std::ranges::copy(signal.values, values.begin());
  return image;
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
  if (!model.preprocessing) return dataset;
  if (!dataset->is_images()) return NormalizedAs(std::move(dataset), *model.preprocessing);
  if (!TakesImages(model)) return dataset;
  if (IsSynthetic(source.data) && !dataset->label_dims().empty()) return dataset;
  return FitDataset(std::move(dataset), *model.preprocessing);
}

absl::StatusOr<Pipeline> TestStepsOf(const Model& model) {
  const auto kept = model.metadata.find(kTestStepsKey);
  if (kept != model.metadata.end()) return ParsePipeline(kept->second);
  if (!model.training) return Pipeline();
  const auto augment = model.training->config.find("augment");
  if (augment == model.training->config.end()) return Pipeline();
  return StepsForScores(augment->second);
}

absl::Status SetTestSteps(const std::string& augment, Model& model) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline steps, StepsForScores(augment));
  model.metadata.erase(kTestStepsKey);
  if (!steps.empty()) model.metadata[kTestStepsKey] = ToString(steps);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> ReadImageFor(const Model& model, const std::string& path,
                                    const ImageOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return DecodeImageFor(model, bytes, path, options);
}

absl::StatusOr<Tensor> DecodeImageFor(const Model& model, std::span<const std::byte> bytes,
                                      const std::string& name, const ImageOptions& options) {
  const Preprocessing& p = *model.preprocessing;
  WEFT_ASSIGN_OR_RETURN(const Pipeline steps, TestStepsOf(model));
  if (std::ranges::none_of(steps.steps, IsPictureStep)) {
    WEFT_ASSIGN_OR_RETURN(Tensor image, DecodeImage(bytes, name, p, options));
    return ApplySignalSteps(steps, std::move(image));
  }
  DatasetInfo info = {.name = name, .class_names = {"any"}, .preprocessing = p};
  WEFT_ASSIGN_OR_RETURN(
      auto dataset,
      MakePictureFiles(std::move(info), {.pictures = {name}, .contents = {bytes}, .labels = {0}}));
  WEFT_ASSIGN_OR_RETURN(dataset, AugmentedDataset(std::move(dataset), steps, p));
  WEFT_ASSIGN_OR_RETURN(Tensor image,
                        Tensor::Zeros(DType::kF32, {1, p.channels, p.height, p.width}));
  int64_t label = 0;
  const std::span<float> values = image.mutable_values<float>();
  WEFT_RETURN_IF_ERROR(dataset->Read(0, values, &label));
  Normalize(dataset->preprocessing(), values);
  return image;
}

std::string ViewsAfter(Pipeline steps, const std::string& views) {
  const bool resize = views.find("resize") != std::string::npos;
  const bool crop = views.find("crop") != std::string::npos;
  std::erase_if(steps.steps, [&](const PipelineStep& step) {
    const std::string_view name = step.spec->name;
    return (resize && (name == "resize" || name == "pad")) ||
           ((resize || crop) && name == "center_crop");
  });
  Pipeline numbers;
  for (const PipelineStep& step : steps.steps) {
    if (!IsPictureStep(step)) numbers.steps.push_back(step);
  }
  std::erase_if(steps.steps, [](const PipelineStep& step) { return !IsPictureStep(step); });
  std::vector<std::string> parts = {ToString(steps), views, ToString(numbers)};
  std::erase_if(parts, [](const std::string& part) { return part.empty(); });
  return absl::StrJoin(parts, ", ");
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
