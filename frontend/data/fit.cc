#include "frontend/data/fit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "frontend/data/augment/augmented.h"
#include "frontend/io/image.h"

namespace weft {
namespace {

class FittedDataset final : public Dataset {
 public:
  FittedDataset(DatasetInfo info, std::shared_ptr<const Dataset> source)
      : Dataset(std::move(info)), source_(std::move(source)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    std::vector<float> original(static_cast<size_t>(source_->example_size()));
    WEFT_RETURN_IF_ERROR(source_->Read(index, original, labels, draw));
    const std::span<const float> values = original;
    const auto size = static_cast<size_t>(source_->image_size());
    const std::vector<float> planes =
        ConvertImage(values.first(size), source_->preprocessing(), preprocessing());
    const auto rest = std::ranges::copy(planes, image.begin()).out;
    std::ranges::copy(values.subspan(size), rest);
    return absl::OkStatus();
  }

  const std::shared_ptr<const Dataset> source_;
};

// The same examples.
class RenormalizedDataset final : public Dataset {
 public:
  RenormalizedDataset(DatasetInfo info, std::shared_ptr<const Dataset> source)
      : Dataset(std::move(info)), source_(std::move(source)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return source_->Read(index, image, labels);
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    return source_->Read(index, image, labels, draw);
  }
  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    return source_->ReadLabels(index, labels);
  }

  const std::shared_ptr<const Dataset> source_;
};

}  // namespace

std::shared_ptr<const Dataset> NormalizedAs(std::shared_ptr<const Dataset> dataset,
                                            const Preprocessing& p) {
  const Preprocessing& own = dataset->preprocessing();
  const bool applies =
      !dataset->is_images() && dataset->is_normalised() && p.channels == own.channels;
  if (!applies || (p.mean == own.mean && p.std == own.std)) return dataset;
  DatasetInfo info = dataset->info();
  info.preprocessing.mean = p.mean;
  info.preprocessing.std = p.std;
  return std::make_shared<RenormalizedDataset>(std::move(info), std::move(dataset));
}

absl::StatusOr<std::shared_ptr<const Dataset>> FitDataset(std::shared_ptr<const Dataset> dataset,
                                                          const Preprocessing& p) {
  if (dataset->preprocessing() == p) return dataset;
  // At their own sizes they lose nothing on the way.
  if (dataset->has_pictures()) return AugmentedDataset(std::move(dataset), {}, p);
  if (!dataset->is_images() || (!dataset->label_dims().empty() && !dataset->targets())) {
    return absl::InvalidArgumentError(absl::StrCat(
        dataset->name(), ": expected images with one label, to make them ", p.channels, "x",
        p.height, "x", p.width, "; its examples are ", ToString(dataset->example_dims())));
  }
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(p), dataset->name()));
  DatasetInfo info{.name = dataset->name(),
                   .size = dataset->size(),
                   .class_names = dataset->class_names(),
                   .preprocessing = p,
                   .parts = dataset->parts(),
                   .label_dims = dataset->label_dims(),
                   .targets = dataset->targets()};
  return std::make_shared<FittedDataset>(std::move(info), std::move(dataset));
}

}  // namespace weft
