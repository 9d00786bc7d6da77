#include "frontend/report/report.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_replace.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/report/example_view.h"
#include "frontend/report/json_text.h"
#include "frontend/report/page.h"
#include "frontend/report/sections.h"
#include "frontend/watch/plot_axis.h"
#include "graph/bind.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr char kPolicy[] =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'";
constexpr char kServedPolicy[] = "; connect-src 'self'";

constexpr int64_t kMostPredictions = 10;
constexpr int64_t kMostLayers = 240;  // whose maps a page has: some megabytes

absl::Status CheckReportOptions(const ReportOptions& options) {
  const auto expected = [](std::string_view option, std::string_view what, const auto& got) {
    return absl::InvalidArgumentError(
        absl::StrCat("report: ", Absl(option), ": expected ", Absl(what), ", got ", got));
  };
  if (options.batch && *options.batch < 1) return expected("batch", "at least 1", *options.batch);
  if (!(options.seconds > 0) || !std::isfinite(options.seconds)) {
    return expected("seconds", "a number above 0", options.seconds);
  }
  if (options.eval_batch < 1) return expected("eval_batch", "at least 1", options.eval_batch);
  if (options.mistakes < 1) return expected("mistakes", "at least 1", options.mistakes);
  return CheckThreads(options.session.threads);
}

// The page's data, a section each.
class ReportSections {
 public:
  // In a script of its own, which the page's program reads when it needs it. No text in it begins
  // a tag.
  void Add(std::string_view name, const std::string& json) {
    absl::StrAppend(&html_, "<script type=\"application/json\" id=\"json-", Absl(name), "\">",
                    absl::StrReplaceAll(json, {{"<", "\\u003c"}}), "</script>\n");
  }
  const std::string& html() const { return html_; }

 private:
  std::string html_;
};

// The plan of inference and the times of its steps.
absl::Status AddMeasured(const Model& model, const ReportOptions& options,
                         ReportSections& sections) {
  WEFT_ASSIGN_OR_RETURN(const auto workload, Workload::Create(Model(Clone(model.graph)),
                                                              {.batch = options.batch,
                                                               .threads = options.session.threads,
                                                               .optimize = options.session.optimize,
                                                               .tuning = options.session.tuning}));
  WEFT_RETURN_IF_ERROR(workload->MakeExamples());
  WEFT_ASSIGN_OR_RETURN(const Profile profile, ProfileWorkload(*workload, options.seconds));
  WEFT_ASSIGN_OR_RETURN(const auto plan, workload->FindPlan());
  sections.Add("memory", MemoryJson(*plan, workload->batch()));
  sections.Add("time", TimeJson(profile));
  return absl::OkStatus();
}

// What the page is, and the legend of its drawings.
std::string PageJson(const ReportOptions& options) {
  ReportJson kinds = ReportJson::array();
  for (const OpKind kind : kOpKinds) kinds.push_back({OpClass(kind), ToString(kind)});
  return JsonText({{"name", options.name}, {"serve", options.serve}, {"kinds", kinds}});
}

// `optimize`: as a session's options have it.
absl::Status AddGraphs(const Model& model, bool optimize, ReportSections& sections) {
  PassReport passes;
  const auto run =
      optimize ? OptimizedForInference(model.graph, {}, &passes) : ForInference(model.graph);
  WEFT_RETURN_IF_ERROR(run.status());
  sections.Add("graph-run", GraphJson(*run, &model.graph));
  sections.Add("graph-built", GraphJson(model.graph, nullptr));
  sections.Add("passes", optimize ? PassesJson(passes)
                                  : ErrorJson(absl::FailedPreconditionError(
                                        "it was switched off: the graph runs as it was built")));
  return absl::OkStatus();
}

// What the model makes of an example, the maps of all layers too.
absl::StatusOr<std::string> ExampleJson(const Model& model, const Example& example,
                                        const SessionOptions& session) {
  WEFT_ASSIGN_OR_RETURN(const auto view,
                        ExampleView::Create(model, {.predictions = kMostPredictions,
                                                    .all_layers = true,
                                                    .most_nodes = kMostLayers,
                                                    .session = session}));
  return view->Json(example, {.all_methods = true});
}

// What is explained: what was asked for, or `index` of the data.
absl::StatusOr<std::string> ExampleJson(const Model& model, const ReportOptions& options,
                                        int64_t index) {
  if (options.example) return ExampleJson(model, *options.example, options.session);
  WEFT_ASSIGN_OR_RETURN(const Example example, ExampleOf(*options.data, index));
  return ExampleJson(model, example, options.session);
}

absl::Status AddJudged(const Model& model, const ReportOptions& options, ReportSections& sections) {
  int64_t index = 0;
  if (options.data != nullptr) {
    WEFT_ASSIGN_OR_RETURN(const Judgement judgement, EvaluationJson(model, options));
    sections.Add("evaluation", judgement.json);
    index = judgement.worst.value_or(0);
  }
  if (options.data == nullptr && !options.example) return absl::OkStatus();
  const auto json = ExampleJson(model, options, index);
  if (!json.ok() && options.example) return Annotate(json.status(), options.example->name);
  sections.Add("example", json.ok() ? *json : ErrorJson(json.status()));
  return absl::OkStatus();
}

}  // namespace

std::string ErrorJson(const absl::Status& status) {
  return JsonText({{"error", std::string(status.message())}});
}

std::string PagePolicy(bool served) { return absl::StrCat(kPolicy, served ? kServedPolicy : ""); }

absl::StatusOr<std::string> ReportHtml(const Model& model, const ReportOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckReportOptions(options));
  ReportSections sections;
  sections.Add("page", PageJson(options));
  WEFT_ASSIGN_OR_RETURN(const std::string summary, SummaryJson(model));
  sections.Add("summary", summary);
  WEFT_RETURN_IF_ERROR(AddGraphs(model, options.session.optimize, sections));
  const absl::Status measured = AddMeasured(model, options, sections);
  if (!measured.ok() && options.batch) return measured;
  if (!measured.ok()) sections.Add("time", ErrorJson(measured));
  if (!options.log.empty()) {
    WEFT_ASSIGN_OR_RETURN(const std::string training, TrainingJson(options.log));
    sections.Add("training", training);
  }
  WEFT_RETURN_IF_ERROR(AddJudged(model, options, sections));
  const std::string program = absl::StrCat(Absl(kPageJs), Absl(kChartsJs), Absl(kPanelJs),
                                           Absl(kGraphJs), Absl(kExampleJs), Absl(kSectionsJs));
  // In one pass: what is put in is not looked at again.
  return absl::StrReplaceAll(Absl(kPageHtml), {{"{{policy}}", PagePolicy(options.serve)},
                                               {"{{title}}", XmlText(options.name)},
                                               {"{{css}}", Absl(kPageCss)},
                                               {"{{data}}", sections.html()},
                                               {"{{js}}", program}});
}

}  // namespace weft
