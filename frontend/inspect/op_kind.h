#ifndef WEFT_FRONTEND_INSPECT_OP_KIND_H_
#define WEFT_FRONTEND_INSPECT_OP_KIND_H_

#include <array>
#include <string>
#include <string_view>

namespace weft {

class Node;

// What an op is for, as drawings of networks color it. A gradient is of its op's kind, a fused op
// of that of the op that it begins with.
enum class OpKind {
  kConv,    // convolutions, plain and transposed
  kLinear,  // matrix products
  kNormalization,
  kActivation,  // and softmax, dropout
  kPooling,     // and reductions
  kArithmetic,  // elementwise
  kMovement,    // reshaping, concatenating, slicing, reordering: nothing is computed
  kRecurrent,
  kLoss,       // and optimizers' steps
  kInterface,  // inputs, outputs, weights
  kOther,
};
inline constexpr std::array kOpKinds = {
    OpKind::kConv,    OpKind::kLinear,     OpKind::kNormalization, OpKind::kActivation,
    OpKind::kPooling, OpKind::kArithmetic, OpKind::kMovement,      OpKind::kRecurrent,
    OpKind::kLoss,    OpKind::kInterface,  OpKind::kOther};

// Whether the node applies an activation function to what it reads.
bool IsActivation(const Node& node);

// Of an op of the standard ones or of a step that a plan adds ("Reorder"); others are kOther.
OpKind OpKindOf(std::string_view op);
std::string_view ToString(OpKind kind);  // "convolution"
// The class of the group that is drawn for the op: "op-conv".
std::string_view OpClass(OpKind kind);

// Rules of a style sheet that color the rectangles of groups with an op's class within `scope`:
// Okabe and Ito's colors and two more, which the color-blind can tell apart; half transparent, so
// that they suit a light and a dark ground.
std::string OpKindStyle(std::string_view scope);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_OP_KIND_H_
