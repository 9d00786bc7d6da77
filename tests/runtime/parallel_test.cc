#include "runtime/exec/parallel.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/exec/share_out.h"

namespace weft {
namespace {

using Part = std::pair<int64_t, int64_t>;

std::vector<Part> PartsOf(int threads, int64_t count, int64_t grain) {
  RunScope scope(threads);
  std::mutex mutex;
  std::vector<Part> parts;
  ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    std::lock_guard lock(mutex);
    parts.emplace_back(begin, end);
  });
  std::sort(parts.begin(), parts.end());
  return parts;
}

TEST(ParallelFor, SplitsIntoContiguousPartsOnePerThread) {
  EXPECT_EQ(PartsOf(2, 10, 1), (std::vector<Part>{{0, 5}, {5, 10}}));
  EXPECT_EQ(PartsOf(3, 10, 1), (std::vector<Part>{{0, 3}, {3, 6}, {6, 10}}));
}

TEST(ParallelFor, MakesNoPartSmallerThanTheGrainAllows) {
  EXPECT_EQ(PartsOf(4, 10, 10), (std::vector<Part>{{0, 10}}));
  EXPECT_EQ(PartsOf(4, 10, 5), (std::vector<Part>{{0, 5}, {5, 10}}));
  EXPECT_EQ(PartsOf(4, 10, 4), (std::vector<Part>{{0, 5}, {5, 10}}));
  EXPECT_EQ(PartsOf(4, 3, 4), (std::vector<Part>{{0, 3}}));
}

TEST(ParallelFor, DoesNothingForAnEmptyRange) { EXPECT_TRUE(PartsOf(2, 0, 1).empty()); }

TEST(ParallelFor, RunsInOnePartOutsideOfARun) {
  int calls = 0;
  ParallelFor(100, 1, [&](int64_t begin, int64_t end) {
    ++calls;
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 100);
  });
  EXPECT_EQ(calls, 1);
}

TEST(RunScope, SetsAndRestoresTheThreadCount) {
  EXPECT_EQ(RunThreads(), 1);
  {
    RunScope outer(3);
    EXPECT_EQ(RunThreads(), 3);
    {
      RunScope inner(2);
      EXPECT_EQ(RunThreads(), 2);
    }
    EXPECT_EQ(RunThreads(), 3);
  }
  EXPECT_EQ(RunThreads(), 1);
}

TEST(RunScope, RestoresTheCallersOpenMpThreadCount) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(5);
  { RunScope scope(2); }
  EXPECT_EQ(omp_get_max_threads(), 5);
  omp_set_num_threads(before);
}

TEST(RunScope, ThreadCountBelongsToTheCallingThread) {
  RunScope scope(3);
  int elsewhere = 0;
  std::thread([&] { elsewhere = RunThreads(); }).join();
  EXPECT_EQ(elsewhere, 1);
}

TEST(RunScope, FlushesDenormalsInEveryThreadWhileItLives) {
  const volatile float tiny = std::numeric_limits<float>::min();
  auto half = [&] { return tiny * 0.5F; };
  EXPECT_GT(half(), 0.0F);
  {
    RunScope scope(2);
    std::atomic<int> flushed = 0;
    RunTogether(2, [&](int) { flushed += half() == 0.0F; });
    EXPECT_EQ(flushed, 2);
  }
  EXPECT_GT(half(), 0.0F);
}

TEST(RunScope, ChangesTheThreadCountForWhatFollows) {
  const int before = omp_get_max_threads();
  {
    RunScope scope(3);
    scope.Use(1);
    EXPECT_EQ(RunThreads(), 1);
    scope.Use(2);
    EXPECT_EQ(RunThreads(), 2);
  }
  EXPECT_EQ(RunThreads(), 1);
  EXPECT_EQ(omp_get_max_threads(), before);
}

TEST(ShareOut, DoesEachOnceAndComesBackWhenAllAreDone) {
  for (const int threads : {0, 1, 3, 100}) {
    std::vector<std::atomic<int>> times(50);
    ShareOut(50, threads, [&](int64_t i) { ++times[static_cast<size_t>(i)]; });
    for (const std::atomic<int>& n : times) EXPECT_EQ(n, 1) << threads;
    ShareOut(0, threads, [](int64_t) { ADD_FAILURE(); });
  }
}

// Whatever waits for another thread's part would wait for ever on one thread.
TEST(ShareOut, ThreadsWorkAtTheSameTimeAndInNoRegion) {
  std::atomic<int> here = 0;
  ShareOut(2, 2, [&](int64_t) {
    ++here;
    while (here < 2) std::this_thread::yield();
    EXPECT_EQ(omp_in_parallel(), 0);
    EXPECT_EQ(PartsOf(2, 10, 1).size(), 2U);
  });
}

}  // namespace
}  // namespace weft
