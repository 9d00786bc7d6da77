#ifndef WEFT_RUNTIME_HOST_POOL_PLANE_H_
#define WEFT_RUNTIME_HOST_POOL_PLANE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/pool.h"
#include "ops/window.h"
#include "runtime/scratch.h"

// Max and average pooling of one row-major plane, by vectors where the last axis has stride 1 or 2.

namespace weft {

// A window on the last axis.
struct RowWindow {
  int64_t kernel = 1, stride = 1, dilation = 1, pad = 0;
  int64_t span() const { return (kernel - 1) * dilation + 1; }
};

// A row of outputs reads, or a row of the input is read by, another row; `tap` is the number of the
// first of the taps that join them, in the order of the window.
struct RowLink {
  int64_t row = 0;
  uint32_t tap = 0;
};

// Lists of links, one for each row.
class RowLinks {
 public:
  std::span<const RowLink> of(int64_t row) const {
    const size_t begin = begins_[static_cast<size_t>(row)];
    return {links_.data() + begin, begins_[static_cast<size_t>(row) + 1] - begin};
  }
  void Add(RowLink link) { links_.push_back(link); }
  void EndRow() { begins_.push_back(links_.size()); }
  size_t size() const { return links_.size(); }

 private:
  std::vector<RowLink> links_;
  std::vector<size_t> begins_ = {0};
};

struct WindowPlan {
  PoolWindow window;
  int64_t planes = 0;
  int64_t inputs = 0, input_rows = 0, width = 0;  // of a plane
  int64_t outputs = 0, output_rows = 0, columns = 0;
  RowWindow last;              // axis
  std::vector<TapRange> taps;  // of each column
  int64_t begin = 0, end = 0;  // the columns whose taps all lie in the row
  RowLinks reads, read_by;     // input rows of an output row; output rows of an input row
  std::vector<float> row_weights, column_weights;  // AveragePool's
  int64_t grain = 1;                               // planes that are worth a thread

  // The number of a column's first tap in the window.
  int64_t FirstTap(int64_t column) const {
    return (taps[static_cast<size_t>(column)].first + last.pad - column * last.stride) /
           last.dilation;
  }
};

// None where the windows have too many taps for lists of them.
std::optional<WindowPlan> MakeWindowPlan(PoolWindow window);

// Elements that a vector may read or write behind the end of a row of a thread's memory.
inline constexpr int64_t kSlack = 16;

// What a thread computes in.
struct PlaneMemory {
  float *values, *plane;  // rows of the plane; its outputs
  uint32_t *numbers, *of_outputs;
  uint8_t* bytes;
};

// The scratch memory of the functions below.
class PlaneScratch {
 public:
  enum class Use { kReduce, kNumberedMaxima, kSpreadAverage, kSpreadMaxima };

  PlaneScratch() = default;  // of a kernel that calls none of them
  PlaneScratch(const WindowPlan& p, Use use, ScratchPlan& scratch);
  PlaneMemory In(std::byte* scratch, int thread) const;

 private:
  ScratchArray<float> values_, plane_;
  ScratchArray<uint32_t> numbers_, of_outputs_;
  ScratchArray<uint8_t> bytes_;
};

// y. Use::kReduce.
void MaximaOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m);
void AverageOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m);
// y, and the number of each output's tap in its window: in m.of_outputs.
void NumberedMaximaOfPlane(const WindowPlan& p, const float* x, float* y, const PlaneMemory& m);

// dx of some planes, by the weights and by the taps' numbers. For strides of 1 and 2.
void SpreadAverage(const WindowPlan& p, const float* dy, float* dx, int64_t planes,
                   const PlaneMemory& m);
void SpreadMaxima(const WindowPlan& p, const float* dy, const uint8_t* numbers, float* dx,
                  int64_t planes, const PlaneMemory& m);
// A row of outputs with zeros: a window's span in front of it, a span and a vector behind.
inline int64_t PaddedColumns(const WindowPlan& p) { return p.columns + 2 * p.last.span() + kSlack; }

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POOL_PLANE_H_
