#include "runtime/exec/share_out.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/exec/team.h"

namespace weft {

void ShareOut(int64_t count, int threads, absl::FunctionRef<void(int64_t)> f) {
  std::atomic<int64_t> next = 0;
  const auto work = [&] {
    for (int64_t i = next++; i < count; i = next++) f(i);
  };
  std::vector<std::thread> helpers;
  try {
    for (int64_t t = 1; t < std::min<int64_t>(threads, count); ++t) {
      helpers.emplace_back([&] { RunAlone(work); });
    }
  } catch (const std::system_error&) {  // There are no more threads: those that run do it all.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace weft
