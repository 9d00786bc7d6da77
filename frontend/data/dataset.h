#ifndef WEFT_FRONTEND_DATA_DATASET_H_
#define WEFT_FRONTEND_DATA_DATASET_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/model.h"
#include "graph/status.h"
#include "graph/type.h"

namespace weft {

// Which part of a data set: what a model learns from, or what it is judged by.
enum class Split { kTrain, kTest };

// What a data set says of itself.
struct DatasetInfo {
  std::string name;                      // for messages: "digits (train)"
  int64_t size = 0;                      // examples
  std::vector<std::string> class_names;  // labels are indices into it
  Preprocessing preprocessing;           // of a model trained on it; height and width are exact
};

// Labelled images of one size, by index. Immutable: every method may be called from several
// threads.
class Dataset {
 public:
  explicit Dataset(DatasetInfo info) : info_(std::move(info)) {}
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const std::string& name() const { return info_.name; }
  int64_t size() const { return info_.size; }
  const std::vector<std::string>& class_names() const { return info_.class_names; }
  const Preprocessing& preprocessing() const { return info_.preprocessing; }
  // One image: f32[C,H,W].
  TensorType example_type() const {
    const Preprocessing& p = info_.preprocessing;
    return {DType::kF32, ToShape(Dims{p.channels, p.height, p.width})};
  }
  // The elements of one image, C*H*W.
  int64_t example_size() const {
    const Preprocessing& p = info_.preprocessing;
    return p.channels * p.height * p.width;
  }

  // Writes image `index` into `image`, [C,H,W] in [0,1], not normalised, and its label into
  // `*label`. Errors: an index outside [0, size()), a span that is not C*H*W long, an unreadable
  // example.
  absl::Status Read(int64_t index, std::span<float> image, int64_t* label) const {
    if (index < 0 || index >= size()) {
      return absl::OutOfRangeError(
          absl::StrCat(name(), ": expected an index in [0,", size(), "), got ", index));
    }
    if (static_cast<int64_t>(image.size()) != example_size()) {
      return absl::InvalidArgumentError(absl::StrCat(name(), ": an image has ", example_size(),
                                                     " elements, the buffer has ", image.size()));
    }
    return ReadExample(index, image, label);
  }

 private:
  // Read after its checks.
  virtual absl::Status ReadExample(int64_t index, std::span<float> image, int64_t* label) const = 0;

  DatasetInfo info_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_DATASET_H_
