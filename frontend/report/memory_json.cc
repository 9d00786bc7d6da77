#include "absl/strings/str_join.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
namespace {

constexpr size_t kMostNamesOfABuffer = 4;

// The names of the values that lie in each buffer; scratch memory has its step's.
std::vector<std::vector<std::string>> BufferNames(const Plan& plan) {
  std::vector<std::vector<std::string>> names(plan.buffers.size());
  const auto add = [&](int buffer, const std::string& name) {
    if (buffer < 0) return;
    std::vector<std::string>& all = names[static_cast<size_t>(buffer)];
    if (all.size() < kMostNamesOfABuffer) all.push_back(name);
  };
  for (const PlanValue& value : plan.values) add(value.buffer, value.name);
  for (const PlanStep& step : plan.steps) {
    add(step.scratch, absl::StrCat("scratch memory of ", step.name));
    add(step.workspace, absl::StrCat("workspace of ", step.name));
  }
  return names;
}

size_t BytesAt(const Plan& plan, Place place) {
  size_t bytes = 0;
  for (const PlanBuffer& buffer : plan.buffers) bytes += buffer.place == place ? buffer.bytes : 0;
  return bytes;
}

}  // namespace

std::string MemoryJson(const Plan& plan, int64_t batch) {
  const std::vector<std::vector<std::string>> names = BufferNames(plan);
  ReportJson buffers = ReportJson::array(), steps = ReportJson::array();
  for (size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlanBuffer& buffer = plan.buffers[i];
    if (buffer.place != Place::kArena || buffer.bytes == 0 || buffer.first < 0) continue;
    buffers.push_back(
        {buffer.offset, buffer.bytes, buffer.first, buffer.last, absl::StrJoin(names[i], ", ")});
  }
  for (const PlanStep& step : plan.steps) steps.push_back(step.name);
  return JsonText({{"batch", batch},
                   {"arena_bytes", plan.arena_bytes},
                   {"constant_bytes", plan.constant_bytes},
                   {"variable_bytes", plan.variable_bytes},
                   {"input_bytes", BytesAt(plan, Place::kInput)},
                   {"output_bytes", BytesAt(plan, Place::kOutput)},
                   {"steps", steps},
                   {"buffers", buffers}});
}

}  // namespace weft
