#include "ops/ops.h"

#include <cstdio>
#include <cstdlib>

#include "ops/families.h"

namespace weft {
namespace {

// A definition that cannot be registered is a mistake in this program, found by its first test.
void RequireOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "ops/ops.cc: %s\n", status.ToString().c_str());
  std::abort();
}

OpRegistry* MakeStandardOps() {
  auto* registry = new OpRegistry();
  RequireOk(RegisterLeaves(*registry));
  for (auto family : {ElementwiseOps,   UnaryOps,
                      TopKOps,          ScanOps,
                      ReduceExtremeOps, LikeOps,
                      PowOps,           VariadicOps,
                      CompareOps,       ActivationOps,
                      ClipOps,          PReluOps,
                      ShapeOps,         ConcatOps,
                      DepthSpaceOps,    GenerateOps,
                      PadOps,           ReverseSequenceOps,
                      SliceOps,         TileOps,
                      TransposeOps,     CastOps,
                      ReduceOps,        SoftmaxOps,
                      LossOps,          NllLossOps,
                      DropoutOps,       ArgOps,
                      MomentumOps,      ConvOps,
                      ConvGradOps,      FusedOps,
                      ConvTransposeOps, Im2ColOps,
                      PoolOps,          AveragePoolOps,
                      ChoicePoolOps,    LpPoolOps,
                      MaxUnpoolOps,     BatchNormOps,
                      GroupNormOps,     LayerNormOps,
                      LpNormOps,        LrnOps,
                      GemmOps,          MatMulOps,
                      EinsumOps,        RecurrentOps,
                      GatherOps,        OneHotOps,
                      ScatterOps,       ResizeOps,
                      RandomOps,        RandomPlacementOps,
                      DftOps,           ChannelShuffleOps,
                      SqueezeExciteOps, FusedElementwiseOps,
                      DetOps,           GridSampleOps,
                      RoiAlignOps,      NonMaxSuppressionOps,
                      NonZeroOps,       BitwiseOps,
                      UniqueOps,        OptimizerStepOps}) {
    for (OpDef& def : family()) RequireOk(registry->Register(std::move(def)));
  }
  return registry;
}

}  // namespace

const OpRegistry& StandardOps() {
  // Never destroyed: graphs in static storage may outlive any order of destruction.
  static const OpRegistry& registry = *MakeStandardOps();
  return registry;
}

}  // namespace weft
