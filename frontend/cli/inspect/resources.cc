#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/cli/report_json.h"
#include "frontend/cli/tuning.h"
#include "frontend/inspect/graph/memory_timeline.h"
#include "frontend/inspect/graph/time_svg.h"
#include "graph/bind.h"

namespace weft {
namespace {

struct ResourceArguments {
  std::optional<int64_t> batch;
  bool training = false;
  std::string tuning = "cached";
  double seconds = 3;
  int64_t top = 40;
};

// What FILE runs: its inference, or steps of its training.
absl::StatusOr<std::unique_ptr<Workload>> WorkloadOf(const Model& model, const InspectArguments& a,
                                                     const ResourceArguments& r) {
  WorkloadOptions options{.batch = r.batch, .threads = a.threads};
  WEFT_ASSIGN_OR_RETURN(options.tuning, TuningFor(r.tuning));
  if (!r.training) return Workload::Create(Model(Clone(model.graph)), std::move(options));
  // A training needs all that the file says.
  WEFT_ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(a.file));
  WEFT_ASSIGN_OR_RETURN(options.training, TrainOptionsFor(opened));
  return Workload::Create(std::move(opened.model), std::move(options));
}

nlohmann::ordered_json ToJson(const MemoryTimeline& timeline) {
  nlohmann::ordered_json json = {{"arena_bytes", timeline.arena_bytes},
                                 {"constant_bytes", timeline.constant_bytes},
                                 {"variable_bytes", timeline.variable_bytes},
                                 {"input_bytes", timeline.input_bytes},
                                 {"output_bytes", timeline.output_bytes},
                                 {"peak_step", timeline.peak},
                                 {"steps", timeline.steps},
                                 {"live_bytes", timeline.live},
                                 {"blocks", nlohmann::ordered_json::array()}};
  for (const MemoryBlock& block : timeline.blocks) {
    json["blocks"].push_back({{"values", block.values},
                              {"op", block.op},
                              {"first_step", block.first},
                              {"last_step", block.last},
                              {"offset", block.offset},
                              {"bytes", block.bytes}});
  }
  return json;
}

absl::Status RunMemory(const Model& model, const InspectArguments& a, const ResourceArguments& r) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".json"}));
  WEFT_ASSIGN_OR_RETURN(const auto workload, WorkloadOf(model, a, r));
  WEFT_ASSIGN_OR_RETURN(const auto plan, workload->FindPlan());
  const MemoryTimeline timeline = MemoryTimelineOf(*plan);
  if (a.output.ends_with(".json")) return SaveText(a.output, Dump(ToJson(timeline)) + "\n");
  Print("%s", MemoryText(timeline, TerminalColumns()).c_str());
  return a.output.empty() ? absl::OkStatus() : SaveText(a.output, MemorySvg(timeline));
}

absl::Status RunTime(const Model& model, const InspectArguments& a, const ResourceArguments& r) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg"}));
  if (r.top < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--top: expected at least 0, got ", r.top));
  }
  WEFT_ASSIGN_OR_RETURN(const auto workload, WorkloadOf(model, a, r));
  WEFT_RETURN_IF_ERROR(workload->MakeExamples());
  WEFT_ASSIGN_OR_RETURN(const Profile profile, ProfileWorkload(*workload, r.seconds));
  if (a.output.empty()) {
    Print("%s", profile.ToString(r.top).c_str());
    return absl::OkStatus();
  }
  return SaveText(a.output, TimeSvg(profile, {.most = static_cast<size_t>(r.top)}));
}

void AddResourceOptions(CLI::App& app, InspectArguments& a, ResourceArguments& r) {
  app.add_option("--batch", r.batch, "Size of the batch (default: 1, or what the model fixes)");
  app.add_flag("--train", r.training, "A step of a training instead of inference");
  app.add_option("--threads", a.threads, "Threads (default: all CPUs this process may use)");
  AddTuning(app, r.tuning);
}

}  // namespace

std::vector<InspectMethod> AddResourceMethods(CLI::App& inspect,
                                              std::shared_ptr<InspectArguments> a) {
  auto r = std::make_shared<ResourceArguments>();
  CLI::App* memory =
      inspect.add_subcommand("memory", "Which value lives when during a run, and where");
  AddResourceOptions(*memory, *a, *r);
  AddInspectOutput(*memory, *a,
                   "The chart to write, .svg, or its numbers, .json (default: only drawn in the "
                   "terminal)");
  CLI::App* time = inspect.add_subcommand("time", "Where a run's time goes, by node");
  AddResourceOptions(*time, *a, *r);
  time->add_option("--seconds", r->seconds, "How long to measure")->capture_default_str();
  time->add_option("--top", r->top, "Show so many steps, the slowest; 0 for all")
      ->capture_default_str();
  AddInspectOutput(*time, *a, "The chart to write, .svg (default: tables in the terminal)");
  return {{memory, [a, r](const Model& model) { return RunMemory(model, *a, *r); }},
          {time, [a, r](const Model& model) { return RunTime(model, *a, *r); }}};
}

}  // namespace weft
