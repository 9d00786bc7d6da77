#include "runtime/host/pack_kernel.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

using PackFunction = std::function<void(const float*, float*)>;

class BoundPack : public BoundKernel {
 public:
  BoundPack(PackFunction pack, const Bindings& bindings)
      : pack_(std::move(pack)), from_(bindings.inputs[0]), to_(bindings.outputs[0]) {}

  absl::Status Run(const RandomKey&) override {
    pack_(reinterpret_cast<const float*>(from_), reinterpret_cast<float*>(to_));
    return absl::OkStatus();
  }
  void SetInput(int, std::byte* data) override { from_ = data; }
  void SetOutput(int, std::byte* data) override { to_ = data; }

 private:
  PackFunction pack_;
  std::byte* from_;
  std::byte* to_;
};

class PackKernel : public Kernel {
 public:
  PackKernel(const Layout& from, const Layout& to, std::string implementation, PackFunction pack)
      : implementation_(std::move(implementation)), pack_(std::move(pack)) {
    inputs_ = {from};
    outputs_ = {to};
  }

  std::string name() const override { return "weft"; }
  std::string implementation() const override { return implementation_; }
  bool AllowsInPlace(int, int) const override { return false; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundPack>(pack_, bindings);
  }

 private:
  std::string implementation_;
  PackFunction pack_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MakePackKernel(const Layout& from, const Layout& to,
                                                       std::string implementation,
                                                       PackFunction pack) {
  if (!from.is_plain()) {
    return absl::UnimplementedError(
        absl::StrCat("expected row-major weights for ", implementation, ", got ", from.name()));
  }
  return std::make_unique<PackKernel>(from, to, std::move(implementation), std::move(pack));
}

}  // namespace weft
