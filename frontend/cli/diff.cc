#include "frontend/analysis/diff.h"

#include <memory>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/report_json.h"

namespace weft {
namespace {

struct DiffArguments {
  std::string a, b;
  bool json = false;
};

void PrintDiffJson(const GraphDiff& diff) {
  nlohmann::ordered_json json;
  json["equal"] = diff.equal;
  json["changed"] = nlohmann::ordered_json::array();
  for (const NodeDiff& node : diff.changed) {
    nlohmann::ordered_json entry = {{"name", node.name},
                                    {"op", node.op},
                                    {"rule", node.rule},
                                    {"from", node.from},
                                    {"changes", node.changes}};
    if (node.value) {
      entry["value"] = {{"elements", node.value->elements},
                        {"differing", node.value->differing},
                        {"largest", node.value->largest}};
    }
    json["changed"].push_back(std::move(entry));
  }
  json["only_first"] = diff.only_a;
  json["only_second"] = diff.only_b;
  Print("%s\n", Dump(json).c_str());
}

absl::Status RunDiff(const DiffArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const OpenedModel first, OpenModel(a.a));
  WEFT_ASSIGN_OR_RETURN(const OpenedModel second, OpenModel(a.b));
  const GraphDiff diff = Diff(first.model.graph, second.model.graph);
  if (a.json) {
    PrintDiffJson(diff);
  } else {
    Print("%s", diff.ToString().c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command AddDiff(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "diff", "Compare two graphs: what became of each node, and which weights differ");
  auto a = std::make_shared<DiffArguments>();
  app->add_option("first", a->a, "A .weft or .onnx file, or a network's name")->required();
  app->add_option("second", a->b, "Likewise; what passes have made of the first, or another")
      ->required();
  app->add_flag("--json", a->json, "Write the comparison as JSON");
  app->footer("Example: weft optimize a.weft -o b.weft && weft diff a.weft b.weft");
  return {app, [a] { return RunDiff(*a); }};
}

}  // namespace weft
