#ifndef WEFT_FRONTEND_BUILD_LAYERS_REDUCE_H_
#define WEFT_FRONTEND_BUILD_LAYERS_REDUCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/build/layers/family.h"

namespace weft {

struct ReduceOptions {
  std::vector<int64_t> axes = {};  // none: all
  bool keep_dims = true;
  std::string name = {};
};

// Of ArgMax and ArgMin.
struct ArgMaxOptions {
  int64_t axis = -1;
  bool keep_dims = false;
  bool select_last_index = false;  // of equal elements
  std::string name = {};
};

struct HardmaxOptions {
  int64_t axis = -1;
  std::string name = {};
};

struct CumSumOptions {
  int64_t axis = -1;
  bool exclusive = false;  // element k is not in sum k
  bool reverse = false;    // sums from the end
  std::string name = {};
};

struct TopKOptions {
  int64_t axis = -1;
  bool largest = true;
  bool sorted = true;
  std::string name = {};
};

struct TopKResult {
  Value values;
  Value indices;  // i64
};

// Reductions over axes, scans and order statistics.
class ReduceLayers : public LayerFamily<ReduceLayers> {
 public:
  Value ReduceL1(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceL2(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceLogSum(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceLogSumExp(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceMax(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceMean(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceMin(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceProd(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceSum(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceSumSquare(Value x, const ReduceOptions& o = {}, Where where = Where::current());

  Value ArgMax(Value x, const ArgMaxOptions& o = {}, Where where = Where::current());
  Value ArgMin(Value x, const ArgMaxOptions& o = {}, Where where = Where::current());
  Value Hardmax(Value x, const HardmaxOptions& o = {}, Where where = Where::current());
  Value CumSum(Value x, const CumSumOptions& o = {}, Where where = Where::current());
  TopKResult TopK(Value x, int64_t k, const TopKOptions& o = {}, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_REDUCE_H_
