#include <memory>

#include "absl/strings/str_replace.h"
#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/inspect/graph/graph_svg.h"
#include "frontend/watch/write_text.h"
#include "graph/text.h"

namespace weft {
namespace {

struct ShowArguments {
  std::string model;
  bool text = false;
  bool dot = false;
  bool summary = false;
  std::string svg;
};

// How far the model is trained, and with which options.
void PrintTrainingState(const TrainingState& t) {
  Print("trained for %lld epochs (step %lld), seed %llu, %lld thread%s, with\n",
        static_cast<long long>(t.epoch), static_cast<long long>(t.step),
        static_cast<unsigned long long>(t.seed), static_cast<long long>(t.threads),
        t.threads == 1 ? "" : "s");
  for (const auto& [key, value] : t.config) {
    const std::string shown = absl::StrReplaceAll(value, {{"\n", ", "}});
    Print("  %s%s\n", key.c_str(), shown.empty() ? "" : (" " + shown).c_str());
  }
}

absl::Status SaveDrawing(const Graph& graph, const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::string svg, GraphSvg(graph));
  WEFT_RETURN_IF_ERROR(ReplaceByText(path, svg));
  Print("saved %s\n", path.c_str());
  return absl::OkStatus();
}

absl::Status Show(const ShowArguments& a) {
  if (!a.svg.empty()) {
    WEFT_RETURN_IF_ERROR(Annotate(CheckOutputPath(a.svg), "--svg"));
    WEFT_RETURN_IF_ERROR(Annotate(CheckOtherFile(a.model, a.svg), "--svg"));
  }
  WEFT_ASSIGN_OR_RETURN(const OpenedModel opened, OpenModel(a.model));
  const Graph& graph = opened.model.graph;
  if (a.text) Print("%s", ToText(graph).c_str());
  if (a.dot) Print("%s", ToDot(graph).c_str());
  if (!a.svg.empty()) WEFT_RETURN_IF_ERROR(Annotate(SaveDrawing(graph, a.svg), a.model));
  if (a.summary || (!a.text && !a.dot && a.svg.empty())) {
    const auto summary = Summarize(graph);
    if (!summary.ok()) return Annotate(summary.status(), a.model);
    Print("%s", summary->ToString().c_str());
    if (opened.model.training) PrintTrainingState(*opened.model.training);
  }
  return absl::OkStatus();
}

}  // namespace

Command AddShow(CLI::App& program) {
  CLI::App* app = program.add_subcommand("show", "Show what is in a model");
  auto a = std::make_shared<ShowArguments>();
  app->add_option("model", a->model, "A .weft or .onnx file, or a network's name")->required();
  app->add_flag("--summary", a->summary,
                "Layers, sizes, receptive fields, parameters, MACs and the training (the default)");
  app->add_flag("--text", a->text, "The graph, one node a line");
  app->add_flag("--dot", a->dot, "The graph for Graphviz");
  app->add_option("--svg", a->svg, "Draw the graph into this file (inspect graph has options)");
  app->footer("Example: weft show a.weft --svg a.svg");
  return {app, [a] { return Show(*a); }};
}

}  // namespace weft
