#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/build/init.h"
#include "frontend/build/picture_kernels.h"

namespace weft {
namespace {

using Numbers = std::vector<double>;

struct NamedInitializer {
  std::string_view name;  // without _
  size_t least, most;     // arguments
  std::function<Initializer(const Numbers&)> make;
};

// The factor of a family that may be given: its only argument.
double Gain(const Numbers& n) { return n.empty() ? 1 : n[0]; }

const std::vector<NamedInitializer>& NamedInitializers() {
  using I = Initializer;
  static const auto* const kAll = new std::vector<NamedInitializer>{
      {"pytorch", 0, 0, [](const Numbers&) { return I::PyTorch(); }},
      {"zeros", 0, 0, [](const Numbers&) { return I::Constant(0); }},
      {"ones", 0, 0, [](const Numbers&) { return I::Constant(1); }},
      {"constant", 1, 1, [](const Numbers& n) { return I::Constant(n[0]); }},
      {"uniform", 2, 2, [](const Numbers& n) { return I::Uniform(n[0], n[1]); }},
      {"normal", 2, 2, [](const Numbers& n) { return I::Normal(n[0], n[1]); }},
      {"truncatednormal", 2, 2, [](const Numbers& n) { return I::TruncatedNormal(n[0], n[1]); }},
      {"xavieruniform", 0, 1, [](const Numbers& n) { return I::XavierUniform(Gain(n)); }},
      {"glorotuniform", 0, 1, [](const Numbers& n) { return I::XavierUniform(Gain(n)); }},
      {"xaviernormal", 0, 1, [](const Numbers& n) { return I::XavierNormal(Gain(n)); }},
      {"glorotnormal", 0, 1, [](const Numbers& n) { return I::XavierNormal(Gain(n)); }},
      {"heuniform", 0, 0, [](const Numbers&) { return I::HeUniform(); }},
      {"kaiminguniform", 0, 0, [](const Numbers&) { return I::HeUniform(); }},
      {"henormal", 0, 0, [](const Numbers&) { return I::HeNormal(); }},
      {"kaimingnormal", 0, 0, [](const Numbers&) { return I::HeNormal(); }},
      {"lecununiform", 0, 0, [](const Numbers&) { return I::LeCunUniform(); }},
      {"lecunnormal", 0, 0, [](const Numbers&) { return I::LeCunNormal(); }},
      {"orthogonal", 0, 1, [](const Numbers& n) { return I::Orthogonal(Gain(n)); }},
      {"gabor", 0, 1, [](const Numbers& n) { return I::Gabor(Gain(n)); }},
  };
  return *kAll;
}

absl::Status NotAnInitializer(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("initializer \"", Absl(text), "\": ", Absl(why),
                   "; there are he_normal, he_uniform, xavier_normal, xavier_uniform, "
                   "lecun_normal, lecun_uniform, orthogonal, truncated_normal(MEAN,STD), "
                   "normal(MEAN,STD), uniform(LOW,HIGH), constant(X), zeros, ones, pytorch, "
                   "gabor, the kernels of weft filter --kernel list"));
}

}  // namespace

absl::StatusOr<Initializer> ParseInitializer(std::string_view text) {
  const PictureKernel* const kernel = FindPictureKernel(text);
  if (kernel != nullptr && text != "gabor") return Initializer::Kernel(text);
  std::string name(text.substr(0, text.find('(')));
  std::string_view rest = text.substr(name.size());
  name.erase(std::remove(name.begin(), name.end(), '_'), name.end());
  Numbers numbers;
  if (!rest.empty()) {
    if (!rest.ends_with(')')) return NotAnInitializer(text, "expected a ) at its end");
    rest = rest.substr(1, rest.size() - 2);
    for (const auto& part : absl::StrSplit(Absl(rest), ',')) {
      if (!absl::SimpleAtod(part, &numbers.emplace_back()) || !std::isfinite(numbers.back())) {
        return NotAnInitializer(text, "expected numbers in ()");
      }
    }
  }
  for (const NamedInitializer& known : NamedInitializers()) {
    if (known.name != name) continue;
    if (numbers.size() >= known.least && numbers.size() <= known.most) return known.make(numbers);
    return NotAnInitializer(text, absl::StrCat("expected ", known.least, " to ", known.most,
                                               " numbers, got ", numbers.size()));
  }
  return NotAnInitializer(text, "unknown");
}

}  // namespace weft
