#include "frontend/bench/bench.h"

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/report_json.h"
#include "frontend/cli/workload_setup.h"
#include "graph/number_text.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
  WorkloadArguments workload;
  std::string other;  // to compare with
  bool json = false;
};

// A model with its figures.
struct BenchReport {
  std::string model;
  LoadedWorkload loaded = {};
  BenchResult result = {};
  size_t process_peak = 0;   // bytes; 0 where the process has another model too
  size_t process_start = 0;  // of that, what it had before there was a model
  MachinePeak peak = {};
  double bound = 0;  // seconds of a run at least
};

// The most memory that this program has had: not getrusage's, which begins with what the process
// had before it became this program. 0 where the system does not say.
size_t ProcessPeak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    size_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes << 10;
  }
  return 0;
}

// The machine is measured once the model has been, whose memory it would change.
absl::Status AddPeak(BenchReport& report) {
  report.peak = MeasuredPeak(report.result.threads);
  WEFT_ASSIGN_OR_RETURN(const auto plan, report.loaded.workload->FindPlan());
  WEFT_ASSIGN_OR_RETURN(report.bound, LowerBoundOf(*plan, report.peak));
  return absl::OkStatus();
}

Json ToJson(const Spread& spread) {
  return {{"median", spread.median}, {"p5", spread.p5}, {"p95", spread.p95}};
}

Json ToJson(const BenchReport& r) {
  const double seconds = r.result.seconds.median;
  Json json = {{"model", r.model},
               {"batch", r.result.batch},
               {"threads", r.result.threads},
               {"runs", r.result.runs},
               {"seconds", ToJson(r.result.seconds)},
               {"examples_per_second", static_cast<double>(r.result.batch) / seconds},
               {"flops", r.result.work.flops},
               {"flops_per_second", r.result.work.flops / seconds},
               {"bytes", r.result.work.bytes},
               {"bytes_per_second", r.result.work.bytes / seconds},
               {"bound_seconds", r.bound},
               {"peak_flops_per_second", r.peak.flops},
               {"peak_bytes_per_second", r.peak.memory_rate()},
               {"share_of_peak", r.result.work.flops / seconds / r.peak.flops},
               {"load_seconds", r.loaded.load_seconds},
               {"first_result_seconds", r.loaded.first_seconds},
               {"peak_bytes", r.result.peak_bytes}};
  if (r.process_peak != 0) {
    json["process_peak_bytes"] = r.process_peak;
    json["process_start_bytes"] = r.process_start;
  }
  return json;
}

void PrintBench(const BenchReport& r, bool training) {
  const BenchResult& b = r.result;
  const double seconds = b.seconds.median;
  std::string text =
      absl::StrFormat("%s: batch %d, %d thread%s, %d %s\n", r.model, b.batch, b.threads,
                      b.threads == 1 ? "" : "s", b.runs, training ? "training steps" : "runs");
  absl::StrAppendFormat(&text, "  time         %.3f ms (p5 %.3f, p95 %.3f)\n", 1e3 * seconds,
                        1e3 * b.seconds.p5, 1e3 * b.seconds.p95);
  absl::StrAppendFormat(&text, "  throughput   %.1f images/s\n",
                        static_cast<double>(b.batch) / seconds);
  absl::StrAppendFormat(&text, "  arithmetic   %.1f GFLOP/s, %.1f %% of this machine's %.1f\n",
                        1e-9 * b.work.flops / seconds, 100 * b.work.flops / seconds / r.peak.flops,
                        1e-9 * r.peak.flops);
  absl::StrAppendFormat(&text, "  operands     %.1f GB/s; this machine's memory gives %.1f\n",
                        1e-9 * b.work.bytes / seconds, 1e-9 * r.peak.memory_rate());
  absl::StrAppendFormat(&text, "  lower bound  %.3f ms: the run takes %.2f times as long\n",
                        1e3 * r.bound, seconds / r.bound);
  absl::StrAppendFormat(&text, "  peak memory  %s", BytesText(static_cast<double>(b.peak_bytes)));
  if (r.process_peak != 0) {
    absl::StrAppend(&text, " (the process: ", BytesText(static_cast<double>(r.process_peak)), ")");
  }
  absl::StrAppendFormat(&text, "\n  load         %.1f ms, first result after %.1f ms\n",
                        1e3 * r.loaded.load_seconds, 1e3 * r.loaded.first_seconds);
  Print("%s", text.c_str());
}

absl::StatusOr<BenchReport> LoadBench(const std::string& model, const BenchArguments& a) {
  BenchReport report{.model = model};
  WEFT_ASSIGN_OR_RETURN(report.loaded, LoadWorkload(model, a.workload));
  return report;
}

absl::Status BenchOne(const BenchArguments& a) {
  const size_t start = ProcessPeak();
  WEFT_ASSIGN_OR_RETURN(BenchReport report, LoadBench(a.workload.model, a));
  WEFT_ASSIGN_OR_RETURN(report.result, RunBench(*report.loaded.workload, a.workload.seconds));
  report.process_peak = ProcessPeak();
  report.process_start = start;
  WEFT_RETURN_IF_ERROR(AddPeak(report));
  if (a.json) {
    Print("%s\n", Dump(ToJson(report)).c_str());
  } else {
    PrintBench(report, a.workload.training);
  }
  return absl::OkStatus();
}

absl::Status BenchTwo(const BenchArguments& a) {
  WEFT_ASSIGN_OR_RETURN(BenchReport first, LoadBench(a.workload.model, a));
  WEFT_ASSIGN_OR_RETURN(BenchReport second, LoadBench(a.other, a));
  WEFT_ASSIGN_OR_RETURN(
      BenchComparison comparison,
      RunComparison(*first.loaded.workload, *second.loaded.workload, a.workload.seconds));
  first.result = comparison.a;
  second.result = comparison.b;
  WEFT_RETURN_IF_ERROR(AddPeak(first));
  WEFT_RETURN_IF_ERROR(AddPeak(second));
  if (a.json) {
    Json ratio = ToJson(comparison.ratio);
    ratio["turns"] = comparison.turns;
    Print("%s\n",
          Dump({{"a", ToJson(first)}, {"b", ToJson(second)}, {"ratio", std::move(ratio)}}).c_str());
    return absl::OkStatus();
  }
  PrintBench(first, a.workload.training);
  PrintBench(second, a.workload.training);
  Print("%s takes %.3f times as long as %s (p5 %.3f, p95 %.3f of %lld turns)\n", a.other.c_str(),
        comparison.ratio.median, a.workload.model.c_str(), comparison.ratio.p5,
        comparison.ratio.p95, static_cast<long long>(comparison.turns));
  return absl::OkStatus();
}

}  // namespace

Command AddBench(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "bench", "Measure how fast a model runs, and how near to what this machine can do");
  auto a = std::make_shared<BenchArguments>();
  AddWorkloadOptions(*app, a->workload);
  app->add_option("--compare", a->other,
                  "Another model (a file, or a network's name), by turns with the first");
  app->add_flag("--json", a->json, "Print it as JSON; seconds and bytes");
  app->footer("Example: weft bench resnet18 --batch 8 --seconds 5");
  return {app, [a] { return a->other.empty() ? BenchOne(*a) : BenchTwo(*a); }};
}

}  // namespace weft
