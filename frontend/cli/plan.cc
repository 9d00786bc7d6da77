#include <memory>

#include "absl/strings/str_join.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/tuning.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "graph/bind.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct PlanArguments {
  std::string model;
  int64_t batch = 1;
  int threads = 0;
  std::string tuning = "cached";
  bool train = false;
  bool recompute = false;
  std::string memory_budget;
  std::string stage = PlanStages().back();
};

// The plan, and what all of it comes to: `count` is of the weights, the arena and the outputs.
void PrintWithPeak(const Plan& plan, MemoryCount count) {
  for (const Layout& input : plan.input_layouts) count.Add(input.bytes());
  Print("%speak: %s (weights, arena, inputs, outputs)\n", plan.ToString().c_str(),
        BytesText(count.bytes()).c_str());
}

// "passes: merge_common x 28, fuse_gemm_mul x 1"
void PrintPasses(const PassReport& report) {
  std::vector<std::string> done;
  for (const RuleSummary& rule : report.Summary()) {
    done.push_back(absl::StrCat(rule.rule, " x ", rule.times));
  }
  Print("passes: %s\n", done.empty() ? "nothing to do" : absl::StrJoin(done, ", ").c_str());
}

absl::Status PrintStage(const Graph& graph, const PlanArguments& a, const LowerOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Graph bound, Bind(graph, BindAllSymbols(graph, a.batch)));
  WEFT_ASSIGN_OR_RETURN(const std::string text, DumpStage(bound, a.stage, options));
  Print("%s", text.c_str());
  return absl::OkStatus();
}

absl::Status PrintTrainingPlan(OpenedModel opened, const PlanArguments& a) {
  WEFT_ASSIGN_OR_RETURN(TrainOptions options, TrainOptionsFor(opened));
  if (a.threads != 0) options.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(const TuningOptions tuning, TuningFor(a.tuning));
  options.tuning = a.tuning;
  options.tuning_progress = tuning.progress;
  options.tuning_warning = tuning.warn;
  options.recompute = a.recompute;
  options.memory.budget = a.memory_budget;
  WEFT_ASSIGN_OR_RETURN(const auto trainer, Trainer::Create(std::move(opened.model), options));
  if (a.stage != PlanStages().back()) {
    if (!a.memory_budget.empty()) {
      return absl::InvalidArgumentError(
          "--stage: a step within --memory-budget is chosen by whole plans; leave one of both out");
    }
    return PrintStage(trainer->training_graph(), a,
                      {.threads = options.threads, .choices = Tuner::Create(tuning)});
  }
  WEFT_ASSIGN_OR_RETURN(const auto plan, trainer->TrainingPlan(a.batch));
  MemoryCount count;
  trainer->CountInto(count);
  PrintPasses(trainer->passes());
  PrintWithPeak(*plan, std::move(count));
  if (trainer->memory_price()) Print("%s\n", ToString(*trainer->memory_price()).c_str());
  return absl::OkStatus();
}

absl::Status PrintInferencePlan(const Model& model, const PlanArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const TuningOptions tuning, TuningFor(a.tuning));
  WEFT_ASSIGN_OR_RETURN(const auto session,
                        Session::Create(model, {.threads = a.threads, .tuning = tuning}));
  if (a.stage != PlanStages().back()) {
    return PrintStage(session->graph(), a,
                      {.threads = a.threads, .choices = Tuner::Create(tuning)});
  }
  WEFT_ASSIGN_OR_RETURN(const auto plan, session->PlanFor(a.batch));
  MemoryCount count;
  count.Add(model.graph);
  session->CountInto(count);
  PrintWithPeak(*plan, std::move(count));
  return absl::OkStatus();
}

absl::Status PrintPlan(const PlanArguments& a) {
  if (a.batch < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--batch: expected at least 1, got ", a.batch));
  }
  WEFT_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(a.model));
  return Annotate(
      a.train ? PrintTrainingPlan(std::move(opened), a) : PrintInferencePlan(opened.model, a),
      a.model);
}

}  // namespace

Command AddPlan(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "plan", "Print how a model is run: kernels, layouts, buffers, peak memory");
  auto a = std::make_shared<PlanArguments>();
  app->add_option("model", a->model, "A .weft or .onnx file, or a network's name")->required();
  app->add_option("--batch", a->batch, "Size of the batch")->capture_default_str();
  CLI::Option* train =
      app->add_flag("--train", a->train, "The plan of a training step instead of inference");
  app->add_flag("--recompute", a->recompute, kRecomputeHelp)->needs(train);
  app->add_option("--memory-budget", a->memory_budget,
                  "Of a step: bytes (700MiB) or a share of its peak (60%)")
      ->needs(train);
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  AddTuning(*app, a->tuning);
  app->add_option("--stage", a->stage,
                  absl::StrCat("What is decided after this stage of planning: ",
                               absl::StrJoin(PlanStages(), ", ")))
      ->capture_default_str();
  app->footer("Example: weft plan a.weft --batch 8");
  return {app, [a] { return PrintPlan(*a); }};
}

}  // namespace weft
