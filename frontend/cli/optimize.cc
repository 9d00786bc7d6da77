#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/numbers.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/report_json.h"
#include "frontend/session/absorb_preprocessing.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "frontend/train/training_graph.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"
#include "passes/verify/samples.h"
#include "runtime/exec/state.h"

namespace weft {
namespace {

constexpr char kInference[] = "inference";
constexpr char kTraining[] = "training";

struct OptimizeArguments {
  std::string input;
  std::string output;
  std::vector<std::string> passes;
  std::vector<std::string> disable;
  std::vector<std::string> lossy;
  std::optional<int> max_rewrites;
  std::string purpose = kInference;
  bool absorb = false;
  bool explain = false;
  bool json = false;
  bool measure = false;
  int verify = 0;
  bool verifies = false;  // --verify is given
  double tolerance = ReplayOptions().tolerance;
  std::vector<std::string> bisect;
};

absl::Status CheckArguments(const OptimizeArguments& a) {
  const auto expected = [](const char* option, const char* what, const auto& got) {
    return absl::InvalidArgumentError(absl::StrCat(option, ": expected ", what, ", got ", got));
  };
  if (a.max_rewrites && *a.max_rewrites < 0) {
    return expected("--max-rewrites", "a number from 0 on", *a.max_rewrites);
  }
  if (a.verifies && a.verify < 1) {  // CLI11 makes -1 of a flag's 0
    return absl::InvalidArgumentError("--verify: expected at least one sample");
  }
  if (!(a.tolerance > 0) || !std::isfinite(a.tolerance)) {
    return expected("--tolerance", "a number above 0", a.tolerance);
  }
  if (a.purpose != kInference && a.purpose != kTraining) {
    return expected("--for", "inference or training", a.purpose);
  }
  if (a.bisect.empty() && a.output.empty()) {
    return absl::InvalidArgumentError("expected -o FILE, or --bisect, got neither");
  }
  if (!a.bisect.empty() && (!a.output.empty() || a.verifies || a.measure || a.explain)) {
    return absl::InvalidArgumentError(
        "--bisect finds a rewrite and writes nothing: it goes without -o, --verify, --measure and "
        "--explain");
  }
  if (a.output.empty()) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(CheckOtherFile(a.input, a.output));
  return CheckModelPath(a.output);
}

// RULE=ERROR each.
absl::StatusOr<std::map<std::string, double, std::less<>>> ParseLossy(
    const std::vector<std::string>& given) {
  std::map<std::string, double, std::less<>> lossy;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    double error = 0;
    if (equals == std::string::npos || equals == 0 ||
        !absl::SimpleAtod(text.substr(equals + 1), &error)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--lossy: expected RULE=ERROR, such as NAME=0.01, got '", text, "'"));
    }
    if (!lossy.emplace(text.substr(0, equals), error).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--lossy: ", text.substr(0, equals), " is given twice"));
    }
  }
  return lossy;
}

absl::StatusOr<PassOptions> OptionsOf(const OptimizeArguments& a) {
  PassOptions options;
  options.passes = a.passes;
  options.disable = a.disable;
  options.max_rewrites = a.max_rewrites.value_or(-1);
  WEFT_ASSIGN_OR_RETURN(options.lossy, ParseLossy(a.lossy));
  options.replay.random = a.verify;
  options.replay.tolerance = a.tolerance;
  return options;
}

// What is optimized: of a training the whole step, with the options that the file remembers.
absl::StatusOr<Graph> GraphFor(const Model& model, const std::string& purpose) {
  if (purpose == kInference) return ForInference(model.graph);
  TrainOptions options;
  if (model.training) {
    WEFT_ASSIGN_OR_RETURN(options, OptionsOf(*model.training));
  }
  WEFT_ASSIGN_OR_RETURN(
      FormedGraph formed,
      MakeTrainingGraph(model.graph, options.loss, options.optimizer, {.max_rewrites = 0},
                        options.finetune.At(model.training ? model.training->epoch : 0)));
  return std::move(formed.graph);
}

// The median time of a run on a random example.
absl::StatusOr<double> MeasureSeconds(const Graph& graph) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRuns = 9;
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, RandomSample(graph, 1));
  WEFT_ASSIGN_OR_RETURN(const auto state, State::Create(graph));
  PlanCache cache(Clone(graph), state.get(), {});
  WEFT_RETURN_IF_ERROR(cache.Run(feeds).status());
  std::vector<double> seconds;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = Clock::now();
    WEFT_RETURN_IF_ERROR(cache.Run(feeds).status());
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
  return seconds[kRuns / 2];
}

struct Times {
  double before = 0, after = 0;  // seconds
};

void PrintReport(const OptimizeArguments& a, const PassReport& report,
                 const std::optional<Times>& times) {
  if (a.json) {
    nlohmann::ordered_json json = ToJson(report);
    if (times) json["seconds"] = {{"before", times->before}, {"after", times->after}};
    Print("%s\n", Dump(json).c_str());
    return;
  }
  if (a.explain) Print("%s", report.ToString().c_str());
  if (times) {
    Print("one example takes %.3f ms instead of %.3f ms (medians of 9 runs)\n", 1e3 * times->after,
          1e3 * times->before);
  }
  if (report.replayed && !a.explain) {
    const std::string error =
        report.error ? absl::StrCat("error ", *report.error) : "no outputs to compare";
    Print("verified on %d sample%s: %s, %d rewrite%s taken back\n", a.verify,
          a.verify == 1 ? "" : "s", error.c_str(), report.taken_back,
          report.taken_back == 1 ? "" : "s");
  }
}

// The arrays of --bisect, as the inputs want them.
absl::StatusOr<TensorMap> BisectFeeds(const OptimizeArguments& a, const Graph& graph) {
  std::vector<std::string> bindings;
  std::error_code ignored;
  for (const std::string& given : a.bisect) {
    std::string binding = given;
    if (given.find('=') == std::string::npos || std::filesystem::exists(given, ignored)) {
      WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
      binding = absl::StrCat(input->name(), "=", given);
    }
    bindings.push_back(std::move(binding));
  }
  WEFT_ASSIGN_OR_RETURN(TensorMap feeds, ReadBindings(bindings));
  for (auto& [name, tensor] : feeds) {
    const Node* input = graph.Find(name);
    if (input == nullptr || input->op_name() != kInput) {
      return absl::NotFoundError(absl::StrCat("--bisect: there is no input ", name));
    }
    WEFT_ASSIGN_OR_RETURN(tensor, FitToInput(*input, tensor));
  }
  return feeds;
}

absl::Status BisectGraph(const OptimizeArguments& a, const Graph& graph,
                         const PassOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, BisectFeeds(a, graph));
  WEFT_ASSIGN_OR_RETURN(const auto culprit, BisectPasses(graph, feeds, a.tolerance, options));
  if (a.json) {
    nlohmann::ordered_json json = {{"found", culprit.has_value()}};
    if (culprit) {
      json["index"] = culprit->index;
      json["rewrite"] = ToJson(culprit->rewrite);
      json["error_before"] = culprit->error_before;
      json["error_after"] = culprit->error_after;
    }
    Print("%s\n", Dump(json).c_str());
  } else if (!culprit) {
    Print("no rewrite takes the outputs beyond %g\n", a.tolerance);
  } else {
    PassReport report;
    report.rewrites.push_back(culprit->rewrite);
    Print("rewrite %zu takes the outputs' error from %g to %g, beyond %g:\n%s", culprit->index + 1,
          culprit->error_before, culprit->error_after, a.tolerance, report.ToString().c_str());
  }
  return absl::OkStatus();
}

absl::Status OptimizeGraph(const OptimizeArguments& a, const Model& model, Graph graph,
                           const PassOptions& options) {
  std::optional<Times> times;
  if (a.measure) times.emplace();
  if (times) {
    WEFT_ASSIGN_OR_RETURN(times->before, MeasureSeconds(graph));
  }
  const int nodes = graph.size();
  WEFT_ASSIGN_OR_RETURN(const PassReport report, RunPasses(graph, options));
  if (times) {
    WEFT_ASSIGN_OR_RETURN(times->after, MeasureSeconds(graph));
  }
  Model optimized(std::move(graph));
  optimized.preprocessing = model.preprocessing;
  optimized.class_names = model.class_names;
  optimized.metadata = model.metadata;
  WEFT_RETURN_IF_ERROR(SaveModel(optimized, a.output));
  PrintReport(a, report, times);
  if (a.json) return absl::OkStatus();
  Print("%zu rewrites, %zu near-misses: %d nodes became %d; saved %s\n", report.rewrites.size(),
        report.near_misses.size(), nodes, optimized.graph.size(), a.output.c_str());
  return absl::OkStatus();
}

absl::Status OptimizeFile(const OptimizeArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckArguments(a));
  WEFT_ASSIGN_OR_RETURN(const PassOptions options, OptionsOf(a));
  WEFT_ASSIGN_OR_RETURN(Model model, OpenFile(a.input));
  if (a.absorb) WEFT_RETURN_IF_ERROR(Annotate(AbsorbPreprocessing(model), a.input));
  auto graph = GraphFor(model, a.purpose);
  if (!graph.ok()) return Annotate(graph.status(), a.input);
  return Annotate(a.bisect.empty() ? OptimizeGraph(a, model, *std::move(graph), options)
                                   : BisectGraph(a, *graph, options),
                  a.input);
}

std::string PassList() {
  std::string list;
  for (const std::string& name : PassNames())
    absl::StrAppend(&list, list.empty() ? "" : ", ", name);
  return list;
}

}  // namespace

Command AddOptimize(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "optimize", "Rewrite a model for fast inference, its weights frozen, or for training");
  auto a = std::make_shared<OptimizeArguments>();
  app->add_option("input", a->input, "A .weft or .onnx file")->required();
  app->add_option("-o,--output", a->output, "The file to write");
  app->add_option("--passes", a->passes, "Only these, separated by commas")->delimiter(',');
  app->add_option("--disable", a->disable, "All but these, separated by commas")->delimiter(',');
  app->add_option("--lossy", a->lossy,
                  "RULE=ERROR: a pass that changes values, and by how much it may")
      ->type_size(1)
      ->allow_extra_args(false);
  app->add_option("--max-rewrites", a->max_rewrites, "Stop after so many rewrites");
  app->add_option("--for", a->purpose, "inference, or training: the graph of a training step")
      ->capture_default_str();
  app->add_flag("--absorb-preprocessing", a->absorb,
                "Normalise images in the graph, in the first convolution where that can be: the "
                "input of the new file is the image in [0, 1]");
  app->add_flag("--explain", a->explain,
                "Print what became what by which rule, and what nearly did and why not");
  app->add_flag("--json", a->json, "Print that as JSON");
  app->add_flag("--measure", a->measure, "Measure the time of one example before and after");
  const CLI::Option* verify =
      app->add_flag("--verify{1}", a->verify,
                    "Replay each rewrite on so many random samples (--verify=3; default: 1) and "
                    "take back what is beyond the tolerance");
  app->add_option("--tolerance", a->tolerance,
                  "The error that --verify and --bisect allow, relative to the largest element")
      ->capture_default_str();
  app->add_option("--bisect", a->bisect,
                  "Find the first rewrite that takes the outputs for this .npy file beyond the "
                  "tolerance; NAME=FILE for each where there are several inputs")
      ->type_size(1)
      ->allow_extra_args(false);
  app->footer("Passes: " + PassList() + "\nExample: weft optimize a.weft -o b.weft --explain");
  return {app, [a, verify] {
            a->verifies = verify->count() > 0;
            return OptimizeFile(*a);
          }};
}

}  // namespace weft
