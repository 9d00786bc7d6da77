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
  WEFT_ASSIGN_OR_RETURN(auto dataset, MakeTensorDataset(std::move(info), std::move(train)));
  if (split == Split::kTrain) return dataset;
  WEFT_ASSIGN_OR_RETURN(TensorExamples test, MapExamples(folder, held_out));
  // Classes are those of training.
  return MakeTensorDataset({.name = name,
                            .class_names = dataset->class_names(),
                            .preprocessing = dataset->preprocessing()},
                           std::move(test));
}

}  // namespace weft
