#ifndef WEFT_RUNTIME_TUNING_PRICED_KERNELS_H_
#define WEFT_RUNTIME_TUNING_PRICED_KERNELS_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan/lowering.h"
#include "runtime/tuning/measure.h"

namespace weft {

// Layouts by number, equal ones by the same.
class LayoutTable {
 public:
  int Number(const Layout& layout);
  const Layout& operator[](int number) const { return *layouts_[static_cast<size_t>(number)]; }

 private:
  std::map<std::string, std::vector<int>> numbers_;  // by type and name
  std::vector<std::unique_ptr<const Layout>> layouts_;
};

// A kernel that a node may run, with its price.
struct PricedKernel {
  std::string text;           // ChoiceText
  std::vector<int> inputs{};  // wanted layouts by number, -1 where not read
  std::vector<int> outputs{};
  double seconds = 0;       // its time, and a price for the memory that it wants for itself
  bool is_default = false;  // what the families put first
  std::shared_ptr<const Kernel> kernel{};  // where a gradient reads its workspace, else null
};

// What a byte of memory that a kernel wants for itself costs in each run, in seconds: clearing and
// packing a byte take some 0.75 ns, once, and the process's peak has it.
inline constexpr double kSecondsPerByte = 1e-11;

// For its scratch, though the steps of a plan share theirs, and for what its constants take beyond
// what they do as they come, though nodes may share those. In seconds.
double PriceOfMemory(const KernelRequest& request, const Kernel& kernel);

// Times what it is asked for, once: nodes of the same op, attributes, shapes and layouts have the
// same kernels.
class KernelPrices {
 public:
  // `weights_bytes`: of the whole network.
  KernelPrices(int threads, size_t weights_bytes, double max_error)
      : threads_(threads), timer_(threads, weights_bytes), max_error_(max_error) {}

  LayoutTable& layouts() { return layouts_; }
  int64_t kernels_timed() const { return kernels_timed_; }

  // For each way to read and write (a tuple of layouts) the quickest kernel, and the default. The
  // result lives as long as this.
  absl::StatusOr<const std::vector<PricedKernel>*> KernelsFor(const KernelRequest& request);
  // Infinity where there is no such reorder.
  absl::StatusOr<double> ReorderSeconds(int from, int to);

 private:
  absl::StatusOr<std::vector<PricedKernel>> Price(const KernelRequest& request,
                                                  const std::string& problem);
  absl::StatusOr<std::vector<double>> SecondsOf(const KernelRequest& request,
                                                const std::string& problem,
                                                const Candidates& kernels);
  PricedKernel Describe(const KernelRequest& request, const Kernel& kernel);

  int threads_;
  KernelTimer timer_;
  double max_error_;
  LayoutTable layouts_;
  std::unordered_map<std::string, double> seconds_;  // by problem and kernel
  // By problem and the layouts that the inputs come in.
  std::unordered_map<std::string, std::unique_ptr<std::vector<PricedKernel>>> kernels_;
  std::map<std::pair<int, int>, double> reorders_;
  int64_t kernels_timed_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_TUNING_PRICED_KERNELS_H_
