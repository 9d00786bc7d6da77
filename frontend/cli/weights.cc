#include "frontend/weights/weights.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "graph/file/serialize.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct WeightsArguments {
  std::string model;
  std::string file;
  std::string output;
  std::string key;
  std::vector<std::string> map;
  bool partial = false;
};

void PrintNames(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  Print("%s:\n", what);
  for (const std::string& name : names) Print("  %s\n", Printable(name).c_str());
}

void PrintUnsupported(const char* what, const std::map<std::string, std::string>& types) {
  std::vector<std::string> names;
  for (const auto& [name, type] : types) names.push_back(name + "  " + type + " (unsupported)");
  PrintNames(what, names);
}

// The names, those of unsupported tensors with what these are.
std::vector<std::string> WithReasons(std::vector<std::string> names, const NamedTensors& weights) {
  for (std::string& name : names) {
    const auto it = weights.unsupported.find(name);
    if (it != weights.unsupported.end()) name += "  " + it->second + " (unsupported)";
  }
  return names;
}

absl::Status Load(const WeightsArguments& a) {
  const std::string& output = a.output.empty() ? a.model : a.output;
  if (output.ends_with(".onnx")) {
    return absl::InvalidArgumentError(
        absl::StrCat(output, ": expected a .weft file to write, give it with -o"));
  }
  LoadWeightsOptions options = {.partial = a.partial};
  for (const std::string& text : a.map) {
    const auto pattern = ParseNamePattern(text);
    if (!pattern.ok()) return Annotate(pattern.status(), "--map");
    options.map.push_back(*pattern);
  }
  WEFT_RETURN_IF_ERROR(CheckModelPath(output));
  WEFT_ASSIGN_OR_RETURN(Model model, OpenFile(a.model));
  const bool training = model.training.has_value();
  WEFT_ASSIGN_OR_RETURN(const NamedTensors weights, OpenWeights(a.file, a.key));
  const auto report = LoadWeights(model, weights, options);
  if (!report.ok()) return Annotate(report.status(), a.model);
  WEFT_RETURN_IF_ERROR(SaveModel(model, output));
  PrintNames("not in the file, kept as they were", report->missing);
  PrintUnsupported("of types that Weft has not, kept as they were", report->unsupported);
  PrintNames("not in the model, passed over", WithReasons(report->unexpected, weights));
  for (const auto& [types, count] : report->converted) {
    Print("converted %s: %d tensors\n", types.c_str(), count);
  }
  if (training) Print("dropped the training state, which belonged to the old weights\n");
  Print("loaded %zu of %zu variables; saved %s\n", report->loaded.size(),
        report->loaded.size() + report->missing.size() + report->unsupported.size(),
        output.c_str());
  return absl::OkStatus();
}

// What `list` and `save` say at their end.
std::string Totals(const TensorMap& tensors) {
  int64_t elements = 0;
  size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    elements += tensor.size();
    bytes += tensor.bytes();
  }
  return absl::StrCat(tensors.size(), " tensors, ", WithCommas(elements), " elements, ",
                      BytesText(bytes));
}

absl::Status Save(const WeightsArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckOutputPath(a.file));
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.model, a.file));
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.model));
  const absl::Status status = SaveWeights(model, a.file);
  if (!status.ok()) return status;
  Print("%s; saved %s\n", Totals(WeightsOf(model)).c_str(), a.file.c_str());
  return absl::OkStatus();
}

// A model's weights, or a file's.
absl::StatusOr<NamedTensors> OpenEither(const WeightsArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const bool is_model, IsModelFile(a.file));
  if (!is_model) return OpenWeights(a.file, a.key);
  if (!a.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        a.file, ": a .weft file holds one set of weights, there is no key ", Printable(a.key)));
  }
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.file));
  NamedTensors weights;
  weights.tensors = WeightsOf(model);
  return weights;
}

absl::Status ListWeights(const WeightsArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const NamedTensors weights, OpenEither(a));
  std::map<std::string, std::string> lines;
  for (const auto& [name, tensor] : weights.tensors) {
    lines[Printable(name)] = ToString(tensor.type());
  }
  for (const auto& [name, type] : weights.unsupported) {
    lines[Printable(name)] = type + " (unsupported)";
  }
  size_t width = 0;
  for (const auto& [name, type] : lines) width = std::max(width, name.size());
  for (const auto& [name, type] : lines) {
    Print("%-*s  %s\n", static_cast<int>(width), name.c_str(), type.c_str());
  }
  Print("%s\n", Totals(weights.tensors).c_str());
  PrintNames("classes that are none of PyTorch's, whose objects were passed over",
             {weights.opaque.begin(), weights.opaque.end()});
  return absl::OkStatus();
}

void AddKey(CLI::App& app, WeightsArguments& a) {
  app.add_option("--key", a.key,
                 "Which of several state dicts in a .pth file: ema, or model.generator further in");
}

CLI::App* AddLoad(CLI::App& weights, WeightsArguments& a) {
  CLI::App* app = weights.add_subcommand("load", "Give a model the weights of a file");
  app->add_option("model", a.model, "A .weft file")->required();
  app->add_option("file", a.file,
                  "A .safetensors file, a state dict or model that PyTorch saved (.pth), or the "
                  "index of a sharded one (.index.json)")
      ->required();
  app->add_option("-o,--output", a.output, "The .weft file to write (default: MODEL itself)");
  app->add_option("--map", a.map,
                  "OLD=NEW: names in the file that are OLD become NEW; * in OLD is any text, which "
                  "* in NEW repeats. Several are applied one after the other")
      ->allow_extra_args(false);
  AddKey(*app, a);
  app->add_flag("--partial", a.partial,
                "Keep variables that the file lacks or has in a type that Weft lacks, pass over "
                "tensors that the model lacks");
  app->footer(
      "Examples: weft weights load a.weft resnet.pth --map 'module.*=*' -o b.weft\n"
      "          weft weights load a.weft esrgan.pth --key params_ema\n"
      "Names and shapes must match; otherwise all differences are listed and nothing is changed.");
  return app;
}

CLI::App* AddSave(CLI::App& weights, WeightsArguments& a) {
  CLI::App* app = weights.add_subcommand("save", "Write a model's weights as .safetensors");
  app->add_option("model", a.model, "A .weft file")->required();
  app->add_option("file", a.file, "The .safetensors file to write")->required();
  app->footer("Example: weft weights save a.weft a.safetensors");
  return app;
}

CLI::App* AddList(CLI::App& weights, WeightsArguments& a) {
  CLI::App* app = weights.add_subcommand("list", "List names and types of weights");
  app->add_option("file", a.file, "A .weft file, a .safetensors file, or a .pth file")->required();
  AddKey(*app, a);
  app->footer("Example: weft weights list resnet.pth");
  return app;
}

}  // namespace

Command AddWeights(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "weights", "Load, save and list weights (.safetensors, PyTorch's .pth)");
  auto a = std::make_shared<WeightsArguments>();
  const CLI::App* load = AddLoad(*app, *a);
  const CLI::App* save = AddSave(*app, *a);
  AddList(*app, *a);
  app->require_subcommand(1);
  app->footer(
      "Example: weft weights load a.weft a.safetensors\nEach of load, save and list has --help.");
  return {app, [a, load, save] {
            return load->parsed() ? Load(*a) : save->parsed() ? Save(*a) : ListWeights(*a);
          }};
}

}  // namespace weft
