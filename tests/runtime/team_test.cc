#include "runtime/exec/team.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "runtime/exec/parallel.h"

// As code compiled for OpenMP calls them.
extern "C" {
void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
void GOMP_barrier();
}

namespace weft {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

// An OpenMP region of `threads` threads.
template <typename F>
void Region(unsigned threads, F body) {
  GOMP_parallel([](void* data) { (*static_cast<F*>(data))(); }, &body, threads, 0);
}

// Collects from several threads.
template <typename T>
class Collector {
 public:
  void Add(T value) {
    const std::lock_guard lock(mutex_);
    values_.insert(value);
  }
  const std::set<T>& values() const { return values_; }

 private:
  std::mutex mutex_;
  std::set<T> values_;
};

TEST(RunTogether, RunsEachPartOnAThreadOfItsOwnAtTheSameTime) {
  const TeamScope scope;
  Collector<std::thread::id> threads;
  std::vector<int> calls(4);
  std::atomic<int> here = 0;
  RunTogether(4, [&](int part) {
    threads.Add(std::this_thread::get_id());
    ++calls[static_cast<size_t>(part)];
    ++here;
    while (here < 4) std::this_thread::yield();  // ends only where all run at once
  });
  EXPECT_EQ(threads.values().size(), 4U);
  EXPECT_TRUE(threads.values().contains(std::this_thread::get_id()));
  EXPECT_THAT(calls, Each(1));
}

TEST(RunTogether, RunsOnePartAfterTheOtherInsideARegion) {
  const TeamScope scope;
  std::vector<int> order;
  RunTogether(2, [&](int part) {
    if (part != 1) return;
    const std::thread::id outer = std::this_thread::get_id();
    RunTogether(3, [&](int inner) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      order.push_back(inner);
    });
  });
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(RunTogether, TakesUpAgainWithThreadsThatHaveGoneToSleep) {
  const TeamScope scope;
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> calls = 0;
    RunTogether(3, [&](int) { ++calls; });
    EXPECT_EQ(calls, 3);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
  }
}

TEST(RunTogether, KeepsItsThreadsFromRunToRun) {
  Collector<std::thread::id> threads;
  for (int i = 0; i < 10; ++i) {
    const TeamScope scope;
    RunTogether(3, [&](int) { threads.Add(std::this_thread::get_id()); });
  }
  EXPECT_EQ(threads.values().size(), 3U);
}

TEST(RunParts, RunsEachPartOnce) {
  const TeamScope scope;
  for (const bool one_by_one : {false, true}) {
    RunPartsOneByOne(one_by_one);
    std::vector<int> calls(5);
    Collector<std::thread::id> threads;
    RunParts(5, [&](int part) {
      threads.Add(std::this_thread::get_id());
      ++calls[static_cast<size_t>(part)];
    });
    EXPECT_THAT(calls, Each(1));
    EXPECT_LE(threads.values().size(), one_by_one ? 1U : 5U);
    EXPECT_TRUE(threads.values().contains(std::this_thread::get_id()));
  }
  RunPartsOneByOne(false);
}

TEST(RunTogetherDeathTest, StartsNewThreadsInAForkedProcess) {
#ifdef WEFT_STD_THREADS
  GTEST_SKIP() << "ThreadSanitizer allows no new threads in a forked process";
#endif
  const auto parts = [] {
    const TeamScope scope;
    std::atomic<int> calls = 0;
    RunTogether(2, [&](int) { ++calls; });
    return calls.load();
  };
  EXPECT_EQ(parts(), 2);
  // Without what is done at exit: looking for leaks in a fork finds false ones.
  EXPECT_EXIT(std::_Exit(parts()), ::testing::ExitedWithCode(2), "");
}

// As the dynamic linker resolves it for oneDNN.
TEST(OpenMp, RegionsOfTheLibraryComeHere) {
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "GOMP_parallel"), reinterpret_cast<void*>(&GOMP_parallel));
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "GOMP_barrier"), reinterpret_cast<void*>(&GOMP_barrier));
}

TEST(OpenMp, ARegionInsideARunHasTheRunsThreads) {
  const RunScope scope(3);
  Collector<std::thread::id> ours, regions;
  RunTogether(3, [&](int) { ours.Add(std::this_thread::get_id()); });
  Collector<int> numbers, sizes;
  Region(3, [&] {
    regions.Add(std::this_thread::get_id());
    numbers.Add(omp_get_thread_num());
    sizes.Add(omp_get_num_threads());
    EXPECT_TRUE(omp_in_parallel());
  });
  EXPECT_EQ(regions.values(), ours.values());
  EXPECT_THAT(numbers.values(), ElementsAre(0, 1, 2));
  EXPECT_THAT(sizes.values(), ElementsAre(3));
  EXPECT_FALSE(omp_in_parallel());
  EXPECT_EQ(omp_get_num_threads(), 1);
}

// Numbers and sizes are the same, so what a part computes is.
TEST(OpenMp, IndependentPartsMayRunOneAfterTheOther) {
  const RunScope scope(3);
  RunPartsOneByOne(true);
  std::vector<int> order;
  {
    const IndependentParts parts(true);
    Region(3, [&] {
      order.push_back(omp_get_thread_num());
      EXPECT_EQ(omp_get_num_threads(), 3);
      EXPECT_TRUE(omp_in_parallel());
    });
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  std::atomic<int> here = 0;
  Region(3, [&] {
    ++here;
    while (here < 3) std::this_thread::yield();  // ends only where all run at once
  });
  RunPartsOneByOne(false);
}

TEST(OpenMp, ABarrierWaitsForAllThreadsOfTheRegion) {
  const RunScope scope(3);
  std::atomic<int> here = 0;
  std::atomic<int> early = 0;
  Region(3, [&] {
    for (int round = 1; round <= 1000; ++round) {
      ++here;
      GOMP_barrier();
      early += here != 3 * round;
      GOMP_barrier();
    }
  });
  EXPECT_EQ(early, 0);
}

TEST(OpenMp, ARegionInsideARegionHasOneThread) {
  const RunScope scope(2);
  std::atomic<int> regions = 0;
  Region(2, [&] {
    Region(2, [&] {
      ++regions;
      EXPECT_EQ(omp_get_num_threads(), 1);
      EXPECT_EQ(omp_get_thread_num(), 0);
      EXPECT_TRUE(omp_in_parallel());
      GOMP_barrier();
    });
    EXPECT_EQ(omp_get_num_threads(), 2);
  });
  EXPECT_EQ(regions, 2);
}

TEST(OpenMp, ARegionOfOneThreadIsNotParallel) {
  const RunScope scope(2);
  Region(1, [] {
    EXPECT_FALSE(omp_in_parallel());
    EXPECT_EQ(omp_get_num_threads(), 1);
    GOMP_barrier();
  });
}

TEST(OpenMp, ARegionOutsideOfRunsIsLeftToTheLibrary) {
#ifdef WEFT_STD_THREADS
  GTEST_SKIP() << "libgomp's barriers are unknown to ThreadSanitizer";
#endif
  Collector<std::thread::id> threads;
  Collector<int> numbers;
  Region(2, [&] {
    threads.Add(std::this_thread::get_id());
    numbers.Add(omp_get_thread_num());
    EXPECT_EQ(omp_get_num_threads(), 2);
    EXPECT_TRUE(omp_in_parallel());
    GOMP_barrier();
  });
  EXPECT_THAT(numbers.values(), ElementsAre(0, 1));
  const RunScope scope(2);
  Collector<std::thread::id> ours;
  ParallelFor(2, 1, [&](int64_t, int64_t) { ours.Add(std::this_thread::get_id()); });
  EXPECT_NE(ours.values(), threads.values());
}

}  // namespace
}  // namespace weft
