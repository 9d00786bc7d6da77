#include "frontend/inspect/attribution/attributor.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "graph/bind.h"

namespace weft {
namespace {

using ProbeNodeNames = std::vector<std::string>;
// What makes two probes the same: rule, and the names of ProbeSpec.
using ProbeKey = std::tuple<BackwardRule, ProbeNodeNames, ProbeNodeNames, ProbeNodeNames>;

}  // namespace

struct Attributor::State {
  explicit State(Graph graph) : model(std::move(graph)) {}
  Model model;
  std::map<ProbeKey, std::unique_ptr<Probe>> probes;
};

Attributor::Attributor(const Model& model)
    : state_(std::make_shared<State>(WithoutLosses(model.graph))) {}

const Model& Attributor::model() const { return state_->model; }

absl::StatusOr<Probe*> Attributor::ProbeFor(const ProbeSpec& spec) const {
  if (spec.objectives) {
    return absl::InvalidArgumentError("inspect: a probe with objectives of its own is not kept");
  }
  const ProbeKey key(spec.rule, spec.at, spec.read, spec.towards);
  auto found = state_->probes.find(key);
  if (found == state_->probes.end()) {
    WEFT_ASSIGN_OR_RETURN(auto probe, Probe::Create(state_->model, spec));
    found = state_->probes.emplace(key, std::move(probe)).first;
  }
  return found->second.get();
}

}  // namespace weft
