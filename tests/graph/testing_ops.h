#ifndef WEFT_TESTS_GRAPH_TESTING_OPS_H_
#define WEFT_TESTS_GRAPH_TESTING_OPS_H_

#include <string>
#include <vector>

#include "graph/model.h"
#include "graph/op.h"

namespace weft {

// A registry of a few small ops, so that the tests of graph/ stand on nothing but graph/:
//   Relu(X) -> Y
//   Add(A, B) -> Y of A's type, which must be B's
//   Norm(X, scale?, B?) {epsilon=0.5} -> Y, mean?, var? of X's type
//   Flatten(X) -> [d0, d1*d2*...]
//   NonZero(X) -> i64[rank, a fresh symbol]
//   Reshape(X, shape i64) -> shape's values where it is a constant, else fresh symbols
//   AllKinds(X) {one optional attribute of each kind, named like it} -> Y
const OpRegistry& TestOps();

// A tensor of `values` with these dims.
Tensor F32(Dims dims, std::vector<float> values);
TensorType F32Type(Shape shape);
inline Dim N() { return Dim::Symbol("N"); }

// A model that has every part that a file can keep.
Model SampleModel();

}  // namespace weft

#endif  // WEFT_TESTS_GRAPH_TESTING_OPS_H_
