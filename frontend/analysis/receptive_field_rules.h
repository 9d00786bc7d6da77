#ifndef WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_RULES_H_
#define WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_RULES_H_

#include <bitset>
#include <optional>
#include <string_view>
#include <vector>

#include "frontend/analysis/receptive_field.h"
#include "graph/type.h"

// How the ops pass receptive fields on, one rule a kind of op.

namespace weft {

struct OpDef;

using AxisSet = std::bitset<kMaxRank>;

// The field along one axis of the input, and the axes of the value that it moves along: one where
// the field is placed, any number where it is not, none where it is whole.
struct TracedAxis {
  FieldAxis field;
  AxisSet along;
  friend bool operator==(const TracedAxis&, const TracedAxis&) = default;
};
using Trace = std::vector<TracedAxis>;

// A node and the traces of its inputs: nullopt for those that do not depend on the input or of
// which only the shape is read.
struct FieldContext {
  const Node& node;
  std::vector<std::optional<Trace>> inputs;
};

// The trace of the node's first output (others are taken to see the same). Some input has a trace.
using FieldRule = absl::StatusOr<Trace> (*)(const FieldContext&);

// Null for an op that is not understood.
FieldRule FieldRuleOf(const OpDef& op);
// The ops that have a rule by name, sorted; others have one by their traits.
std::vector<std::string_view> OpsWithFieldRule();

}  // namespace weft

#endif  // WEFT_FRONTEND_ANALYSIS_RECEPTIVE_FIELD_RULES_H_
