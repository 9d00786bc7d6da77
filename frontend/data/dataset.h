#ifndef WEFT_FRONTEND_DATA_DATASET_H_
#define WEFT_FRONTEND_DATA_DATASET_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/io/picture.h"
#include "graph/model.h"
#include "graph/status.h"
#include "graph/type.h"

namespace weft {

// Which part of a data set: what a model learns from, or what it is judged by.
enum class Split { kTrain, kTest };

// What of an example is for one of a model's several inputs.
struct ExamplePart {
  std::string name;  // the input's
  // None: an image, of the preprocessing's [C,H,W]. Only the first part can be one.
  Dims dims = {};
};

// What a data set says of itself.
struct DatasetInfo {
  std::string name;                           // for messages: "digits (train)"
  int64_t size = 0;                           // examples
  std::vector<std::string> class_names = {};  // labels are indices into it
  Preprocessing preprocessing = {};  // of a model trained on it; height and width are exact
  // Of one example that is no image; none: the preprocessing's [C,H,W]. Values are normalised by
  // the preprocessing all the same, unless they are numbers of tokens.
  Dims dims = {};
  bool tokens = false;
  // Of examples for several inputs, which lie one after another; dims is none then. An image among
  // them is normalised, all else stays as it is.
  std::vector<ExamplePart> parts = {};
  Dims label_dims = {};  // of one example's labels; none: a single one
  // Labels are numbers instead of classes: one a class, such as the shares of mixed examples or the
  // zeros and ones of several classes at once, or what a regression is to give. Their dims are
  // label_dims.
  bool targets = false;
  // Examples can be had as pictures of their own sizes, see Dataset::ReadSource.
  bool pictures = false;
};

// What an example is drawn by, where it is augmented. Nothing else enters, so that any number of
// workers, in any order, give the same examples.
struct ExampleDraw {
  uint64_t seed = 0;
  int64_t epoch = 0;
};

// Where an example's labels go: one of both is empty.
struct LabelBuffer {
  std::span<int64_t> classes = {};
  std::span<float> targets = {};  // of a data set whose labels are these
};

// A picture as it is stored, before it has the size that a model wants.
struct PictureExample {
  Picture picture;
  std::optional<Picture> mask = {};  // the classes of its pixels: one channel, the picture's size
  std::vector<float> rest = {};      // the numbers of the example's other parts
  int64_t label = 0;                 // of the picture; nothing where there is a mask
  // Of a data set whose labels are these; none: Read has them, and decodes the picture again.
  std::vector<float> targets = {};
};

// Labelled examples of one size, by index: images, or signals, films, texts. Immutable: every
// method may be called from several threads. One's own data set overrides ReadExample.
class Dataset {
 public:
  explicit Dataset(DatasetInfo info) : info_(std::move(info)) {}
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  const DatasetInfo& info() const { return info_; }
  const std::string& name() const { return info_.name; }
  int64_t size() const { return info_.size; }
  const std::vector<std::string>& class_names() const { return info_.class_names; }
  const Preprocessing& preprocessing() const { return info_.preprocessing; }
  // Examples are images, or begin with one.
  bool is_images() const {
    return info_.parts.empty() ? info_.dims.empty() : info_.parts[0].dims.empty();
  }
  bool tokens() const { return info_.tokens; }
  // Whether examples, or the images that they begin with, are normalised by the preprocessing.
  bool is_normalised() const { return info_.parts.empty() ? !info_.tokens : is_images(); }
  // None: examples are for a model's only input.
  const std::vector<ExamplePart>& parts() const { return info_.parts; }
  Dims part_dims(const ExamplePart& part) const {
    return part.dims.empty() ? image_dims() : part.dims;
  }
  Dims image_dims() const {
    const Preprocessing& p = info_.preprocessing;
    return {p.channels, p.height, p.width};
  }
  Dims example_dims() const {
    if (info_.parts.empty()) return info_.dims.empty() ? image_dims() : info_.dims;
    int64_t all = 0;
    for (const ExamplePart& part : info_.parts) all += Product(part_dims(part));
    return {all};
  }
  const Dims& label_dims() const { return info_.label_dims; }
  bool targets() const { return info_.targets; }
  bool has_pictures() const { return info_.pictures; }
  TensorType example_type() const { return {DType::kF32, ToShape(example_dims())}; }
  // The elements of one example, of what the preprocessing is for (all of it, or the image that its
  // parts begin with), and of its labels.
  int64_t example_size() const { return Product(example_dims()); }
  int64_t image_size() const {
    if (info_.parts.empty()) return example_size();
    return is_images() ? Product(image_dims()) : 0;
  }
  int64_t label_size() const { return Product(label_dims()); }

  // Writes example `index` into `image`, in [0,1] and not normalised, or numbers of tokens, and its
  // labels into `labels`. Errors: an index outside [0, size()), spans of other sizes, an unreadable
  // example.
  absl::Status Read(int64_t index, std::span<float> image, LabelBuffer labels,
                    const ExampleDraw& draw = {}) const {
    WEFT_RETURN_IF_ERROR(CheckIndex(index));
    if (static_cast<int64_t>(image.size()) != example_size()) {
      return absl::InvalidArgumentError(absl::StrCat(name(), ": an image has ", example_size(),
                                                     " elements, the buffer has ", image.size()));
    }
    WEFT_RETURN_IF_ERROR(CheckLabels(labels));
    return ReadDrawn(index, draw, image, labels);
  }
  absl::Status Read(int64_t index, std::span<float> image, std::span<int64_t> labels) const {
    return Read(index, image, LabelBuffer{.classes = labels});
  }
  absl::Status Read(int64_t index, std::span<float> image, int64_t* label) const {
    return Read(index, image, LabelBuffer{.classes = std::span<int64_t>(label, 1)});
  }

  // The labels of example `index` alone, without the work of its picture where the data set knows
  // them so. Errors as above.
  absl::Status ReadLabels(int64_t index, LabelBuffer labels) const {
    WEFT_RETURN_IF_ERROR(CheckIndex(index));
    WEFT_RETURN_IF_ERROR(CheckLabels(labels));
    return ReadOnlyLabels(index, labels);
  }

  // Example `index` as a picture of its own size. Errors: an index outside [0, size()), an
  // unreadable example, a data set that has no pictures.
  absl::StatusOr<PictureExample> ReadSource(int64_t index) const {
    WEFT_RETURN_IF_ERROR(CheckIndex(index));
    return ReadPicture(index);
  }

 private:
  // Read after its checks.
  virtual absl::Status ReadExample(int64_t index, std::span<float> image,
                                   std::span<int64_t> labels) const = 0;
  // For data sets that draw their examples anew in each epoch, or whose labels are targets.
  virtual absl::Status ReadDrawn(int64_t index, const ExampleDraw& /*draw*/, std::span<float> image,
                                 LabelBuffer labels) const {
    return ReadExample(index, image, labels.classes);
  }
  // For data sets that know them without the example.
  virtual absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const {
    std::vector<float> image(static_cast<size_t>(example_size()));
    return ReadDrawn(index, {}, image, labels);
  }
  // For data sets that have pictures; after ReadSource's checks.
  virtual absl::StatusOr<PictureExample> ReadPicture(int64_t /*index*/) const {
    return absl::InvalidArgumentError(absl::StrCat(name(), ": its examples are no pictures"));
  }
  absl::Status CheckLabels(LabelBuffer labels) const {
    const int64_t classes = targets() ? 0 : label_size(), numbers = targets() ? label_size() : 0;
    if (static_cast<int64_t>(labels.classes.size()) == classes &&
        static_cast<int64_t>(labels.targets.size()) == numbers) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat(name(), ": an example has ", label_size(), targets() ? " targets" : " labels",
                     ", the buffer has ", labels.classes.size() + labels.targets.size()));
  }
  absl::Status CheckIndex(int64_t index) const {
    if (index >= 0 && index < size()) return absl::OkStatus();
    return absl::OutOfRangeError(
        absl::StrCat(name(), ": expected an index in [0,", size(), "), got ", index));
  }
  static int64_t Product(const Dims& dims) {
    int64_t product = 1;
    for (const int64_t n : dims) product *= n;
    return product;
  }

  DatasetInfo info_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_DATASET_H_
