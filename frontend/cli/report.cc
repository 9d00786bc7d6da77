#include "frontend/report/report.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/cli/tuning.h"
#include "frontend/watch/write_text.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct ReportArguments {
  InspectArguments inspect;
  ReportOptions report;
  bool has_index = false;  // --index is given
  std::string tuning = "cached";
};

// The example and the data that the options name.
absl::Status AddReportData(const Model& model, const ReportArguments& a, ReportOptions& options) {
  const bool has_data = !a.inspect.data->empty();
  if (a.has_index && !has_data) {
    return absl::InvalidArgumentError("--index: an example's number needs --data");
  }
  if (a.has_index && !a.inspect.image.empty()) {
    return absl::InvalidArgumentError("expected --image or --index, got both");
  }
  if (has_data) {
    WEFT_ASSIGN_OR_RETURN(options.data, InspectData(model, a.inspect));
  }
  if (!a.inspect.image.empty() || a.has_index) {
    WEFT_ASSIGN_OR_RETURN(options.example, InspectExample(model, a.inspect));
  }
  return absl::OkStatus();
}

absl::Status WriteReport(const ReportArguments& a) {
  const std::string& path = a.inspect.output;
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(path, {".html", ".htm"}));
  WEFT_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(a.inspect.file));
  ReportOptions options = a.report;
  options.name = std::filesystem::path(a.inspect.file).filename().string();
  options.session.threads = a.inspect.threads;
  WEFT_ASSIGN_OR_RETURN(options.session.tuning, TuningFor(a.tuning));
  WEFT_RETURN_IF_ERROR(AddReportData(opened.model, a, options));
  const auto html = ReportHtml(opened.model, options);
  if (!html.ok()) return Annotate(html.status(), a.inspect.file);
  WEFT_RETURN_IF_ERROR(ReplaceByText(path, *html));
  Print("saved %s (%s)\n", path.c_str(), BytesText(static_cast<double>(html->size())).c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddReport(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "report", "Write one HTML page that shows a model: graph, passes, memory, time, mistakes");
  auto a = std::make_shared<ReportArguments>();
  app->add_option("file", a->inspect.file, "A .weft or .onnx file, or a network of the zoo")
      ->required();
  AddInspectExample(*app, a->inspect);
  CLI::Option* index = app->get_option("--index");
  index->description("The example to explain, of --data (default: the surest mistake)");
  index->default_str("");
  app->get_option("--image")->description(
      "The example to explain: a picture, prepared as the file says, or an .npy array");
  app->add_option("--log", a->report.log, "The curves of weft train --log");
  app->add_option("--batch", a->report.batch,
                  "Of the times and the memory (default: 1, or what the model fixes)");
  app->add_option("--seconds", a->report.seconds, "How long to measure the times")
      ->capture_default_str();
  app->add_option("--mistakes", a->report.mistakes, "How many mistakes to show")
      ->capture_default_str();
  AddTuning(*app, a->tuning);
  AddInspectOutput(*app, a->inspect, "The page to write, .html");
  app->get_option("--output")->required();
  app->footer("Example: weft report digits.weft --data digits -o report.html");
  return {app, [a, index] {
            a->has_index = index->count() > 0;
            return WriteReport(*a);
          }};
}

}  // namespace weft
