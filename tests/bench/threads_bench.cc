// Small networks, whose steps are too short for threads that wait badly: tests/bench/threads runs
// them alone and two at a time. And what a process costs that has a model and waits.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "frontend/weft.h"

namespace weft {
namespace {

bool Stopped(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  return !status.ok();
}

absl::StatusOr<Model> BuildNamed(std::string_view network) {
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(network));
  return BuildNetwork(*entry);
}

void Training(benchmark::State& state, std::string_view network, int64_t batch) {
  auto model = BuildNamed(network);
  auto images = Tensor::Zeros(DType::kF32, {batch, 1, 28, 28});
  auto labels = Tensor::Zeros(DType::kI64, {batch});
  for (const absl::Status& status : {model.status(), images.status(), labels.status()}) {
    if (Stopped(state, status)) return;
  }
  auto trainer = Trainer::Create(*std::move(model), {.threads = static_cast<int>(state.range(0))});
  if (Stopped(state, trainer.status())) return;
  for (auto _ : state) {
    if (Stopped(state, (*trainer)->Step(*images, *labels, 0.01).status())) return;
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

absl::StatusOr<std::unique_ptr<Session>> Load(std::string_view network, int64_t threads) {
  WEFT_ASSIGN_OR_RETURN(const Model model, BuildNamed(network));
  return Session::Create(model, {.threads = static_cast<int>(threads), .optimize = true});
}

void OneImage(benchmark::State& state, std::string_view network) {
  auto session = Load(network, state.range(0));
  auto image = Tensor::Zeros(DType::kF32, {1, 3, 224, 224});
  if (Stopped(state, session.status()) || Stopped(state, image.status())) return;
  for (auto _ : state) {
    if (Stopped(state, (*session)->Run(*image).status())) return;
  }
  state.SetItemsProcessed(state.iterations());
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// `core`: the share of one core that the process takes.
void Waiting(benchmark::State& state, std::string_view network) {
  constexpr std::chrono::seconds kWait{2};
  auto session = Load(network, state.range(0));
  auto image = Tensor::Zeros(DType::kF32, {1, 3, 224, 224});
  if (Stopped(state, session.status()) || Stopped(state, image.status())) return;
  if (Stopped(state, (*session)->Run(*image).status())) return;
  const double before = CpuSeconds();
  for (auto _ : state) std::this_thread::sleep_for(kWait);
  state.counters["core"] = (CpuSeconds() - before) / (static_cast<double>(state.iterations()) *
                                                      static_cast<double>(kWait.count()));
}

#define WEFT_BENCH_THREADS(...) \
  BENCHMARK_CAPTURE(__VA_ARGS__)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond)

WEFT_BENCH_THREADS(Training, small_lenet_bn, "lenet-bn", 32);
WEFT_BENCH_THREADS(OneImage, small_mobilenet_v2, "mobilenet_v2");
WEFT_BENCH_THREADS(OneImage, small_shufflenet, "shufflenet_v2_x1_0");
WEFT_BENCH_THREADS(Waiting, small_mobilenet_v2, "mobilenet_v2")->Iterations(1);

}  // namespace
}  // namespace weft
