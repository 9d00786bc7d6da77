#include "frontend/data/tensor_data.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "frontend/data/split.h"
#include "frontend/data/statistics.h"
#include "frontend/io/image.h"

namespace weft {
namespace {

constexpr int64_t kMostClasses = 1000000;

bool IsColorCount(int64_t n) { return n == 1 || n == 3; }

// How x's elements lie.
enum class TensorForm { kAsIs, kImages, kImagesChannelsLast };

TensorForm FormOf(const Tensor& x) {
  const Dims& d = x.dims();
  const bool bytes = x.dtype() == DType::kU8;
  if (bytes && d.size() == 3) return TensorForm::kImages;
  if (d.size() != 4 || !(bytes || kRealTypes.contains(x.dtype()))) return TensorForm::kAsIs;
  if (IsColorCount(d[1])) return TensorForm::kImages;
  return bytes && IsColorCount(d[3]) ? TensorForm::kImagesChannelsLast : TensorForm::kAsIs;
}

class TensorDataset final : public Dataset {
 public:
  TensorDataset(DatasetInfo info, TensorExamples examples)
      : Dataset(std::move(info)), x_(std::move(examples.x)), y_(std::move(examples.y)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }

  absl::Status ReadDrawn(int64_t index, const ExampleDraw& /*draw*/, std::span<float> image,
                         LabelBuffer labels) const override {
    ReadValues(index, image);
    return ReadOnlyLabels(index, labels);
  }

  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    const int64_t first = index * label_size();
    for (size_t i = 0; i < labels.targets.size(); ++i) {
      labels.targets[i] = static_cast<float>(y_.At(first + static_cast<int64_t>(i)));
    }
    for (size_t i = 0; i < labels.classes.size(); ++i) {
      labels.classes[i] = static_cast<int64_t>(y_.At(first + static_cast<int64_t>(i)));
    }
    return absl::OkStatus();
  }

  void ReadValues(int64_t index, std::span<float> image) const {
    const size_t first = static_cast<size_t>(index) * image.size();
    if (x_.dtype() == DType::kF32) {
      std::ranges::copy(x_.values<float>().subspan(first, image.size()), image.begin());
      return;
    }
    if (x_.dtype() != DType::kU8) {
      for (size_t i = 0; i < image.size(); ++i) {
        image[i] = static_cast<float>(x_.At(static_cast<int64_t>(first + i)));
      }
      return;
    }
    const auto bytes = x_.values<uint8_t>().subspan(first, image.size());
    const bool last = FormOf(x_) == TensorForm::kImagesChannelsLast;
    const size_t channels = last ? static_cast<size_t>(x_.dims()[3]) : 1;
    const size_t area = image.size() / channels;
    for (size_t i = 0; i < bytes.size(); ++i) {
      image[i % channels * area + i / channels] = static_cast<float>(bytes[i]) / 255.0f;
    }
  }

  const Tensor x_, y_;
};

// The form that examples have but for mean and deviation.
Preprocessing DescribeTensor(const Tensor& x, DatasetInfo& info) {
  const Dims& d = x.dims();
  Preprocessing p;
  info.tokens = kIndexTypes.contains(x.dtype());
  const TensorForm form = FormOf(x);
  if (form == TensorForm::kAsIs) {
    info.dims.assign(d.begin() + 1, d.end());
    if (info.dims.empty()) info.dims = {1};
    p.channels = p.height = p.width = 1;
    for (const int64_t n : info.dims) p.width *= n;
  } else {
    const bool last = form == TensorForm::kImagesChannelsLast;
    p.channels = d.size() == 3 ? 1 : d[last ? 3 : 1];
    p.height = d[last ? 1 : d.size() - 2];
    p.width = d[last ? 2 : d.size() - 1];
  }
  p.channel_order = p.channels == 3 ? "rgb" : "gray";
  p.mean.assign(static_cast<size_t>(p.channels), 0.0f);
  p.std.assign(static_cast<size_t>(p.channels), 1.0f);
  return p;
}

// The preprocessing that was given, where the examples are of its form.
absl::Status CheckTensorForm(const DatasetInfo& info, const Preprocessing& form) {
  const Preprocessing& p = info.preprocessing;
  if (p.channels == form.channels && p.height == form.height && p.width == form.width) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(info.name, ": expected examples of ", p.channels, "x", p.height, "x", p.width,
                   " as in training, got ", form.channels, "x", form.height, "x", form.width));
}

absl::Status DescribeTensorLabels(const Tensor& y, DatasetInfo& info) {
  info.label_dims.assign(y.dims().begin() + 1, y.dims().end());
  info.targets = kRealTypes.contains(y.dtype());
  if (info.targets && info.label_dims.empty()) info.label_dims = {1};
  if (info.targets) return absl::OkStatus();
  const bool named = !info.class_names.empty();
  const auto limit = named ? std::ssize(info.class_names) : kMostClasses;
  double most = 0;
  for (int64_t i = 0; i < y.size(); ++i) {
    const double label = y.At(i);
    most = std::max(most, label);
    if (label >= 0 && label < static_cast<double>(limit)) continue;
    return absl::OutOfRangeError(absl::StrCat(info.name, ": expected a label in [0,", limit,
                                              "), example ", i / (y.size() / y.dims()[0]), " has ",
                                              label));
  }
  for (int c = 0; c <= static_cast<int>(most) && !named; ++c) {
    info.class_names.push_back(absl::StrCat(c));
  }
  return absl::OkStatus();
}

absl::Status CheckTensorExamples(const DatasetInfo& info, const TensorExamples& e) {
  if (e.x.rank() < 1 || e.y.rank() < 1 || e.x.dims()[0] != e.y.dims()[0] || e.x.size() == 0 ||
      e.y.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(info.name, ": expected examples x[N,...] and labels y[N,...], got ",
                     ToString(e.x.type()), " and ", ToString(e.y.type())));
  }
  return absl::OkStatus();
}

// y's first label of each example; the same for all where labels are no single classes.
std::vector<int64_t> ClassesToStratify(const Tensor& y) {
  std::vector<int64_t> labels(static_cast<size_t>(y.dims()[0]), 0);
  if (y.size() != y.dims()[0] || kRealTypes.contains(y.dtype())) return labels;
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<int64_t>(y.At(static_cast<int64_t>(i)));
  }
  return labels;
}

absl::StatusOr<std::shared_ptr<const Dataset>> MakeTensorDatasetWith(DatasetInfo info,
                                                                     TensorExamples examples) {
  info.size = examples.x.dims()[0];
  return std::make_shared<TensorDataset>(std::move(info), std::move(examples));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> MakeTensorDataset(DatasetInfo info,
                                                                 TensorExamples examples) {
  return SplitTensorDataset(std::move(info), std::move(examples), Split::kTrain, {});
}

absl::StatusOr<std::shared_ptr<const Dataset>> SplitTensorDataset(DatasetInfo info,
                                                                  TensorExamples examples,
                                                                  Split split,
                                                                  const DataOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckTensorExamples(info, examples));
  const Preprocessing form = DescribeTensor(examples.x, info);
  WEFT_RETURN_IF_ERROR(DescribeTensorLabels(examples.y, info));
  const bool given = !info.preprocessing.mean.empty();
  if (given) WEFT_RETURN_IF_ERROR(CheckTensorForm(info, form));
  if (!given) info.preprocessing = form;
  const std::string name = info.name;
  std::vector<int64_t> train, asked;
  if (options.val_split > 0) {
    const std::vector<int64_t> classes = ClassesToStratify(examples.y);
    WEFT_ASSIGN_OR_RETURN(train, SplitIndices(classes, Split::kTrain, options));
    WEFT_ASSIGN_OR_RETURN(asked, SplitIndices(classes, split, options));
  }
  if (!given && !info.tokens) {
    WEFT_ASSIGN_OR_RETURN(const auto raw, MakeTensorDatasetWith(info, examples));
    WEFT_RETURN_IF_ERROR(SetMeanAndDeviation(*raw, train, info.preprocessing));
  }
  WEFT_ASSIGN_OR_RETURN(auto whole, MakeTensorDatasetWith(std::move(info), std::move(examples)));
  if (options.val_split == 0) return whole;
  return SubsetDataset(std::move(whole), std::move(asked), name);
}

}  // namespace weft
