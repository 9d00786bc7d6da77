#include "frontend/onnx/export/export.h"

#include <memory>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"

namespace weft {
namespace {

struct ExportArguments {
  std::string input;
  std::string output;
  OnnxExportOptions options;
};

absl::Status ExportFile(const ExportArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckOutputPath(a.output));
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.input, a.output));
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.input));
  const auto report = ExportOnnx(model, a.output, a.options);
  if (!report.ok()) return Annotate(report.status(), a.input);
  for (const std::string& note : report->notes) Print("%s\n", note.c_str());
  Print("saved %s, opset %d\n", a.output.c_str(), report->opset);
  return absl::OkStatus();
}

}  // namespace

Command AddExport(CLI::App& program) {
  CLI::App* app = program.add_subcommand("export", "Write a model as an ONNX file");
  auto a = std::make_shared<ExportArguments>();
  app->add_option("input", a->input, "A .weft or .onnx file")->required();
  app->add_option("-o,--output", a->output, "The .onnx file to write")->required();
  app->add_option("--opset", a->options.opset, "13 to 17; raised where an op needs it")
      ->capture_default_str();
  app->footer("Example: weft export a.weft -o a.onnx");
  return {app, [a] { return ExportFile(*a); }};
}

}  // namespace weft
