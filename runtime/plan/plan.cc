#include "runtime/plan/plan.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// Where a buffer is; its number until it has a place in the arena.
std::string BufferText(const Plan& plan, int index) {
  const PlanBuffer& buffer = plan.buffers[static_cast<size_t>(index)];
  const std::string place(ToString(buffer.place));
  if (buffer.place != Place::kArena) return absl::StrCat(place, buffer.slot);
  return buffer.first < 0 ? absl::StrCat(place, "#", index)
                          : absl::StrCat(place, "+", buffer.offset);
}

std::string ValueText(const Plan& plan, int index) {
  if (index < 0) return "-";
  const PlanValue& value = plan.values[static_cast<size_t>(index)];
  std::string text =
      absl::StrCat(value.name, " ", value.layout.name(), "@", BufferText(plan, value.buffer));
  if (value.offset > 0) absl::StrAppend(&text, "[", value.offset, "]");
  if (value.alias_of < 0) return text;
  return absl::StrCat(text, " (= ", plan.values[static_cast<size_t>(value.alias_of)].name, ")");
}

std::string ValuesText(const Plan& plan, const std::vector<int>& values) {
  return absl::StrJoin(values, ", ", [&](std::string* out, int v) { *out += ValueText(plan, v); });
}

}  // namespace

std::string_view ToString(Place place) {
  switch (place) {
    case Place::kArena:
      return "arena";
    case Place::kInput:
      return "input";
    case Place::kOutput:
      return "output";
    case Place::kConstant:
      return "constant";
    case Place::kVariable:
      return "variable";
  }
  return "unknown";
}

VariableLayouts Plan::variable_layouts() const {
  VariableLayouts layouts;
  for (const PlanVariable& variable : variables) layouts.emplace(variable.name, variable.layout);
  return layouts;
}

std::string Plan::ToString() const {
  std::string text = absl::StrFormat("plan: %d steps, %d threads\n", steps.size(), threads);
  size_t reorders = 0;
  for (size_t s = 0; s < steps.size(); ++s) {
    const PlanStep& step = steps[s];
    reorders += step.op == "Reorder";
    absl::StrAppendFormat(&text, "%4d  %s: %s [%s %s]\n      (%s) -> %s\n", s, step.name, step.op,
                          step.kernel->name(), step.kernel->implementation(),
                          ValuesText(*this, step.inputs), ValuesText(*this, step.outputs));
    auto extra = [&](const char* what, int buffer) {
      if (buffer < 0) return;
      absl::StrAppendFormat(&text, "      %s %d bytes @%s\n", what,
                            buffers[static_cast<size_t>(buffer)].bytes, BufferText(*this, buffer));
    };
    extra("scratch", step.scratch);
    extra("workspace", step.workspace);
  }
  absl::StrAppendFormat(&text,
                        "reorders: %d\narena: %d bytes (peak, allocated once per context)\n"
                        "constants: %d bytes\nvariables: %d bytes\n",
                        reorders, arena_bytes, constant_bytes, variable_bytes);
  return text;
}

}  // namespace weft
