#include "frontend/cli/workload_setup.h"

#include <cmath>
#include <utility>

#include "absl/strings/numbers.h"
#include "frontend/bench/timing.h"
#include "frontend/cli/common.h"
#include "frontend/cli/tuning.h"

namespace weft {
namespace {

// NAME=SIZE each.
absl::StatusOr<SymbolBindings> ParseSizes(const std::vector<std::string>& given) {
  SymbolBindings sizes;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    int64_t size = 0;
    if (equals == std::string::npos || equals == 0 ||
        !absl::SimpleAtoi(text.substr(equals + 1), &size) || size < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--size: expected NAME=SIZE, such as H=224, got '", text, "'"));
    }
    if (!sizes.emplace(text.substr(0, equals), size).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--size: ", text.substr(0, equals), " is given twice"));
    }
  }
  return sizes;
}

absl::StatusOr<WorkloadOptions> OptionsOf(const WorkloadArguments& a) {
  if (!std::isfinite(a.seconds) || a.seconds <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--seconds: expected a number above 0, got ", a.seconds));
  }
  if (a.batch && *a.batch < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--batch: expected at least 1, got ", *a.batch));
  }
  WorkloadOptions options{.batch = a.batch, .threads = a.threads, .optimize = !a.no_optimize};
  WEFT_ASSIGN_OR_RETURN(options.sizes, ParseSizes(a.sizes));
  WEFT_ASSIGN_OR_RETURN(options.tuning, TuningFor(a.tuning));
  return options;
}

}  // namespace

void AddWorkloadOptions(CLI::App& app, WorkloadArguments& a) {
  app.add_option("model", a.model, "A .weft or .onnx file, or a network's name")->required();
  app.add_option("--batch", a.batch, "Size of the batch (default: 1, or what the model fixes)");
  app.add_option("--size", a.sizes, "NAME=SIZE: another open size of the inputs, such as H=224")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--threads", a.threads, "Threads (default: all CPUs this process may use)");
  AddTuning(app, a.tuning);
  app.add_option("--seconds", a.seconds, "How long to measure")->capture_default_str();
  CLI::Option* training =
      app.add_flag("--training", a.training, "Steps of a training instead of inference");
  app.add_flag("--no-optimize", a.no_optimize, "The graph as it is, without passes")
      ->excludes(training);
}

absl::StatusOr<LoadedWorkload> LoadWorkload(const std::string& model, const WorkloadArguments& a) {
  WEFT_ASSIGN_OR_RETURN(WorkloadOptions options, OptionsOf(a));
  LoadedWorkload loaded;
  const Stopwatch loading;
  WEFT_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(model));
  if (a.training) {
    WEFT_ASSIGN_OR_RETURN(options.training, TrainOptionsFor(opened));
  }
  auto workload = Workload::Create(std::move(opened.model), std::move(options));
  if (!workload.ok()) return Annotate(workload.status(), model);
  loaded.workload = *std::move(workload);
  loaded.load_seconds = loading.seconds();
  WEFT_RETURN_IF_ERROR(Annotate(loaded.workload->MakeExamples(), model));
  const Stopwatch running;
  WEFT_RETURN_IF_ERROR(Annotate(loaded.workload->Run(), model));
  loaded.first_seconds = loaded.load_seconds + running.seconds();
  return loaded;
}

}  // namespace weft
