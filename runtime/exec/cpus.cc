#include "runtime/exec/cpus.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// CPUs that a quota of "max 100000" or "150000 100000" (microseconds per period) allows; 0 for no
// limit.
int CpusOfQuota(const std::string& quota, double period) {
  if (quota.empty() || quota == "max" || period <= 0) return 0;
  const double microseconds = std::atof(quota.c_str());
  return microseconds <= 0 ? 0 : std::max(1, static_cast<int>(std::ceil(microseconds / period)));
}

// The quota of one control group, of the version that has such files.
int QuotaOfGroup(const std::string& folder, bool is_version_2) {
  std::string quota;
  double period = 0;
  if (is_version_2) {
    std::ifstream(folder + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  return CpusOfQuota(quota, period);
}

// Whether "cpu" is among the comma-separated controllers.
bool HasCpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::string_view name = controllers.substr(0, controllers.find(','));
    if (name == "cpu") return true;
    controllers.remove_prefix(std::min(name.size() + 1, controllers.size()));
  }
  return false;
}

// The CPUs that no run has, and the runs that wait.
struct Ledger {
  explicit Ledger(int all) : cpus(all) {}
  const int cpus;
  std::mutex mutex;
  std::condition_variable changed;
  int free = cpus;
  uint64_t tickets = 0;  // handed out
  uint64_t served = 0;
};
// Never destroyed: runs may go on while the process ends. A forked process has none of the threads
// whose runs hold CPUs of the old one, and begins another.
Ledger& TheLedger() {
  static Ledger* ledger = [] {
    pthread_atfork(nullptr, nullptr, [] { ledger = new Ledger(ledger->cpus); });
    return new Ledger(AvailableCpus());
  }();
  return *ledger;
}

thread_local bool has_lease = false;

}  // namespace

int QuotaCpus(const std::string& root) {
  int cpus = 0;
  std::ifstream groups(root + "/proc/self/cgroup");
  // "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !HasCpu(controllers)) continue;
    const std::string mount =
        root + (controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu");
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      const int limit = QuotaOfGroup(mount + path, controllers.empty());
      if (limit > 0) cpus = cpus == 0 ? limit : std::min(cpus, limit);
      if (path.rfind('/') == std::string::npos) break;
    }
  }
  return cpus;
}

int AvailableCpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int cpus = sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  if (const int quota = QuotaCpus(); quota > 0) cpus = std::min(cpus, quota);
  return std::max(1, cpus);
}

size_t CacheOfCore(int level, const std::string& root) {
  for (int i = 0;; ++i) {
    const std::string folder = absl::StrCat(root, "/sys/devices/system/cpu/cpu0/cache/index", i);
    int of_level = 0;
    std::string type;
    size_t kibibytes = 0;
    if (!(std::ifstream(folder + "/level") >> of_level)) return 0;
    std::ifstream(folder + "/type") >> type;
    std::ifstream(folder + "/size") >> kibibytes;  // "32768K"
    if (of_level == level && type != "Instruction") return kibibytes << 10;
  }
}

size_t CacheBytes(int level) {
  static const auto sizes = [] {
    constexpr int kNames[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    std::array<size_t, 3> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = CacheOfCore(static_cast<int>(i) + 1);
      if (bytes[i] == 0) bytes[i] = static_cast<size_t>(std::max(sysconf(kNames[i]), 0L));
    }
    return bytes;
  }();
  return sizes[static_cast<size_t>(std::clamp(level, 1, 3) - 1)];
}

size_t CacheBytesOr(int level, size_t unknown) {
  const size_t bytes = CacheBytes(level);
  return bytes > 0 ? bytes : unknown;
}

CpuLease::CpuLease(int threads) {
  if (has_lease) return;
  has_lease = true;
  Ledger& ledger = TheLedger();
  taken_ = std::clamp(threads, 1, ledger.cpus);
  std::unique_lock lock(ledger.mutex);
  const uint64_t ticket = ledger.tickets++;
  ledger.changed.wait(lock, [&] { return ledger.served == ticket && ledger.free >= taken_; });
  ledger.free -= taken_;
  ++ledger.served;
  lock.unlock();
  ledger.changed.notify_all();  // The next in line may want few enough.
}

int64_t LeasesAwaited() {
  Ledger& ledger = TheLedger();
  const std::lock_guard lock(ledger.mutex);
  return static_cast<int64_t>(ledger.tickets - ledger.served);
}

CpuLease::~CpuLease() {
  if (taken_ == 0) return;
  has_lease = false;
  Ledger& ledger = TheLedger();
  {
    const std::lock_guard lock(ledger.mutex);
    ledger.free = std::min(ledger.free + taken_, ledger.cpus);  // taken before a fork, perhaps
  }
  ledger.changed.notify_all();
}

}  // namespace weft
