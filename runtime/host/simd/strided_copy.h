#ifndef WEFT_RUNTIME_HOST_SIMD_STRIDED_COPY_H_
#define WEFT_RUNTIME_HOST_SIMD_STRIDED_COPY_H_

#include <cstddef>

#include "ops/movement.h"

namespace weft {

// Copies bytes that do not overlap, past the caches: for targets that are
// larger than these.
void StreamCopy(std::byte* to, const std::byte* from, size_t bytes);

// A box copy made ready to run: axes of one element dropped, neighbours merged
// where memory allows, and the inner loops chosen: runs of bytes, fills,
// blocked transpositions, or single elements. Immutable; shared by threads.
class StridedCopy {
 public:
  enum class Mode { kCopy, kAdd /* f32 only: adds to what is there */ };

  // `width` bytes an element: 1, 4 or 8. The box's from, to, input and output
  // are the caller's, except that an input of kZeros is one.
  StridedCopy(const BoxCopy& box, size_t width, Mode mode = Mode::kCopy);

  // `from` and `to` are where the box's first element is. On the calling
  // thread.
  void Run(const std::byte* from, std::byte* to) const { RunUnits(from, to, 0, units_); }
  // On the run's threads. Not for kAdd.
  void RunOnThreads(const std::byte* from, std::byte* to) const;

  int64_t bytes() const { return bytes_; }  // of the target

 private:
  enum class Kind { kRun, kZero, kFill, kTranspose, kLoop, kAdd };
  struct Axis {
    int64_t extent = 1;
    int64_t from = 0;  // bytes between neighbours
    int64_t to = 0;
  };

  void Prepare(const BoxCopy& box);  // axes_, from the largest step of the
                                     // target to the smallest
  void ChooseInner(bool zeros, Mode mode);
  // Takes the axis out of axes_ as an inner one that is cut into blocks.
  Axis TakeInner(size_t axis, int64_t block);
  void RunUnits(const std::byte* from, std::byte* to, int64_t begin, int64_t end) const;
  void RunUnit(const std::byte* from, std::byte* to, int64_t count, int64_t rows) const;

  int64_t width_;
  Kind kind_ = Kind::kRun;
  std::vector<Axis> axes_;  // outer ones, then one for the blocks of each inner axis
  Axis inner_, rows_;       // rows_: of a transposition, the axis along which the
                            // target is dense
  int64_t block_ = 1;       // elements of inner_ a unit
  int64_t row_block_ = 1;   // elements of rows_ a unit
  int64_t start_from_ = 0;  // bytes: where the first unit is, after axes were turned round
  int64_t start_to_ = 0;
  int64_t units_ = 1;
  int64_t bytes_ = 0;
  bool streams_ = false;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_STRIDED_COPY_H_
