#include "frontend/inspect/example.h"

#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/inspect/map_picture.h"
#include "frontend/io/image.h"
#include "frontend/io/npy.h"
#include "frontend/io/read_file.h"
#include "frontend/session/session.h"
#include "frontend/train/model_data.h"
#include "graph/bind.h"

namespace weft {
namespace {

// The picture that `x` is, where it is one of this form.
absl::StatusOr<std::optional<Picture>> PictureOf(const Tensor& x,
                                                 const std::optional<Preprocessing>& p) {
  if (!p || x.dims() != Dims{1, p->channels, p->height, p->width} || x.dtype() != DType::kF32) {
    return std::optional<Picture>();
  }
  WEFT_ASSIGN_OR_RETURN(Picture picture, PictureOfInput(x, *p));
  return std::optional<Picture>(std::move(picture));
}

absl::Status NoPictures(const std::string& name) {
  return absl::FailedPreconditionError(absl::StrCat(
      name, ": the model does not say how images become its input; give an .npy file"));
}

bool BeginsAsNpy(std::span<const std::byte> bytes) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  return bytes.size() >= kMagic.size() &&
         std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

// As examples are kept, whatever floating-point type the model's input is.
absl::Status KeepAsF32(Example& example) {
  if (example.x.is_empty() || !kRealTypes.contains(example.x.dtype())) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(example.x, example.x.Converted(DType::kF32));
  return absl::OkStatus();
}

absl::StatusOr<Example> ExampleOfArray(const Model& model, const Tensor& array,
                                       const std::string& name) {
  Example example{.name = name};
  const Graph graph = WithoutLosses(model.graph);  // whose inputs are labels
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  WEFT_ASSIGN_OR_RETURN(example.x, FitToInput(*input, array));
  WEFT_RETURN_IF_ERROR(KeepAsF32(example));
  WEFT_ASSIGN_OR_RETURN(example.picture, PictureOf(example.x, model.preprocessing));
  return example;
}

absl::StatusOr<Example> ExampleOfPicture(const Model& model, std::span<const std::byte> bytes,
                                         const std::string& name, bool resize) {
  Example example{.name = name};
  WEFT_ASSIGN_OR_RETURN(example.x, DecodeImageFor(model, bytes, name, {.resize = resize}));
  WEFT_RETURN_IF_ERROR(KeepAsF32(example));
  if (example.x.rank() == 3) {
    Dims dims = example.x.dims();
    dims.insert(dims.begin(), 1);
    WEFT_ASSIGN_OR_RETURN(example.x, example.x.Reshaped(std::move(dims)));
  }
  WEFT_ASSIGN_OR_RETURN(example.picture, PictureOf(example.x, model.preprocessing));
  return example;
}

}  // namespace

absl::StatusOr<Example> ExampleOf(const Dataset& dataset, int64_t index) {
  if (!dataset.parts().empty() || dataset.tokens()) {
    return absl::InvalidArgumentError(absl::StrCat(
        dataset.name(), ": expected examples of one picture or signal to look at, they are ",
        dataset.tokens() ? "tokens" : "for several inputs"));
  }
  Dims dims = dataset.example_dims();
  dims.insert(dims.begin(), 1);
  Example example{.name = absl::StrCat(dataset.name(), ", example ", index)};
  WEFT_ASSIGN_OR_RETURN(example.x, Tensor::Zeros(DType::kF32, dims));
  const auto count = static_cast<size_t>(dataset.label_size());
  std::vector<int64_t> classes(dataset.targets() ? 0 : count);
  std::vector<float> targets(dataset.targets() ? count : 0);
  const std::span<float> values = example.x.mutable_values<float>();
  WEFT_RETURN_IF_ERROR(dataset.Read(index, values, {.classes = classes, .targets = targets}));
  if (dataset.is_normalised()) Normalize(dataset.preprocessing(), values);
  if (classes.size() == 1) example.label = classes[0];
  if (dataset.is_images()) {
    WEFT_ASSIGN_OR_RETURN(example.picture, PictureOf(example.x, dataset.preprocessing()));
  }
  return example;
}

absl::StatusOr<Example> ReadExample(const Model& model, const std::string& path, bool resize) {
  if (path.ends_with(".npy")) {
    WEFT_ASSIGN_OR_RETURN(const Tensor array, ReadNpy(path));
    return ExampleOfArray(model, array, path);
  }
  if (!model.preprocessing) return NoPictures(path);
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return ExampleOfPicture(model, bytes, path, resize);
}

absl::StatusOr<Example> DecodeExample(const Model& model, std::span<const std::byte> bytes,
                                      const std::string& name, bool resize) {
  if (BeginsAsNpy(bytes)) {
    WEFT_ASSIGN_OR_RETURN(const Tensor array, ParseNpy(bytes, name));
    return ExampleOfArray(model, array, name);
  }
  if (!model.preprocessing) return NoPictures(name);
  return ExampleOfPicture(model, bytes, name, resize);
}

std::string ClassName(const Model& model, int64_t label) {
  const auto i = static_cast<size_t>(label);
  return i < model.class_names.size() ? model.class_names[i] : absl::StrCat("class ", label);
}

}  // namespace weft
