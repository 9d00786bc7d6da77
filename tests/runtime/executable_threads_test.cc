#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "graph/emitter.h"
#include "ops/ops.h"
#include "runtime/exec/cpus.h"
#include "runtime/exec/executable.h"

namespace weft {
namespace {

TEST(Executable, IsSharedByThreadsWithTheirOwnContexts) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(8), Dim(16)}}).value();
  Tensor weights = Tensor::Zeros(DType::kF32, {16, 16}).value();
  auto w = weights.mutable_values<float>();
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 7) - 3;
  Emitter e(graph);
  Value y = e.Op("Relu", {e.Op("Gemm", {x, e.Constant(weights)})});
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  auto executable = Executable::Create(graph, {}, {.threads = 2}).value();

  auto run = [&](float scale, Tensor& out) {
    auto context = Context::Create(*executable).value();
    Tensor in = Tensor::Zeros(DType::kF32, {8, 16}).value();
    for (float& v : in.mutable_values<float>()) v = scale;
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(executable->Run(*context, {&in, 1}, {&out, 1}).ok());
    }
  };
  std::vector<Tensor> expected(4);
  std::vector<Tensor> actual(4);
  for (size_t t = 0; t < 4; ++t) run(static_cast<float>(t) - 1.5F, expected[t]);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { run(static_cast<float>(t) - 1.5F, actual[t]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < 4; ++t) EXPECT_TRUE(actual[t] == expected[t]);
}

// Threads of this process, by /proc.
int ProcessThreads() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Threads:")) return std::atoi(line.c_str() + 8);
  }
  return 0;
}

// The second run moves them, while another thread's reads them.
TEST(Executable, ItsLargeWeightsMoveToHugePagesUnderItsRuns) {
  Graph graph(StandardOps());
  Value x = graph.AddInput("x", {DType::kF32, {Dim(1), Dim(512), Dim(7), Dim(7)}}).value();
  Tensor weights = Tensor::Zeros(DType::kF32, {512, 512, 3, 3}).value();
  auto w = weights.mutable_values<float>();
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 7) - 3;
  Emitter e(graph);
  const Value y = e.Op("Conv", {x, e.Constant(weights)}, {{"pads", std::vector<int64_t>(4, 1)}});
  ASSERT_TRUE(graph.AddOutput("y", y).ok());
  auto executable = Executable::Create(graph, {}, {.threads = 1}).value();
  ASSERT_EQ(executable->plan().packed_memory.size(), 1U);
  ASSERT_GE(executable->plan().packed_memory[0].size(), weights.bytes());

  Tensor in = Tensor::Zeros(DType::kF32, {1, 512, 7, 7}).value();
  auto v = in.mutable_values<float>();
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i % 5) - 2;
  Tensor first;
  auto context = Context::Create(*executable).value();
  ASSERT_TRUE(executable->Run(*context, {&in, 1}, {&first, 1}).ok());
  std::vector<std::vector<Tensor>> later(2, std::vector<Tensor>(3));
  std::vector<std::thread> threads;
  for (std::vector<Tensor>& outs : later) {
    threads.emplace_back([&] {
      auto own = Context::Create(*executable).value();
      for (Tensor& out : outs) EXPECT_TRUE(executable->Run(*own, {&in, 1}, {&out, 1}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& outs : later) {
    for (const Tensor& out : outs) EXPECT_EQ(out, first);
  }
}

// Work that is worth two threads.
TEST(Executable, CalledByEightThreadsStartsFewMore) {
  Graph graph(StandardOps());
  Value h = graph.AddInput("x", {DType::kF32, {Dim(64), Dim(1024)}}).value();
  Emitter e(graph);
  for (int i = 0; i < 4; ++i) h = e.Op("Sigmoid", {h});
  ASSERT_TRUE(graph.AddOutput("y", e.Op("Softmax", {h})).ok());
  const auto executable = Executable::Create(graph, {}, {.threads = 2}).value();
  ASSERT_EQ(executable->plan().steps[0].threads, 2);
  Tensor in = Tensor::Zeros(DType::kF32, {64, 1024}).value();
  for (float i = 0; float& v : in.mutable_values<float>()) v = std::sin(i++);
  const auto run = [&](int times, Tensor& out) {
    const auto context = Context::Create(*executable).value();
    for (int i = 0; i < times; ++i)
      EXPECT_TRUE(executable->Run(*context, {&in, 1}, {&out, 1}).ok());
  };
  constexpr int kCallers = 8;
  Tensor expected;
  run(1, expected);
  const int before = ProcessThreads();
  std::vector<Tensor> actual(kCallers);
  std::atomic<int> running = kCallers;
  std::vector<std::thread> callers;
  for (Tensor& out : actual) {
    callers.emplace_back([&] {
      run(50, out);
      --running;
    });
  }
  int peak = 0;
  while (running > 0) peak = std::max(peak, ProcessThreads());
  for (std::thread& caller : callers) caller.join();
  EXPECT_LE(peak, before + kCallers + AvailableCpus());
  for (const Tensor& out : actual) EXPECT_TRUE(out == expected);
}

}  // namespace
}  // namespace weft
