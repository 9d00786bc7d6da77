#ifndef WEFT_RUNTIME_HOST_POOL_BLOCK_H_
#define WEFT_RUNTIME_HOST_POOL_BLOCK_H_

#include <cstdint>

#include "ops/pool_choice.h"
#include "runtime/host/pool/plane.h"

namespace weft {

// Neighbouring windows with as many taps each, side by side: the choices of ops/pool_choice.h for
// all of them at once, by vectors across the windows.
struct PoolBlock {
  static constexpr int64_t kLanes = 16;
  static constexpr int64_t kMostTaps = 32;
  using Rows = float[kMostTaps][kLanes];  // by tap and window

  int64_t taps = 0;
  int64_t count = 0;           // windows; the lanes behind them repeat the last
  int64_t first[kLanes];       // tap of each window, in its row
  int64_t offsets[kMostTaps];  // of the taps in the plane, less `first`
  alignas(64) Rows keys;       // the values that choose
  alignas(64) Rows weights;    // of the taps in the result

  // Takes the windows from `column` on of an output row that reads these input rows.
  void Take(const WindowPlan& p, std::span<const RowLink> links, int64_t column);
  void Load(const float* plane, Rows& values) const;
};

// False where a key is NaN: Chooser knows what then.
bool IsOrdered(const PoolBlock& block);
// Fills the weights for the windows of the outputs from `o` on.
void ChooseWeights(const ChoicePool& pool, Chooser<float>& chooser, int64_t plane, int64_t o,
                   PoolBlock& block);
// Multiplies the weights by a factor for each lane; 0 stays 0.
void MultiplyWeights(const float* factors, PoolBlock& block);
// The weighted sums of x, a value a lane; what has no weight may be infinite.
void AddWeighted(const PoolBlock& block, const PoolBlock::Rows& x, float* sums);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POOL_BLOCK_H_
