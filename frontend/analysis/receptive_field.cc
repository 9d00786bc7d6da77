#include "frontend/analysis/receptive_field.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "frontend/analysis/receptive_field_rules.h"
#include "graph/op.h"

namespace weft {
namespace {

// 4, 0.5, 0.333.
std::string Number(double value) { return absl::StrCat(std::round(value * 1000) / 1000); }

// The entries with an x between them; one where all are equal.
std::string Joined(const std::vector<std::string>& entries, bool merge) {
  if (merge && std::all_of(entries.begin(), entries.end(),
                           [&](const std::string& e) { return e == entries[0]; })) {
    return entries[0];
  }
  std::string text;
  for (const std::string& entry : entries) absl::StrAppend(&text, text.empty() ? "" : "x", entry);
  return text;
}

bool ReadsShapeOnly(const Node& node, int input) {
  const std::vector<InputSpec>& specs = node.op().inputs;
  if (specs.empty()) return false;
  return specs[std::min(static_cast<size_t>(input), specs.size() - 1)].shape_only;
}

using Traces = std::unordered_map<const Node*, absl::StatusOr<Trace>>;

// The trace of a node's outputs; nullopt where it does not depend on the input.
std::optional<absl::StatusOr<Trace>> TraceNode(const Node& node, const Traces& traces) {
  FieldContext context{node, {}};
  bool depends = false;
  for (int i = 0; i < node.num_inputs(); ++i) {
    context.inputs.emplace_back();
    const Value x = node.input(i);
    const auto found = x ? traces.find(x.node) : traces.end();
    if (found == traces.end() || ReadsShapeOnly(node, i)) continue;
    if (!found->second.ok()) return found->second.status();
    context.inputs.back() = *found->second;
    depends = true;
  }
  if (!depends) return std::nullopt;
  const FieldRule rule = FieldRuleOf(node.op());
  absl::StatusOr<Trace> trace =
      rule != nullptr ? rule(context)
                      : absl::UnimplementedError("the op's receptive field is not known");
  if (!trace.ok()) trace = Annotate(trace.status(), node.Describe());
  return trace;
}

// Whole numbers of elements, and nothing where nothing is known.
ReceptiveField FieldOf(const Trace& trace) {
  ReceptiveField field;
  for (const TracedAxis& axis : trace) {
    field.push_back(axis.field);
    FieldAxis& f = field.back();
    if (f.whole) f = {.whole = true, .placed = false};
    f.size = std::floor(f.size + 1e-6);
  }
  return field;
}

}  // namespace

std::string ToString(const ReceptiveField& field) {
  std::vector<std::string> sizes, strides;
  for (const FieldAxis& axis : field) {
    sizes.push_back(axis.whole ? "all" : Number(axis.size));
    if (!axis.whole && axis.placed) strides.push_back(Number(axis.stride));
  }
  const bool all = std::all_of(field.begin(), field.end(), [](auto& f) { return f.whole; });
  std::string text = Joined(sizes, /*merge=*/all);
  if (!strides.empty()) absl::StrAppend(&text, "/", Joined(strides, /*merge=*/true));
  return text;
}

absl::StatusOr<ReceptiveFields> ReceptiveFields::Create(const Graph& graph, const Node& input) {
  if (input.type().rank() < 3) {
    return absl::InvalidArgumentError(
        absl::StrCat(input.Describe(), ": expected an input [N,C,spatial axes...], got ",
                     ToString(input.type())));
  }
  Traces traces;
  Trace start;
  for (int axis = 2; axis < input.type().rank(); ++axis) {
    start.push_back({FieldAxis(), AxisSet().set(static_cast<size_t>(axis))});
  }
  traces.emplace(&input, std::move(start));
  for (const Node& node : graph.nodes()) {
    auto trace = TraceNode(node, traces);
    if (trace) traces.emplace(&node, *std::move(trace));
  }
  ReceptiveFields result;
  for (const auto& [node, trace] : traces) {
    if (trace.ok()) {
      result.fields_.emplace(node, FieldOf(*trace));
    } else {
      result.fields_.emplace(node, trace.status());
    }
  }
  return result;
}

absl::StatusOr<ReceptiveField> ReceptiveFields::Of(const Node& node) const {
  const auto found = fields_.find(&node);
  if (found != fields_.end()) return found->second;
  return absl::NotFoundError(
      absl::StrCat(node.Describe(), ": expected a node that depends on the input"));
}

absl::StatusOr<std::vector<FieldInterval>> FieldOfUnitAt(const ReceptiveField& field,
                                                         const Dims& place, const Dims& extent) {
  std::vector<FieldInterval> intervals;
  for (size_t i = 0; i < field.size(); ++i) {
    const FieldAxis& axis = field[i];
    if (axis.whole) {
      intervals.push_back({0, extent[i]});
      continue;
    }
    if (!axis.placed || place.size() != field.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected units that follow one another along the input's axes, as those of "
                       "a convolution's maps do; their field is ",
                       ToString(field)));
    }
    const double begin = axis.start + static_cast<double>(place[i]) * axis.stride;
    // A field between elements, behind a resizing, has a part of one more.
    intervals.push_back({static_cast<int64_t>(std::floor(begin + 1e-6)),
                         static_cast<int64_t>(std::ceil(begin + axis.size - 1e-6))});
  }
  return intervals;
}

}  // namespace weft
