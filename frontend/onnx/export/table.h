#ifndef WEFT_FRONTEND_ONNX_EXPORT_TABLE_H_
#define WEFT_FRONTEND_ONNX_EXPORT_TABLE_H_

#include <string_view>
#include <vector>

#include "frontend/onnx/export/op.h"

namespace weft {

using ExportFn = void (*)(OpExport&);

// The op as ONNX's of that name, with its inputs, outputs and attributes: what an op without an
// entry becomes. `stream` is left out, for ONNX's random ops have no such thing.
void ExportSame(OpExport& e);
// The same with these attributes instead of the call's.
void ExportSameWith(OpExport& e, AttributeMap attributes);

// How an op is exported that is not written as it is.
struct ExportEntry {
  std::string_view op;
  ExportFn function;
};

// One file each.
std::vector<ExportEntry> ActivationExports();
std::vector<ExportEntry> ConvExports();
std::vector<ExportEntry> FusedExports();
std::vector<ExportEntry> LikeExports();
std::vector<ExportEntry> NormExports();
std::vector<ExportEntry> PadExports();
std::vector<ExportEntry> PoolExports();
std::vector<ExportEntry> RecurrentExports();
std::vector<ExportEntry> SampleExports();
std::vector<ExportEntry> ShapeExports();
std::vector<ExportEntry> StructureExports();

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_TABLE_H_
