#ifndef WEFT_RUNTIME_HOST_ARITHMETIC_H_
#define WEFT_RUNTIME_HOST_ARITHMETIC_H_

#include <cstdint>
#include <optional>
#include <string_view>

// Arithmetic of two operands on runs of f32 elements, in vectors of the CPU's width.

namespace weft {

enum class Arithmetic { kAdd, kSub, kMul, kDiv, kMax, kMin };

// That of the op of this name; nothing for another op.
std::optional<Arithmetic> FindArithmetic(std::string_view op);

// A run of elements; an operand's step is 1, or 0 where it is one number.
struct RunOperand {
  const float* data;
  int64_t step;
};

// y = a op b, n elements, on the calling thread; y may be one of a and b. NaN wins in kMax, kMin.
void RunArithmetic(Arithmetic op, RunOperand a, RunOperand b, int64_t n, float* y);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ARITHMETIC_H_
