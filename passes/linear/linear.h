#ifndef WEFT_PASSES_LINEAR_LINEAR_H_
#define WEFT_PASSES_LINEAR_LINEAR_H_

#include "passes/passes.h"

namespace weft {

// What becomes part of a linear op's weights, bias and attributes: scales and shifts before and
// after it, padding, an order of channels or of what is flattened.
Pass FoldConvBn();        // fold_after.cc
Pass FoldConvAffine();    // fold_after.cc
Pass FoldMatMulScale();   // fold_after.cc
Pass FoldBnConv();        // fold_before.cc
Pass FoldAffineConv();    // fold_before.cc
Pass FoldPad();           // fold_pad.cc
Pass FoldChannelOrder();  // fold_channel_order.cc
Pass FoldFlattenOrder();  // fold_flatten_order.cc
Pass FoldFilterOrder();   // fold_channel_order.cc

}  // namespace weft

#endif  // WEFT_PASSES_LINEAR_LINEAR_H_
