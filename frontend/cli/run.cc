#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/tuning.h"
#include "frontend/inspect/example.h"
#include "frontend/io/image.h"
#include "frontend/session/session.h"
#include "frontend/train/model_data.h"
#include "graph/bind.h"

namespace weft {
namespace {

struct RunArguments {
  std::string file;
  std::vector<std::string> inputs;
  std::vector<std::string> bindings;
  std::vector<std::string> outputs;
  std::optional<int64_t> top;
  int threads = 0;
  std::string tuning = "cached";
  bool resize = false;
};

// What an input of the model gets: an array as it is, or an image prepared as the file says.
absl::StatusOr<Tensor> ReadInput(const RunArguments& a, const std::string& file,
                                 const Model& model) {
  if (file.ends_with(".npy") || file.ends_with(".pb")) return ReadArray(file);
  if (!IsImageName(file)) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": expected a file that ends in .npy, .pb (an ONNX TensorProto), .png or .jpg"));
  }
  if (!model.preprocessing) {
    return absl::FailedPreconditionError(absl::StrCat(
        a.file, ": does not say how images become its input; give it a .npy file instead"));
  }
  return ReadImageFor(model, file, {.resize = a.resize});
}

// NAME=FILE for each input, or a FILE alone for the only one.
absl::StatusOr<TensorMap> ReadInputs(const RunArguments& a, const Model& model,
                                     const Session& session) {
  TensorMap feeds;
  for (const std::string& given : a.inputs) {
    const size_t equals = given.find('=');
    const Node* input = nullptr;
    std::string file = given;
    std::error_code ignored;
    if (equals == std::string::npos || std::filesystem::exists(given, ignored)) {
      WEFT_ASSIGN_OR_RETURN(input, OnlyInput(session.graph()));
    } else {
      const std::string name = given.substr(0, equals);
      file = given.substr(equals + 1);
      input = session.graph().Find(name);
      if (input == nullptr || input->op_name() != kInput) {
        return absl::NotFoundError(absl::StrCat(a.file, ": has no input called '", name, "'"));
      }
    }
    WEFT_ASSIGN_OR_RETURN(const Tensor array, ReadInput(a, file, model));
    WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitToInput(*input, array));
    if (!feeds.emplace(input->name(), std::move(fitted)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--input: ", input->name(), " is given twice"));
    }
  }
  return feeds;
}

// Where an output goes.
struct Destination {
  std::string output = {};  // empty: the first
  std::string file = {};
};

// NAME=FILE or a FILE alone, which may have a '=' too: then its folder is there.
absl::StatusOr<Destination> ParseDestination(const std::string& given) {
  const size_t equals = given.find('=');
  if (equals == std::string::npos) return Destination{.file = given};
  std::error_code ignored;
  const bool in_folder =
      given.find('/') < equals &&
      std::filesystem::is_directory(std::filesystem::path(given).parent_path(), ignored);
  if (in_folder) return Destination{.file = given};
  if (equals == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: expected NAME=FILE or FILE, got '", given, "'"));
  }
  return Destination{given.substr(0, equals), given.substr(equals + 1)};
}

// NAME=FILE for each output that is wanted, or a FILE alone for the first one. Errors: files that
// could not be written later, so that nothing runs in vain.
absl::StatusOr<std::vector<Destination>> ParseDestinations(const RunArguments& a) {
  std::vector<Destination> destinations;
  for (const std::string& given : a.outputs) {
    WEFT_ASSIGN_OR_RETURN(Destination to, ParseDestination(given));
    WEFT_RETURN_IF_ERROR(Annotate(CheckArrayPath(to.file), "--output"));
    destinations.push_back(std::move(to));
  }
  return destinations;
}

// Puts the first output's name where none is given. Errors: outputs that are not there or that the
// file cannot hold, and one output or one file twice.
absl::Status CheckDestinations(const RunArguments& a, std::span<const NamedValue> outputs,
                               std::vector<Destination>& destinations) {
  std::set<std::string> seen;
  std::error_code ignored;
  for (Destination& to : destinations) {
    if (to.output.empty()) to.output = outputs[0].name;
    const auto output = std::ranges::find(outputs, to.output, &NamedValue::name);
    if (output == outputs.end()) {
      std::vector<std::string> names;
      for (const NamedValue& known : outputs) names.push_back(known.name);
      return absl::NotFoundError(absl::StrCat(a.file, ": has no output called '", to.output,
                                              "'; it has ", absl::StrJoin(names, ", ")));
    }
    WEFT_RETURN_IF_ERROR(Annotate(CheckArrayType(to.file, output->value.type().dtype), "--output"));
    const std::string path = std::filesystem::absolute(to.file, ignored).lexically_normal();
    for (const auto& [part, key] : {std::pair("output " + to.output, "output " + to.output),
                                    std::pair("file " + to.file, "file " + path)}) {
      if (seen.insert(key).second) continue;
      return absl::InvalidArgumentError(absl::StrCat("--output: ", part, " is given twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status PrintTop(const Model& model, bool normalized, const Tensor& scores, int64_t top) {
  for (int64_t row = 0; row < scores.dims()[0]; ++row) {
    if (scores.dims()[0] > 1) Print("example %lld\n", static_cast<long long>(row));
    WEFT_ASSIGN_OR_RETURN(const auto predictions, TopPredictions(scores, row, top, normalized));
    for (const Prediction& p : predictions) {
      Print("%s  %.2f %%\n", ClassName(model, p.label).c_str(), 100 * p.probability);
    }
  }
  return absl::OkStatus();
}

absl::Status Run(const RunArguments& a) {
  WEFT_ASSIGN_OR_RETURN(std::vector<Destination> destinations, ParseDestinations(a));
  if (a.top && *a.top < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--top: expected at least 1, got ", *a.top));
  }
  WEFT_ASSIGN_OR_RETURN(Model model, OpenFile(a.file));
  WEFT_ASSIGN_OR_RETURN(const TensorMap constants, ReadBindings(a.bindings));
  if (!constants.empty()) {
    WEFT_ASSIGN_OR_RETURN(model.graph, Bind(model.graph, {}, constants));
  }
  WEFT_ASSIGN_OR_RETURN(const TuningOptions tuning, TuningFor(a.tuning));
  auto session = Session::Create(model, {.threads = a.threads, .tuning = tuning});
  if (!session.ok()) return Annotate(session.status(), a.file);
  WEFT_RETURN_IF_ERROR(CheckDestinations(a, (*session)->outputs(), destinations));
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, ReadInputs(a, model, **session));
  const auto outputs = (*session)->Run(feeds);
  if (!outputs.ok()) {
    return Annotate(outputs.status(), absl::StrCat(a.file, a.inputs.empty() ? "" : " on ",
                                                   absl::StrJoin(a.inputs, ", ")));
  }
  const NamedValue& first = (*session)->outputs()[0];
  const Tensor* y = &outputs->at(first.name);
  const bool print = destinations.empty() || a.top;
  if (print && (y->rank() != 2 || !kFloatTypes.contains(y->dtype()))) {
    return absl::InvalidArgumentError(absl::StrCat(a.file, ": its output is ", ToString(y->type()),
                                                   ", no scores; write it with --output alone"));
  }
  for (const Destination& to : destinations) {
    WEFT_RETURN_IF_ERROR(WriteArray(to.file, outputs->at(to.output), to.output));
  }
  const bool normalized = first.value.node->op_name() == "Softmax";
  return print ? PrintTop(model, normalized, *y, a.top.value_or(3)) : absl::OkStatus();
}

}  // namespace

Command AddRun(CLI::App& program) {
  CLI::App* app = program.add_subcommand("run", "Run a model on an array or an image");
  auto a = std::make_shared<RunArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file")->required();
  app->add_option(
         "--input", a->inputs,
         "A file with the input's values: .npy, an ONNX TensorProto (.pb), or an image (.png, "
         ".jpg) prepared as the model says; NAME=FILE for each where there are several")
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_option("--bind", a->bindings,
                  "NAME=FILE: the input NAME becomes a constant, so that it can decide a shape")
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_option(
         "--output", a->outputs,
         "Write the first output to this .npy or .pb file, or NAME=FILE for each of several")
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_option("--top", a->top, "Print so many of the likeliest classes (default: 3)");
  app->add_flag("--resize", a->resize, "Resize an image of another size than the model's");
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  AddTuning(*app, a->tuning);
  app->footer("Example: weft run a.weft --input seven.png --top 3");
  return {app, [a] { return Run(*a); }};
}

}  // namespace weft
