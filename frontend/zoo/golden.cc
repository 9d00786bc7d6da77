#include "frontend/zoo/golden.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontend/io/read_file.h"
#include "frontend/session/session.h"
#include "frontend/weights/weights.h"
#include "frontend/zoo/generated_weights.h"
#include "frontend/zoo/zoo.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kImages = 2;
constexpr int64_t kMaxLayout = int64_t{1} << 24;  // bytes

struct Layout {
  Dims input;
  std::map<std::string, Dims> tensors;
};

// "layer1.0.conv1.weight [64, 64, 3, 3]": the name before the bracket, and the numbers in it.
absl::StatusOr<std::pair<std::string, Dims>> ParseLine(const std::string& line) {
  const size_t open = line.rfind(" [");
  if (open == std::string::npos || !line.ends_with("]")) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected lines \"NAME [DIMS]\", got \"", line, "\""));
  }
  Dims dims;
  const std::string inside = line.substr(open + 2, line.size() - open - 3);
  for (const auto& number : absl::StrSplit(inside, ", ", absl::SkipEmpty())) {
    int64_t extent = 0;
    if (!absl::SimpleAtoi(number, &extent) || extent < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected positive numbers in brackets, got \"", line, "\""));
    }
    dims.push_back(extent);
  }
  return std::pair(line.substr(0, open), dims);
}

absl::StatusOr<Layout> ReadLayout(const std::string& path, const std::string& network) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kMaxLayout));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Layout layout;
  for (const auto& line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    auto parsed = ParseLine(std::string(line));
    if (!parsed.ok()) return Annotate(parsed.status(), path);
    auto& [name, dims] = *parsed;
    if (name == absl::StrCat("# ", network, " input")) {
      layout.input = dims;
    } else {
      layout.tensors.emplace(name, dims);
    }
  }
  if (layout.input.size() < 2 || layout.input[0] != kImages) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected the line \"# ", network, " input [", kImages, ", ...]\""));
  }
  return layout;
}

absl::Status CompareVariables(const Graph& graph, const Layout& layout) {
  std::string problems;
  const auto add = [&](const auto&... parts) {
    absl::StrAppend(&problems, problems.empty() ? "" : "; ", parts...);
  };
  std::map<std::string, Dims> rest = layout.tensors;
  for (const Node* variable : graph.variables()) {
    const auto it = rest.find(variable->name());
    const Dims& dims = LeafValue(*variable).dims();
    if (it == rest.end()) {
      add(variable->name(), " is not in the layout");
    } else {
      if (it->second != dims) {
        add(variable->name(), ": expected ", ToString(it->second), ", got ", ToString(dims));
      }
      rest.erase(it);
    }
  }
  for (const auto& [name, dims] : rest) add(name, " ", ToString(dims), " is missing");
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems);
}

// The largest distance between a and b over the largest |b|; infinite where anything is NaN.
double Distance(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0, distance = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    largest = std::max(largest, std::abs(b[i]));
    const double d = std::abs(a[i] - b[i]);
    distance = std::isnan(d) ? INFINITY : std::max(distance, d);
  }
  return distance / largest;
}

std::vector<double> Elements(const Tensor& logits) {
  std::vector<double> values(static_cast<size_t>(logits.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = logits.At(static_cast<int64_t>(i));
  return values;
}

// Of logits [2,classes].
std::vector<double> BetweenImages(const std::vector<double>& logits) {
  std::vector<double> difference(logits.size() / 2);
  for (size_t i = 0; i < difference.size(); ++i) {
    difference[i] = logits[i] - logits[i + difference.size()];
  }
  return difference;
}

absl::Status Compare(const Model& model, const Tensor& input, const Tensor& expected,
                     const SessionOptions& options, double* logits, double* difference) {
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, options));
  WEFT_ASSIGN_OR_RETURN(const Tensor output, session->Run(input));
  if (output.dims() != expected.dims()) {
    return absl::InvalidArgumentError(absl::StrCat("expected logits ", ToString(expected.dims()),
                                                   ", got ", ToString(output.dims())));
  }
  const std::vector<double> a = Elements(output), b = Elements(expected);
  *logits = Distance(a, b);
  *difference = Distance(BetweenImages(a), BetweenImages(b));
  return absl::OkStatus();
}

absl::StatusOr<GoldenResult> Check(const std::string& folder, const std::string& network,
                                   int threads) {
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(network));
  WEFT_ASSIGN_OR_RETURN(const Layout layout,
                        ReadLayout((fs::path(folder) / (network + ".txt")).string(), network));
  const std::string path = (fs::path(folder) / "logits.safetensors").string();
  WEFT_ASSIGN_OR_RETURN(const NamedTensors logits, OpenWeights(path));
  const auto expected = logits.tensors.find(network);
  if (expected == logits.tensors.end() || expected->second.rank() != 2 ||
      expected->second.dims()[0] != kImages) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected a tensor ", network, " [2,classes]"));
  }
  WEFT_ASSIGN_OR_RETURN(
      Model model,
      BuildNetwork(*entry, {.input = Dims(layout.input.begin() + 1, layout.input.end()),
                            .classes = expected->second.dims()[1],
                            .draw = false}));
  WEFT_RETURN_IF_ERROR(CompareVariables(model.graph, layout));
  WEFT_RETURN_IF_ERROR(SetGeneratedWeights(model.graph));
  WEFT_ASSIGN_OR_RETURN(const Tensor input, GeneratedTensor("input", layout.input));
  GoldenResult result{.network = network};
  WEFT_RETURN_IF_ERROR(Compare(model, input, expected->second,
                               {.threads = threads, .optimize = false}, &result.plain,
                               &result.plain_difference));
  WEFT_RETURN_IF_ERROR(Compare(model, input, expected->second, {.threads = threads},
                               &result.optimized, &result.optimized_difference));
  return result;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> GoldenNetworks(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  if (names.empty()) {
    return absl::NotFoundError(absl::StrCat(
        folder, ": expected a folder with NET.txt and logits.safetensors",
        error ? absl::StrCat(": ", error.message()) : std::string(", it has no NET.txt")));
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<GoldenResult> CheckGolden(const std::string& folder, const std::string& network,
                                         int threads) {
  auto result = Check(folder, network, threads);
  if (!result.ok()) return Annotate(result.status(), network);
  return result;
}

}  // namespace weft
