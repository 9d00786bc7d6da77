#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "frontend/weights/weights.h"

namespace weft {
namespace {

// One tensor of the file under its mapped name: of a type that Weft has, or not.
struct Source {
  std::string file_name;
  const Tensor* tensor = nullptr;
  std::string unsupported{};  // "c64[3,4]"
};
using Sources = std::map<std::string, Source, std::less<>>;

std::string List(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", Printable(name));
  }
  return list;
}

// All that does not fit, said in one error.
class Problems {
 public:
  void Add(const std::string& problem) {
    absl::StrAppend(&text_, text_.empty() ? "" : "; ", problem);
  }
  void AddNames(std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) Add(absl::StrCat(Absl(what), ": ", List(names)));
  }
  absl::Status ToStatus(const std::string& source) const {
    if (text_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(source, ": the weights do not fit the model: ", text_));
  }

 private:
  std::string text_;
};

// The names that all the patterns make of the file's, in the file's order. A pattern that matches
// none is a problem.
std::vector<Source> MapNames(const NamedTensors& weights, const std::vector<NamePattern>& patterns,
                             std::vector<std::string>& names, Problems& problems) {
  std::vector<Source> sources;
  for (const auto& [name, tensor] : weights.tensors) sources.push_back({name, &tensor});
  for (const auto& [name, type] : weights.unsupported) sources.push_back({name, nullptr, type});
  for (const Source& source : sources) names.push_back(source.file_name);
  for (const NamePattern& pattern : patterns) {
    int matches = 0;
    for (std::string& name : names) {
      std::optional<std::string> renamed = ApplyPattern(pattern, name);
      if (!renamed) continue;
      name = *std::move(renamed);
      ++matches;
    }
    if (matches == 0) {
      problems.Add(absl::StrCat("the pattern ", pattern.from, "=", pattern.to, " matches no name"));
    }
  }
  return sources;
}

bool IsBatchCounter(std::string_view name) {
  constexpr std::string_view kCounter = "num_batches_tracked";
  return name.ends_with(kCounter) &&
         (name.size() == kCounter.size() || name[name.size() - kCounter.size() - 1] == '.');
}

// The tensors by their mapped names, without batch counters that no variable wants.
Sources MappedSources(const Model& model, const NamedTensors& weights,
                      const std::vector<NamePattern>& patterns, Problems& problems) {
  std::vector<std::string> names;
  const std::vector<Source> all = MapNames(weights, patterns, names, problems);
  const TensorMap wanted = WeightsOf(model);
  Sources sources;
  for (size_t i = 0; i < all.size(); ++i) {
    if (IsBatchCounter(names[i]) && !wanted.contains(names[i])) continue;
    const auto [it, added] = sources.try_emplace(names[i], all[i]);
    if (!added) {
      problems.Add(absl::StrCat("mapped to ", Printable(names[i]), ": both ",
                                Printable(it->second.file_name), " and ",
                                Printable(all[i].file_name)));
    }
  }
  return sources;
}

// The tensor as the variable's type; nothing, and a problem, where it has other dims or a type that
// is not converted.
absl::StatusOr<Tensor> Fit(const Node& variable, const Source& source, Problems& problems) {
  const TensorType& type = variable.type();
  const auto problem = [&](std::string_view what, const std::string& got) {
    problems.Add(absl::StrCat(Absl(what), " of ", Printable(variable.name()), ": expected ",
                              ToString(type), ", the file has ", got));
    return Tensor();
  };
  if (source.tensor == nullptr) return problem("dtype", source.unsupported + " (unsupported)");
  const Tensor& tensor = *source.tensor;
  const std::string got = ToString(tensor.type());
  if (ToShape(tensor.dims()) != type.shape) return problem("shape", got);
  if (tensor.dtype() == type.dtype) return tensor;
  if (!kRealTypes.contains(type.dtype) || !kRealTypes.contains(tensor.dtype())) {
    return problem("dtype", got);
  }
  return tensor.Converted(type.dtype);
}

// What stands before the first of `names` in one of `longer` and, in others of `longer`, before all
// the other ones.
std::optional<std::string> CommonPrefix(const std::vector<std::string>& names,
                                        const std::vector<std::string>& longer) {
  const std::set<std::string_view> known(longer.begin(), longer.end());
  for (const std::string& whole : longer) {
    if (!whole.ends_with("." + names[0])) continue;
    const std::string prefix = whole.substr(0, whole.size() - names[0].size());
    const bool speakable = prefix.find_first_of("*='") == std::string::npos;
    if (speakable && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
          return known.contains(prefix + name);
        })) {
      return prefix;
    }
  }
  return std::nullopt;
}

std::string ConversionText(DType from, DType to) {
  return absl::StrCat(Absl(ToString(from)), " to ", Absl(ToString(to)));
}

// Whether the pattern leaves alone the names that are in both and makes no two names one.
bool MendsOnly(const NamePattern& pattern, const WeightsReport& report) {
  std::set<std::string> names(report.loaded.begin(), report.loaded.end());
  for (const auto& [name, type] : report.unsupported) names.insert(name);
  const auto is_renamed = [&](const std::string& name) {
    return ApplyPattern(pattern, name).has_value();
  };
  const auto stays_alone = [&](const std::string& name) {
    return names.insert(ApplyPattern(pattern, name).value_or(name)).second;
  };
  return std::none_of(names.begin(), names.end(), is_renamed) &&
         std::all_of(report.unexpected.begin(), report.unexpected.end(), stays_alone);
}

// The option that makes all names fit by dropping a prefix of the file's ("module.") or adding one;
// empty where there is none.
std::string SuggestMap(const WeightsReport& report) {
  const std::vector<std::string>&missing = report.missing, &unexpected = report.unexpected;
  if (missing.empty() || unexpected.empty()) return "";
  NamePattern pattern;
  if (const auto surplus = CommonPrefix(missing, unexpected)) {
    pattern = {*surplus + "*", "*"};
  } else if (const auto lacking = CommonPrefix(unexpected, missing)) {
    pattern = {"*", *lacking + "*"};
  } else {
    return "";
  }
  if (!MendsOnly(pattern, report)) return "";
  return absl::StrCat("all names fit with --map '", pattern.from, "=", pattern.to, "'",
                      missing.size() == unexpected.size() ? "" : " --partial");
}

struct NewValue {
  Node* variable = nullptr;
  Tensor value;
};

// Matches variables and tensors by name; what fits is in `values`, all the rest in the report or
// among the problems.
absl::StatusOr<WeightsReport> Match(const Model& model, Sources sources, bool partial,
                                    std::vector<NewValue>& values, Problems& problems) {
  WeightsReport report;
  for (Node* variable : model.graph.variables()) {
    if (!IsWeight(*variable)) continue;
    const auto source = sources.find(variable->name());
    if (source == sources.end()) {
      report.missing.push_back(variable->name());
      continue;
    }
    if (partial && source->second.tensor == nullptr) {
      report.unsupported[variable->name()] = source->second.unsupported;
      sources.erase(source);
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(Tensor value, Fit(*variable, source->second, problems));
    if (!value.is_empty()) {
      const DType from = source->second.tensor->dtype();
      if (from != value.dtype()) ++report.converted[ConversionText(from, value.dtype())];
      values.push_back({variable, std::move(value)});
    }
    report.loaded.push_back(variable->name());
    sources.erase(source);
  }
  for (const auto& [name, source] : sources) report.unexpected.push_back(name);
  return report;
}

}  // namespace

absl::StatusOr<WeightsReport> LoadWeights(Model& model, const NamedTensors& weights,
                                          const LoadWeightsOptions& options) {
  Problems problems;
  Sources sources = MappedSources(model, weights, options.map, problems);
  std::vector<NewValue> values;
  WEFT_ASSIGN_OR_RETURN(WeightsReport report,
                        Match(model, std::move(sources), options.partial, values, problems));
  const bool nothing = report.loaded.empty();
  if (!options.partial || nothing) {
    const std::string suggestion = SuggestMap(report);
    if (!suggestion.empty()) problems.Add(suggestion);
    for (const auto& [name, type] : report.unsupported) {
      problems.Add(absl::StrCat("unsupported type of ", Printable(name), ": ", type));
    }
    if (nothing && report.unsupported.empty()) problems.Add("no name is in both");
    problems.AddNames("missing in the file", report.missing);
    problems.AddNames("unexpected in the file", report.unexpected);
  }
  WEFT_RETURN_IF_ERROR(problems.ToStatus(weights.source));
  // Only types can be refused, and these are the variables' own.
  for (NewValue& v : values) {
    WEFT_RETURN_IF_ERROR(model.graph.SetLeafValue(v.variable, std::move(v.value)));
  }
  model.training.reset();
  return report;
}

}  // namespace weft
