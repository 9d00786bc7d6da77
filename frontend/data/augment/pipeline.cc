#include "frontend/data/augment/pipeline.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"

namespace weft {
namespace {

constexpr size_t kMostViews = 100;

struct PipelinePreset {
  std::string_view name, text, help;
};

constexpr PipelinePreset kPresets[] = {
    {"none", "", "nothing"},
    {"light", "random_resized_crop(scale=(0.6, 1)), flip, color_jitter(0.1)",
     "for few pictures and short trainings"},
    {"cifar", "crop(padding=4), flip", "as in He et al. 2016, section 4.2"},
    {"imagenet", "random_resized_crop, flip, color_jitter(0.4)", "as in GoogLeNet and ResNet"},
    {"strong", "random_resized_crop, flip, rand_augment, erase(0.25)", "for long trainings"},
    {"imagenet_test", "resize(256), center_crop(224)", "what ImageNet's models are tested on"},
};

const std::vector<const TransformSpec*>& AllTransforms() {
  static const auto* const all = [] {
    auto* list = new std::vector<const TransformSpec*>;
    for (const std::span<const TransformSpec> table :
         {PlaceTransforms(), WarpTransforms(), ColorTransforms(), DamageTransforms(),
          PolicyTransforms(), SignalTransforms(), MixTransforms()}) {
      for (const TransformSpec& spec : table) list->push_back(&spec);
    }
    return list;
  }();
  return *all;
}

bool HasWord(std::string_view words, std::string_view word) {
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(' ', at), words.size());
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

// Shortest text that reads back as the same number.
std::string ShortestText(double value) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end);
}

std::string ArgumentText(const Argument& argument) {
  if (!argument.word.empty()) return argument.word;
  std::vector<std::string> numbers;
  for (const double x : argument.numbers) numbers.push_back(ShortestText(x));
  if (numbers.size() == 1) return numbers[0];
  return absl::StrCat("(", absl::StrJoin(numbers, ", "), ")");
}

class PipelineParser {
 public:
  explicit PipelineParser(std::string_view text) : text_(text) {}

  absl::StatusOr<Pipeline> Parse() {
    Pipeline pipeline;
    Skip();
    if (at_ == text_.size()) return pipeline;
    do {
      WEFT_RETURN_IF_ERROR(ParseStep(pipeline));
    } while (Take(','));
    if (at_ != text_.size()) return Error("expected a comma or the end");
    return pipeline;
  }

  // The value alone: a parameter's default.
  absl::StatusOr<Argument> ParseValue(const ParameterSpec& spec) {
    Skip();
    const size_t begin = at_;
    Argument value;
    if (!spec.words.empty()) {
      value.word = Name();
      if (HasWord(spec.words, value.word)) return value;
      return ErrorAt(
          begin, absl::StrCat("expected ", Absl(spec.name), " to be one of: ", Absl(spec.words)));
    }
    if (Take('(')) {
      do {
        WEFT_ASSIGN_OR_RETURN(const double number, ParseNumber(spec));
        value.numbers.push_back(number);
      } while (Take(','));
      if (!Take(')')) return Error("expected a comma or )");
    } else {
      WEFT_ASSIGN_OR_RETURN(const double number, ParseNumber(spec));
      value.numbers.push_back(number);
    }
    if (value.numbers.size() > spec.most) {
      return ErrorAt(
          begin, absl::StrCat("expected at most ", spec.most, " numbers for ", Absl(spec.name)));
    }
    if (value.numbers.size() != 3) return value;
    return ErrorAt(begin, absl::StrCat("expected 1, 2 or 4 numbers for ", Absl(spec.name)));
  }

 private:
  absl::Status ErrorAt(size_t at, std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("augment: ", Absl(what), ", at character ",
                                                   at + 1, " of \"", Absl(text_), "\""));
  }
  absl::Status Error(std::string_view what) const { return ErrorAt(at_, what); }

  void Skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(char c) {
    Skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string Name() {
    Skip();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) {
      ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  absl::StatusOr<double> ParseNumber(const ParameterSpec& spec) {
    Skip();
    const size_t begin = at_;
    double value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) {
      return Error(absl::StrCat("expected a number for ", Absl(spec.name)));
    }
    at_ = static_cast<size_t>(end - text_.data());
    if (value >= spec.low && value <= spec.high && (!spec.whole || value == std::trunc(value))) {
      return value;
    }
    return ErrorAt(begin, absl::StrCat("expected ", Absl(spec.name), spec.whole ? ", whole," : "",
                                       " in [", ShortestText(spec.low), ", ",
                                       ShortestText(spec.high), "], got ", ShortestText(value)));
  }

  absl::Status ParseStep(Pipeline& pipeline) {
    Skip();
    const size_t begin = at_;
    const std::string name = Name();
    for (const PipelinePreset& preset : kPresets) {
      if (preset.name != name) continue;
      WEFT_ASSIGN_OR_RETURN(const Pipeline part, PipelineParser(preset.text).Parse());
      for (const PipelineStep& step : part.steps) WEFT_RETURN_IF_ERROR(Add(begin, step, pipeline));
      return absl::OkStatus();
    }
    for (const TransformSpec* spec : AllTransforms()) {
      if (spec->name != name) continue;
      WEFT_ASSIGN_OR_RETURN(Arguments arguments, ParseArguments(begin, *spec));
      return Add(begin, {spec, std::move(arguments)}, pipeline);
    }
    if (name.empty()) return ErrorAt(begin, "expected the name of a transform");
    std::vector<std::string> names;
    for (const TransformSpec* spec : AllTransforms()) names.emplace_back(spec->name);
    for (const PipelinePreset& preset : kPresets) names.emplace_back(preset.name);
    return ErrorAt(
        begin, absl::StrCat("expected one of ", absl::StrJoin(names, " "), ", got \"", name, "\""));
  }

  absl::Status Add(size_t begin, const PipelineStep& step, Pipeline& pipeline) const {
    if (!pipeline.empty() && step.spec->stage() < pipeline.steps.back().spec->stage()) {
      return ErrorAt(begin, absl::StrCat("expected pictures, then numbers, then mixing; ",
                                         Absl(step.spec->name), " comes after ",
                                         Absl(pipeline.steps.back().spec->name)));
    }
    pipeline.steps.push_back(step);
    return absl::OkStatus();
  }

  absl::StatusOr<Arguments> ParseArguments(size_t begin, const TransformSpec& spec) {
    std::vector<std::optional<Argument>> given(spec.parameters.size());
    if (Take('(') && !Take(')')) {
      size_t position = 0;
      do {
        WEFT_ASSIGN_OR_RETURN(const size_t index, ParseTarget(spec, position++));
        if (given[index]) {
          return Error(absl::StrCat("expected ", Absl(spec.parameters[index].name), " once"));
        }
        WEFT_ASSIGN_OR_RETURN(given[index], ParseValue(spec.parameters[index]));
      } while (Take(','));
      if (!Take(')')) return Error("expected a comma or )");
    }
    std::vector<Argument> values;
    for (size_t i = 0; i < given.size(); ++i) {
      const ParameterSpec& parameter = spec.parameters[i];
      if (!given[i] && parameter.fallback.empty()) {
        return ErrorAt(begin, absl::StrCat("expected ", Absl(spec.name), "(", Absl(parameter.name),
                                           "): ", Absl(parameter.help)));
      }
      if (!given[i]) {
        WEFT_ASSIGN_OR_RETURN(given[i], PipelineParser(parameter.fallback).ParseValue(parameter));
      }
      values.push_back(*std::move(given[i]));
    }
    return Arguments(&spec.parameters, std::move(values));
  }

  // Which parameter comes next: the one that is named, or the one of this position.
  absl::StatusOr<size_t> ParseTarget(const TransformSpec& spec, size_t position) {
    Skip();
    const size_t begin = at_;
    const std::string name = Name();
    const bool named = !name.empty() && Take('=');
    if (!named) at_ = begin;
    for (size_t i = 0; i < spec.parameters.size(); ++i) {
      if (named ? spec.parameters[i].name == name : i == position) return i;
    }
    if (named) return ErrorAt(begin, absl::StrCat(Absl(spec.name), " has no argument ", name));
    return ErrorAt(begin, absl::StrCat("expected at most ", spec.parameters.size(),
                                       " arguments for ", Absl(spec.name)));
  }

  const std::string_view text_;
  size_t at_ = 0;
};

// One step that names no arguments but these.
PipelineStep StepOf(std::string_view text) { return PipelineParser(text).Parse()->steps[0]; }

// The steps that do the same to every example where they are certain to be taken (p=1) and what
// they draw from is one number.
constexpr std::string_view kFixedSteps =
    "resize center_crop pad flip vflip gray posterize solarize invert autocontrast equalize "
    "sharpness blur jpeg scale window standardize min_max";
constexpr std::string_view kDrawnFrom = "sigma quality factor";

bool IsFixedStep(const PipelineStep& step) {
  if (!HasWord(kFixedSteps, step.spec->name)) return false;
  for (size_t i = 0; i < step.spec->parameters.size(); ++i) {
    const std::string_view name = step.spec->parameters[i].name;
    const std::vector<double>& numbers = step.arguments.values()[i].numbers;
    if (name == "p" && numbers[0] < 1) return false;
    if (HasWord(kDrawnFrom, name) && numbers.front() != numbers.back()) return false;
    if (step.spec->name == "window" && name == "at" && numbers[0] < 0) return false;
  }
  return true;
}

// A random crop of what has been resized is a crop from its middle. Without that it is of pictures
// that have the model's size, which are tested as they are, without the border made for it.
void AddCropForTests(const PipelineStep& crop, Pipeline& steps) {
  const auto is = [](std::string_view name) {
    return [name](const PipelineStep& step) { return step.spec->name == name; };
  };
  if (std::ranges::none_of(steps.steps, is("resize"))) {
    std::erase_if(steps.steps, is("pad"));
    return;
  }
  const std::string size = ArgumentText(crop.arguments.values()[0]);
  const int64_t fill = crop.arguments.whole("fill");
  steps.steps.push_back(StepOf(absl::StrCat("center_crop(", size, ", fill=", fill, ")")));
}

// What a step makes of a picture when it is tested, one after the other.
std::vector<std::vector<PipelineStep>> ViewsOf(const PipelineStep& step) {
  const std::string_view name = step.spec->name;
  if (name == "flip" || name == "vflip") {
    return {{}, {StepOf(absl::StrCat(Absl(name), "(p=1)"))}};
  }
  if (!step.spec->views) return {{step}};
  std::vector<std::vector<PipelineStep>> views;
  const std::string size = ArgumentText(step.arguments.values()[0]);
  for (const bool mirrored : {false, true}) {
    if (mirrored && name == "five_crop") continue;
    for (const char* place : {"(0, 0)", "(0, 1)", "(1, 0)", "(1, 1)", "(0.5, 0.5)"}) {
      views.push_back({StepOf(absl::StrCat("center_crop(", size, ", at=", place, ")"))});
      if (mirrored) views.back().push_back(StepOf("flip(p=1)"));
    }
  }
  return views;
}

}  // namespace

absl::StatusOr<Pipeline> ParsePipeline(std::string_view text) {
  WEFT_ASSIGN_OR_RETURN(Pipeline pipeline, PipelineParser(text).Parse());
  for (const PipelineStep& step : pipeline.steps) {
    if (!step.spec->views) continue;
    return absl::InvalidArgumentError(absl::StrCat("augment: ", Absl(step.spec->name),
                                                   " makes several views of a picture, which is "
                                                   "for testing (weft eval --tta)"));
  }
  return pipeline;
}

absl::StatusOr<std::vector<Pipeline>> TtaPipelines(std::string_view text) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, PipelineParser(text).Parse());
  std::vector<Pipeline> views = {{}};
  for (const PipelineStep& step : pipeline.steps) {
    if (step.spec->stage() == TransformStage::kMix) {
      return absl::InvalidArgumentError(
          absl::StrCat("test-time augmentation: ", Absl(step.spec->name), " mixes examples"));
    }
    std::vector<Pipeline> longer;
    for (const std::vector<PipelineStep>& made : ViewsOf(step)) {
      for (Pipeline view : views) {
        view.steps.insert(view.steps.end(), made.begin(), made.end());
        longer.push_back(std::move(view));
      }
    }
    views = std::move(longer);
    if (views.size() > kMostViews) {
      return absl::InvalidArgumentError(absl::StrCat("test-time augmentation: expected at most ",
                                                     kMostViews, " views, got ", views.size()));
    }
  }
  return views;
}

bool IsRandom(const Pipeline& pipeline) {
  return !std::ranges::all_of(pipeline.steps, IsFixedStep);
}

Pipeline TestSteps(const Pipeline& pipeline) {
  Pipeline result;
  for (const PipelineStep& step : pipeline.steps) {
    const std::string_view name = step.spec->name;
    if (IsFixedStep(step)) {
      result.steps.push_back(step);
    } else if (name == "window") {
      const std::string size = ArgumentText(step.arguments.values()[0]);
      result.steps.push_back(StepOf(absl::StrCat("window(", size, ", at=0.5)")));
    } else if (name == "crop" || name == "random_place") {
      AddCropForTests(step, result);
    }
    if (step.spec->stage() == TransformStage::kMix) {
      result.steps.push_back(StepOf(absl::StrCat(Absl(name), "(p=0)")));
    }
  }
  return result;
}

std::string ToString(const Pipeline& pipeline) {
  std::vector<std::string> steps;
  for (const PipelineStep& step : pipeline.steps) {
    std::vector<std::string> arguments;
    for (size_t i = 0; i < step.spec->parameters.size(); ++i) {
      const ParameterSpec& parameter = step.spec->parameters[i];
      const std::string text = ArgumentText(step.arguments.values()[i]);
      if (!parameter.fallback.empty() &&
          *PipelineParser(parameter.fallback).ParseValue(parameter) == step.arguments.values()[i]) {
        continue;
      }
      const bool in_order = arguments.size() == i;
      arguments.push_back(in_order ? text : absl::StrCat(Absl(parameter.name), "=", text));
    }
    const std::string list =
        arguments.empty() ? "" : absl::StrCat("(", absl::StrJoin(arguments, ", "), ")");
    steps.push_back(absl::StrCat(Absl(step.spec->name), list));
  }
  return absl::StrJoin(steps, ", ");
}

std::string DescribeTransforms() {
  std::string text;
  for (const TransformSpec* spec : AllTransforms()) {
    absl::StrAppend(&text, Absl(spec->name), ": ", Absl(spec->help), "\n");
    for (const ParameterSpec& p : spec->parameters) {
      absl::StrAppend(&text, "  ", Absl(p.name), p.fallback.empty() ? "" : "=", Absl(p.fallback),
                      ": ", Absl(p.help));
      if (!p.words.empty()) absl::StrAppend(&text, " (", Absl(p.words), ")");
      absl::StrAppend(&text, "\n");
    }
  }
  for (const PipelinePreset& preset : kPresets) {
    absl::StrAppend(&text, Absl(preset.name), " = ", Absl(preset.text), ": ", Absl(preset.help),
                    "\n");
  }
  return text;
}

}  // namespace weft
