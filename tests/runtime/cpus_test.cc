#include "runtime/exec/cpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

TEST(AvailableCpus, IsAtLeastOneAndAtMostTheHardware) {
  EXPECT_GE(AvailableCpus(), 1);
  EXPECT_LE(AvailableCpus(), static_cast<int>(std::thread::hardware_concurrency()));
}

class SystemFilesTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(root_); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text << "\n";
  }
  const std::string root_ = ::testing::TempDir() + "/system_files_" +
                            ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

using QuotaCpusTest = SystemFilesTest;
using CacheOfCoreTest = SystemFilesTest;

TEST_F(QuotaCpusTest, IsNoneWithoutFiles) { EXPECT_EQ(QuotaCpus(root_), 0); }

TEST_F(QuotaCpusTest, IsNoneWithoutALimit) {
  Write("/proc/self/cgroup", "0::/a");
  Write("/sys/fs/cgroup/a/cpu.max", "max 100000");
  EXPECT_EQ(QuotaCpus(root_), 0);
}

TEST_F(QuotaCpusTest, IsRoundedUp) {
  Write("/proc/self/cgroup", "0::/a");
  Write("/sys/fs/cgroup/a/cpu.max", "150000 100000");
  EXPECT_EQ(QuotaCpus(root_), 2);
  Write("/sys/fs/cgroup/a/cpu.max", "1000 100000");
  EXPECT_EQ(QuotaCpus(root_), 1);
}

TEST_F(QuotaCpusTest, IsTheTightestOnThePath) {
  Write("/proc/self/cgroup", "0::/a/b/c");
  Write("/sys/fs/cgroup/cpu.max", "900000 100000");
  Write("/sys/fs/cgroup/a/cpu.max", "300000 100000");
  Write("/sys/fs/cgroup/a/b/c/cpu.max", "500000 100000");
  EXPECT_EQ(QuotaCpus(root_), 3);
}

// Inside a container the group has its host's path, and the container's own files are at the top.
TEST_F(QuotaCpusTest, IsFoundAtTheTopOfAContainer) {
  Write("/proc/self/cgroup", "0::/docker/0123");
  Write("/sys/fs/cgroup/cpu.max", "400000 100000");
  EXPECT_EQ(QuotaCpus(root_), 4);
}

TEST_F(QuotaCpusTest, FollowsTheGroupOfVersion1ThatHasTheCpu) {
  Write("/proc/self/cgroup", "3:cpuset:/x\n2:cpu,cpuacct:/y\n1:name=systemd:/z");
  Write("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000");
  Write("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(QuotaCpus(root_), 0);
  Write("/sys/fs/cgroup/cpu/y/cpu.cfs_quota_us", "250000");
  Write("/sys/fs/cgroup/cpu/y/cpu.cfs_period_us", "100000");
  EXPECT_EQ(QuotaCpus(root_), 3);
}

TEST_F(CacheOfCoreTest, IsThatOfItsLevelForData) {
  const auto write = [this](int i, const char* level, const char* type, const char* size) {
    const std::string folder = absl::StrCat("/sys/devices/system/cpu/cpu0/cache/index", i);
    Write(folder + "/level", level);
    Write(folder + "/type", type);
    Write(folder + "/size", size);
  };
  EXPECT_EQ(CacheOfCore(1, root_), 0);
  write(0, "1", "Instruction", "64K");
  write(1, "1", "Data", "48K");
  write(2, "2", "Unified", "1024K");
  write(3, "3", "Unified", "32768K");
  EXPECT_EQ(CacheOfCore(1, root_), 48 << 10);
  EXPECT_EQ(CacheOfCore(2, root_), 1 << 20);
  EXPECT_EQ(CacheOfCore(3, root_), 32 << 20);
  write(3, "3", "Unified", "unknown");
  EXPECT_EQ(CacheOfCore(3, root_), 0);
}

// The most leases of `threads` that ten threads hold at one time.
int PeakOfLeases(int threads) {
  std::atomic<int> held = 0, peak = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 10; ++i) {
    callers.emplace_back([&] {
      for (int run = 0; run < 5; ++run) {
        const CpuLease lease(threads);
        const int now = ++held;
        for (int seen = peak; now > seen && !peak.compare_exchange_weak(seen, now);) continue;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        --held;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  return peak;
}

TEST(CpuLease, RunsOfAllCpusComeOneAfterTheOther) {
  EXPECT_EQ(PeakOfLeases(AvailableCpus()), 1);
  EXPECT_EQ(PeakOfLeases(AvailableCpus() + 5), 1);
}

TEST(CpuLease, AsManyRunsOfOneThreadAsThereAreCpus) {
  const int peak = PeakOfLeases(1);
  EXPECT_GE(peak, 1);
  EXPECT_LE(peak, AvailableCpus());
}

TEST(CpuLease, ARunInsideARunTakesAndGivesNone) {
  std::atomic<bool> got = false;
  std::thread other;
  {
    const CpuLease outer(AvailableCpus());
    { const CpuLease inner(AvailableCpus()); }
    other = std::thread([&] {
      const CpuLease lease(1);
      got = true;
    });
    while (LeasesAwaited() == 0) std::this_thread::yield();
    EXPECT_FALSE(got);
  }
  other.join();
  EXPECT_TRUE(got);
}

TEST(CpuLeaseDeathTest, AForkedProcessHasAllCpusAgain) {
#ifdef WEFT_STD_THREADS
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a forked process";
#endif
  const CpuLease held(AvailableCpus());
  const auto take_all = [] {
    std::thread([] { const CpuLease lease(AvailableCpus()); }).join();
    std::_Exit(7);  // what the parent held is left alone
  };
  EXPECT_EXIT(take_all(), ::testing::ExitedWithCode(7), "");
}

TEST(CpuLease, IsGivenInTheOrderOfAsking) {
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> callers;
  {
    const CpuLease held(AvailableCpus());
    for (int i = 0; i < 4; ++i) {
      callers.emplace_back([&, i] {
        const CpuLease lease(AvailableCpus());
        const std::lock_guard lock(mutex);
        order.push_back(i);
      });
      while (LeasesAwaited() <= i) std::this_thread::yield();
    }
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace weft
