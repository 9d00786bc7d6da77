#ifndef WEFT_FRONTEND_TRAIN_MODEL_DATA_H_
#define WEFT_FRONTEND_TRAIN_MODEL_DATA_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "frontend/data/augment/pipeline.h"
#include "frontend/data/open.h"
#include "frontend/io/image.h"
#include "frontend/train/config.h"
#include "graph/model.h"

namespace weft {

// What --data may be, for help.
inline constexpr char kDataHelp[] =
    "digits, digits:N, mnist:DIR, fashion-mnist:DIR, cifar10:DIR, cifar100:DIR, folder:DIR, "
    "masks:DIR, csv:FILE, npy:DIR, wav:DIR (see weft data), synthetic or synthetic:N, which fits "
    "any model";

// Whether the data are made for the model: "synthetic" or "synthetic:N".
bool IsSynthetic(const std::string& data);

// A data set and how its files are read.
struct DataSource {
  std::string data = "digits";
  DataOptions options = {};
};
template <typename F>
void VisitOptions(DataSource& o, F& f) {
  f("data", o.data, kDataHelp);
  VisitOptions(o.options, f);
}

// What the model was trained on, where it says so, but for what is given by key. Errors: malformed
// options.
absl::StatusOr<DataSource> DataSourceFor(const Model& model, const Config& given);

// A split of a data set as its files have it, or made for the model.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenSource(const Model& model,
                                                          const DataSource& source, Split split);
// `dataset`, opened from `source`, as the model's input wants it.
absl::StatusOr<std::shared_ptr<const Dataset>> FitToModel(std::shared_ptr<const Dataset> dataset,
                                                          const Model& model,
                                                          const DataSource& source);
// What examples need of the pipeline that the model was trained with (TestSteps), for their scores;
// labels stay as they are. It is the file's metadata "weft.test_steps", which optimized and
// exported files keep; of older ones it follows from the training's options. Errors: a malformed
// pipeline.
absl::StatusOr<Pipeline> TestStepsOf(const Model& model);
// Writes those of the pipeline `augment`.
absl::Status SetTestSteps(const std::string& augment, Model& model);
// A picture's file as the input f32[1,C,H,W] of a model that has a preprocessing, taken through
// them. Errors: whatever ReadImage and the steps say. Where steps change the picture, it may have
// any size.
absl::StatusOr<Tensor> ReadImageFor(const Model& model, const std::string& path,
                                    const ImageOptions& options);
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> DecodeImageFor(const Model& model, std::span<const std::byte> bytes,
                                      const std::string& name, const ImageOptions& options);
// The test-time augmentations `views` of examples that go through them. Views that resize replace
// what the steps do to the size, those that crop the steps' crop.
std::string ViewsAfter(Pipeline steps, const std::string& views);
// FitToModel, and the examples taken through those steps.
absl::StatusOr<std::shared_ptr<const Dataset>> FitForScores(std::shared_ptr<const Dataset> dataset,
                                                            const Model& model,
                                                            const DataSource& source);
// Opens them so: the examples that the model is judged by.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataFor(const Model& model,
                                                           const DataSource& source, Split split);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_MODEL_DATA_H_
