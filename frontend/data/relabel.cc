#include "frontend/data/relabel.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"

namespace weft {
namespace {

class RelabelledDataset final : public Dataset {
 public:
  RelabelledDataset(DatasetInfo info, std::shared_ptr<const Dataset> source,
                    std::vector<int64_t> labels)
      : Dataset(std::move(info)), source_(std::move(source)), labels_(std::move(labels)) {}

 private:
  absl::StatusOr<int64_t> LabelOf(int64_t label) const {
    if (label >= 0 && label < std::ssize(labels_)) return labels_[static_cast<size_t>(label)];
    return absl::OutOfRangeError(
        absl::StrCat(name(), ": expected a label in [0,", labels_.size(), "), got ", label));
  }

  absl::Status Relabel(LabelBuffer labels) const {
    for (int64_t& label : labels.classes) {
      WEFT_ASSIGN_OR_RETURN(label, LabelOf(label));
    }
    return absl::OkStatus();
  }

  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         LabelBuffer labels) const override {
    WEFT_RETURN_IF_ERROR(source_->Read(index, image, labels, draw));
    return Relabel(labels);
  }
  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    WEFT_RETURN_IF_ERROR(source_->ReadLabels(index, labels));
    return Relabel(labels);
  }
  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    WEFT_ASSIGN_OR_RETURN(PictureExample example, source_->ReadSource(index));
    if (!example.mask) {
      WEFT_ASSIGN_OR_RETURN(example.label, LabelOf(example.label));
      return example;
    }
    for (uint8_t& pixel : example.mask->pixels) {
      WEFT_ASSIGN_OR_RETURN(const int64_t label, LabelOf(pixel));
      pixel = static_cast<uint8_t>(label);  // of at most 256, see below
    }
    return example;
  }

  const std::shared_ptr<const Dataset> source_;
  const std::vector<int64_t> labels_;  // the model's, by the source's
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> WithClassesOf(
    const std::vector<std::string>& class_names, std::shared_ptr<const Dataset> dataset) {
  const std::vector<std::string>& own = dataset->class_names();
  std::vector<int64_t> labels;
  std::optional<std::string> moved, unknown;
  for (size_t c = 0; c < own.size(); ++c) {
    labels.push_back(static_cast<int64_t>(c));
    // A name may be there twice: ImageNet has two cranes.
    if (c < class_names.size() && class_names[c] == own[c]) continue;
    const auto it = std::ranges::find(class_names, own[c]);
    if (it == class_names.end()) {
      unknown = own[c];
    } else {
      moved = own[c];
      labels.back() = it - class_names.begin();
    }
  }
  const bool pixels = dataset->has_pictures() && !dataset->label_dims().empty();
  if (!moved || dataset->targets() || (pixels && class_names.size() > 256)) return dataset;
  if (unknown) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset->name(), ": expected classes that the model tells apart, ",
                     absl::StrJoin(class_names, ", "), "; it has ", *unknown));
  }
  DatasetInfo info = dataset->info();
  info.class_names = class_names;
  return std::make_shared<RelabelledDataset>(std::move(info), std::move(dataset),
                                             std::move(labels));
}

}  // namespace weft
