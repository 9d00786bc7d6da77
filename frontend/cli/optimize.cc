#include <memory>
#include <vector>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/session/session.h"
#include "graph/file/serialize.h"
#include "passes/passes.h"

namespace weft {
namespace {

struct OptimizeArguments {
  std::string input;
  std::string output;
  std::vector<std::string> passes;
  bool explain = false;
};

absl::Status OptimizeFile(const OptimizeArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckOutputPath(a.output));
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.input));
  PassReport report;
  auto graph = OptimizedForInference(model.graph, a.passes, &report);
  if (!graph.ok()) return Annotate(graph.status(), a.input);
  Model optimized(*std::move(graph));
  optimized.preprocessing = model.preprocessing;
  optimized.class_names = model.class_names;
  optimized.metadata = model.metadata;
  WEFT_RETURN_IF_ERROR(SaveModel(optimized, a.output));
  if (a.explain) Print("%s", report.ToString().c_str());
  Print("%zu rewrites, %zu near-misses: %d nodes became %d; saved %s\n", report.rewrites.size(),
        report.near_misses.size(), model.graph.size(), optimized.graph.size(), a.output.c_str());
  return absl::OkStatus();
}

std::string PassList() {
  std::string list;
  for (const std::string& name : PassNames())
    absl::StrAppend(&list, list.empty() ? "" : ", ", name);
  return list;
}

}  // namespace

Command AddOptimize(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "optimize", "Freeze a model's weights and rewrite it for fast inference");
  auto a = std::make_shared<OptimizeArguments>();
  app->add_option("input", a->input, "A .weft file")->required();
  app->add_option("-o,--output", a->output, "The file to write")->required();
  app->add_option("--passes", a->passes, "Only these, separated by commas")->delimiter(',');
  app->add_flag("--explain", a->explain,
                "Print what became what by which rule, and what nearly did and why not");
  app->footer("Passes: " + PassList() + "\nExample: weft optimize a.weft -o b.weft --explain");
  return {app, [a] { return OptimizeFile(*a); }};
}

}  // namespace weft
