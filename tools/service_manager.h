// systemd, where it runs this program as a service: tells it that the mount is there, and has it keep
// descriptors in the fd store of the service.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "fs/base/unique_fd.h"
#include "fs/fuse/keeper.h"

namespace veneer::tools {

class ServiceManager final : public fuse::Keeper {
 public:
  // Nothing where this process is no service that is asked to notify.
  static std::unique_ptr<ServiceManager> Find();

  // What a former process of this service had kept, by name. Nothing where a name comes twice: what belongs
  // together cannot be told then. To be asked once.
  std::map<std::string, UniqueFd> TakeKept();

  // Has it keep nothing of that any more. For who begins anew: the next process would find the two mixed.
  void DropKept();

  void Ready();

  void Keep(const std::string& name, int fd) override;
  void Drop(const std::string& name) override;
  std::string ReplaceCommand() const override;

 private:
  ServiceManager() = default;

  std::set<std::string> kept_;  // names of what came
};

}  // namespace veneer::tools
