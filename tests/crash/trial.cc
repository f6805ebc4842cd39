#include "tests/crash/trial.h"

#include "tests/crash/in_process.h"
#include "tests/crash/recording_disk.h"
#include "tests/crash/recording_env.h"

namespace veneer::test {

Trial::Trial(const Scene& scene) : scene_(scene) {
  Place(ReadTree(TheSupplies().store.path()));
  scene.prepare(store_);
  tree_ = ReadTree(store_);
  std::string ignored;
  before_ = ReadWholeStore(store_, ignored);
  steps_ = Complete();
  after_ = RequireState();
}

std::vector<Step> Trial::Complete() {
  StepLog log(store_);
  const CommandResult result = RunRecorded(log);
  INFO(result.err);
  REQUIRE(result.status == 0);
  return log.steps();
}

CommandResult Trial::Run(const catalog::Medium& medium) const {
  if (scene_.run) return scene_.run(store_, medium);
  return RunInProcess(store_, scene_.command, medium);
}

CommandResult Trial::RunRecorded(StepLog& log) const {
  RecordingDisk disk(log, scene_.exchanges);
  const auto env = NewRecordingEnv(log);
  return Run({&disk, env.get()});
}

std::vector<std::string> Trial::ProgramCommand() const {
  std::vector<std::string> words = {"--store", store_};
  words.insert(words.end(), scene_.command.begin(), scene_.command.end());
  return VeneerCommand(words);
}

CommandResult Trial::RunRefusing(const StepLog::Refuses& refuses) {
  Place(tree_);
  StepLog log(store_, refuses);
  return RunRecorded(log);
}

StoreState Trial::RequireState() {
  std::string wrong;
  const auto state = ReadWholeStore(store_, wrong);
  INFO(wrong);
  REQUIRE(state);
  return *state;
}

void Trial::RequireUnchanged() const {
  std::string wrong;
  const auto state = ReadWholeStore(store_, wrong);
  INFO(wrong);
  if (before_) CHECK(state == before_);
}

void Trial::RequireRecovers() {
  std::string wrong;
  const auto state = ReadWholeStore(store_, wrong);
  INFO(wrong);
  // A store that the command was to mend may need it still.
  if ((before_ && scene_.exchanges) || state) {
    REQUIRE(state);
    const bool is_old = before_ && state->current == before_->current && state->pending == before_->pending;
    const bool is_new = state->current == after_.current && state->pending == after_.pending;
    CHECK((is_old || is_new));
  }
  const CommandResult again = Run();
  {
    INFO(again.err);
    REQUIRE(again.status == 0);
  }
  CHECK(RequireState() == after_);
  const CommandResult gc = RunInProcess(store_, {"gc", "--keep", "9"});
  INFO(gc.err);
  REQUIRE(gc.status == 0);
  CHECK(LeftoversIn(store_, RequireState()) == std::set<std::string>());
}

}  // namespace veneer::test
