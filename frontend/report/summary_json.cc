#include "frontend/analysis/summary.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
namespace {

ReportJson InputsOf(const Graph& graph) {
  ReportJson inputs = ReportJson::array();
  for (const Node* input : graph.inputs()) {
    inputs.push_back({{"name", input->name()}, {"type", ToString(input->type())}});
  }
  return inputs;
}

ReportJson OutputsOf(const Graph& graph) {
  ReportJson outputs = ReportJson::array();
  for (const NamedValue& output : graph.outputs()) {
    outputs.push_back({{"name", output.name}, {"type", ToString(output.value.type())}});
  }
  return outputs;
}

ReportJson PreprocessingOf(const Preprocessing& p) {
  return {{"height", p.height},
          {"width", p.width},
          {"channel_order", p.channel_order},
          {"mean", p.mean},
          {"std", p.std}};
}

ReportJson TrainingOf(const TrainingState& t) {
  return {{"epoch", t.epoch},
          {"step", t.step},
          {"seed", t.seed},
          {"threads", t.threads},
          {"config", t.config}};
}

ReportJson LayersOf(const Summary& summary) {
  ReportJson layers = ReportJson::array();
  for (const SummaryRow& row : summary.rows) {
    layers.push_back({row.name, row.op, row.output, row.field, row.parameters, row.macs});
  }
  return layers;
}

}  // namespace

absl::StatusOr<std::string> SummaryJson(const Model& model) {
  WEFT_ASSIGN_OR_RETURN(const Summary summary, Summarize(model.graph));
  WEFT_ASSIGN_OR_RETURN(const ModelSize size, SizeOf(model.graph));
  ReportJson json = {{"parameters", size.parameters},   {"macs", size.macs},
                     {"inputs", InputsOf(model.graph)}, {"outputs", OutputsOf(model.graph)},
                     {"classes", model.class_names},    {"metadata", model.metadata},
                     {"layers", LayersOf(summary)}};
  if (model.preprocessing) json["preprocessing"] = PreprocessingOf(*model.preprocessing);
  if (model.training) json["training"] = TrainingOf(*model.training);
  return JsonText(json);
}

}  // namespace weft
