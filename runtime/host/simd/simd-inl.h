// How a kernel of ours uses Highway. No include guard of the usual kind: the .cc file compiles once
// per target (AVX-512, AVX2 and the baseline) and the CPU's best one is chosen at run time.
//
//   #include <...>                                       // everything else first
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "runtime/host_thing.cc"   // this very file
//   #include "runtime/host/simd/simd-inl.h"                        // or simd_math-inl.h: Exp, Log,
//   Tanh, …
//
//   HWY_BEFORE_NAMESPACE();
//   namespace weft::HWY_NAMESPACE {
//   struct Scale { float s; HWY_INLINE Vf operator()(Vf x) const { return hn::Mul(x, Fill(s)); } };
//   void ScaleAll(int64_t n, const float* x, float s, float* y) { MapOnThreads(n, y, Scale{s}, x);
//   }
//   }
//   HWY_AFTER_NAMESPACE();
//
//   #if HWY_ONCE  // code that is not per target: the Kernel class, the family
//   namespace weft { HWY_EXPORT(ScaleAll); … HWY_DYNAMIC_DISPATCH(ScaleAll)(n, x, s, y); … }
//   #endif
//
// MapOnThreads(n, y, f, x…) applies f to n floats on the run's threads, with streaming stores where
// y is large; MapRange does it on the calling thread; for loops of your own: LoadFirst, StoreFirst
// for tails, SumOf for sums. Tails run the same vector code, so that an element's bits depend on
// neither its place nor the number of threads. A lambda in per-target code needs HWY_ATTR before
// its brace. hn::Min and hn::Max lose NaN on one side; compare and IfThenElse keep it. The baseline
// has one lane (HWY_SCALAR): use no shuffles without an #if.

#ifndef WEFT_SIMD_TARGETS
#define WEFT_SIMD_TARGETS
// Each target costs compile time: these are older than AVX2 or extend AVX-512 by what we do not
// use, that is, have a lower bit than AVX3 (one in Highway 1.0, three in 1.2).
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | (HWY_AVX3 - 1))
#include "hwy/foreach_target.h"  // compiles HWY_TARGET_INCLUDE for the other targets, right here
#endif

#include "hwy/highway.h"

#if defined(WEFT_SIMD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef WEFT_SIMD_INL
#undef WEFT_SIMD_INL
#else
#define WEFT_SIMD_INL
#endif

#include <cmath>
#include <cstdint>
#include <cstring>

#include "hwy/cache_control.h"
#include "runtime/exec/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Df = hn::ScalableTag<float>;
using Vf = hn::Vec<Df>;
using Mf = hn::Mask<Df>;

// Floats in a vector.
HWY_INLINE int64_t Lanes() { return static_cast<int64_t>(hn::Lanes(Df())); }

HWY_INLINE Vf Fill(float value) { return hn::Set(Df(), value); }

using Dd = hn::ScalableTag<double>;
using Vd = hn::Vec<Dd>;

HWY_INLINE Vd LoadDouble(const float* p) {
  return hn::PromoteTo(Dd(), hn::LoadU(hn::Rebind<float, Dd>(), p));
}

// The first n < Lanes() floats at p and zeros after them; reads no others.
HWY_INLINE Vf LoadFirst(const float* p, int64_t n) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(Df(), static_cast<size_t>(n)), Df(), p);
#else
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::memcpy(buffer, p, static_cast<size_t>(n) * sizeof(float));
  return hn::Load(Df(), buffer);
#endif
}

// Writes the first n < Lanes() lanes of v to p, and nothing else.
HWY_INLINE void StoreFirst(Vf v, float* p, int64_t n) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(Df(), static_cast<size_t>(n)), Df(), p);
#else
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, Df(), buffer);
  std::memcpy(p, buffer, static_cast<size_t>(n) * sizeof(float));
#endif
}

// The sum of all lanes, in a fixed order.
HWY_INLINE float SumOf(Vf v) { return hn::GetLane(hn::SumOfLanes(Df(), v)); }

// From this many bytes of output on, stores go past the caches: an ordinary store would read the
// line first, and nothing of the tensor would still be there for its reader.
inline constexpr int64_t kStreamBytes = int64_t{1} << 24;

// Floats that are worth a thread.
inline constexpr int64_t kMapGrain = int64_t{1} << 13;

// y[i] = f(x[i]…) for i in [0, n) on the calling thread; y may be one of x unless `stream`.
template <typename F, typename... X>
HWY_INLINE void MapRange(int64_t n, float* y, bool stream, const F& f, const X*... x) {
  const Df d;
  const int64_t lanes = Lanes();
  int64_t i = 0;
  if (stream) {
    const int64_t misplaced =
        static_cast<int64_t>(reinterpret_cast<uintptr_t>(y) / sizeof(float)) % lanes;
    const int64_t head = misplaced == 0 ? 0 : lanes - misplaced;
    if (0 < head && head <= n) {
      StoreFirst(f(LoadFirst(x, head)...), y, head);
      i = head;
    }
    if (head <= n) {
      for (; i + lanes <= n; i += lanes) hn::Stream(f(hn::LoadU(d, x + i)...), d, y + i);
    }
    hwy::FlushStream();
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(f(hn::LoadU(d, x + i)...), d, y + i);
  if (i < n) StoreFirst(f(LoadFirst(x + i, n - i)...), y + i, n - i);
}

// The same on the run's threads. y may be one of x.
template <typename F, typename... X>
void MapOnThreads(int64_t n, float* y, const F& f, const X*... x) {
  const bool in_place = ((static_cast<const void*>(x) == y) || ...);
  const bool stream = !in_place && n >= kStreamBytes / static_cast<int64_t>(sizeof(float));
  ParallelFor(n, kMapGrain, [&](int64_t begin, int64_t end) HWY_ATTR {
    MapRange(end - begin, y + begin, stream, f, (x + begin)...);
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
