#include "frontend/data/open.h"

#include <charconv>
#include <string>

#include "absl/strings/escaping.h"
#include "frontend/data/cifar.h"
#include "frontend/data/csv.h"
#include "frontend/data/digits.h"
#include "frontend/data/folder.h"
#include "frontend/data/mnist.h"
#include "frontend/data/split.h"
#include "frontend/data/tensor_data.h"
#include "frontend/data/wav.h"
#include "graph/file/utf8.h"

namespace weft {
namespace {

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDigits(std::string_view size, Split split) {
  int64_t n = 0;
  const char* end = size.data() + size.size();
  const auto [stop, error] = std::from_chars(size.data(), end, n);
  if (error != std::errc() || stop != end || n < 1 || n > kMaxDigits) {
    return absl::InvalidArgumentError(absl::StrCat("data digits:N: expected N in [1,", kMaxDigits,
                                                   "], got \"", Absl(size), "\""));
  }
  return MakeDigits(split, split == Split::kTrain ? n : (n + 4) / 5);
}

using OpenedDataset = absl::StatusOr<std::shared_ptr<const Dataset>>;

// A kind of data set that lies in files, and what comes after the colon.
struct FileKind {
  std::string_view name, argument;
  OpenedDataset (*open)(const std::string& path, Split split, const DataOptions& options);
};

// For those that have their splits and nothing to choose.
template <OpenedDataset (*open)(const std::string&, Split)>
OpenedDataset OpenFixed(const std::string& path, Split split, const DataOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckSplit(path, /*has_held_out=*/true, split, options));
  return open(path, split);
}

constexpr FileKind kFileKinds[] = {{"mnist", "DIR", &OpenFixed<OpenMnist>},
                                   {"fashion-mnist", "DIR", &OpenFixed<OpenFashionMnist>},
                                   {"cifar10", "DIR", &OpenFixed<OpenCifar10>},
                                   {"cifar100", "DIR", &OpenFixed<OpenCifar100>},
                                   {"folder", "DIR", &OpenFolder},
                                   {"masks", "DIR", &OpenMasks},
                                   {"csv", "FILE", &OpenCsv},
                                   {"npy", "DIR", &OpenNpy},
                                   {"wav", "DIR", &OpenWav}};

// Names of folders and in tables are any bytes; a model keeps them, and what it was trained on.
absl::Status CheckDataNames(const Dataset& dataset) {
  const auto check = [&](const std::string& name) {
    if (IsUtf8(name)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("data: expected names in UTF-8, to keep them in a model, got \"",
                     absl::CHexEscape(name), "\"; rename it"));
  };
  WEFT_RETURN_IF_ERROR(check(dataset.name()));
  for (const std::string& name : dataset.class_names()) WEFT_RETURN_IF_ERROR(check(name));
  return absl::OkStatus();
}

}  // namespace

std::string DataSpecs() {
  std::string specs = "digits, digits:N";
  for (const FileKind& kind : kFileKinds) {
    absl::StrAppend(&specs, ", ", Absl(kind.name), ":", Absl(kind.argument));
  }
  return specs;
}

absl::StatusOr<std::shared_ptr<const Dataset>> OpenDataset(std::string_view spec, Split split,
                                                           const DataOptions& options) {
  const size_t colon = spec.find(':');
  const std::string_view kind = spec.substr(0, colon);
  const bool has_argument = colon != std::string_view::npos;
  const std::string_view argument = has_argument ? spec.substr(colon + 1) : std::string_view();
  if (kind == "digits") {
    WEFT_RETURN_IF_ERROR(CheckSplit("digits", /*has_held_out=*/true, split, options));
    if (has_argument) return OpenDigits(argument, split);
    return MakeDigits(split, split == Split::kTrain ? kTrainDigits : kTestDigits);
  }
  for (const FileKind& file : kFileKinds) {
    if (kind == file.name && !argument.empty()) {
      auto dataset = file.open(std::string(argument), split, options);
      if (dataset.ok()) WEFT_RETURN_IF_ERROR(CheckDataNames(**dataset));
      return dataset;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("data: expected one of ", DataSpecs(), "; got \"", Absl(spec), "\""));
}

}  // namespace weft
