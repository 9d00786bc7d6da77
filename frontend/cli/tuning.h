#ifndef WEFT_FRONTEND_CLI_TUNING_H_
#define WEFT_FRONTEND_CLI_TUNING_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/tuning/tuner.h"

namespace weft {

// --tuning for a command that runs models; `mode` has to outlive the app.
void AddTuning(CLI::App& app, std::string& mode);
// What it says to a session, with messages on stderr. Errors: another mode.
absl::StatusOr<TuningOptions> TuningFor(const std::string& mode);

// How far the measuring is: on a terminal one line that is redrawn, elsewhere a line every ten
// seconds.
std::function<void(const TuningProgress&)> ShowTuning();
void WarnOfTuning(std::string_view what);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_TUNING_H_
