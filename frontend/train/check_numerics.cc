#include "frontend/train/check_numerics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/element.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "passes/memory/again.h"

namespace weft {
namespace {

// By the bits of numbers with so many of mantissa; plain loops, which become vectors.
template <typename Bits>
void CountOdditiesByBits(const Bits* x, size_t count, int mantissa, const NumericsOptions& options,
                         Oddities& found) {
  const Bits fraction = static_cast<Bits>((Bits{1} << mantissa) - 1);
  const Bits all = static_cast<Bits>(Bits(~Bits{0}) >> 1);  // but for the sign
  const Bits infinite = static_cast<Bits>(all & ~fraction);
  for (size_t i = 0; i < count; ++i) {
    const Bits magnitude = static_cast<Bits>(x[i] & all);
    found.nan += magnitude > infinite;
    found.inf += magnitude == infinite;
    found.denormal += magnitude != 0 && magnitude <= fraction;
  }
  if (!found.any(options)) return;
  for (size_t i = 0; i < count && found.first < 0; ++i) {
    const Bits magnitude = static_cast<Bits>(x[i] & all);
    const bool denormal = magnitude != 0 && magnitude <= fraction;
    if (magnitude >= infinite || (denormal && options.denormals)) {
      found.first = static_cast<int64_t>(i);
    }
  }
}

Oddities OdditiesOf(const Tensor& tensor, const NumericsOptions& options) {
  Oddities found = FindOddities(tensor.dtype(), tensor.data(), tensor.bytes(), options);
  for (int64_t i = 0; kRealTypes.contains(tensor.dtype()) && i < tensor.size(); ++i) {
    const double magnitude = std::abs(tensor.At(i));
    if (std::isfinite(magnitude)) found.largest = std::max(found.largest, magnitude);
  }
  return found;
}

// "2 of 3,136 elements are NaN, the first at [0,0,5]"
std::string DescribeOddities(const Tensor& tensor, const Oddities& found,
                             const NumericsOptions& options) {
  std::vector<std::string> parts;
  if (found.nan > 0) parts.push_back(absl::StrCat(found.nan, " NaN"));
  if (found.inf > 0) parts.push_back(absl::StrCat(found.inf, " Inf"));
  if (found.denormal > 0 && options.denormals) {
    parts.push_back(absl::StrCat(found.denormal, " denormal"));
  }
  std::vector<int64_t> place(static_cast<size_t>(tensor.rank()));
  int64_t rest = found.first;
  for (size_t axis = place.size(); axis-- > 0;) {
    place[axis] = rest % tensor.dims()[axis];
    rest /= tensor.dims()[axis];
  }
  return absl::StrCat(absl::StrJoin(parts, ", "), " of ", tensor.size(),
                      " elements, the first at [", absl::StrJoin(place, ","), "]");
}

class NumericsWalk {
 public:
  NumericsWalk(const Graph& graph, const TensorMap& feeds, const TensorMap& variables,
               Evaluator& evaluator, const NumericsOptions& options)
      : graph_(graph),
        feeds_(feeds),
        variables_(variables),
        evaluator_(evaluator),
        options_(options),
        forward_(ForwardNodes(graph)) {
    for (const Node& node : graph.nodes()) {
      for (const Value& v : node.inputs()) ++readings_[v];
    }
    for (const Update& update : graph.updates()) updates_.emplace(update.value, update.variable);
  }

  absl::StatusOr<std::optional<OddPlace>> Run() {
    WEFT_RETURN_IF_ERROR(CheckLeaves());
    for (const Node& node : graph_.nodes()) {
      if (std::optional<OddPlace> place = Leaf(node)) return place;
    }
    for (const Node& node : graph_.nodes()) {
      if (node.num_inputs() == 0 && values_.contains(node.output())) continue;
      WEFT_ASSIGN_OR_RETURN(std::optional<OddPlace> place, Compute(node));
      if (place) return place;
    }
    return std::optional<OddPlace>();
  }

 private:
  absl::Status CheckLeaves() const {
    for (const Node& node : graph_.nodes()) {
      const bool is_input = node.op_name() == kInput;
      if (!is_input && node.op_name() != kVariable) continue;
      const TensorMap& given = is_input ? feeds_ : variables_;
      const auto value = given.find(node.name());
      if (value != given.end() && value->second.type() == node.type()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          is_input ? "input " : "variable ", node.name(), ": expected ", ToString(node.type()),
          ", got ", value == given.end() ? "nothing" : ToString(value->second.type())));
    }
    return absl::OkStatus();
  }

  // Takes the value of a leaf; what is odd about an input or a variable. Constants may be anything.
  std::optional<OddPlace> Leaf(const Node& node) {
    const bool is_input = node.op_name() == kInput, is_variable = node.op_name() == kVariable;
    if (!is_input && !is_variable && node.op_name() != kConstant) return std::nullopt;
    Tensor& value = values_[node.output()];
    if (is_input) {
      value = feeds_.find(node.name())->second;
    } else {
      value = LeafValue(node);
      if (is_variable) value = variables_.find(node.name())->second;
    }
    if (!is_input && !is_variable) return std::nullopt;
    const Oddities found = FindOddities(value.dtype(), value.data(), value.bytes(), options_);
    if (!found.any(options_)) return std::nullopt;
    return OddPlace{.node = node.name(),
                    .message = absl::StrCat(is_input ? "input " : "variable ", node.name(), " has ",
                                            DescribeOddities(value, found, options_))};
  }

  absl::StatusOr<std::optional<OddPlace>> Compute(const Node& node) {
    std::vector<Tensor> inputs;
    for (const Value& v : node.inputs()) inputs.push_back(v ? values_.at(v) : Tensor());
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> outputs, evaluator_.RunNode(node, inputs));
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Tensor& y = outputs[i];
      const Oddities found = FindOddities(y.dtype(), y.data(), y.bytes(), options_);
      if (found.any(options_)) return Place(node, static_cast<int>(i), inputs, y, found);
      values_[node.output(static_cast<int>(i))] = y;
    }
    for (const Value& v : node.inputs()) {
      if (v && --readings_[v] == 0) values_.erase(v);
    }
    return std::optional<OddPlace>();
  }

  absl::StatusOr<std::optional<OddPlace>> Place(const Node& node, int output,
                                                std::span<const Tensor> inputs, const Tensor& y,
                                                const Oddities& found) const {
    const auto update = updates_.find(node.output(output));
    std::string where = forward_.contains(&node) ? "the forward pass" : "the backward pass";
    if (update != updates_.end()) where = absl::StrCat("the update of ", update->second->name());
    OddPlace place{.node = node.name(),
                   .message = absl::StrCat(where, ": node ", node.Describe(), " gives ",
                                           DescribeOddities(y, found, options_), "; it reads ",
                                           Operands(node, inputs))};
    Graph alone(graph_.registry());
    WEFT_ASSIGN_OR_RETURN(const Node* copy, AddNodeOfConstants(alone, node, inputs));
    // The odd output comes first: it is what weft run writes unless it is told another one.
    WEFT_RETURN_IF_ERROR(alone.AddOutput(copy->output(output).ToString(), copy->output(output)));
    for (int i = 0; i < copy->num_outputs(); ++i) {
      if (i == output) continue;
      WEFT_RETURN_IF_ERROR(alone.AddOutput(copy->output(i).ToString(), copy->output(i)));
    }
    place.alone = std::move(alone);
    return std::optional<OddPlace>(std::move(place));
  }

  // "conv1 up to 3.2, fc.weight up to 1e+30": the largest first, as many as a line holds.
  std::string Operands(const Node& node, std::span<const Tensor> inputs) const {
    std::vector<std::pair<double, std::string>> operands;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].is_empty() || !kRealTypes.contains(inputs[i].dtype())) continue;
      operands.emplace_back(OdditiesOf(inputs[i], options_).largest,
                            node.input(static_cast<int>(i)).ToString());
    }
    std::stable_sort(operands.begin(), operands.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    if (operands.size() > 4) operands.resize(4);
    return absl::StrJoin(operands, ", ", [](std::string* out, const auto& operand) {
      absl::StrAppend(out, operand.second, " up to ", operand.first);
    });
  }

  const Graph& graph_;
  const TensorMap& feeds_;
  const TensorMap& variables_;
  Evaluator& evaluator_;
  const NumericsOptions& options_;
  const std::unordered_set<const Node*> forward_;
  absl::flat_hash_map<Value, Tensor> values_;
  absl::flat_hash_map<Value, int> readings_;  // yet to come
  absl::flat_hash_map<Value, const Node*> updates_;
};

}  // namespace

Oddities FindOddities(DType dtype, const void* data, size_t bytes, const NumericsOptions& options) {
  Oddities found;
  switch (dtype) {
    case DType::kF32:
      CountOdditiesByBits(static_cast<const uint32_t*>(data), bytes / 4, 23, options, found);
      break;
    case DType::kF64:
      CountOdditiesByBits(static_cast<const uint64_t*>(data), bytes / 8, 52, options, found);
      break;
    case DType::kF16:
      CountOdditiesByBits(static_cast<const uint16_t*>(data), bytes / 2, 10, options, found);
      break;
    case DType::kBF16:
      CountOdditiesByBits(static_cast<const uint16_t*>(data), bytes / 2, 7, options, found);
      break;
    default:
      break;
  }
  return found;
}

absl::StatusOr<std::optional<OddPlace>> FindOddPlace(const Graph& bound, const TensorMap& feeds,
                                                     const TensorMap& variables,
                                                     Evaluator& evaluator,
                                                     const NumericsOptions& options) {
  return NumericsWalk(bound, feeds, variables, evaluator, options).Run();
}

}  // namespace weft
