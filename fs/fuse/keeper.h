// Somebody who keeps a supervisor's descriptors beyond its death, and hands them to the next one.
#pragma once

#include <string>

namespace veneer::fuse {

// Keeps descriptors by name. Neither call fails: what is not kept is missed when it is asked for.
class Keeper {
 public:
  virtual ~Keeper() = default;

  // Keeps a duplicate of `fd`, until it is dropped; once for each name.
  virtual void Keep(const std::string& name, int fd) = 0;
  virtual void Drop(const std::string& name) = 0;

  // What a person runs to have another supervisor take the place of this one.
  virtual std::string ReplaceCommand() const = 0;
};

}  // namespace veneer::fuse
