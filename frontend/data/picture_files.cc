#include "frontend/data/picture_files.h"

#include <algorithm>
#include <utility>

#include "frontend/data/class_folders.h"
#include "frontend/data/statistics.h"
#include "frontend/io/decode.h"
#include "frontend/io/image.h"
#include "frontend/io/resample.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int64_t kUsualSize = 224;     // of ImageNet's networks
constexpr int64_t kMostOwnSide = 1024;  // a camera's pictures have one size, but no network's
constexpr size_t kSampledPictures = 256;
constexpr int64_t kSampledSide = 256;

class PictureFileDataset final : public Dataset {
 public:
  PictureFileDataset(DatasetInfo info, PictureFiles files)
      : Dataset(std::move(info)), files_(std::move(files)) {}

  const std::string& path(int64_t index) const {
    return files_.pictures[static_cast<size_t>(index)];
  }

 private:
  absl::StatusOr<Picture> Load(int64_t index, const DecodeOptions& options) const {
    if (files_.contents.empty()) return LoadPicture(path(index), options);
    return DecodePicture(files_.contents[static_cast<size_t>(index)], path(index), options);
  }

  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }

  absl::Status ReadDrawn(int64_t index, const ExampleDraw& /*draw*/, std::span<float> image,
                         LabelBuffer labels) const override {
    const Preprocessing& p = preprocessing();
    std::ranges::copy(RestOf(index), image.subspan(static_cast<size_t>(image_size())).begin());
    image = image.first(static_cast<size_t>(image_size()));
    if (!files_.masks.empty()) {
      WEFT_ASSIGN_OR_RETURN(const PictureExample example, ReadPicture(index));
      PictureToPlanes(example.picture, p, image);
      CopyMask(*example.mask, labels);
      return absl::OkStatus();
    }
    const DecodeOptions smaller = {.min_height = p.height, .min_width = p.width};
    WEFT_ASSIGN_OR_RETURN(const Picture picture, Load(index, smaller));
    PictureToPlanes(picture, p, image);
    return ReadOnlyLabels(index, labels);
  }

  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    if (!files_.masks.empty()) {
      WEFT_ASSIGN_OR_RETURN(const Picture mask, ReadMask(index));
      CopyMask(mask, labels);
    } else if (targets()) {
      std::ranges::copy(TargetsOf(index), labels.targets.begin());
    } else {
      labels.classes[0] = files_.labels[static_cast<size_t>(index)];
    }
    return absl::OkStatus();
  }

  void CopyMask(const Picture& mask, LabelBuffer labels) const {
    const Picture fitted =
        Resample(mask, preprocessing().height, preprocessing().width, ResampleFilter::kNearest);
    std::ranges::copy(fitted.pixels, labels.classes.begin());
  }

  absl::StatusOr<PictureExample> ReadPicture(int64_t index) const override {
    PictureExample example;
    WEFT_ASSIGN_OR_RETURN(example.picture, Load(index, {}));
    if (!files_.labels.empty()) example.label = files_.labels[static_cast<size_t>(index)];
    if (targets()) example.targets.assign(TargetsOf(index).begin(), TargetsOf(index).end());
    example.rest.assign(RestOf(index).begin(), RestOf(index).end());
    if (files_.masks.empty()) return example;
    WEFT_ASSIGN_OR_RETURN(example.mask, ReadMask(index));
    const Picture& picture = example.picture;
    if (example.mask->height == picture.height && example.mask->width == picture.width) {
      return example;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        files_.masks[static_cast<size_t>(index)], ": expected ", picture.height, "x", picture.width,
        " as its picture, the mask is ", example.mask->height, "x", example.mask->width));
  }

  std::span<const float> TargetsOf(int64_t index) const {
    return NumbersOf(files_.targets, index, label_size());
  }
  std::span<const float> RestOf(int64_t index) const {
    return NumbersOf(files_.rest, index, example_size() - image_size());
  }
  static std::span<const float> NumbersOf(std::span<const float> numbers, int64_t index,
                                          int64_t size) {
    return numbers.subspan(static_cast<size_t>(index * size), static_cast<size_t>(size));
  }

  absl::StatusOr<Picture> ReadMask(int64_t index) const {
    const std::string& name = files_.masks[static_cast<size_t>(index)];
    WEFT_ASSIGN_OR_RETURN(Picture mask, LoadMask(name));
    const auto most = std::ranges::max_element(mask.pixels);
    if (most == mask.pixels.end() || *most < class_names().size()) return mask;
    return absl::OutOfRangeError(absl::StrCat(name, ": expected classes in [0,",
                                              class_names().size(), "), a pixel is of ", *most));
  }

  const PictureFiles files_;
};

size_t ElementsOf(const Dims& dims) {
  size_t elements = 1;
  for (const int64_t dim : dims) elements *= static_cast<size_t>(dim);
  return elements;
}

// Pictures have labels, and the parts beside them numbers.
absl::Status CheckCounts(const DatasetInfo& info, const PictureFiles& files) {
  const size_t n = files.pictures.size();
  if (n == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(info.name, ": expected pictures, there are none"));
  }
  const bool fits = info.targets          ? files.targets.size() == n * ElementsOf(info.label_dims)
                    : files.masks.empty() ? files.labels.size() == n
                                          : files.masks.size() == n;
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        info.name, ": expected labels for ", n, " pictures, got ", files.labels.size(),
        " classes, ", files.masks.size(), " masks and ", files.targets.size(), " targets"));
  }
  size_t rest = 0;
  for (size_t part = 1; part < info.parts.size(); ++part) rest += ElementsOf(info.parts[part].dims);
  const bool begins_with_picture = info.parts.empty() || info.parts[0].dims.empty();
  if (begins_with_picture && files.rest.size() == n * rest) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(info.name, ": expected ", rest, " numbers beside each of ", n,
                   " pictures, which are the first part; got ", files.rest.size()));
}

// Appends the i-th of `count` equal runs of numbers.
void AppendRun(const std::vector<float>& numbers, size_t count, size_t i, std::vector<float>& to) {
  const size_t size = numbers.size() / std::max<size_t>(count, 1);
  const auto run = std::span(numbers).subspan(i * size, size);
  to.insert(to.end(), run.begin(), run.end());
}

// What one of the sampled pictures says.
struct Sampled {
  std::string path;
  absl::Status status;
  int64_t height = 0, width = 0, channels = 0;
  ChannelSums sums;
};

std::vector<Sampled> SamplePictures(std::span<const std::string> paths) {
  std::vector<Sampled> samples(std::min(paths.size(), kSampledPictures));
  const RunScope scope(AvailableCpus());
  ParallelFor(static_cast<int64_t>(samples.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      samples[i].path = paths[i * paths.size() / samples.size()];
      const auto picture =
          LoadPicture(samples[i].path, {.min_height = kSampledSide, .min_width = kSampledSide});
      samples[i].status = picture.status();
      if (!picture.ok()) continue;
      samples[i].height = picture->height;
      samples[i].width = picture->width;
      samples[i].channels = picture->channels;
      samples[i].sums.Add(*picture);
    }
  });
  return samples;
}

}  // namespace

PictureFiles ChosenFiles(const PictureFiles& files, std::span<const int64_t> indices) {
  PictureFiles chosen;
  for (const int64_t index : indices) {
    const auto i = static_cast<size_t>(index);
    chosen.pictures.push_back(files.pictures[i]);
    if (!files.contents.empty()) chosen.contents.push_back(files.contents[i]);
    if (!files.labels.empty()) chosen.labels.push_back(files.labels[i]);
    if (!files.masks.empty()) chosen.masks.push_back(files.masks[i]);
    AppendRun(files.targets, files.pictures.size(), i, chosen.targets);
    AppendRun(files.rest, files.pictures.size(), i, chosen.rest);
  }
  return chosen;
}

absl::StatusOr<PictureFiles> ReadableFiles(PictureFiles files, const DataOptions& options) {
  if (!options.skip_unreadable) return files;
  // An eighth of the size: all of a file is read, little is computed.
  const DecodeOptions small = {.min_height = 1, .min_width = 1};
  const auto read = [&](int64_t index) {
    const auto i = static_cast<size_t>(index);
    const absl::Status status = LoadPicture(files.pictures[i], small).status();
    return status.ok() && !files.masks.empty() ? LoadMask(files.masks[i]).status() : status;
  };
  WEFT_ASSIGN_OR_RETURN(const auto indices,
                        ReadableIndices(static_cast<int64_t>(files.pictures.size()), read));
  return ChosenFiles(files, indices);
}

absl::StatusOr<std::shared_ptr<const Dataset>> MakePictureFiles(DatasetInfo info,
                                                                PictureFiles files) {
  WEFT_RETURN_IF_ERROR(Annotate(CheckPreprocessing(info.preprocessing), info.name));
  WEFT_RETURN_IF_ERROR(CheckCounts(info, files));
  info.size = static_cast<int64_t>(files.pictures.size());
  info.pictures = true;
  if (!files.masks.empty()) {
    info.label_dims = {info.preprocessing.height, info.preprocessing.width};
  }
  return std::make_shared<PictureFileDataset>(std::move(info), std::move(files));
}

absl::StatusOr<Preprocessing> PreprocessingOfPictures(std::span<const std::string> paths,
                                                      const DataOptions& options) {
  if (options.image_size < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("image_size: expected at least 0, got ", options.image_size));
  }
  Preprocessing p;
  ChannelSums total;
  bool one_size = true;
  std::string first;
  absl::Status status = absl::InvalidArgumentError("expected pictures, there are none");
  for (const Sampled& sample : SamplePictures(paths)) {
    if (!sample.status.ok()) {
      if (total.count == 0) status = sample.status;
      continue;
    }
    if (total.count == 0) first = sample.path;
    one_size &= total.count == 0 || (p.height == sample.height && p.width == sample.width);
    p.height = sample.height;
    p.width = sample.width;
    p.channels = std::max(p.channels, sample.channels);
    total.Add(sample.sums);
  }
  if (total.count == 0) return status;
  if (options.image_size > 0 || !one_size) {
    p.height = p.width = options.image_size > 0 ? options.image_size : kUsualSize;
  } else {  // what was sampled may be smaller
    WEFT_ASSIGN_OR_RETURN(const Picture whole, LoadPicture(first));
    p.height = whole.height;
    p.width = whole.width;
    if (std::max(p.height, p.width) > kMostOwnSide) p.height = p.width = kUsualSize;
  }
  p.channel_order = p.channels == 1 ? "gray" : "rgb";
  // Pictures of one level have no deviation; half a level keeps them finite.
  total.SetNormalisation(p, 0.5 / 255);
  return p;
}

std::string ExampleName(const Dataset& dataset, int64_t index) {
  const auto* files = dynamic_cast<const PictureFileDataset*>(&dataset);
  return files != nullptr ? files->path(index) : absl::StrCat("example ", index);
}

}  // namespace weft
