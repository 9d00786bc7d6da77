#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "frontend/data/folder.h"
#include "frontend/data/split.h"
#include "frontend/data/tensor_data.h"
#include "frontend/io/npy.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

// Examples that lie side by side in arrays, one for each input of a model, with the same labels.
class ArraysInParts final : public Dataset {
 public:
  ArraysInParts(DatasetInfo info, std::vector<std::shared_ptr<const Dataset>> arrays)
      : Dataset(std::move(info)), arrays_(std::move(arrays)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> example,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, example, {.classes = labels});
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& draw, std::span<float> example,
                         LabelBuffer labels) const override {
    for (const auto& array : arrays_) {
      const auto size = static_cast<size_t>(array->example_size());
      WEFT_RETURN_IF_ERROR(array->Read(index, example.first(size), labels, draw));
      example = example.subspan(size);
    }
    return absl::OkStatus();
  }
  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    return arrays_[0]->ReadLabels(index, labels);
  }

  const std::vector<std::shared_ptr<const Dataset>> arrays_;
};

// Where a folder's arrays lie: FOLDER/x.npy, or x_NAME.npy for each of several inputs.
struct NpyFolder {
  fs::path path;
  std::vector<std::string> parts = {};  // their names, sorted; none: x.npy
  std::string held_out = {};            // the ending of what is set apart: "_val"; none: empty

  // x is "x" or "x_NAME".
  absl::StatusOr<TensorExamples> Map(const std::string& x, const std::string& ending) const {
    TensorExamples examples;
    WEFT_ASSIGN_OR_RETURN(examples.x, MapNpy((path / (x + ending + ".npy")).string()));
    WEFT_ASSIGN_OR_RETURN(examples.y, MapNpy((path / ("y" + ending + ".npy")).string()));
    return examples;
  }
};

constexpr std::string_view kHeldOutEndings[] = {"_val", "_test"};

absl::StatusOr<NpyFolder> FindArrays(const std::string& path) {
  NpyFolder folder = {.path = path};
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().stem().string();
    if (it->path().extension() != ".npy" || !name.starts_with("x_")) continue;
    const auto ending = std::ranges::find_if(
        kHeldOutEndings, [&](std::string_view ending) { return name.ends_with(ending); });
    if (ending == std::end(kHeldOutEndings)) {
      folder.parts.push_back(name.substr(2));
      continue;
    }
    const std::string held_out(*ending), whole = name.substr(0, name.size() - held_out.size());
    if (!fs::exists(folder.path / (whole + ".npy"))) {
      return absl::NotFoundError(absl::StrCat(path, ": has ", name, ".npy, which is held out of ",
                                              whole, ".npy, but not that"));
    }
    folder.held_out = std::max(folder.held_out, held_out);  // "_val" rather than "_test"
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrCat(path, ": expected a folder with x.npy and y.npy: ", error.message()));
  }
  std::ranges::sort(folder.parts);
  if (folder.parts.empty() || !fs::exists(folder.path / "x.npy")) return folder;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected x.npy, or x_NAME.npy for each of several inputs; it has both,",
                   " x_", folder.parts[0], ".npy, of which one has to lie elsewhere"));
}

// What is tested lies as what was learned from: rows of equal dims, `alike` in what elements mean.
absl::Status CheckAsInTraining(const std::string& what, const Tensor& train, const Tensor& test,
                               bool alike) {
  const auto row = [](const Tensor& t) {
    return t.rank() < 1 ? Dims() : Dims(t.dims().begin() + 1, t.dims().end());
  };
  if (alike && row(train) == row(test)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected what training has, ",
                                                 ToString(train.type()), ", got ",
                                                 ToString(test.type())));
}

absl::Status CheckAsInTraining(const std::string& name, const TensorExamples& train,
                               const TensorExamples& test) {
  const auto both_real = [](const Tensor& a, const Tensor& b) {
    return kRealTypes.contains(a.dtype()) && kRealTypes.contains(b.dtype());
  };
  // Bytes are levels, other integers may be tokens; of labels all integers are classes.
  const bool x_alike = train.x.dtype() == test.x.dtype() || both_real(train.x, test.x);
  const bool y_alike = kRealTypes.contains(train.y.dtype()) == kRealTypes.contains(test.y.dtype());
  WEFT_RETURN_IF_ERROR(CheckAsInTraining(name + ": x", train.x, test.x, x_alike));
  return CheckAsInTraining(name + ": y", train.y, test.y, y_alike);
}

// One array with the labels.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenArray(const NpyFolder& folder,
                                                         const std::string& x, DatasetInfo info,
                                                         Split split, const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(TensorExamples train, folder.Map(x, ""));
  if (options.val_split > 0) {
    return SplitTensorDataset(std::move(info), std::move(train), split, options);
  }
  const std::string name = info.name;
  const TensorExamples kept = train;
  WEFT_ASSIGN_OR_RETURN(auto dataset, MakeTensorDataset(std::move(info), std::move(train)));
  if (split == Split::kTrain) return dataset;
  WEFT_ASSIGN_OR_RETURN(TensorExamples test, folder.Map(x, folder.held_out));
  WEFT_RETURN_IF_ERROR(CheckAsInTraining(name, kept, test));
  // Classes are those of training.
  return MakeTensorDataset({.name = name,
                            .class_names = dataset->class_names(),
                            .preprocessing = dataset->preprocessing()},
                           std::move(test));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenNpy(const std::string& path, Split split,
                                                       const DataOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const NpyFolder folder, FindArrays(path));
  WEFT_RETURN_IF_ERROR(CheckSplit(path, !folder.held_out.empty(), split, options));
  DatasetInfo info = {.name = SplitName("npy:" + path, split)};
  WEFT_ASSIGN_OR_RETURN(info.class_names, ReadClassNames(path));
  if (folder.parts.empty()) return OpenArray(folder, "x", std::move(info), split, options);
  const std::string name = info.name;
  std::vector<ExamplePart> parts;
  std::vector<std::shared_ptr<const Dataset>> arrays;
  for (const std::string& part : folder.parts) {
    const std::string x = "x_" + part;
    info.name = absl::StrCat(name, ": ", x);
    WEFT_ASSIGN_OR_RETURN(auto array, OpenArray(folder, x, info, split, options));
    parts.push_back({.name = part, .dims = array->example_dims()});
    arrays.push_back(std::move(array));
  }
  Preprocessing preprocessing;
  const auto is_image = [](const auto& array) { return array->is_images(); };
  if (std::ranges::count_if(arrays, is_image) == 1) {  // It comes first, and is prepared as images.
    const auto at = std::ranges::find_if(arrays, is_image) - arrays.begin();
    std::rotate(arrays.begin(), arrays.begin() + at, arrays.begin() + at + 1);
    std::rotate(parts.begin(), parts.begin() + at, parts.begin() + at + 1);
    parts[0].dims = {};
    preprocessing = arrays[0]->preprocessing();
  }
  const DatasetInfo& first = arrays[0]->info();
  info = {.name = name,
          .size = first.size,
          .class_names = first.class_names,
          .preprocessing = std::move(preprocessing),
          .parts = std::move(parts),
          .label_dims = first.label_dims,
          .targets = first.targets};
  return std::make_shared<ArraysInParts>(std::move(info), std::move(arrays));
}

}  // namespace weft
