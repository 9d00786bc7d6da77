#include "frontend/watch/plot.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/io/names.h"
#include "frontend/watch/log_table.h"
#include "frontend/watch/write_text.h"

namespace weft {
namespace {

struct PlotArguments {
  std::vector<std::string> files;
  std::string columns;
  std::string x;
  std::string output;
  std::string title;
  bool log_x = false, log_y = false;
};

absl::StatusOr<int> FindColumn(const NumberTable& table, const std::string& name,
                               const std::string& file) {
  const int column = table.Column(name);
  if (column >= 0) return column;
  const std::vector<std::string_view> names(table.columns.begin(), table.columns.end());
  const std::string nearest(NearestName(name, names));
  return absl::NotFoundError(
      absl::StrCat(file, ": there is no column ", name,
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", nearest, "?"),
                   " (there are ", absl::StrJoin(table.columns, ", "), ")"));
}

bool HasNumbers(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

// The columns to be drawn where the command names none: a training's losses, or, of another table,
// all that have numbers.
std::vector<std::string> DefaultColumns(const NumberTable& table, const std::string& x) {
  std::vector<std::string> names;
  for (const std::string& name : {std::string("loss"), std::string("test_loss")}) {
    if (HasNumbers(table.Numbers(table.Column(name)))) names.push_back(name);
  }
  if (!names.empty()) return names;
  for (const std::string& name : table.columns) {
    if (name != x && HasNumbers(table.Numbers(table.Column(name)))) names.push_back(name);
  }
  return names;
}

// A log has rows of steps and rows of epochs: a column that both have is drawn by steps.
Series CurveOf(const NumberTable& table, const std::string& name, int x, int y) {
  const int kind = table.Column("kind");
  const std::vector<double> xs = table.Numbers(x), ys = table.Numbers(y);
  const auto is_step = [&](size_t row) {
    return kind >= 0 && table.rows[row][static_cast<size_t>(kind)] == "step";
  };
  bool steps = false;
  for (size_t i = 0; i < ys.size(); ++i) steps = steps || (is_step(i) && std::isfinite(ys[i]));
  Series series{.name = name};
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!std::isfinite(ys[i]) || (steps && !is_step(i))) continue;
    series.x.push_back(xs[i]);
    series.y.push_back(ys[i]);
  }
  return series;
}

using PathParts = std::vector<std::string>;

// What tells each file from the others: of runs/a/log.csv and runs/b/log.csv a and b, of a.csv and
// b.csv likewise. The whole names where that is nothing.
std::vector<std::string> RunLabels(const std::vector<std::string>& files) {
  std::vector<PathParts> all;
  for (const std::string& file : files) {
    const std::string stem = file.ends_with(".csv") ? file.substr(0, file.size() - 4) : file;
    all.push_back(absl::StrSplit(stem, '/'));
  }
  const auto share = [&](auto part_of) {
    return std::ranges::all_of(all, [&](const PathParts& parts) {
      return !parts.empty() && part_of(parts) == part_of(all[0]);
    });
  };
  while (share([](const PathParts& parts) { return parts.front(); })) {
    for (PathParts& parts : all) parts.erase(parts.begin());
  }
  while (share([](const PathParts& parts) { return parts.back(); })) {
    for (PathParts& parts : all) parts.pop_back();
  }
  if (std::ranges::any_of(all, [](const PathParts& parts) { return parts.empty(); })) return files;
  std::vector<std::string> labels;
  for (const PathParts& parts : all) labels.push_back(absl::StrJoin(parts, "/"));
  return labels;
}

// Adds a file's curves; those of several runs are told apart by `run`, in a color each.
absl::Status AddCurves(const PlotArguments& a, const std::string& file, const NumberTable& table,
                       const std::string& x, const std::string& run, int number,
                       std::vector<Series>* curves) {
  WEFT_ASSIGN_OR_RETURN(const int x_column, FindColumn(table, x, file));
  std::vector<std::string> names = DefaultColumns(table, x);
  if (!a.columns.empty()) names = absl::StrSplit(a.columns, ',');
  if (names.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": there are no numbers to plot"));
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    WEFT_ASSIGN_OR_RETURN(const int column, FindColumn(table, name, file));
    curves->push_back(CurveOf(table, name, x_column, column));
    if (curves->back().y.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ": the column ", name, " has no numbers"));
    }
    if (a.files.size() == 1) continue;
    curves->back().name = absl::StrCat(run, " ", name);
    curves->back().color = number;
    curves->back().dash = static_cast<int>(i);
  }
  return absl::OkStatus();
}

absl::Status Plot(const PlotArguments& a) {
  if (!a.output.empty()) WEFT_RETURN_IF_ERROR(CheckOutputPath(a.output));
  std::string x = a.x;
  std::vector<Series> curves;
  const std::vector<std::string> runs = RunLabels(a.files);
  for (size_t i = 0; i < a.files.size(); ++i) {
    const std::string& file = a.files[i];
    WEFT_ASSIGN_OR_RETURN(const NumberTable table, ReadNumberTable(file));
    if (x.empty()) x = table.Column("step") >= 0 ? "step" : table.columns[0];
    WEFT_RETURN_IF_ERROR(AddCurves(a, file, table, x, runs[i], static_cast<int>(i), &curves));
  }
  PlotOptions options{.title = a.title, .x_label = x, .log_x = a.log_x, .log_y = a.log_y};
  if (!a.output.empty()) {
    WEFT_RETURN_IF_ERROR(ReplaceByText(a.output, PlotSvg(curves, options)));
    Print("saved %s\n", a.output.c_str());
    return absl::OkStatus();
  }
  constexpr int kAxes = 20;  // columns of labels
  options.columns = std::clamp(TerminalColumns() - kAxes, 20, 120);
  options.color = isatty(STDOUT_FILENO) != 0;
  std::fputs(PlotText(curves, options).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

Command AddPlot(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "plot", "Curves of a training's log, or of any CSV file of numbers, as SVG or as text");
  auto a = std::make_shared<PlotArguments>();
  app->add_option("files", a->files, "CSV files, as weft train --log writes; several to compare")
      ->required();
  app->add_option("--columns", a->columns,
                  "What to draw, as accuracy,test_accuracy (default: loss,test_loss)");
  app->add_option("--x", a->x, "The column of the horizontal axis (default: step)");
  app->add_flag("--log-x", a->log_x, "Logarithmic horizontal axis");
  app->add_flag("--log-y", a->log_y, "Logarithmic vertical axis");
  app->add_option("--title", a->title, "Above the chart");
  app->add_option("-o,--output", a->output, "An SVG file to write (default: text on stdout)");
  app->footer("Example: weft plot log.csv --columns loss,test_loss -o curves.svg");
  return {app, [a] { return Plot(*a); }};
}

}  // namespace weft
