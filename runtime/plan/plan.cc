#include "runtime/plan/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

std::string BufferText(const PlanBuffer& buffer) {
  const std::string place(ToString(buffer.place));
  return buffer.place == Place::kArena ? absl::StrCat(place, "+", buffer.offset)
                                       : absl::StrCat(place, buffer.slot);
}

std::string ValueText(const Plan& plan, int index) {
  if (index < 0) return "-";
  const PlanValue& value = plan.values[static_cast<size_t>(index)];
  std::string text = absl::StrCat(value.name, " ", value.layout.name(), "@",
                                  BufferText(plan.buffers[static_cast<size_t>(value.buffer)]));
  if (value.alias_of < 0) return text;
  return absl::StrCat(text, " (= ", plan.values[static_cast<size_t>(value.alias_of)].name, ")");
}

std::string ValuesText(const Plan& plan, const std::vector<int>& values) {
  return absl::StrJoin(values, ", ", [&](std::string* out, int v) { *out += ValueText(plan, v); });
}

// What a value's bytes mean: a view means what it is a view of, an in-place result is new.
class Contents {
 public:
  explicit Contents(const Plan& plan) : plan_(plan), made_(plan.values.size()) {
    for (const PlanStep& step : plan.steps) {
      for (int v : step.outputs) made_[static_cast<size_t>(v)] = true;
    }
  }
  int Of(int value) const {
    while (!made_[static_cast<size_t>(value)] &&
           plan_.values[static_cast<size_t>(value)].alias_of >= 0) {
      value = plan_.values[static_cast<size_t>(value)].alias_of;
    }
    return value;
  }
  bool IsMade(int value) const { return made_[static_cast<size_t>(value)]; }

 private:
  const Plan& plan_;
  std::vector<bool> made_;
};

absl::Status VerifyReads(const Plan& plan) {
  const Contents contents(plan);
  std::vector<int> current(plan.buffers.size(), -1);  // what each buffer holds
  for (size_t v = 0; v < plan.values.size(); ++v) {
    const int value = static_cast<int>(v);
    const PlanValue& leaf = plan.values[v];
    const Place place = plan.buffers[static_cast<size_t>(leaf.buffer)].place;
    const bool is_leaf =
        place == Place::kInput || place == Place::kConstant || place == Place::kVariable;
    if (is_leaf && !contents.IsMade(value) && leaf.alias_of < 0) {
      current[static_cast<size_t>(leaf.buffer)] = value;
    }
  }
  for (const PlanStep& step : plan.steps) {
    for (int v : step.inputs) {
      if (v < 0) continue;
      const PlanValue& value = plan.values[static_cast<size_t>(v)];
      if (current[static_cast<size_t>(value.buffer)] != contents.Of(v)) {
        return absl::InternalError(absl::StrCat("plan: step ", step.name, " reads ", value.name,
                                                ", whose memory holds something else by then"));
      }
    }
    for (int v : step.outputs) {
      current[static_cast<size_t>(plan.values[static_cast<size_t>(v)].buffer)] = v;
    }
  }
  return absl::OkStatus();
}

absl::Status VerifyWorkspaces(const Plan& plan) {
  std::vector<bool> written(plan.buffers.size());
  for (const PlanStep& step : plan.steps) {
    if (step.workspace < 0) continue;
    const size_t buffer = static_cast<size_t>(step.workspace);
    if (step.kernel->workspace_owner() == nullptr) written[buffer] = true;
    if (!written[buffer]) {
      return absl::InternalError(
          absl::StrCat("plan: step ", step.name, " reads a workspace before it is written"));
    }
  }
  return absl::OkStatus();
}

absl::Status VerifyArena(const Plan& plan) {
  std::vector<const PlanBuffer*> live;
  for (const PlanBuffer& b : plan.buffers) {
    if (b.place == Place::kArena && b.first >= 0 && b.bytes > 0) live.push_back(&b);
  }
  for (size_t i = 0; i < live.size(); ++i) {
    const PlanBuffer& a = *live[i];
    if (a.offset % kTensorAlignment != 0 || a.offset + a.bytes > plan.arena_bytes) {
      return absl::InternalError(absl::StrCat("plan: buffer at ", a.offset, " of ", a.bytes,
                                              " bytes does not fit the arena"));
    }
    for (size_t j = i + 1; j < live.size(); ++j) {
      const PlanBuffer& b = *live[j];
      if (a.first <= b.last && b.first <= a.last && a.offset < b.offset + b.bytes &&
          b.offset < a.offset + a.bytes) {
        return absl::InternalError(absl::StrCat("plan: buffers at ", a.offset, " and ", b.offset,
                                                " overlap while both are live"));
      }
    }
  }
  return absl::OkStatus();
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
      const PlanBuffer& b = buffers[static_cast<size_t>(buffer)];
      absl::StrAppendFormat(&text, "      %s %d bytes @%s\n", what, b.bytes, BufferText(b));
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

absl::Status Plan::Verify() const {
  WEFT_RETURN_IF_ERROR(VerifyReads(*this));
  WEFT_RETURN_IF_ERROR(VerifyWorkspaces(*this));
  return VerifyArena(*this);
}

}  // namespace weft
