#ifndef WEFT_FRONTEND_INSPECT_UNITS_PICTURE_LOSSES_H_
#define WEFT_FRONTEND_INSPECT_UNITS_PICTURE_LOSSES_H_

#include <vector>

#include "graph/emitter.h"
#include "graph/tensor.h"

namespace weft {

// What pictures are optimised for, as nodes of a graph (ProbeSpec::objectives), so that autodiff
// has their gradients. Each is [N,1]: one number an example, which no other example enters. The
// emitter's status tells of axes that are not known but for the first, and of other ranks.

// The mean over elements of x^2; x [N,...].
Value MeanSquare(Emitter& e, Value x);
// The squared differences of neighbours below and to the right, their sum over the number of
// elements: Mahendran and Vedaldi, "Understanding deep image representations by inverting them",
// 2015, with beta = 2. x [N,C,H,W].
Value TotalVariation(Emitter& e, Value x);
// |value - target|^2 / |target|^2; target [1,...] of the value's other axes, f32 or f64. Fails for
// a target of zeros, to which nothing is near, and for one that is not finite.
Value RelativeDistance(Emitter& e, Value value, const Tensor& target);

// [N,C,C] of maps [N,C,H,W]: the products of every two channels, their mean over places; Gatys,
// Ecker and Bethge, "Image style transfer using convolutional neural networks", 2016, whose sums
// are these times H W.
Value GramMatrix(Emitter& e, Value maps);

// [N,K] of K terms [N,1].
Value JoinTerms(Emitter& e, std::vector<Value> terms);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_PICTURE_LOSSES_H_
