#include "runtime/host/copy_kernel.h"

#include <cstring>

#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 16;  // that are worth a thread

class CopyKernel : public Kernel {
 public:
  explicit CopyKernel(const Layout& layout) {
    inputs_ = {layout};
    outputs_ = {layout};
  }
  std::string name() const override { return "weft"; }
  std::string implementation() const override { return "copy"; }
  bool AllowsInPlace(int, int) const override { return false; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<Bound>(bindings.inputs[0], bindings.outputs[0], inputs_[0].bytes());
  }

 private:
  class Bound : public BoundKernel {
   public:
    Bound(std::byte* from, std::byte* to, size_t bytes) : from_(from), to_(to), bytes_(bytes) {}
    absl::Status Run(const RandomKey&) override {
      ParallelFor(static_cast<int64_t>(bytes_), kGrainBytes, [this](int64_t begin, int64_t end) {
        std::memcpy(to_ + begin, from_ + begin, static_cast<size_t>(end - begin));
      });
      return absl::OkStatus();
    }
    void SetInput(int, std::byte* data) override { from_ = data; }
    void SetOutput(int, std::byte* data) override { to_ = data; }

   private:
    std::byte* from_;
    std::byte* to_;
    size_t bytes_;
  };
};

}  // namespace

std::shared_ptr<const Kernel> MakeCopy(const Layout& layout) {
  return std::make_shared<CopyKernel>(layout);
}

}  // namespace weft
