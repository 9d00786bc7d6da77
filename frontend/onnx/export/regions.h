#ifndef WEFT_FRONTEND_ONNX_EXPORT_REGIONS_H_
#define WEFT_FRONTEND_ONNX_EXPORT_REGIONS_H_

#include <vector>

#include "frontend/onnx/export/op.h"
#include "ops/pool.h"

// Poolings whose regions ONNX's cannot have, as gathered taps: X [N,C,spatial...] becomes
// [N,C,outputs,taps], with one constant list of places an output, which is then reduced.

namespace weft {

// The dims of X with N = C = 1, for the functions of ops/ that read a pooling's regions; an error,
// kept in `e`, unless the spatial extents are known and the outputs not too many.
Dims PlaneDims(OpExport& e);

// The maximum of each region.
void ExportRegionMaxima(OpExport& e, const Regions& regions);
// The sum of each region of x times the output's weight (AverageWeights).
OnnxOperand RegionSums(OpExport& e, const Regions& regions, const AxisWeights& weights,
                       OnnxOperand x);
void ExportRegionAverages(OpExport& e, const Regions& regions, const AxisWeights& weights);

// The sum of each region's elements in decreasing order times weights that depend on their number.
using RankWeightsFn = std::vector<double> (*)(int64_t taps, int64_t contestants);
void ExportRegionRanks(OpExport& e, const Regions& regions, RankWeightsFn weights,
                       int64_t contestants);

// The last node: [N,C,outputs] to [N,C,output...].
void ExportAsImage(OpExport& e, const Regions& regions, OnnxOperand value);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_REGIONS_H_
