#include "frontend/cli/inspect/ascent_options.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "frontend/cli/common.h"

namespace weft {
namespace {

// Tells on stderr how far an ascent is.
class AscentProgress {
 public:
  explicit AscentProgress(int64_t steps) : steps_(steps) {}

  void operator()(int64_t step, double objective) {
    const auto now = std::chrono::steady_clock::now();
    const bool last = step == steps_;
    if (now - told_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10)) &&
        !(last && shown_)) {
      return;
    }
    told_ = now;
    if (terminal_ && last) {
      std::fputs("\r\x1b[K", stderr);
      shown_ = false;
      return;
    }
    std::fprintf(stderr,
                 terminal_ ? "\r\x1b[Kstep %lld of %lld  objective %.4g"
                           : "step %lld of %lld  objective %.4g\n",
                 static_cast<long long>(step), static_cast<long long>(steps_), objective);
    shown_ = terminal_;
  }

 private:
  int64_t steps_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;  // a line that is to be removed
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

}  // namespace

void AddAscentOptions(CLI::App& app, AscentOptions& options, bool choose_parameters) {
  const auto add = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->capture_default_str();
  };
  add("--steps", options.steps, "Steps of the ascent");
  add("--rate", options.rate, "How far a step goes");
  add("--seed", options.seed, "Of the noise and the jitter: the same seed gives the same picture");
  add("--decay", options.decay, "L2 decay: what the mean square of the input costs");
  add("--total-variation", options.total_variation,
      "What the squared differences of neighbouring pixels cost");
  add("--jitter", options.jitter, "Each step sees the picture moved by up to so many pixels");
  if (!choose_parameters) return;
  const bool pixels = options.parameters == PictureParameters::kPixels;
  app.add_option_function<std::string>(
         "--parameters",
         [&options](const std::string& name) {
           options.parameters =
               name == "pixels" ? PictureParameters::kPixels : PictureParameters::kFourier;
         },
         "What is changed: pixels, or the coefficients of waves, which count 1/f (fourier)")
      ->check(CLI::IsMember({"pixels", "fourier"}))
      ->default_str(pixels ? "pixels" : "fourier");
  app.add_option_function<std::string>(
         "--rule",
         [&options](const std::string& name) {
           options.rule = name == "adam" ? AscentRule::kAdam : AscentRule::kNormalised;
         },
         "How it is changed: adam, or along the gradient over its mean magnitude (normalised)")
      ->check(CLI::IsMember({"adam", "normalised"}))
      ->default_str("adam");
  add("--blur-every", options.blur_every, "Of pixels: blur every so many steps (0: never)");
  add("--blur", options.blur, "The blur's deviation in pixels");
}

AscentOptions WithProgress(AscentOptions options, const InspectArguments& a) {
  options.session.threads = a.threads;
  auto progress = std::make_shared<AscentProgress>(options.steps);
  options.progress = [progress](int64_t step, double objective) { (*progress)(step, objective); };
  return options;
}

std::vector<std::string> AscentEndings() { return {".png", ".npy"}; }

absl::Status SaveAscent(const std::string& path, const Picture& picture, const Tensor& x) {
  if (path.empty()) return PrintPicture(picture);
  if (path.ends_with(".png")) return SavePicture(path, picture);
  return SaveArray(path, x, "x");
}

}  // namespace weft
