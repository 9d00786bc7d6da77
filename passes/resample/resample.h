#ifndef WEFT_PASSES_RESAMPLE_RESAMPLE_H_
#define WEFT_PASSES_RESAMPLE_RESAMPLE_H_

#include "passes/passes.h"

namespace weft {

// What makes images larger, Resize, ConvTranspose and DepthToSpace, and the convolutions around it.
Pass FoldResize();                   // fold_resize.cc
Pass MoveResizeDown();               // move_resize_down.cc
Pass MoveElementwiseUp();            // move_elementwise_up.cc
Pass OrderDepthToSpace();            // depth_to_space.cc
Pass ConvTransposeToDepthToSpace();  // depth_to_space.cc

}  // namespace weft

#endif  // WEFT_PASSES_RESAMPLE_RESAMPLE_H_
