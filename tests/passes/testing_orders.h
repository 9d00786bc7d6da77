#ifndef WEFT_TESTS_PASSES_TESTING_ORDERS_H_
#define WEFT_TESTS_PASSES_TESTING_ORDERS_H_

#include <string>
#include <vector>

#include "tests/passes/testing_nets.h"

namespace weft {

// What the tests of cancel_transposes build their nets with.

inline const std::vector<std::string> kCancel = {"cancel_transposes", "transpose_to_reshape",
                                                 "fold_constants"};
inline const Dims kToLast = {0, 2, 3, 1};   // NCHW to NHWC
inline const Dims kToFirst = {0, 3, 1, 2};  // and back
inline const Dim kN = Dim::Symbol("N");

inline Value Transpose(Net& net, const std::string& name, Value x, const Dims& perm) {
  return net.Add("Transpose", name, {x}, {{"perm", perm}});
}

inline Value Ints(Net& net, const Dims& values) {
  return net.graph.AddConstant(net.graph.UniqueName("ints"), Tensor::FromInts(values)).value();
}

inline Value Input(Net& net, const std::string& name, Shape shape, DType dtype = DType::kF64) {
  return net.graph.AddInput(name, {dtype, std::move(shape)}).value();
}

}  // namespace weft

#endif  // WEFT_TESTS_PASSES_TESTING_ORDERS_H_
