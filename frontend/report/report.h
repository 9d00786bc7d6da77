#ifndef WEFT_FRONTEND_REPORT_REPORT_H_
#define WEFT_FRONTEND_REPORT_REPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "frontend/data/dataset.h"
#include "frontend/inspect/example.h"
#include "frontend/session/session.h"
#include "graph/model.h"

namespace weft {

struct ReportOptions {
  std::string name = {};  // what the page calls the model: "digits.weft"
  // Examples that fit the model (FitForScores) and that it is judged by; null: no such sections.
  std::shared_ptr<const Dataset> data = {};
  // What is explained; none: the mistake on `data` that the model is most certain of, and where it
  // makes none, the first example.
  std::optional<Example> example = {};
  std::string log = {};               // the CSV file of a training's log; "": none
  std::optional<int64_t> batch = {};  // of the plan and its times; none: 1, or what the inputs fix
  double seconds = 0.5;               // of measuring them
  int64_t eval_batch = 256;           // examples of `data` a run
  int64_t mistakes = 24;  // how many are shown, those first that the model is most sure of
  bool serve = false;     // the page of `weft serve`: it takes pictures to api/example
  SessionOptions session = {};
};

// What the page may do, as a Content-Security-Policy: nothing but itself; a served one may ask its
// server.
std::string PagePolicy(bool served);

// A page that says everything about a model: one HTML file with its styles, program, data and
// pictures. It loads nothing from anywhere, and its Content-Security-Policy forbids that it does;
// a served one may ask its own server.
//
// What a model does not allow (a drawing without Graphviz, times of a model whose inputs leave more
// than the batch open, the explanation of what is no picture) is missing and the page says why.
// Errors: a model without outputs, options out of range, whatever reading data and log says.
absl::StatusOr<std::string> ReportHtml(const Model& model, const ReportOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_REPORT_H_
