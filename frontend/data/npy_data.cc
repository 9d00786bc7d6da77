#include <filesystem>
#include <system_error>
#include <utility>

#include "frontend/data/folder.h"
#include "frontend/data/split.h"
#include "frontend/data/tensor_data.h"
#include "frontend/io/npy.h"

namespace weft {
namespace {

absl::StatusOr<TensorExamples> MapExamples(const std::string& folder, const std::string& ending) {
  const std::filesystem::path path(folder);
  TensorExamples examples;
  WEFT_ASSIGN_OR_RETURN(examples.x, MapNpy((path / ("x" + ending + ".npy")).string()));
  WEFT_ASSIGN_OR_RETURN(examples.y, MapNpy((path / ("y" + ending + ".npy")).string()));
  return examples;
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

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenNpy(const std::string& folder, Split split,
                                                       const DataOptions& options) {
  std::string held_out;
  for (const char* ending : {"_val", "_test"}) {
    std::error_code ignored;
    const auto path = std::filesystem::path(folder) / (std::string("x") + ending + ".npy");
    if (held_out.empty() && std::filesystem::exists(path, ignored)) held_out = ending;
  }
  WEFT_RETURN_IF_ERROR(CheckSplit(folder, !held_out.empty(), split, options));
  DatasetInfo info = {.name = SplitName("npy:" + folder, split)};
  WEFT_ASSIGN_OR_RETURN(info.class_names, ReadClassNames(folder));
  WEFT_ASSIGN_OR_RETURN(TensorExamples train, MapExamples(folder, ""));
  if (options.val_split > 0) {
    return SplitTensorDataset(std::move(info), std::move(train), split, options);
  }
  const std::string name = info.name;
  const TensorExamples kept = train;
  WEFT_ASSIGN_OR_RETURN(auto dataset, MakeTensorDataset(std::move(info), std::move(train)));
  if (split == Split::kTrain) return dataset;
  WEFT_ASSIGN_OR_RETURN(TensorExamples test, MapExamples(folder, held_out));
  WEFT_RETURN_IF_ERROR(CheckAsInTraining(name, kept, test));
  // Classes are those of training.
  return MakeTensorDataset({.name = name,
                            .class_names = dataset->class_names(),
                            .preprocessing = dataset->preprocessing()},
                           std::move(test));
}

}  // namespace weft
