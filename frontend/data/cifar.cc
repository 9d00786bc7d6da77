#include "frontend/data/cifar.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "frontend/data/memory.h"
#include "frontend/data/split.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kCifarSide = 32;
constexpr size_t kCifarPixels = 3 * kCifarSide * kCifarSide;

// What distinguishes the two.
struct CifarForm {
  const char* spec;
  const char* archive;  // the folder that the archive has
  std::vector<std::string> train, test;
  const char* names;
  size_t classes;
  size_t label_bytes;            // the last one is the label
  std::vector<float> mean, std;  // of the training images
};

CifarForm Cifar10() {
  return {.spec = "cifar10:",
          .archive = "cifar-10-batches-bin",
          .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                    "data_batch_5.bin"},
          .test = {"test_batch.bin"},
          .names = "batches.meta.txt",
          .classes = 10,
          .label_bytes = 1,
          .mean = {0.4914f, 0.4822f, 0.4465f},
          .std = {0.2470f, 0.2435f, 0.2616f}};
}

CifarForm Cifar100() {
  return {.spec = "cifar100:",
          .archive = "cifar-100-binary",
          .train = {"train.bin"},
          .test = {"test.bin"},
          .names = "fine_label_names.txt",
          .classes = 100,
          .label_bytes = 2,
          .mean = {0.5071f, 0.4865f, 0.4409f},
          .std = {0.2673f, 0.2564f, 0.2762f}};
}

absl::StatusOr<std::vector<std::string>> CifarNames(const fs::path& folder, const CifarForm& form) {
  const std::string path = (folder / form.names).string();
  std::vector<std::string> names;
  if (std::error_code ignored; fs::exists(path, ignored)) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    for (const auto line : absl::StrSplit(text, '\n')) {
      const auto name = absl::StripAsciiWhitespace(line);
      if (!name.empty()) names.emplace_back(name);
    }
    if (names.size() == form.classes) return names;
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected ", form.classes, " names, got ", names.size()));
  }
  for (size_t c = 0; c < form.classes; ++c) names.push_back(absl::StrCat(c));
  return names;
}

absl::Status ReadCifarFile(const std::string& path, const CifarForm& form,
                           std::vector<std::byte>& pixels, std::vector<uint8_t>& labels) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  const size_t record = form.label_bytes + kCifarPixels;
  if (bytes.empty() || bytes.size() % record != 0) {
    return absl::DataLossError(absl::StrCat(path, ": expected records of ", record,
                                            " bytes, the file has ", bytes.size(), " bytes"));
  }
  for (size_t at = 0; at < bytes.size(); at += record) {
    const size_t begin = at + form.label_bytes;
    labels.push_back(static_cast<uint8_t>(bytes[begin - 1]));
    if (labels.back() >= form.classes) {
      return absl::OutOfRangeError(absl::StrCat(path, ": expected a label in [0,", form.classes,
                                                "), record ", at / record, " has ", labels.back()));
    }
    pixels.insert(pixels.end(), bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                  bytes.begin() + static_cast<std::ptrdiff_t>(begin + kCifarPixels));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenCifar(const CifarForm& form,
                                                         const std::string& folder, Split split) {
  std::error_code ignored;
  fs::path path = folder;
  if (fs::is_directory(path / form.archive, ignored)) path /= form.archive;
  DatasetInfo info = {.name = SplitName(form.spec + folder, split)};
  WEFT_ASSIGN_OR_RETURN(info.class_names, CifarNames(path, form));
  std::vector<std::byte> pixels;
  std::vector<uint8_t> labels;
  for (const std::string& file : split == Split::kTrain ? form.train : form.test) {
    WEFT_RETURN_IF_ERROR(ReadCifarFile((path / file).string(), form, pixels, labels));
  }
  info.preprocessing = {.channels = 3,
                        .height = kCifarSide,
                        .width = kCifarSide,
                        .channel_order = "rgb",
                        .mean = form.mean,
                        .std = form.std};
  const auto count = static_cast<int64_t>(labels.size());
  WEFT_ASSIGN_OR_RETURN(Tensor images,
                        Tensor::FromBytes(DType::kU8, {count, 3, kCifarSide, kCifarSide}, pixels));
  return MakeMemoryDataset(std::move(info), std::move(images), std::move(labels));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenCifar10(const std::string& folder, Split split) {
  return OpenCifar(Cifar10(), folder, split);
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenCifar100(const std::string& folder,
                                                            Split split) {
  return OpenCifar(Cifar100(), folder, split);
}

}  // namespace weft
