// A guardian as its supervisor sees it: the other end of a socket that keeps the bounds of messages.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "fs/base/unique_fd.h"
#include "fs/fuse/keeper.h"

namespace veneer::fuse {

class GuardianLine final : public Keeper {
 public:
  // What is said on it: the keys of messages.
  static constexpr const char* kKeep = "keep";        // and the name, with the descriptor beside it
  static constexpr const char* kDrop = "drop";        // and the name
  static constexpr const char* kConsent = "consent";  // asked, and answered with true or false
  static constexpr const char* kServes = "serves";
  static constexpr const char* kStopHeard = "stop-heard";

  // `manager` keeps what `guardian` keeps, nullptr for nobody; it outlives this.
  GuardianLine(UniqueFd line, pid_t guardian, const Keeper* manager);

  // Does not wait for a guardian that does not listen: it is as good as gone.
  void Tell(const nlohmann::json& words, std::span<const int> descriptors = {}) const;

  void Keep(const std::string& name, int fd) override { Tell({{kKeep, name}}, {&fd, 1}); }
  void Drop(const std::string& name) override { Tell({{kDrop, name}}); }
  std::string ReplaceCommand() const override {
    return manager_ == nullptr ? "" : manager_->ReplaceCommand();
  }
  Status Consent() override;
  void StopHeard() override { Tell({{kStopHeard, true}}); }
  pid_t process() const override { return line_ ? guardian_ : 0; }
  int line() const override { return line_.get(); }
  void Lose() override { line_.reset(); }

 private:
  UniqueFd line_;
  pid_t guardian_;
  const Keeper* manager_;
};

}  // namespace veneer::fuse
