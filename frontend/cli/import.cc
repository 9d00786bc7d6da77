#include "frontend/onnx/import/import.h"

#include <map>
#include <memory>

#include "absl/strings/str_split.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "graph/file/serialize.h"

namespace weft {
namespace {

struct ImportArguments {
  std::string file;
  std::string output;
  std::vector<std::string> bindings;
  bool keep_types = false;
  std::vector<std::string> shapes;
};

// [NAME=]Nx3x224x224 each, by name; "" where there is none.
absl::StatusOr<std::map<std::string, Shape>> ParseShapes(const std::vector<std::string>& texts) {
  std::map<std::string, Shape> shapes;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
    Shape shape;
    for (const std::string& part : std::vector<std::string>(
             absl::StrSplit(equals == std::string::npos ? text : text.substr(equals + 1), 'x'))) {
      absl::StatusOr<Dim> dim = Dim::Parse(part);
      if (!dim.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--shape: expected a shape such as x=1x3x224x224 or x=Nx3x224x224, got '", text, "'"));
      }
      shape.push_back(*std::move(dim));
    }
    if (!shapes.emplace(name, std::move(shape)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--shape: ", name.empty() ? "the only input" : name, " is given twice"));
    }
  }
  return shapes;
}

absl::Status Run(const ImportArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.file, a.output));
  WEFT_RETURN_IF_ERROR(CheckModelPath(a.output));
  OnnxImportOptions options;
  WEFT_ASSIGN_OR_RETURN(options.constants, ReadBindings(a.bindings));
  WEFT_ASSIGN_OR_RETURN(options.shapes, ParseShapes(a.shapes));
  options.keep_half_types = a.keep_types;
  OnnxImportReport report;
  WEFT_ASSIGN_OR_RETURN(const Model model, ImportOnnx(a.file, options, &report));
  WEFT_RETURN_IF_ERROR(SaveModel(model, a.output));
  for (const std::string& note : report.notes) Print("%s\n", note.c_str());
  Print("%s: %d nodes, %zu variables, %zu inputs, %zu outputs -> %s\n", a.file.c_str(),
        model.graph.size(), model.graph.variables().size(), model.graph.inputs().size(),
        model.graph.outputs().size(), a.output.c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddImport(CLI::App& program) {
  CLI::App* app = program.add_subcommand("import", "Make a .weft file of an ONNX model");
  auto a = std::make_shared<ImportArguments>();
  app->add_option("file", a->file, "An .onnx file, opset 6 to 24")->required();
  app->add_option("-o,--output", a->output, "The .weft file to write")->required();
  app->add_option("--bind", a->bindings,
                  "NAME=FILE: the input NAME becomes a constant, the tensor of a .npy file or an "
                  "ONNX TensorProto")
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_flag("--keep-types", a->keep_types,
                "Inputs and outputs of f16 and bf16 keep their types (default: they are f32)");
  app->add_option("--shape", a->shapes,
                  "[NAME=]1x3x224x224: the shape of the input NAME, or of the only one; a word "
                  "leaves a dim open, as Nx3x224x224")
      ->type_size(1)
      ->allow_extra_args(false);
  app->footer("Example: weft import resnet18.onnx -o resnet18.weft");
  return {app, [a] { return Run(*a); }};
}

}  // namespace weft
