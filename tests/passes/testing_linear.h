#ifndef WEFT_TESTS_PASSES_TESTING_LINEAR_H_
#define WEFT_TESTS_PASSES_TESTING_LINEAR_H_

#include <string>
#include <vector>

#include "tests/passes/testing_nets.h"

namespace weft {

// A linear op of each kind, for rules that change its weights and bias.
struct LinearCase {
  std::string name;
  std::string op;
  Shape x;
  Dims w;
  int64_t channels_in = 0;
  int64_t channels_out = 0;
  AttributeMap attributes = {};
  bool has_bias = true;  // MatMul has none
};

std::vector<LinearCase> LinearCases();
const LinearCase& FindLinearCase(const std::string& name);

Value InputOf(Net& net, const LinearCase& c);
// The op, "linear", of `x`, with constants "w" and "b".
Value AddLinear(Net& net, const LinearCase& c, Value x, bool bias);
// Dims that lay `channels` numbers along axis 1 of what has `rank` axes.
Dims PerChannel(int64_t channels, int rank);

// What keeps a folded net the same in each dtype.
struct Precision {
  DType dtype = DType::kF64;
  double tolerance = 1e-11;
};
inline const std::vector<Precision> kPrecisions = {{DType::kF64, 1e-11}, {DType::kF32, 1e-5}};

// Calls test(case, precision, bias) for all that there are.
void ForEachLinearCase(
    const std::function<void(const LinearCase&, const Precision&, bool bias)>& test);

}  // namespace weft

#endif  // WEFT_TESTS_PASSES_TESTING_LINEAR_H_
