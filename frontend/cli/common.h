#ifndef WEFT_FRONTEND_CLI_COMMON_H_
#define WEFT_FRONTEND_CLI_COMMON_H_

#include <string>
#include <vector>

#include "frontend/session/evaluation.h"
#include "frontend/train/train.h"
#include "frontend/watch/progress_text.h"
#include "frontend/zoo/zoo.h"
#include "graph/model.h"

namespace weft {

// printf to stdout.
[[gnu::format(printf, 1, 2)]] void Print(const char* format, ...);

// The width of the terminal that stdout is; 80 where it is none.
int TerminalColumns();

// "98.85 % (9,885 of 10,000)"
std::string AccuracyText(const Evaluation& e);

// A .weft or .onnx file, or a network of the zoo by its name, with new weights. `entry` is null for
// a file.
struct OpenedModel {
  Model model;
  const ZooEntry* entry = nullptr;
};
// Whether `spec` is meant as a file: it exists, or it looks like a path.
bool LooksLikeFile(const std::string& spec);
// A .weft file's model, or that of an .onnx file.
absl::StatusOr<Model> OpenFile(const std::string& path);
// Whether the file begins as .weft files do. Errors: it cannot be read.
absl::StatusOr<bool> IsModelFile(const std::string& path);
absl::StatusOr<OpenedModel> OpenModel(const std::string& spec);
// What a training of the model begins with: the file's options, or the network's optimizer.
absl::StatusOr<TrainOptions> TrainOptionsFor(const OpenedModel& opened);

// "3x224x224" as its numbers. Errors: another form.
absl::StatusOr<Dims> ParseSize(const std::string& text);

// An array of a file: .npy, or ONNX's TensorProto (.pb).
absl::StatusOr<Tensor> ReadArray(const std::string& path);
// Writes an array as the file's name says, as the value `name` where the format keeps one.
absl::Status WriteArray(const std::string& path, const Tensor& array, std::string_view name);
// An error unless WriteArray knows the file's ending, and for what CheckOutputPath refuses.
absl::Status CheckArrayPath(const std::string& path);
// An error where the file's format has no such elements.
absl::Status CheckArrayType(const std::string& path, DType dtype);
// NAME=FILE each: the arrays by name. Errors: no '=', a name twice, those of ReadArray.
absl::StatusOr<TensorMap> ReadBindings(const std::vector<std::string>& bindings);

// An error where both are one file, which writing another format would destroy.
absl::Status CheckOtherFile(const std::string& input, const std::string& output);

// An error unless a file can be made at `path`: a folder that is there and can be written to. So
// that nobody trains for an hour first.
absl::Status CheckOutputPath(const std::string& path);
// The same for a model: its file is opened by its ending, and is no ONNX file.
absl::Status CheckModelPath(const std::string& path);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_COMMON_H_
