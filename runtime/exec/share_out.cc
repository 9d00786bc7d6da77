#include "runtime/exec/share_out.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace weft {

void ShareOut(int64_t count, int threads, absl::FunctionRef<void(int64_t)> f) {
  std::atomic<int64_t> next = 0;
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) f(i);
  };
  std::vector<std::thread> helpers;
  for (int64_t t = 1; t < std::min<int64_t>(threads, count); ++t) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace weft
