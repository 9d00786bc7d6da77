#include "runtime/tuning/priced_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "runtime/onednn/implementation_kind.h"

namespace weft {
namespace {

// Plain loops, there for what nothing else takes.
bool IsSlow(const Kernel& kernel) {
  return kernel.name() == "reference" ||
         KindOf(kernel.implementation()) == ImplementationKind::kReference;
}

// Whether its rounding is worse than that of the sums in the definition.
bool IsWinograd(const Kernel& kernel) {
  return KindOf(kernel.implementation()) == ImplementationKind::kWinograd;
}

std::string TypeAndName(const Layout& layout) {
  return absl::StrCat(ToString(TensorType{layout.dtype(), ToShape(layout.dims())}), " ",
                      layout.name());
}

// Equal for nodes that are offered the same kernels, where they are in the same layouts.
std::string ProblemOf(const KernelRequest& request) {
  const Node& node = request.node;
  std::string key(node.op_name());
  for (const auto& [name, attribute] : node.attributes()) {
    absl::StrAppend(&key, " ", name, "=", attribute.ToString());
  }
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    absl::StrAppend(&key, "|", Absl(ToString(request.inputs[i].dtype())),
                    ToString(request.inputs[i].dims()), request.constant[i] ? " c" : "");
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    absl::StrAppend(&key, "|", ToString(node.type(i)), node.uses(i).empty() ? " unused" : "");
  }
  // A workspace is shared with one kernel only.
  if (request.forward != nullptr && request.forward->workspace_bytes() > 0) {
    absl::StrAppend(&key, "|", reinterpret_cast<uintptr_t>(request.forward));
  }
  if (request.has_gradient) key += "|has a gradient";
  return key;
}

}  // namespace

double PriceOfMemory(const KernelRequest& request, const Kernel& kernel) {
  auto bytes = static_cast<double>(kernel.scratch_bytes());
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (!request.constant[i] || !kernel.Reads(static_cast<int>(i))) continue;
    const auto wanted = static_cast<double>(kernel.inputs()[i].bytes());
    bytes += std::max(wanted - static_cast<double>(request.inputs[i].bytes()), 0.0);
  }
  return bytes * kSecondsPerByte;
}

int LayoutTable::Number(const Layout& layout) {
  std::vector<int>& known = numbers_[TypeAndName(layout)];
  for (const int number : known) {
    if ((*this)[number] == layout) return number;
  }
  known.push_back(static_cast<int>(layouts_.size()));
  layouts_.push_back(std::make_unique<const Layout>(layout));
  return known.back();
}

absl::StatusOr<const std::vector<PricedKernel>*> KernelPrices::KernelsFor(
    const KernelRequest& request) {
  const std::string problem = ProblemOf(request);
  std::string offer = problem;
  for (const Layout& layout : request.inputs) {
    absl::StrAppend(&offer, "|", layouts_.Number(layout));
  }
  std::unique_ptr<std::vector<PricedKernel>>& known = kernels_[offer];
  if (known == nullptr) {
    WEFT_ASSIGN_OR_RETURN(std::vector<PricedKernel> kernels, Price(request, problem));
    known = std::make_unique<std::vector<PricedKernel>>(std::move(kernels));
  }
  return known.get();
}

PricedKernel KernelPrices::Describe(const KernelRequest& request, const Kernel& kernel) {
  PricedKernel priced{.text = ChoiceText(request.node, kernel)};
  for (int i = 0; i < request.node.num_inputs(); ++i) {
    const bool reads = request.has(i) && kernel.Reads(i) &&
                       !request.node.op().input(static_cast<size_t>(i)).shape_only;
    priced.inputs.push_back(reads ? layouts_.Number(kernel.inputs()[Index(i)]) : -1);
  }
  for (const Layout& layout : kernel.outputs()) priced.outputs.push_back(layouts_.Number(layout));
  return priced;
}

absl::StatusOr<std::vector<double>> KernelPrices::SecondsOf(const KernelRequest& request,
                                                            const std::string& problem,
                                                            const Candidates& kernels) {
  const auto name = [&](const Kernel& kernel) {
    return absl::StrCat(problem, "|", ChoiceText(request.node, kernel));
  };
  std::vector<const Kernel*> unknown;
  for (const auto& kernel : kernels) {
    if (!seconds_.contains(name(*kernel))) unknown.push_back(kernel.get());
  }
  if (!unknown.empty()) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<double> measured,
                          timer_.Measure(unknown, OperandsOf(request)));
    kernels_timed_ += static_cast<int64_t>(unknown.size());
    for (size_t i = 0; i < unknown.size(); ++i) seconds_[name(*unknown[i])] = measured[i];
  }
  std::vector<double> seconds;
  for (const auto& kernel : kernels) seconds.push_back(seconds_.at(name(*kernel)));
  return seconds;
}

absl::StatusOr<std::vector<PricedKernel>> KernelPrices::Price(const KernelRequest& request,
                                                              const std::string& problem) {
  // The library's training normalization sums channels in single precision (see MakeBatchNorm).
  const bool first = absl::StartsWith(Absl(request.node.op_name()), "BatchNormalization");
  WEFT_ASSIGN_OR_RETURN(Candidates kernels,
                        CandidatesFor(request, first ? Families::kFirst : Families::kAll));
  const std::shared_ptr<const Kernel> usual = kernels.front();
  std::erase_if(kernels, [&](const auto& k) { return k != usual && IsSlow(*k); });
  WEFT_ASSIGN_OR_RETURN(std::vector<double> seconds, SecondsOf(request, problem, kernels));
  for (size_t i = 0; i < kernels.size(); ++i) seconds[i] += PriceOfMemory(request, *kernels[i]);

  // Quickest first: of each way to read and write the first one that is exact enough stays.
  std::vector<size_t> order(kernels.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](size_t i) { return seconds[i]; });
  std::vector<PricedKernel> priced;
  for (const size_t i : order) {
    PricedKernel kernel = Describe(request, *kernels[i]);
    kernel.seconds = seconds[i];
    kernel.is_default = i == 0;
    // What fails on numbers that are made up cannot be compared: it stays.
    if (kernel.is_default && std::isinf(kernel.seconds)) kernel.seconds = 0;
    if (kernels[i]->workspace_bytes() > 0) kernel.kernel = kernels[i];
    const bool beaten = std::ranges::any_of(priced, [&](const PricedKernel& other) {
      return other.inputs == kernel.inputs && other.outputs == kernel.outputs;
    });
    if (!kernel.is_default) {
      if (beaten || std::isinf(kernel.seconds)) continue;
      if (IsWinograd(*kernels[i])) {
        const auto direct =
            std::ranges::find_if(kernels, [](const auto& k) { return !IsWinograd(*k); });
        if (direct == kernels.end()) continue;
        WEFT_ASSIGN_OR_RETURN(const double error, RelativeError(request, *kernels[i], **direct));
        if (!(error <= max_error_)) continue;
      }
    }
    priced.push_back(std::move(kernel));
  }
  return priced;
}

absl::StatusOr<double> KernelPrices::ReorderSeconds(int from, int to) {
  const auto known = reorders_.find({from, to});
  if (known != reorders_.end()) return known->second;
  const int threads = ThreadsToCopy(layouts_[to].bytes(), threads_);
  const RunScope scope(threads);
  const auto kernel = MakeReorder(layouts_[from], layouts_[to]);
  // No way leads there: what wants it is not chosen.
  if (!kernel.ok()) return reorders_[{from, to}] = std::numeric_limits<double>::infinity();
  WEFT_ASSIGN_OR_RETURN(
      const std::vector<double> seconds,
      timer_.Measure({kernel->get()},
                     {.present = {true}, .constants = {nullptr}, .threads = threads}));
  ++kernels_timed_;
  return reorders_[{from, to}] = seconds[0];
}

}  // namespace weft
