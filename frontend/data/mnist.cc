#include "frontend/data/mnist.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "frontend/data/idx.h"
#include "frontend/data/memory.h"

namespace weft {
namespace {

constexpr int64_t kMnistSide = 28;

// What distinguishes the data sets of this form: mean and deviation are those of the pixels of the
// training images.
struct MnistForm {
  const char* spec;
  float mean, std;
  std::vector<std::string> class_names;
};

// The path of `name` in the folder, raw or compressed.
absl::StatusOr<std::string> FindFile(const std::string& folder, const std::string& name) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return absl::NotFoundError(absl::StrCat(folder, ": expected a folder with MNIST's files"));
  }
  const std::string path = (std::filesystem::path(folder) / name).string();
  for (const std::string& candidate : {path, path + ".gz"}) {
    if (std::filesystem::exists(candidate, ignored)) return candidate;
  }
  return absl::NotFoundError(absl::StrCat(folder, ": has neither ", name, " nor ", name, ".gz"));
}

absl::Status CheckMnistDims(const std::string& images_path, const Tensor& images,
                            const std::string& labels_path, const Tensor& labels) {
  if (images.rank() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        images_path, ": expected images [N,28,28], the file is ", ToString(images.dims())));
  }
  if (labels.rank() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(labels_path, ": expected labels [N], the file is ", ToString(labels.dims())));
  }
  if (images.dims()[1] != kMnistSide || images.dims()[2] != kMnistSide) {
    return absl::InvalidArgumentError(absl::StrCat(images_path, ": expected 28x28, images are ",
                                                   images.dims()[1], "x", images.dims()[2]));
  }
  if (images.dims()[0] != labels.dims()[0]) {
    return absl::InvalidArgumentError(absl::StrCat(labels_path, ": expected ", images.dims()[0],
                                                   " labels for the images of ", images_path,
                                                   ", the file has ", labels.dims()[0]));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenMnistForm(MnistForm form,
                                                             const std::string& folder,
                                                             Split split) {
  const std::string prefix = split == Split::kTrain ? "train" : "t10k";
  WEFT_ASSIGN_OR_RETURN(const std::string images_path,
                        FindFile(folder, prefix + "-images-idx3-ubyte"));
  WEFT_ASSIGN_OR_RETURN(const std::string labels_path,
                        FindFile(folder, prefix + "-labels-idx1-ubyte"));
  WEFT_ASSIGN_OR_RETURN(Tensor images, ReadIdx(images_path));
  WEFT_ASSIGN_OR_RETURN(const Tensor labels, ReadIdx(labels_path));
  WEFT_RETURN_IF_ERROR(CheckMnistDims(images_path, images, labels_path, labels));

  DatasetInfo info;
  info.name = absl::StrCat(form.spec, folder, split == Split::kTrain ? " (train)" : " (test)");
  info.class_names = std::move(form.class_names);
  info.preprocessing = {.channels = 1,
                        .height = kMnistSide,
                        .width = kMnistSide,
                        .channel_order = "gray",
                        .mean = {form.mean},
                        .std = {form.std}};
  const std::span<const uint8_t> values = labels.values<uint8_t>();
  auto dataset = MakeMemoryDataset(std::move(info), std::move(images),
                                   std::vector<uint8_t>(values.begin(), values.end()));
  if (!dataset.ok()) return Annotate(dataset.status(), labels_path);
  return dataset;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenMnist(const std::string& folder, Split split) {
  MnistForm form = {.spec = "mnist:", .mean = 0.1307f, .std = 0.3081f, .class_names = {}};
  for (int digit = 0; digit < 10; ++digit) form.class_names.push_back(absl::StrCat(digit));
  return OpenMnistForm(std::move(form), folder, split);
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenFashionMnist(const std::string& folder,
                                                                Split split) {
  return OpenMnistForm({.spec = "fashion-mnist:",
                        .mean = 0.2860f,
                        .std = 0.3530f,
                        .class_names = {"T-shirt", "trouser", "pullover", "dress", "coat", "sandal",
                                        "shirt", "sneaker", "bag", "ankle boot"}},
                       folder, split);
}

}  // namespace weft
