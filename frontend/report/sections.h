#ifndef WEFT_FRONTEND_REPORT_SECTIONS_H_
#define WEFT_FRONTEND_REPORT_SECTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "frontend/bench/profile.h"
#include "frontend/report/report.h"
#include "passes/passes.h"
#include "runtime/plan/plan.h"

namespace weft {

// The data of a report's sections, as JSON for the page's program (frontend/report/*.js); each in a
// file of its own. Names are taken as they come: what is no UTF-8 in them is replaced.

// What the model is: sizes, inputs, classes, preprocessing, training, layers.
absl::StatusOr<std::string> SummaryJson(const Model& model);
// A drawing of a graph, and what is known of its nodes. `original`: the graph that passes made it
// of, or null.
std::string GraphJson(const Graph& graph, const Graph* original);
// What the optimizer did and what it nearly did.
std::string PassesJson(const PassReport& report);
// Which buffer of the arena is live when.
std::string MemoryJson(const Plan& plan, int64_t batch);
// Where the time goes.
std::string TimeJson(const Profile& profile);
// The curves of a training's log. Errors: those of ReadNumberTable, a log without numbers.
absl::StatusOr<std::string> TrainingJson(const std::string& path);

struct Judgement {
  std::string json;
  std::optional<int64_t> worst = {};  // the index of the mistake that the model is most certain of
};
// How well the model does on options.data: metrics, confusion, mistakes. Errors: those of
// Session::Evaluate.
absl::StatusOr<Judgement> EvaluationJson(const Model& model, const ReportOptions& options);

// {"error": what it says}: a section that cannot be.
std::string ErrorJson(const absl::Status& status);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_SECTIONS_H_
