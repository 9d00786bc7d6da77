#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/cli/report_json.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/inspect/layers/histogram_svg.h"
#include "frontend/inspect/layers/parameter_statistics.h"

namespace weft {
namespace {

using StatisticsRow = nlohmann::ordered_json;  // an object; its histograms are for JSON only

StatisticsRow JsonOf(const Histogram& h) {
  return {{"low", h.low}, {"width", h.width}, {"counts", h.counts}};
}

StatisticsRow StatisticsRowOf(const LayerStatistics& s) {
  const RunningStatistics& v = s.values;
  StatisticsRow row = {{"layer", s.layer},
                       {"op", s.op},
                       {"values", v.count()},
                       {"mean", v.mean()},
                       {"deviation", v.deviation()},
                       {"zeros", v.zero_share()},
                       {"least", v.low()},
                       {"most", v.high()},
                       {"nan", v.nan()},
                       {"infinite", v.infinite()},
                       {"units", s.units},
                       {"dead", nullptr},
                       {"saturated", nullptr},
                       {"saturated_units", nullptr}};
  if (s.dead) row["dead"] = s.dead->size();
  if (s.saturated_share) {
    row["saturated"] = *s.saturated_share;
    row["saturated_units"] = s.saturated.size();
  }
  if (s.dead) row["dead_units"] = *s.dead;
  row["histogram"] = JsonOf(v.histogram());
  return row;
}

StatisticsRow StatisticsRowOf(const ParameterStatistics& p) {
  const double weight = p.weights.norm();
  StatisticsRow row = {{"parameter", p.parameter},
                       {"elements", p.weights.count()},
                       {"weight_norm", weight},
                       {"weight_mean", p.weights.mean()},
                       {"weight_deviation", p.weights.deviation()},
                       {"gradient_norm", p.gradient_norm},
                       {"ratio", nullptr},
                       {"gradient_mean", p.gradients.mean()},
                       {"gradient_deviation", p.gradients.deviation()},
                       {"gradient_zeros", p.gradients.zero_share()},
                       {"gradient_nan", p.gradients.nan()}};
  if (weight > 0) row["ratio"] = p.gradient_norm / weight;
  row["weights"] = JsonOf(p.weights.histogram());
  row["gradients"] = JsonOf(p.gradients.histogram());
  return row;
}

// A number, a name or nothing as text; `digits` of numbers that are not whole.
std::string CellText(const StatisticsRow& cell, int digits) {
  if (cell.is_null()) return "";
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_number_float()) return absl::StrFormat("%.*g", digits, cell.get<double>());
  return cell.dump();
}

std::string CsvCell(const StatisticsRow& cell) {
  std::string text = CellText(cell, 9);
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

// The columns that are cells: what holds lists and histograms is left out.
std::vector<std::string> StatisticsColumns(const StatisticsRow& row) {
  std::vector<std::string> columns;
  for (const auto& [name, cell] : row.items()) {
    if (!cell.is_object() && !cell.is_array()) columns.push_back(name);
  }
  return columns;
}

std::string StatisticsCsv(const std::vector<StatisticsRow>& rows) {
  const std::vector<std::string> columns = StatisticsColumns(rows[0]);
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i) absl::StrAppend(&text, i == 0 ? "" : ",", columns[i]);
  text += "\n";
  for (const StatisticsRow& row : rows) {
    for (size_t i = 0; i < columns.size(); ++i) {
      absl::StrAppend(&text, i == 0 ? "" : ",", CsvCell(row[columns[i]]));
    }
    text += "\n";
  }
  return text;
}

// The cells in columns, without those that no row has.
void PrintStatistics(const std::vector<StatisticsRow>& rows) {
  std::vector<std::string> lines(rows.size() + 1);
  for (const std::string& column : StatisticsColumns(rows[0])) {
    std::vector<std::string> cells = {column};
    for (const StatisticsRow& row : rows) cells.push_back(CellText(row[column], 4));
    if (std::all_of(cells.begin() + 1, cells.end(), [](const auto& c) { return c.empty(); }))
      continue;
    size_t width = 0;
    for (const std::string& cell : cells) width = std::max(width, cell.size());
    const bool is_text = rows[0][column].is_string();
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string blanks(width - cells[i].size(), ' ');
      absl::StrAppend(&lines[i], lines[i].empty() ? "" : "  ", is_text ? "" : blanks, cells[i],
                      is_text ? blanks : "");
    }
  }
  for (const std::string& line : lines) {
    Print("%s\n", line.substr(0, line.find_last_not_of(' ') + 1).c_str());
  }
}

absl::Status SaveStatistics(const std::string& path, const std::vector<StatisticsRow>& rows) {
  if (path.ends_with(".csv")) return SaveText(path, StatisticsCsv(rows));
  return SaveText(path, Dump(StatisticsRow(rows)) + "\n");
}

std::string UnitsNote(const LayerStatistics& s) {
  if (s.dead && !s.dead->empty()) {
    return absl::StrFormat("%s, %d of %d units dead", s.op, s.dead->size(), s.units);
  }
  if (s.saturated_share) {
    return absl::StrFormat("%s, %.3g %% saturated", s.op, 100 * *s.saturated_share);
  }
  return absl::StrFormat("%s, %.3g %% zeros", s.op, 100 * s.values.zero_share());
}

absl::Status ShowActivationStatistics(const Model& model, const InspectArguments& a,
                                      StatisticsOptions options) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".csv", ".json", ".svg"}));
  options.session.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const std::vector<LayerStatistics> layers,
                        ActivationStatistics(model, dataset, options));
  std::vector<StatisticsRow> rows;
  for (const LayerStatistics& layer : layers) rows.push_back(StatisticsRowOf(layer));
  if (a.output.empty()) PrintStatistics(rows);
  if (a.output.empty()) return absl::OkStatus();
  if (!a.output.ends_with(".svg")) return SaveStatistics(a.output, rows);
  std::vector<NamedHistogram> histograms;
  for (const LayerStatistics& layer : layers) {
    histograms.push_back({layer.layer, UnitsNote(layer), layer.values.histogram()});
  }
  return SaveText(a.output,
                  HistogramsSvg(histograms, {.title = "Activations over " + dataset->name() +
                                                      " (logarithms of counts)",
                                             .log = true}));
}

InspectMethod AddStatistics(CLI::App& inspect, const std::shared_ptr<InspectArguments>& a) {
  CLI::App* app = inspect.add_subcommand(
      "statistics",
      "Layers over a data set: mean, deviation, zeros, range, dead and saturated units");
  auto options = std::make_shared<StatisticsOptions>();
  app->add_option("--at", options->at, "A layer (default: all); may be given several times")
      ->allow_extra_args(false);
  app->add_option("--examples", options->examples, "So many, evenly spread (default: all)");
  app->add_option("--batch", options->batch_size,
                  "Examples a run (default: 64, of large layers fewer)");
  AddInspectData(*app, *a);
  AddInspectOutput(*app, *a,
                   "The table as .csv or .json, or histograms as .svg (default: a table)");
  return {app, [a, options](const Model& model) {
            return ShowActivationStatistics(model, *a, *options);
          }};
}

absl::Status ShowGradientStatistics(const Model& model, const InspectArguments& a,
                                    ParameterStatisticsOptions options) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".csv", ".json", ".svg"}));
  options.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const std::vector<ParameterStatistics> parameters,
                        GradientStatistics(model, dataset, options));
  std::vector<StatisticsRow> rows;
  for (const ParameterStatistics& p : parameters) rows.push_back(StatisticsRowOf(p));
  if (a.output.empty()) PrintStatistics(rows);
  if (a.output.empty()) return absl::OkStatus();
  if (!a.output.ends_with(".svg")) return SaveStatistics(a.output, rows);
  std::vector<NamedHistogram> histograms;
  for (const ParameterStatistics& p : parameters) {
    histograms.push_back({p.parameter, absl::StrFormat("weights, norm %.4g", p.weights.norm()),
                          p.weights.histogram()});
    histograms.push_back({p.parameter, absl::StrFormat("gradients, norm %.4g", p.gradient_norm),
                          p.gradients.histogram()});
  }
  return SaveText(a.output, HistogramsSvg(histograms, {.title = "Weights and gradients over " +
                                                                dataset->name()}));
}

InspectMethod AddGradients(CLI::App& inspect, const std::shared_ptr<InspectArguments>& a) {
  CLI::App* app = inspect.add_subcommand(
      "gradients", "Parameters and their gradients over a data set: norms, ratios, histograms");
  auto options = std::make_shared<ParameterStatisticsOptions>();
  app->add_option("--examples", options->examples, "So many, evenly spread; 0: all")
      ->capture_default_str();
  app->add_option("--batch", options->batch_size, "Examples a step")->capture_default_str();
  app->add_option("--seed", options->seed, "Of dropout");
  AddInspectData(*app, *a);
  AddInspectOutput(*app, *a,
                   "The table as .csv or .json, or histograms as .svg (default: a table)");
  return {app,
          [a, options](const Model& model) { return ShowGradientStatistics(model, *a, *options); }};
}

}  // namespace

std::vector<InspectMethod> AddStatisticsMethods(CLI::App& inspect,
                                                std::shared_ptr<InspectArguments> a) {
  return {AddStatistics(inspect, a), AddGradients(inspect, a)};
}

}  // namespace weft
