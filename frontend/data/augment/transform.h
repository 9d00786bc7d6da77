#ifndef WEFT_FRONTEND_DATA_AUGMENT_TRANSFORM_H_
#define WEFT_FRONTEND_DATA_AUGMENT_TRANSFORM_H_

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/data/random.h"

namespace weft {

// A parameter of a transform: a number, up to `most` numbers, or one of some words.
struct ParameterSpec {
  std::string_view name = {};
  std::string_view fallback = {};  // as in a pipeline's text: "0.5", "(0.08, 1)", "bilinear"
  std::string_view help = {};
  double low = 0;  // of each number
  double high = 1;
  bool whole = false;  // numbers are integers
  size_t most = 1;
  std::string_view words = {};  // "nearest bilinear": one of these, instead of numbers
};

// The value of one parameter.
struct Argument {
  std::vector<double> numbers = {};
  std::string word = {};
  friend bool operator==(const Argument&, const Argument&) = default;
};

// The values of a transform's parameters, by name.
class Arguments {
 public:
  Arguments(const std::vector<ParameterSpec>* parameters, std::vector<Argument> values)
      : parameters_(parameters), values_(std::move(values)) {}

  const std::vector<Argument>& values() const { return values_; }
  double number(std::string_view name) const { return Find(name).numbers[0]; }
  int64_t whole(std::string_view name) const { return static_cast<int64_t>(number(name)); }
  const std::vector<double>& numbers(std::string_view name) const { return Find(name).numbers; }
  const std::string& word(std::string_view name) const { return Find(name).word; }

 private:
  const Argument& Find(std::string_view name) const {
    size_t i = 0;
    while ((*parameters_)[i].name != name) ++i;
    return values_[i];
  }

  const std::vector<ParameterSpec>* parameters_;
  std::vector<Argument> values_;
};

// What a transform may know besides the example.
struct TransformDraw {
  RandomStream& random;
  int64_t height = 0;  // the size that the model wants
  int64_t width = 0;
  absl::Status status = {};  // where a transform leaves its failure

  bool Chance(double p) { return p >= 1 || random.Uniform() < p; }
  double Uniform(double low, double high) { return low + (high - low) * random.Uniform(); }
  // From a parameter of one number, [-x, x], or of two, [a, b].
  double Around(const std::vector<double>& range) {
    return range.size() == 1 ? Uniform(-range[0], range[0]) : Uniform(range[0], range[1]);
  }
  int64_t Below(int64_t bound) {
    return static_cast<int64_t>(random.Below(static_cast<uint64_t>(bound)));
  }
  double Sign() { return random.Uniform() < 0.5f ? -1 : 1; }
};

// Rows of numbers: the channels of a signal [C,T], or all of an image's as [C*H,W].
struct Signal {
  int64_t rows = 0;
  int64_t length = 0;  // of a row
  std::vector<float> values;
};

using PictureTransform = void (*)(const Arguments&, TransformDraw&, PictureExample&);
using SignalTransform = void (*)(const Arguments&, TransformDraw&, Signal&);

// What a transform works on. A pipeline has them in this order.
enum class TransformStage { kPicture, kSignal, kMix };

// A row of the table of transforms.
struct TransformSpec {
  std::string_view name;
  std::string_view help;
  std::vector<ParameterSpec> parameters;
  PictureTransform picture = nullptr;  // one of both; neither: examples are mixed, or
  SignalTransform signal = nullptr;    // several views made
  bool views = false;                  // five_crop, ten_crop: for evaluation

  TransformStage stage() const {
    if (signal != nullptr) return TransformStage::kSignal;
    return picture != nullptr || views ? TransformStage::kPicture : TransformStage::kMix;
  }
};

// The table, by what is changed.
std::span<const TransformSpec> PlaceTransforms();
std::span<const TransformSpec> WarpTransforms();
std::span<const TransformSpec> ColorTransforms();
std::span<const TransformSpec> DamageTransforms();
std::span<const TransformSpec> PolicyTransforms();
std::span<const TransformSpec> SignalTransforms();
std::span<const TransformSpec> MixTransforms();

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_TRANSFORM_H_
