// Trace Event Format, Google 2016: complete events ("ph": "X"), times in microseconds.

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "frontend/bench/profile.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicro = 1e6;

Json TraceEvent(const std::string& name, const std::string& category, double start,
                double seconds) {
  return {{"name", name},         {"cat", category},        {"ph", "X"}, {"pid", 1}, {"tid", 1},
          {"ts", kMicro * start}, {"dur", kMicro * seconds}};
}

Json TraceName(const char* what, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", 1}, {"tid", 1}, {"args", {{"name", name}}}};
}

}  // namespace

std::string TraceEvents(const Profile& profile) {
  Json events = Json::array();
  events.push_back(TraceName("process_name", "weft"));
  events.push_back(
      TraceName("thread_name", absl::StrCat("steps on ", profile.threads, " threads")));
  for (size_t r = 0; r < profile.recorded.size(); ++r) {
    const RecordedRun& run = profile.recorded[r];
    events.push_back(TraceEvent(absl::StrCat("run ", r + 1), "run", run.start, run.seconds));
    double at = run.start;
    for (size_t s = 0; s < profile.steps.size(); ++s) {
      const ProfileRow& row = profile.steps[s];
      Json event = TraceEvent(row.name, row.op, at, run.step_seconds[s]);
      event["args"] = {{"op", row.op},
                       {"implementation", row.implementation},
                       {"from", row.from},
                       {"flops", row.work.flops},
                       {"bytes", row.work.bytes},
                       {"bound_us", kMicro * row.bound}};
      events.push_back(std::move(event));
      at += run.step_seconds[s];
    }
  }
  const Json trace = {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
  return trace.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weft
