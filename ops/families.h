#ifndef WEFT_OPS_FAMILIES_H_
#define WEFT_OPS_FAMILIES_H_

#include <vector>

#include "graph/op.h"

namespace weft {

// The definitions of one file of ops/ each. ops.cc lists them all.
std::vector<OpDef> ActivationOps();
std::vector<OpDef> ArgOps();
std::vector<OpDef> AveragePoolOps();
std::vector<OpDef> BatchNormOps();
std::vector<OpDef> BitwiseOps();
std::vector<OpDef> CastOps();
std::vector<OpDef> ChannelShuffleOps();
std::vector<OpDef> ChoicePoolOps();
std::vector<OpDef> ClipOps();
std::vector<OpDef> CompareOps();
std::vector<OpDef> ConcatOps();
std::vector<OpDef> ConvGradOps();
std::vector<OpDef> ConvOps();
std::vector<OpDef> ConvTransposeOps();
std::vector<OpDef> DepthSpaceOps();
std::vector<OpDef> DetOps();
std::vector<OpDef> DftOps();
std::vector<OpDef> DropoutOps();
std::vector<OpDef> EinsumOps();
std::vector<OpDef> ElementwiseOps();
std::vector<OpDef> FusedOps();
std::vector<OpDef> FusedElementwiseOps();
std::vector<OpDef> GatherOps();
std::vector<OpDef> GemmOps();
std::vector<OpDef> GenerateOps();
std::vector<OpDef> GridSampleOps();
std::vector<OpDef> GroupNormOps();
std::vector<OpDef> Im2ColOps();
std::vector<OpDef> LayerNormOps();
std::vector<OpDef> LikeOps();
std::vector<OpDef> LossOps();
std::vector<OpDef> LpNormOps();
std::vector<OpDef> LpPoolOps();
std::vector<OpDef> LrnOps();
std::vector<OpDef> MatMulOps();
std::vector<OpDef> MaxUnpoolOps();
std::vector<OpDef> MomentumOps();
std::vector<OpDef> OptimizerStepOps();
std::vector<OpDef> NllLossOps();
std::vector<OpDef> NonMaxSuppressionOps();
std::vector<OpDef> NonZeroOps();
std::vector<OpDef> OneHotOps();
std::vector<OpDef> PadOps();
std::vector<OpDef> PoolOps();
std::vector<OpDef> PowOps();
std::vector<OpDef> PReluOps();
std::vector<OpDef> RandomOps();
std::vector<OpDef> RandomPlacementOps();
std::vector<OpDef> RecurrentOps();
std::vector<OpDef> ReduceExtremeOps();
std::vector<OpDef> ReduceOps();
std::vector<OpDef> ResizeOps();
std::vector<OpDef> ReverseSequenceOps();
std::vector<OpDef> RoiAlignOps();
std::vector<OpDef> ScanOps();
std::vector<OpDef> ScatterOps();
std::vector<OpDef> ShapeOps();
std::vector<OpDef> SliceOps();
std::vector<OpDef> SoftmaxOps();
std::vector<OpDef> SqueezeExciteOps();
std::vector<OpDef> TileOps();
std::vector<OpDef> TopKOps();
std::vector<OpDef> TransposeOps();
std::vector<OpDef> UnaryOps();
std::vector<OpDef> UniqueOps();
std::vector<OpDef> VariadicOps();

}  // namespace weft

#endif  // WEFT_OPS_FAMILIES_H_
