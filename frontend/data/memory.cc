#include "frontend/data/memory.h"

#include <cstddef>
#include <span>
#include <utility>

#include "frontend/io/image.h"

namespace weft {
namespace {

class MemoryDataset final : public Dataset {
 public:
  MemoryDataset(DatasetInfo info, Tensor images, std::vector<uint8_t> labels)
      : Dataset(std::move(info)), images_(std::move(images)), labels_(std::move(labels)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    const uint8_t* bytes =
        images_.values<uint8_t>().data() + static_cast<size_t>(index) * image.size();
    for (size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(bytes[i]) / 255.0f;
    labels[0] = labels_[static_cast<size_t>(index)];
    return absl::OkStatus();
  }

  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    labels.classes[0] = labels_[static_cast<size_t>(index)];
    return absl::OkStatus();
  }

  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    const Preprocessing& p = preprocessing();
    const auto channels = static_cast<size_t>(p.channels);
    const auto area = static_cast<size_t>(p.height * p.width);
    const auto bytes = images_.values<uint8_t>().subspan(
        static_cast<size_t>(index) * channels * area, channels * area);
    Picture picture = {.height = p.height,
                       .width = p.width,
                       .channels = p.channels,
                       .pixels = std::vector<uint8_t>(bytes.size())};
    for (size_t c = 0; c < channels; ++c) {
      const uint8_t* plane = bytes.data() + (p.channel_order == "bgr" ? 2 - c : c) * area;
      for (size_t i = 0; i < area; ++i) picture.pixels[i * channels + c] = plane[i];
    }
    return PictureExample{.picture = std::move(picture),
                          .label = labels_[static_cast<size_t>(index)]};
  }

  Tensor images_;
  std::vector<uint8_t> labels_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> MakeMemoryDataset(DatasetInfo info, Tensor images,
                                                                 std::vector<uint8_t> labels) {
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(info.preprocessing), info.name));
  info.size = static_cast<int64_t>(labels.size());
  info.pictures = true;
  const Preprocessing& p = info.preprocessing;
  WEFT_ASSIGN_OR_RETURN(const int64_t elements,
                        CountElements(Dims{info.size, p.channels, p.height, p.width}));
  if (info.size == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(info.name, ": expected examples, there are none"));
  }
  if (images.dtype() != DType::kU8 || images.size() != elements) {
    return absl::InvalidArgumentError(
        absl::StrCat(info.name, ": expected ", elements, " bytes of images for ", info.size,
                     " labels, the images are ", ToString(images.type())));
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= info.class_names.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(info.name, ": expected a label in [0,", info.class_names.size(),
                       "), label of example ", i, " is ", static_cast<int>(labels[i])));
    }
  }
  return std::make_shared<MemoryDataset>(std::move(info), std::move(images), std::move(labels));
}

}  // namespace weft
