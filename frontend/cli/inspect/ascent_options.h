#ifndef WEFT_FRONTEND_CLI_INSPECT_ASCENT_OPTIONS_H_
#define WEFT_FRONTEND_CLI_INSPECT_ASCENT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "frontend/cli/inspect/inspect.h"
#include "frontend/inspect/units/picture_ascent.h"

namespace weft {

// What may be chosen of an ascent, with the values in `options` as defaults. `choose_parameters`:
// --parameters, --rule and blurring too.
void AddAscentOptions(CLI::App& app, AscentOptions& options, bool choose_parameters);

// The options with the threads that are asked for, telling on stderr how far they are: on a
// terminal a line that is redrawn, elsewhere one every ten seconds.
AscentOptions WithProgress(AscentOptions options, const InspectArguments& a);

// The endings that SaveAscent knows.
std::vector<std::string> AscentEndings();
// Writes the picture as .png or the pictures x f32[N,C,H,W] as .npy; draws it in the terminal where
// no file is asked for.
absl::Status SaveAscent(const std::string& path, const Picture& picture, const Tensor& x);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_INSPECT_ASCENT_OPTIONS_H_
