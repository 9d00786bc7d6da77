#include "frontend/inspect/units/model_of_size.h"

#include <utility>

#include "frontend/inspect/planes.h"
#include "frontend/inspect/probe.h"
#include "frontend/io/image.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

// A copy whose input [N,C,H,W] has this height and width; every type is inferred again.
absl::StatusOr<Graph> WithInputSize(const Graph& graph, int64_t height, int64_t width) {
  Graph result(graph.registry());
  NodeMap copies;
  for (const Node& node : graph.nodes()) {
    NodeSpec spec = SpecOfCopy(node, copies);
    if (node.op_name() == kInput) {
      TensorType type = node.type();
      type.shape[2] = height;
      type.shape[3] = width;
      spec.attributes["type"] = std::move(type);
    }
    WEFT_ASSIGN_OR_RETURN(copies[&node], result.AddNode(std::move(spec)));
  }
  for (const NamedValue& output : graph.outputs()) {
    const Value value = output.value;
    WEFT_RETURN_IF_ERROR(result.AddOutput(output.name, copies.at(value.node)->output(value.index)));
  }
  return result;
}

}  // namespace

absl::StatusOr<Model> ModelOfSize(const Model& model, std::span<const std::string> at,
                                  int64_t height, int64_t width) {
  WEFT_ASSIGN_OR_RETURN(const Preprocessing form, PictureFormOf(model));
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(WithSize(form, height, width)));
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForInference(WithoutLosses(model.graph)));
  graph.ClearOutputs();
  graph.ClearUpdates();
  for (const std::string& name : at) {
    WEFT_ASSIGN_OR_RETURN(const Value value, NamedValueOf(graph, name));
    if (!graph.IsOutput(value)) WEFT_RETURN_IF_ERROR(graph.AddOutput(name, value));
  }
  graph.RemoveDeadNodes();
  absl::StatusOr<Graph> sized = WithInputSize(graph, height, width);
  if (!sized.ok()) {
    return Annotate(sized.status(), absl::StrCat("for pictures of ", height, "x", width));
  }
  Model result(*std::move(sized));
  result.preprocessing = WithSize(form, height, width);
  return result;
}

}  // namespace weft
