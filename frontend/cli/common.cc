#include "frontend/cli/common.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontend/analysis/summary.h"
#include "frontend/io/npy.h"
#include "frontend/onnx/export/export.h"
#include "frontend/onnx/import/import.h"
#include "graph/file/serialize.h"
#include "graph/number_text.h"
#include "ops/ops.h"

namespace weft {
namespace {

[[gnu::format(printf, 1, 2)]] std::string Format(const char* format, ...) {
  char buffer[128];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

// Whether arrays of such a file can be read and written.
absl::Status CheckArrayName(const std::string& path) {
  if (path.ends_with(".npy") || path.ends_with(".pb")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a file that ends in .npy or .pb (an ONNX TensorProto)"));
}

}  // namespace

void Print(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
}

int TerminalColumns() {
  winsize size = {};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string AccuracyText(const Evaluation& e) {
  return absl::StrCat(Format("%.2f %% (", 100 * e.accuracy()), WithCommas(e.correct), " of ",
                      WithCommas(e.count), ")");
}

bool LooksLikeFile(const std::string& spec) {
  std::error_code ignored;
  return spec.find('/') != std::string::npos || spec.ends_with(".weft") ||
         spec.ends_with(".onnx") || std::filesystem::is_regular_file(spec, ignored);
}

absl::StatusOr<Model> OpenFile(const std::string& path) {
  return path.ends_with(".onnx") ? ImportOnnx(path) : LoadModel(path, StandardOps());
}

absl::StatusOr<bool> IsModelFile(const std::string& path) {
  constexpr std::string_view kMagic = "\rWEFT";  // proto/graph.proto
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  return text.starts_with(kMagic);
}

absl::StatusOr<OpenedModel> OpenModel(const std::string& spec) {
  if (LooksLikeFile(spec)) {
    WEFT_ASSIGN_OR_RETURN(Model model, OpenFile(spec));
    return OpenedModel{std::move(model), nullptr};
  }
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(spec));
  WEFT_ASSIGN_OR_RETURN(Model model, BuildNetwork(*entry));
  return OpenedModel{std::move(model), entry};
}

absl::StatusOr<TrainOptions> TrainOptionsFor(const OpenedModel& opened) {
  if (opened.model.training) return OptionsOf(*opened.model.training);
  TrainOptions options;
  if (opened.entry != nullptr) options.optimizer = opened.entry->optimizer;
  return options;
}

absl::Status CheckOtherFile(const std::string& input, const std::string& output) {
  std::error_code ignored;
  if (!std::filesystem::equivalent(input, output, ignored)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(output, ": expected another file than the input, which would be lost"));
}

absl::Status CheckOutputPath(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) return absl::InvalidArgumentError("expected a file's name, got an empty one");
  std::error_code ignored;
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  if (!fs::is_directory(folder, ignored)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": there is no folder ", folder.string(), " to write it to"));
  }
  if (fs::is_directory(path, ignored)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected a file's name, got a folder"));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, ": the folder ", folder.string(), " cannot be written to"));
  }
  return absl::OkStatus();
}

absl::Status CheckModelPath(const std::string& path) {
  if (!path.ends_with(".onnx")) return CheckOutputPath(path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": a model is saved as .weft; `weft export` writes ONNX"));
}

absl::StatusOr<Dims> ParseSize(const std::string& text) {
  Dims dims;
  for (const auto& part : absl::StrSplit(text, 'x')) {
    int64_t extent = 0;
    if (!absl::SimpleAtoi(part, &extent) || extent < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a size such as 3x224x224, got \"", text, "\""));
    }
    dims.push_back(extent);
  }
  return dims;
}

absl::StatusOr<Tensor> ReadArray(const std::string& path) {
  WEFT_RETURN_IF_ERROR(CheckArrayName(path));
  return path.ends_with(".npy") ? ReadNpy(path) : ReadOnnxTensor(path);
}

absl::Status CheckArrayPath(const std::string& path) {
  WEFT_RETURN_IF_ERROR(CheckArrayName(path));
  return CheckOutputPath(path);
}

absl::Status CheckArrayType(const std::string& path, DType dtype) {
  return path.ends_with(".npy") ? CheckNpyType(path, dtype) : absl::OkStatus();
}

absl::Status WriteArray(const std::string& path, const Tensor& array, std::string_view name) {
  WEFT_RETURN_IF_ERROR(CheckArrayName(path));
  return path.ends_with(".npy") ? WriteNpy(path, array) : WriteOnnxTensor(path, array, name);
}

absl::StatusOr<TensorMap> ReadBindings(const std::vector<std::string>& bindings) {
  TensorMap tensors;
  for (const std::string& binding : bindings) {
    const size_t equals = binding.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--bind: expected NAME=FILE, got '", binding, "'"));
    }
    const std::string name = binding.substr(0, equals);
    WEFT_ASSIGN_OR_RETURN(Tensor tensor, ReadArray(binding.substr(equals + 1)));
    if (!tensors.emplace(name, std::move(tensor)).second) {
      return absl::InvalidArgumentError(absl::StrCat("--bind: ", name, " is given twice"));
    }
  }
  return tensors;
}

}  // namespace weft
