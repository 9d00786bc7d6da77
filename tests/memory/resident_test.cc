#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "frontend/weft.h"
#include "tests/frontend/testing_files.h"

// The memory that the built command says it needs against what the system gave it, in a process of
// its own for each network.

namespace weft {
namespace {

constexpr double kMiB = 1 << 20;
constexpr double kProgram = 20;  // MiB beside what is printed: the program's own, and a little less

// "RssAnon:   1234 kB" of a running process, in MiB; 0 once it is gone.
double StatusOf(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::atof(line.c_str() + field.size() + 1) / 1024;
  }
  return 0;
}

// Of the mapped files called *.weft, what lies in memory.
double MappedModels(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/smaps");
  double kib = 0;
  bool is_model = false;
  for (std::string line; std::getline(file, line);) {
    if (line.find('-') < line.find(' ')) is_model = line.ends_with(".weft");  // "7f00-7f01 r--p …"
    if (is_model && line.starts_with("Rss:")) kib += std::atof(line.c_str() + 4);
  }
  return kib / 1024;
}

// Not before: a forked process has the memory of this one.
bool RunsTheCommand(pid_t pid) {
  std::error_code error;
  const auto program =
      std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return !error && program == std::filesystem::canonical(WEFT_BINARY_DIR "/weft");
}

struct Outcome {
  std::string out;
  double resident = 0;  // MiB: the most that the process had; of mapped files, the model alone
};

// Runs the command in `folder`.
Outcome RunCommand(const std::string& folder, const std::string& arguments) {
  const pid_t pid = fork();
  if (pid == 0) {
    const std::string line = "cd '" + folder + "' && exec '" WEFT_BINARY_DIR "/weft' " + arguments +
                             " >stdout 2>stderr </dev/null";
    execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  Outcome outcome;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (RunsTheCommand(pid)) {
      outcome.resident = std::max(outcome.resident, StatusOf(pid, "RssAnon") + MappedModels(pid));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(status, 0) << arguments << ": " << ReadText(folder + "/stderr");
  outcome.out = ReadText(folder + "/stdout");
  return outcome;
}

// The figure in front of `what`: "88.7 MiB of memory".
double Printed(const std::string& out, const std::string& what) {
  const size_t end = out.find(" MiB" + what);
  EXPECT_NE(end, std::string::npos) << out;
  if (end == std::string::npos) return 0;
  const size_t begin = out.rfind(' ', end - 1) + 1;
  return std::atof(out.substr(begin, end - begin).c_str());
}

void ExpectTrue(const Outcome& outcome, double printed) {
  EXPECT_LE(outcome.resident, 1.1 * printed + kProgram) << "more is resident than printed";
  EXPECT_LE(printed, 1.1 * outcome.resident + kProgram) << "less is resident than printed";
}

// A training at a size that matters and runs in seconds: one whole batch and a smaller one, then
// the test in batches of its own, then a snapshot.
struct Training {
  std::string network;
  int examples;
  int batch;
  std::string more = "";
};

class Resident : public ::testing::TestWithParam<Training> {};

TEST_P(Resident, OfATrainingIsWhatIsPrinted) {
  const Training& t = GetParam();
  const std::string folder = TestFolder();
  const Outcome outcome = RunCommand(folder, "train --model " + t.network +
                                                 " --data synthetic:" + std::to_string(t.examples) +
                                                 " --batch " + std::to_string(t.batch) +
                                                 " --epochs 1 --threads 2 -o a.weft " + t.more);
  const double printed = Printed(outcome.out, " of memory at most");
  std::printf("%s: printed %.1f MiB, resident %.1f MiB\n", t.network.c_str(), printed,
              outcome.resident);
  ExpectTrue(outcome, printed);
}

INSTANTIATE_TEST_SUITE_P(OfNetworks, Resident,
                         ::testing::Values(Training{"lenet", 5000, 2048},
                                           Training{"char_lstm", 96, 64},
                                           Training{"capsnet", 12, 8}, Training{"resnet18", 6, 4},
                                           Training{"vae", 9000, 4096}, Training{"dcgan", 24, 16},
                                           Training{"unet", 3, 2},
                                           Training{"efficientnet_b0", 6, 4},
                                           Training{"hrnet_w18", 3, 2}, Training{"c3d", 3, 2}),
                         [](const auto& info) { return info.param.network; });

struct Inference {
  std::string network;
  int batch;
};

class ResidentInference : public ::testing::TestWithParam<Inference> {};

// Writes a .npy for each input of the model, of ones or of tokens 0; the options that give them to
// `weft run`.
std::string WriteInputs(const std::string& folder, int batch) {
  const Model model = LoadModel(folder + "/a.weft", StandardOps()).value();
  std::string options;
  const Graph inference = ForInference(model.graph).value();
  for (const Node* input : inference.inputs()) {
    Dims dims;
    for (const Dim& dim : input->type().shape) {
      dims.push_back(dim.is_static() ? dim.coefficient() : batch);
    }
    Tensor x = Tensor::Zeros(input->type().dtype, dims).value();
    if (x.dtype() == DType::kF32) {
      for (float& v : x.mutable_values<float>()) v = 1;
    }
    const std::string file = input->name() + ".npy";
    EXPECT_EQ(WriteNpy(folder + "/" + file, x), absl::OkStatus());
    options += " --input " + input->name() + "=" + file;
  }
  return options;
}

TEST_P(ResidentInference, IsWhatThePlanPrints) {
  const Inference& t = GetParam();
  const std::string folder = TestFolder();
  RunCommand(folder, "zoo " + t.network + " -o a.weft");
  const std::string inputs = WriteInputs(folder, t.batch);
  const double printed =
      Printed(RunCommand(folder, "plan a.weft --threads 2 --batch " + std::to_string(t.batch)).out,
              " (weights");
  const Outcome outcome = RunCommand(folder, "run a.weft --threads 2 --output y.npy" + inputs);
  std::printf("%s: printed %.1f MiB, resident %.1f MiB\n", t.network.c_str(), printed,
              outcome.resident);
  ExpectTrue(outcome, printed);
}

INSTANTIATE_TEST_SUITE_P(OfNetworks, ResidentInference,
                         ::testing::Values(Inference{"lenet", 4096}, Inference{"char_lstm", 64},
                                           Inference{"capsnet", 8}, Inference{"resnet18", 8},
                                           Inference{"vae", 4096}, Inference{"dcgan", 16},
                                           Inference{"unet", 2}, Inference{"efficientnet_b0", 8},
                                           Inference{"hrnet_w18", 2}, Inference{"c3d", 2}),
                         [](const auto& info) { return info.param.network; });

}  // namespace
}  // namespace weft
