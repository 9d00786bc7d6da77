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
  // Of one example that is no image; none: the preprocessing's [C,H,W]. Values are normalised by
  // the preprocessing all the same, unless they are numbers of tokens.
  Dims dims = {};
  bool tokens = false;
  Dims label_dims = {};  // of one example's labels; none: a single one
};

// Labelled examples of one size, by index: images, or signals, films, texts. Immutable: every
// method may be called from several threads.
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
  bool is_images() const { return info_.dims.empty(); }
  bool tokens() const { return info_.tokens; }
  Dims example_dims() const {
    const Preprocessing& p = info_.preprocessing;
    return info_.dims.empty() ? Dims{p.channels, p.height, p.width} : info_.dims;
  }
  const Dims& label_dims() const { return info_.label_dims; }
  TensorType example_type() const { return {DType::kF32, ToShape(example_dims())}; }
  // The elements of one example, and of its labels.
  int64_t example_size() const { return Product(example_dims()); }
  int64_t label_size() const { return Product(label_dims()); }

  // Writes example `index` into `image`, in [0,1] and not normalised, or numbers of tokens, and its
  // labels into `labels`. Errors: an index outside [0, size()), spans of other sizes, an unreadable
  // example.
  absl::Status Read(int64_t index, std::span<float> image, std::span<int64_t> labels) const {
    if (index < 0 || index >= size()) {
      return absl::OutOfRangeError(
          absl::StrCat(name(), ": expected an index in [0,", size(), "), got ", index));
    }
    if (static_cast<int64_t>(image.size()) != example_size()) {
      return absl::InvalidArgumentError(absl::StrCat(name(), ": an image has ", example_size(),
                                                     " elements, the buffer has ", image.size()));
    }
    if (static_cast<int64_t>(labels.size()) != label_size()) {
      return absl::InvalidArgumentError(absl::StrCat(name(), ": an example has ", label_size(),
                                                     " labels, the buffer has ", labels.size()));
    }
    return ReadExample(index, image, labels);
  }
  absl::Status Read(int64_t index, std::span<float> image, int64_t* label) const {
    return Read(index, image, std::span<int64_t>(label, 1));
  }

 private:
  // Read after its checks.
  virtual absl::Status ReadExample(int64_t index, std::span<float> image,
                                   std::span<int64_t> labels) const = 0;
  static int64_t Product(const Dims& dims) {
    int64_t product = 1;
    for (const int64_t n : dims) product *= n;
    return product;
  }

  DatasetInfo info_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_DATASET_H_
