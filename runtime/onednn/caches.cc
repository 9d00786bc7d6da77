#include "runtime/onednn/caches.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "oneapi/dnnl/dnnl.h"

namespace weft {
namespace {

bool CpuNamesCaches() {
#ifdef __x86_64__
  for (const unsigned leaf : {4u, 0x8000001Du}) {  // Intel's, AMD's
    constexpr unsigned kTypeOfCache = 0x1f;        // 0: no more caches
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx) && (eax & kTypeOfCache) != 0) {
      return true;
    }
  }
  return false;
#else
  return true;  // the library has no such kernels there
#endif
}

}  // namespace

Caches CachesOfThisMachine() {
  static const Caches caches = [] {
    if (dnnl_version()->major < 3 || CpuNamesCaches()) return Caches::kKnown;
    std::fputs(
        "weft: the CPU does not say what caches it has, without which oneDNN 3 divides by zero; "
        "some 1x1 convolutions run as plain matrix products instead\n",
        stderr);
    return Caches::kUnknown;
  }();
  return caches;
}

bool DividesByZero(int64_t in_channels, int64_t out_channels) {
  // Those for which the library has an estimate of its own. A data gradient is a convolution from
  // the output's channels to the input's.
  using Channels = std::pair<int64_t, int64_t>;
  constexpr std::array<Channels, 5> kEstimated = {
      {{256, 1024}, {512, 1024}, {512, 2048}, {1024, 512}, {1024, 2048}}};
  return std::any_of(kEstimated.begin(), kEstimated.end(), [&](const Channels& channels) {
    return channels == Channels(in_channels, out_channels) ||
           channels == Channels(out_channels, in_channels);
  });
}

}  // namespace weft
