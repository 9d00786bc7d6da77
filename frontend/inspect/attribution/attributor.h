#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTOR_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTOR_H_

#include <memory>

#include "frontend/inspect/probe.h"
#include "graph/model.h"

namespace weft {

// A model that methods of attribution ask. It keeps the probes that they make, so that for many
// examples and methods each is made once; copies share them. One thread at a time.
class Attributor {
 public:
  // Copies what it needs of `model`. Not explicit: who explains one example by one method gives
  // the model itself.
  Attributor(const Model& model);  // NOLINT

  // The model without its losses.
  const Model& model() const;
  // The probe of this spec, which has no objectives of its own; made by the first call, whose
  // session options count. It lives as long as a copy of this does. Errors: those of Probe::Create.
  absl::StatusOr<Probe*> ProbeFor(const ProbeSpec& spec) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTOR_H_
