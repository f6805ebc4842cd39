// Somebody who keeps a supervisor's descriptors beyond its death, and hands them to the next one.
#pragma once

#include <sys/types.h>

#include <string>

#include "fs/base/error.h"

namespace veneer::fuse {

// Keeps descriptors by name. Only Consent fails: what is not kept is missed when it is asked for.
class Keeper {
 public:
  virtual ~Keeper() = default;

  // Keeps a duplicate of `fd`, until it is dropped; once for each name.
  virtual void Keep(const std::string& name, int fd) = 0;
  virtual void Drop(const std::string& name) = 0;

  // What a person runs to have another supervisor take the place of this one; "" where it may hand the mount
  // over itself.
  virtual std::string ReplaceCommand() const = 0;

  // Asked once before a supervisor mounts, or has another one let go of a mount: what can be stopped without
  // a trace until then goes on from there whatever becomes of the keeper. kInterrupted.
  virtual Status Consent() { return {}; }

  // A stop that was asked for has been seen to, whatever came of it: nobody need remember it.
  virtual void StopHeard() {}

  // The process that goes on with the mount if this one dies, 0 if there is none; and what poll(2) finds
  // something for once it has gone, -1 for nothing.
  virtual pid_t process() const { return 0; }
  virtual int line() const { return -1; }
  // Takes note of that.
  virtual void Lose() {}
};

}  // namespace veneer::fuse
