#ifndef WEFT_FRONTEND_REPORT_REPORT_EXAMPLE_H_
#define WEFT_FRONTEND_REPORT_REPORT_EXAMPLE_H_

#include <string>

#include "frontend/inspect/example.h"
#include "frontend/session/session.h"
#include "graph/model.h"

namespace weft {

// What the model makes of an example: predictions, attributions by every method that takes it, the
// maps of every layer. Errors: those of Session::Run and Probe.
absl::StatusOr<std::string> ReportExampleJson(const Model& model, const Example& example,
                                              const SessionOptions& session);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_REPORT_EXAMPLE_H_
