#ifndef WEFT_RUNTIME_EXEC_CPUS_H_
#define WEFT_RUNTIME_EXEC_CPUS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace weft {

// CPUs this process may use: the smaller of its affinity mask (which follows cpusets) and its
// control group's quota, rounded up; at least 1.
int AvailableCpus();

// The tightest quota, in CPUs and rounded up, on the path of this process's control group, of
// either version; 0 for none. The files are looked for under `root`.
int QuotaCpus(const std::string& root = "");

// Bytes of the cache of level 1 (of data) to 3 that the first core has, or shares with its
// neighbours, as the kernel's files under `root` say; 0 where they do not.
size_t CacheOfCore(int level, const std::string& root = "");
// The same of this machine, or what the C library says, which counts all cores' third levels
// together on some.
size_t CacheBytes(int level);
// The same, `unknown` where the system does not say.
size_t CacheBytesOr(int level, size_t unknown);

// CPUs for one run. Waits until so many are free of other runs of this process, in the order in
// which runs come, so that callers on many threads do not slow each other; how many threads a run
// has, and so its result, never depends on others. More than the process had at its first run count
// as all of them. Inside another on the same thread it takes none.
class CpuLease {
 public:
  explicit CpuLease(int threads);
  ~CpuLease();
  CpuLease(const CpuLease&) = delete;
  CpuLease& operator=(const CpuLease&) = delete;

 private:
  int taken_ = 0;
};

// How many leases are waited for now; for tests.
int64_t LeasesAwaited();

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_CPUS_H_
