#include <memory>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/graph/graph_svg.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

struct GraphArguments {
  bool optimize = false;
  std::string original;
  bool weights = false, no_shapes = false, horizontal = false;
};

absl::Status RunGraph(const Model& model, const InspectArguments& a, const GraphArguments& g) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg"}));
  GraphSvgOptions options{.weights = g.weights, .shapes = !g.no_shapes, .horizontal = g.horizontal};
  if (g.optimize) {
    WEFT_ASSIGN_OR_RETURN(const Graph optimized, OptimizedForInference(model.graph));
    options.original = &model.graph;
    WEFT_ASSIGN_OR_RETURN(const std::string svg, GraphSvg(optimized, options));
    return SaveText(a.output, svg);
  }
  std::optional<OpenedModel> original;
  if (!g.original.empty()) {
    auto opened = OpenModel(g.original);
    if (!opened.ok()) return Annotate(opened.status(), "--original");
    original.emplace(*std::move(opened));
    options.original = &original->model.graph;
  }
  WEFT_ASSIGN_OR_RETURN(const std::string svg, GraphSvg(model.graph, options));
  return SaveText(a.output, svg);
}

}  // namespace

std::vector<InspectMethod> AddGraphMethods(CLI::App& inspect, std::shared_ptr<InspectArguments> a) {
  CLI::App* app = inspect.add_subcommand("graph", "A drawing of the graph, by Graphviz");
  auto g = std::make_shared<GraphArguments>();
  CLI::Option* optimize =
      app->add_flag("--optimize", g->optimize,
                    "What inference runs: fused nodes are drawn around those that they came from");
  app->add_option("--original", g->original,
                  "The model that FILE was optimized from, for the same of a file")
      ->excludes(optimize);
  app->add_flag("--weights", g->weights, "Draw weights and constants as nodes too");
  app->add_flag("--no-shapes", g->no_shapes, "Leave out the shapes on the edges");
  app->add_flag("--horizontal", g->horizontal, "From left to right instead of downwards");
  AddInspectOutput(*app, *a, "The drawing to write, .svg");
  app->get_option("--output")->required();
  return {{app, [a, g](const Model& model) { return RunGraph(model, *a, *g); }}};
}

}  // namespace weft
