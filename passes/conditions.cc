#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "passes/rule.h"

namespace weft {

Condition All(std::initializer_list<Condition> conditions) {
  for (const Condition& condition : conditions) {
    if (!condition.holds) return condition;
  }
  return {};
}

Condition HasSingleReader(const Match& match, std::string_view name) {
  const Value value = match[name];
  if (value.null()) return {};
  const int readers = match.graph().CountReaders(value);
  return Unless(readers != 1, absl::StrCat(value.ToString(), " has ", readers, " consumers"));
}

Condition AreReadInside(const Match& match, std::initializer_list<std::string_view> names) {
  const std::vector<Node*> nodes = match.nodes();
  for (const std::string_view name : names) {
    const Value value = match[name];
    if (value.null()) continue;
    if (match.graph().IsOutput(value)) return Unless(true, value.ToString() + " is an output");
    for (const Use& use : value.node->uses(value.index)) {
      if (std::find(nodes.begin(), nodes.end(), use.user) != nodes.end()) continue;
      return Unless(true, absl::StrCat(value.ToString(), " is read by ", use.user->name(), " too"));
    }
  }
  return {};
}

Condition IsConstant(const Match& match, std::string_view name) {
  const Value value = match[name];
  if (value.null()) return {};
  return Unless(
      ConstantValue(value) == nullptr,
      absl::StrCat(value.ToString(), value.node->op_name() == kVariable ? " is a variable," : " is",
                   " not a constant"));
}

bool IsKnownNumber(Value value) {
  const Tensor* constant = value.null() ? nullptr : ConstantValue(value);
  return constant != nullptr && constant->size() == 1 && !std::isnan(constant->At(0));
}

Condition IsNumber(const Match& match, std::string_view name, double number) {
  const Value value = match[name];
  if (value.null()) return {};
  if (!IsKnownNumber(value)) {
    return Unless(true, absl::StrCat(value.ToString(), " is not the number ", number));
  }
  const double actual = ConstantValue(value)->At(0);
  return Unless(std::abs(actual - number) > 1e-6 * std::abs(number),
                absl::StrCat(value.ToString(), " is ", actual, ", not ", number));
}

Condition IsNotConstant(const Match& match, std::string_view name) {
  const Value value = match[name];
  const bool is_constant = value && ConstantValue(value) != nullptr;
  return Unless(is_constant, absl::StrCat(value.ToString(), " is a constant"));
}

Condition HaveSameType(const Match& match, std::string_view a, std::string_view b) {
  const Value x = match[a];
  const Value y = match[b];
  if (x.null() || y.null()) return {};
  return Unless(x.type() != y.type(), absl::StrCat(x.ToString(), " is ", ToString(x.type()), ", ",
                                                   y.ToString(), " is ", ToString(y.type())));
}

Condition IsInMode(const Match& match, std::string_view name, std::string_view mode) {
  const Node& node = *match.node(name);
  const std::string actual = GetString(node.attributes(), "mode");
  return Unless(actual != mode,
                absl::StrCat(node.name(), " is in mode ", actual, ", not ", Absl(mode)));
}

Condition HasOneGroup(const Match& match, std::string_view name) {
  const Node& node = *match.node(name);
  const int64_t group = GetInt(node.attributes(), "group", 1);
  return Unless(group != 1, absl::StrCat(node.name(), " has ", group, " groups"));
}

Condition IsPerChannel(const Match& match, std::string_view name, std::string_view image,
                       int channel_axis) {
  const Value value = match[name];
  if (value.null()) return {};
  const TensorType& type = value.type();
  const TensorType& of = match[image].type();
  bool fits = type.rank() <= of.rank() && of.rank() >= 2;
  for (int axis = 0; fits && axis < type.rank(); ++axis) {
    const bool channel = axis + of.rank() - type.rank() == channel_axis;
    fits = type.dim(axis) == Dim(1) || (channel && type.dim(axis) == of.dim(channel_axis));
  }
  return Unless(!fits, absl::StrCat(value.ToString(), " is ", ToString(type),
                                    ", not one number a channel of ", ToString(of)));
}

}  // namespace weft
