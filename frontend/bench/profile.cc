#include "frontend/bench/profile.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/io/text_table.h"

namespace weft {
namespace {

constexpr size_t kLeastProfiled = 5;
constexpr size_t kRecordedRuns = 10;

// What is measured of each run.
struct ProfileSamples {
  std::vector<double> plain, profiled;       // seconds of runs
  std::vector<double> step_shares;           // of profiled runs, that their steps take
  std::vector<std::vector<double>> by_step;  // seconds of each profiled run
  std::vector<RecordedRun> recorded;
};

// Plain and profiled runs by turns.
absl::StatusOr<ProfileSamples> TakeSamples(Workload& workload, size_t steps, double seconds) {
  ProfileSamples samples;
  samples.by_step.resize(steps);
  const Stopwatch all;
  while (samples.plain.size() < kLeastProfiled || all.seconds() < seconds) {
    const Stopwatch plain;
    WEFT_RETURN_IF_ERROR(workload.Run());
    samples.plain.push_back(plain.seconds());
    RecordedRun run{.start = all.seconds(), .step_seconds = std::vector<double>(steps)};
    const Stopwatch profiled;
    WEFT_RETURN_IF_ERROR(workload.Run(&run.step_seconds));
    run.seconds = profiled.seconds();
    samples.profiled.push_back(run.seconds);
    const std::vector<double>& parts = run.step_seconds;
    samples.step_shares.push_back(std::accumulate(parts.begin(), parts.end(), 0.0) / run.seconds);
    for (size_t s = 0; s < steps; ++s) samples.by_step[s].push_back(parts[s]);
    if (samples.recorded.size() == kRecordedRuns) samples.recorded.erase(samples.recorded.begin());
    samples.recorded.push_back(std::move(run));
  }
  const double first = samples.recorded.front().start;
  for (RecordedRun& run : samples.recorded) run.start -= first;
  return samples;
}

std::string OriginOf(const PlanStep& step) {
  if (step.node == nullptr || step.node->provenance().rule.empty()) return {};
  const Provenance& from = step.node->provenance();
  return absl::StrCat(from.rule, "(", absl::StrJoin(from.sources, ", "), ")");
}

std::string Milliseconds(double seconds) { return absl::StrFormat("%.3f", 1e3 * seconds); }

// The figures of a row: its time, share, rates and bound.
std::vector<std::string> FiguresOf(const ProfileRow& row, double total) {
  const auto rate = [&](double work) {
    return row.seconds > 0 ? absl::StrFormat("%.1f", 1e-9 * work / row.seconds) : "";
  };
  return {Milliseconds(row.seconds),
          absl::StrFormat("%.1f %%", total > 0 ? 100 * row.seconds / total : 0),
          rate(row.work.flops),
          rate(row.work.bytes),
          Milliseconds(row.bound),
          row.bound > 0 ? absl::StrFormat("%.2f", row.seconds / row.bound) : ""};
}

const std::vector<std::string> kFigureNames = {"ms",   "share", "GFLOP/s",
                                               "GB/s", "bound", "of bound"};

using ProfileLines = std::vector<std::vector<std::string>>;

void AddLine(ProfileLines& lines, std::vector<std::string> first,
             const std::vector<std::string>& figures, std::vector<std::string> last) {
  first.insert(first.end(), figures.begin(), figures.end());
  first.insert(first.end(), last.begin(), last.end());
  lines.push_back(std::move(first));
}

void SlowestFirst(std::vector<ProfileRow>& rows) {
  std::ranges::stable_sort(rows, std::ranges::greater(), &ProfileRow::seconds);
}

std::string StepTable(const Profile& profile, int64_t top) {
  std::vector<ProfileRow> rows = profile.steps;
  SlowestFirst(rows);
  const size_t count = top > 0 ? std::min(rows.size(), static_cast<size_t>(top)) : rows.size();
  ProfileLines lines;
  AddLine(lines, {"node", "op"}, kFigureNames, {"implementation", "from"});
  for (size_t i = 0; i < count; ++i) {
    AddLine(lines, {rows[i].name, rows[i].op}, FiguresOf(rows[i], profile.step_total),
            {rows[i].implementation, rows[i].from});
  }
  std::string text = TextTable("llrrrrrrll", lines);
  if (count < rows.size()) absl::StrAppend(&text, "and ", rows.size() - count, " more\n");
  return text;
}

std::string OpTable(const Profile& profile) {
  ProfileLines lines;
  AddLine(lines, {"op", "calls"}, kFigureNames, {});
  for (const ProfileRow& row : profile.ByOp()) {
    AddLine(lines, {row.op, absl::StrCat(row.calls)}, FiguresOf(row, profile.step_total), {});
  }
  return TextTable("lrrrrrrr", lines);
}

}  // namespace

absl::StatusOr<Profile> ProfileWorkload(Workload& workload, double seconds) {
  // What it takes to warm up, and what seconds it may be.
  WEFT_ASSIGN_OR_RETURN(const BenchResult before, RunBench(workload, seconds / 4));
  WEFT_ASSIGN_OR_RETURN(const auto plan, workload.FindPlan());
  WEFT_ASSIGN_OR_RETURN(ProfileSamples samples, TakeSamples(workload, plan->steps.size(), seconds));
  Profile profile{.batch = before.batch,
                  .threads = before.threads,
                  .runs = static_cast<int64_t>(samples.profiled.size()),
                  .seconds = MedianOf(std::move(samples.plain)),
                  .profiled = MedianOf(std::move(samples.profiled)),
                  .step_share = MedianOf(std::move(samples.step_shares)),
                  .peak = MeasuredPeak(before.threads),
                  .recorded = std::move(samples.recorded)};
  for (size_t s = 0; s < plan->steps.size(); ++s) {
    const PlanStep& step = plan->steps[s];
    ProfileRow row{.name = step.name,
                   .op = step.op,
                   .implementation = step.kernel->implementation(),
                   .from = OriginOf(step),
                   .seconds = MedianOf(std::move(samples.by_step[s]))};
    WEFT_ASSIGN_OR_RETURN(row.work, WorkOf(*plan, step));
    row.bound = profile.peak.LowerBound(row.work.flops, row.work.bytes);
    profile.step_total += row.seconds;
    profile.bound += row.bound;
    profile.steps.push_back(std::move(row));
  }
  return profile;
}

std::vector<ProfileRow> Profile::ByOp() const {
  std::map<std::string, ProfileRow> by_op;
  for (const ProfileRow& step : steps) {
    ProfileRow& row =
        by_op.try_emplace(step.op, ProfileRow{.op = step.op, .calls = 0}).first->second;
    row.calls += step.calls;
    row.seconds += step.seconds;
    row.work.flops += step.work.flops;
    row.work.bytes += step.work.bytes;
    row.bound += step.bound;
  }
  std::vector<ProfileRow> rows;
  for (auto& [op, row] : by_op) rows.push_back(std::move(row));
  SlowestFirst(rows);
  return rows;
}

std::string Profile::ToString(int64_t top) const {
  return absl::StrCat(
      StepTable(*this, top), "\n", OpTable(*this), "\n",
      absl::StrFormat("%d runs; a run %s ms, profiled %s ms; its %d steps %s ms, %.1f %% of a run; "
                      "at least %s ms\n",
                      runs, Milliseconds(seconds), Milliseconds(profiled), steps.size(),
                      Milliseconds(step_total), 100 * step_share, Milliseconds(bound)),
      absl::StrFormat("bounds are of %.1f GFLOP/s and %.1f GB/s from memory (%.1f from a cache), "
                      "measured on %d threads\n",
                      1e-9 * peak.flops, 1e-9 * peak.memory_rate(),
                      1e-9 * peak.reads.front().per_second, threads));
}

}  // namespace weft
