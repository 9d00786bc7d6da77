#ifndef WEFT_OPS_FAMILIES_H_
#define WEFT_OPS_FAMILIES_H_

#include <vector>

#include "graph/op.h"

namespace weft {

// The definitions of one file of ops/ each. ops.cc lists them all.
std::vector<OpDef> ActivationOps();
std::vector<OpDef> ArgOps();
std::vector<OpDef> BatchNormOps();
std::vector<OpDef> CastOps();
std::vector<OpDef> ConvGradOps();
std::vector<OpDef> ConvOps();
std::vector<OpDef> DropoutOps();
std::vector<OpDef> ElementwiseOps();
std::vector<OpDef> FusedConvOps();
std::vector<OpDef> GemmOps();
std::vector<OpDef> LossOps();
std::vector<OpDef> MomentumOps();
std::vector<OpDef> PoolOps();
std::vector<OpDef> ReduceOps();
std::vector<OpDef> ShapeOps();
std::vector<OpDef> SoftmaxOps();

}  // namespace weft

#endif  // WEFT_OPS_FAMILIES_H_
