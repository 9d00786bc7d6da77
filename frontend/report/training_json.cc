#include <algorithm>
#include <cmath>

#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"
#include "frontend/watch/log_table.h"

namespace weft {
namespace {

constexpr size_t kMostCurvePoints = 1000;

// Of the columns that are curves, [[x, y], ...] of the rows of a kind ("" where the log has none);
// of very many points every so many-th and the last one.
ReportJson CurvePoints(const NumberTable& table, int column, const std::vector<double>& x,
                       std::string_view kind) {
  const std::vector<double> y = table.Numbers(column);
  const int kinds = table.Column("kind");
  std::vector<size_t> rows;
  for (size_t i = 0; i < y.size(); ++i) {
    const bool is_kind = kinds < 0 || table.rows[i][static_cast<size_t>(kinds)] == kind;
    if (is_kind && std::isfinite(x[i]) && std::isfinite(y[i])) rows.push_back(i);
  }
  ReportJson points = ReportJson::array();
  const size_t step = rows.size() / kMostCurvePoints + 1;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i % step == 0 || i + 1 == rows.size()) points.push_back({x[rows[i]], y[rows[i]]});
  }
  return points;
}

}  // namespace

absl::StatusOr<std::string> TrainingJson(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const NumberTable table, ReadNumberTable(path));
  const int x_column = std::max(0, table.Column("step"));
  const std::vector<double> x = table.Numbers(x_column);
  const int kind = table.Column("kind");
  ReportJson columns = ReportJson::object();
  for (int i = 0; i < static_cast<int>(table.columns.size()); ++i) {
    const std::string& name = table.columns[static_cast<size_t>(i)];
    if (i == x_column || i == kind || name == "epoch") continue;
    ReportJson curve = {{"steps", CurvePoints(table, i, x, "step")},
                        {"epochs", CurvePoints(table, i, x, "epoch")}};
    if (kind < 0) curve["epochs"] = ReportJson::array();
    if (!curve["steps"].empty() || !curve["epochs"].empty()) columns[name] = std::move(curve);
  }
  if (columns.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": there are no numbers to draw"));
  }
  return JsonText(
      {{"file", path}, {"x", table.columns[static_cast<size_t>(x_column)]}, {"columns", columns}});
}

}  // namespace weft
