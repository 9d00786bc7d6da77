#include "frontend/bench/profile.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/report_json.h"
#include "frontend/cli/workload_setup.h"
#include "frontend/watch/write_text.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

struct ProfileArguments {
  WorkloadArguments workload;
  std::string trace;
  int64_t top = 30;
  bool json = false;
};

Json ToJson(const ProfileRow& row) {
  return {{"name", row.name},
          {"op", row.op},
          {"implementation", row.implementation},
          {"from", row.from},
          {"calls", row.calls},
          {"seconds", row.seconds},
          {"flops", row.work.flops},
          {"bytes", row.work.bytes},
          {"bound_seconds", row.bound}};
}

Json ToJson(const Profile& profile) {
  Json json = {{"batch", profile.batch},
               {"threads", profile.threads},
               {"runs", profile.runs},
               {"seconds", profile.seconds},
               {"profiled_seconds", profile.profiled},
               {"step_seconds", profile.step_total},
               {"step_share", profile.step_share},
               {"bound_seconds", profile.bound},
               {"peak_flops_per_second", profile.peak.flops},
               {"peak_bytes_per_second", profile.peak.memory_rate()}};
  json["steps"] = Json::array();
  for (const ProfileRow& row : profile.steps) json["steps"].push_back(ToJson(row));
  return json;
}

absl::Status RunProfile(const ProfileArguments& a) {
  if (a.top < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--top: expected at least 0, got ", a.top));
  }
  const std::string& model = a.workload.model;
  if (!a.trace.empty()) {
    WEFT_RETURN_IF_ERROR(Annotate(CheckOutputPath(a.trace), "--trace"));
    WEFT_RETURN_IF_ERROR(Annotate(CheckOtherFile(model, a.trace), "--trace"));
  }
  WEFT_ASSIGN_OR_RETURN(const LoadedWorkload loaded, LoadWorkload(model, a.workload));
  const auto profile = ProfileWorkload(*loaded.workload, a.workload.seconds);
  if (!profile.ok()) return Annotate(profile.status(), model);
  if (!a.trace.empty()) WEFT_RETURN_IF_ERROR(ReplaceByText(a.trace, TraceEvents(*profile)));
  Print("%s", a.json ? (Dump(ToJson(*profile)) + "\n").c_str() : profile->ToString(a.top).c_str());
  return absl::OkStatus();
}

}  // namespace

Command AddProfile(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "profile", "Show where a model's time goes, and the least that each node could take");
  auto a = std::make_shared<ProfileArguments>();
  AddWorkloadOptions(*app, a->workload);
  app->add_option("--top", a->top, "Show so many steps, the slowest; 0 for all")
      ->capture_default_str();
  app->add_option("--trace", a->trace,
                  "Write runs and steps to this file as trace events, for Perfetto or Chrome");
  app->add_flag("--json", a->json, "Print all steps as JSON; seconds and bytes");
  app->footer("Example: weft profile resnet18 --batch 8 --trace r.json");
  return {app, [a] { return RunProfile(*a); }};
}

}  // namespace weft
