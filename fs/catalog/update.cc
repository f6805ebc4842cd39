#include "fs/catalog/catalog.h"
#include "fs/catalog/changes.h"
#include "fs/catalog/keys.h"

namespace veneer::catalog {

Update::Update() : changes_(std::make_unique<Changes>()) {}
Update::Update(Update&&) noexcept = default;
Update& Update::operator=(Update&&) noexcept = default;
Update::~Update() = default;

void Update::PutLayer(const LayerRecord& layer) {
  changes_->layers[layer.id] = layer;
}
void Update::DropLayer(const std::string& id) {
  changes_->layers[id] = std::nullopt;
}
void Update::PutGeneration(const GenerationRecord& generation) {
  changes_->generations.push_back(generation);
}
void Update::DropGeneration(uint64_t number) {
  changes_->dropped_generations.insert(number);
}
void Update::SetCurrent(uint64_t generation) {
  changes_->marks[std::string(kStateCurrent)] = generation;
}
void Update::SetPending(uint64_t generation) {
  changes_->marks[std::string(kStatePending)] = generation;
}
void Update::SetLastGood(uint64_t generation) {
  changes_->marks[std::string(kStateLastGood)] = generation;
}
void Update::SetHighestSequence(const std::string& component, uint32_t sequence) {
  changes_->sequences[component] = sequence;
}
void Update::SetSecurityFloor(const std::string& component, uint32_t sequence) {
  changes_->floors[component] = sequence;
}
void Update::SetWithdrawn(const std::string& layer, uint64_t time) {
  changes_->withdrawn[layer] = time;
}
void Update::SetLatestTime(uint64_t time) {
  changes_->latest_time = time;
}
void Update::SetTpmCount(uint64_t count) {
  changes_->tpm_count = count;
}
void Update::AddEvent(Event event) {
  changes_->events.push_back(std::move(event));
}

}  // namespace veneer::catalog
