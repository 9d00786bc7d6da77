#include "frontend/data/augment/augmented.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "frontend/data/augment/mix.h"
#include "frontend/data/augment/mix_partners.h"
#include "frontend/data/fit.h"
#include "frontend/io/image.h"
#include "frontend/io/resample.h"

namespace weft {
namespace {

// The steps of a pipeline by stage.
struct StagedSteps {
  std::vector<PipelineStep> picture, signal, mix;
};

StagedSteps ByStage(const Pipeline& pipeline) {
  StagedSteps steps;
  for (const PipelineStep& step : pipeline.steps) {
    switch (step.spec->stage()) {
      case TransformStage::kPicture:
        steps.picture.push_back(step);
        break;
      case TransformStage::kSignal:
        steps.signal.push_back(step);
        break;
      case TransformStage::kMix:
        steps.mix.push_back(step);
        break;
    }
  }
  return steps;
}

// One seed for an epoch's draws.
uint64_t EpochSeed(const ExampleDraw& draw) {
  return MixBits(MixBits(draw.seed) + static_cast<uint64_t>(draw.epoch));
}

// A class for each pixel of an image.
bool HasMasks(const Dataset& dataset) {
  if (dataset.targets() || dataset.label_dims().size() != 2) return false;
  const Preprocessing& p = dataset.preprocessing();
  return dataset.has_pictures() || dataset.label_dims() == Dims{p.height, p.width};
}

// Whether a data set's picture is one, and its mask of its size.
absl::Status CheckPictureExample(const PictureExample& example) {
  const auto check = [](const Picture& p, int64_t height, int64_t width) {
    if (p.height == height && p.width == width && height > 0 && width > 0 &&
        (p.channels == 1 || p.channels == 3) &&
        p.pixels.size() == static_cast<size_t>(height * width * p.channels)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("expected bytes [", height, ",", width,
                                                   ",1 or 3], got ", p.pixels.size(), " for [",
                                                   p.height, ",", p.width, ",", p.channels, "]"));
  };
  const int64_t height = example.picture.height, width = example.picture.width;
  WEFT_RETURN_IF_ERROR(Annotate(check(example.picture, height, width), "picture"));
  if (!example.mask) return absl::OkStatus();
  return Annotate(check(*example.mask, height, width), "mask");
}

class AugmentedExamples final : public Dataset {
 public:
  AugmentedExamples(DatasetInfo info, std::shared_ptr<const Dataset> source, StagedSteps steps)
      : Dataset(std::move(info)),
        source_(std::move(source)),
        steps_(std::move(steps)),
        pictures_(source_->has_pictures() || !steps_.picture.empty()) {
    const auto mixes = [](const PipelineStep& step) { return step.arguments.number("p") > 0; };
    if (std::ranges::any_of(steps_.mix, mixes)) partners_ = std::make_unique<MixPartners>(size());
  }

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }

  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    if (steps_.mix.empty()) return ReadAlone(index, draw, image, labels);
    return ReadMixed(index, draw, image, labels.targets);
  }

  // Without steps the pictures are still the source's.
  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    return source_->ReadSource(index);
  }

  TransformDraw DrawFor(RandomStream& random) const {
    if (is_images()) return {random, preprocessing().height, preprocessing().width};
    return {random, 1, example_dims().back()};
  }

  // The example itself, its labels as the source has them.
  absl::Status ReadAlone(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const {
    RandomStream random(EpochSeed(draw), RandomPurpose::kAugment, static_cast<uint64_t>(index));
    TransformDraw own = DrawFor(random);
    if (steps_.signal.empty()) return ReadNumbers(index, draw, own, image, labels);
    const Dims dims = pictures_ ? example_dims() : source_->example_dims();
    Signal signal = {.rows = 1, .length = dims.back(), .values = {}};
    for (size_t i = 0; i + 1 < dims.size(); ++i) signal.rows *= dims[i];
    signal.values.resize(static_cast<size_t>(signal.rows * signal.length));
    WEFT_RETURN_IF_ERROR(ReadNumbers(index, draw, own, signal.values, labels));
    for (const PipelineStep& step : steps_.signal) step.spec->signal(step.arguments, own, signal);
    std::copy(signal.values.begin(), signal.values.end(), image.begin());
    return own.status;
  }

  // Up to where the numbers begin.
  absl::Status ReadNumbers(int64_t index, const ExampleDraw& draw, TransformDraw& own,
                           std::span<float> image, LabelBuffer labels) const {
    if (!pictures_) return source_->Read(index, image, labels, draw);
    WEFT_ASSIGN_OR_RETURN(PictureExample example, LoadPicture(index, draw, labels));
    for (const PipelineStep& step : steps_.picture) {
      step.spec->picture(step.arguments, own, example);
      WEFT_RETURN_IF_ERROR(own.status);
    }
    const auto size = static_cast<size_t>(image_size());
    if (example.rest.size() != image.size() - size) {
      return absl::InternalError(absl::StrCat("the data set gave ", example.rest.size(),
                                              " numbers beside a picture, expected ",
                                              image.size() - size));
    }
    PictureToPlanes(example.picture, preprocessing(), image.first(size));
    std::ranges::copy(example.rest, image.subspan(size).begin());
    if (!HasMasks(*source_)) return absl::OkStatus();
    const Picture mask = Resample(*example.mask, preprocessing().height, preprocessing().width,
                                  ResampleFilter::kNearest);
    std::copy(mask.pixels.begin(), mask.pixels.end(), labels.classes.begin());
    return absl::OkStatus();
  }

  // The picture and what labels it has but a mask.
  absl::StatusOr<PictureExample> LoadPicture(int64_t index, const ExampleDraw& draw,
                                             LabelBuffer labels) const {
    if (!source_->has_pictures()) return PictureOfValues(index, draw, labels);
    WEFT_ASSIGN_OR_RETURN(PictureExample example, source_->ReadSource(index));
    WEFT_RETURN_IF_ERROR(CheckPictureExample(example));
    if (HasMasks(*source_)) {
      if (example.mask) return example;
      return absl::InternalError("the data set gave no mask");
    }
    example.mask.reset();
    if (source_->targets() && example.targets.size() == labels.targets.size()) {
      std::ranges::copy(example.targets, labels.targets.begin());
    } else if (source_->targets() || !source_->label_dims().empty()) {
      std::vector<float> image(static_cast<size_t>(source_->example_size()));
      WEFT_RETURN_IF_ERROR(source_->Read(index, image, labels, draw));
    } else {
      labels.classes[0] = example.label;
    }
    return example;
  }

  absl::StatusOr<PictureExample> PictureOfValues(int64_t index, const ExampleDraw& draw,
                                                 LabelBuffer labels) const {
    const Preprocessing& p = source_->preprocessing();
    std::vector<float> values(static_cast<size_t>(source_->example_size()));
    std::vector<int64_t> classes;
    if (HasMasks(*source_)) {
      classes.resize(static_cast<size_t>(source_->label_size()));
      labels = {.classes = classes};
    }
    WEFT_RETURN_IF_ERROR(source_->Read(index, values, labels, draw));
    const auto image = std::span(values).first(static_cast<size_t>(source_->image_size()));
    constexpr float kRounding = 0.5f / 255;
    for (const float x : image) {
      if (x >= -kRounding && x <= 1 + kRounding) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "augment: ", Absl(steps_.picture[0].spec->name), " wants values in [0,1], got ", x));
    }
    PictureExample example = {.picture = PlanesToPicture(image, p)};
    example.rest.assign(values.begin() + source_->image_size(), values.end());
    if (classes.empty()) return example;
    Picture& mask = example.mask.emplace(
        Picture{.height = p.height, .width = p.width, .channels = 1, .pixels = {}});
    for (const int64_t label : classes) {
      if (label < 0 || label > 255) {
        return absl::InvalidArgumentError(
            absl::StrCat("expected classes of pixels in [0,255], got ", label));
      }
      mask.pixels.push_back(static_cast<uint8_t>(label));
    }
    return example;
  }

  // The example alone, its labels as shares of the classes.
  absl::Status ReadShares(int64_t index, const ExampleDraw& draw, std::span<float> image,
                          std::span<float> shares) const {
    if (source_->targets()) return ReadAlone(index, draw, image, {.targets = shares});
    int64_t label = 0;
    WEFT_RETURN_IF_ERROR(ReadAlone(index, draw, image, {.classes = std::span<int64_t>(&label, 1)}));
    if (label < 0 || label >= static_cast<int64_t>(shares.size())) {
      return absl::InvalidArgumentError(absl::StrCat("expected a label in [0,", shares.size(),
                                                     "), example ", index, " has ", label));
    }
    std::ranges::fill(shares, 0.0f);
    shares[static_cast<size_t>(label)] = 1;
    return absl::OkStatus();
  }

  // The same, by the thread that comes first to it.
  absl::Status ReadForMixing(int64_t index, const ExampleDraw& draw, std::span<float> image,
                             std::span<float> shares) const {
    return partners_->ReadAlone(index, draw, image, shares,
                                [&](std::span<float> own_image, std::span<float> own_shares) {
                                  return ReadShares(index, draw, own_image, own_shares);
                                });
  }

  absl::Status ReadMixed(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         std::span<float> shares) const {
    if (partners_ == nullptr) return ReadShares(index, draw, image, shares);
    WEFT_RETURN_IF_ERROR(ReadForMixing(index, draw, image, shares));
    RandomStream random(EpochSeed(draw), RandomPurpose::kMix, static_cast<uint64_t>(index));
    TransformDraw own = DrawFor(random);
    const PipelineStep& step =
        steps_.mix[static_cast<size_t>(own.Below(static_cast<int64_t>(steps_.mix.size())))];
    if (!own.Chance(step.arguments.number("p"))) return absl::OkStatus();
    std::vector<float> other(image.size()), other_shares(shares.size());
    WEFT_RETURN_IF_ERROR(
        ReadForMixing(partners_->PartnerOf(index, draw), draw, other, other_shares));
    const auto share = static_cast<float>(MixExamples(step, own, other, image));
    for (size_t i = 0; i < shares.size(); ++i) {
      shares[i] = share * shares[i] + (1 - share) * other_shares[i];
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<const Dataset> source_;
  const StagedSteps steps_;
  const bool pictures_;                    // whether examples are pictures on the way
  std::unique_ptr<MixPartners> partners_;  // null where no example is mixed
};

absl::Status CheckSteps(const Dataset& source, const StagedSteps& steps) {
  const auto refuse = [&](const PipelineStep& step, std::string_view wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        "augment: ", Absl(step.spec->name), " wants ", Absl(wanted), "; those of ", source.name(),
        " are ", ToString(source.example_dims()), " with labels ", ToString(source.label_dims())));
  };
  for (const std::vector<PipelineStep>* numbers : {&steps.signal, &steps.mix}) {
    if (numbers->empty()) continue;
    if (source.tokens()) return refuse(numbers->front(), "examples that are numbers, not tokens");
    if (!source.parts().empty()) return refuse(numbers->front(), "examples for one input");
  }
  if (!source.is_images() && !steps.picture.empty()) {
    return refuse(steps.picture[0], "examples that are images");
  }
  const bool per_pixel = !source.targets() && !source.label_dims().empty();
  if (per_pixel && !steps.picture.empty() && !HasMasks(source)) {
    return refuse(steps.picture[0], "one label an example, or one a pixel");
  }
  for (const PipelineStep& step : steps.signal) {  // labels of places stay where they are
    const bool moves = step.spec->name == "shift" || step.spec->name == "window";
    if (per_pixel && moves) return refuse(step, "one label an example");
  }
  if (per_pixel && !steps.mix.empty()) return refuse(steps.mix[0], "one label an example");
  if (!steps.mix.empty() && !source.targets() && source.class_names().empty()) {
    return refuse(steps.mix[0], "a data set that names its classes");
  }
  return absl::OkStatus();
}

// What the windows leave of the last axis.
absl::StatusOr<int64_t> WindowedLength(const Dataset& source, const StagedSteps& steps) {
  int64_t length = source.example_dims().back();
  for (const PipelineStep& step : steps.signal) {
    if (step.spec->name != "window") continue;
    const int64_t size = step.arguments.whole("size");
    if (source.is_images() || size > length) {
      return absl::InvalidArgumentError(
          absl::StrCat("augment: window(", size, ") wants signals of that length; those of ",
                       source.name(), " are ", ToString(source.example_dims())));
    }
    length = size;
  }
  return length;
}

bool NormalizesItself(const StagedSteps& steps) {
  return std::ranges::any_of(steps.signal, [](const PipelineStep& step) {
    return step.spec->name == "standardize" || step.spec->name == "min_max";
  });
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> AugmentedDataset(
    std::shared_ptr<const Dataset> source, const Pipeline& pipeline, const Preprocessing& target) {
  if (pipeline.empty() && source->is_images() && source->preprocessing() == target) return source;
  StagedSteps steps = ByStage(pipeline);
  WEFT_RETURN_IF_ERROR(CheckSteps(*source, steps));
  const bool pictures = source->is_images() && (source->has_pictures() || !steps.picture.empty());
  if (source->is_images() && !pictures) {
    WEFT_ASSIGN_OR_RETURN(source, FitDataset(std::move(source), target));
  }
  if (pipeline.empty() && !pictures) return source;
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(target), source->name()));
  DatasetInfo info = {.name = source->name(),
                      .size = source->size(),
                      .class_names = source->class_names(),
                      .preprocessing = pictures ? target : source->preprocessing(),
                      .dims = source->is_images() ? Dims{} : source->example_dims(),
                      .tokens = source->tokens(),
                      .parts = source->parts(),
                      .label_dims = source->label_dims(),
                      .targets = source->targets(),
                      .pictures = pipeline.empty() && source->has_pictures()};
  if (pictures && HasMasks(*source)) info.label_dims = {target.height, target.width};
  WEFT_ASSIGN_OR_RETURN(const int64_t length, WindowedLength(*source, steps));
  if (!info.dims.empty() && info.dims.back() != length) {
    info.dims.back() = length;
    int64_t elements = 1;
    for (const int64_t n : info.dims) elements *= n;
    info.preprocessing.height = 1;
    info.preprocessing.width = elements / info.preprocessing.channels;
  }
  if (NormalizesItself(steps)) {
    std::ranges::fill(info.preprocessing.mean, 0.0f);
    std::ranges::fill(info.preprocessing.std, 1.0f);
  }
  if (!steps.mix.empty() && !info.targets) {
    info.targets = true;
    info.label_dims = {static_cast<int64_t>(info.class_names.size())};
  }
  return std::make_shared<AugmentedExamples>(std::move(info), std::move(source), std::move(steps));
}

}  // namespace weft
