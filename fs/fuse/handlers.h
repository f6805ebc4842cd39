// The handlers behind Operations(), one file for each group. FORGET is none: see LookupJournal.
#pragma once

#include "fs/fuse/fuse_api.h"

namespace veneer::fuse {

// entry_handlers.cc
void HandleLookup(fuse_req_t req, fuse_ino_t parent, const char* name);
void HandleGetAttr(fuse_req_t req, fuse_ino_t ino, fuse_file_info*);
void HandleReadLink(fuse_req_t req, fuse_ino_t ino);
void HandleStatFs(fuse_req_t req, fuse_ino_t ino);

// folder_handlers.cc
void HandleReadDir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*);
void HandleReadDirPlus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*);

// file_handlers.cc
void HandleRead(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, fuse_file_info*);
void HandleSeek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, fuse_file_info*);

// xattr_handlers.cc
void HandleGetXattr(fuse_req_t req, fuse_ino_t ino, const char* name, size_t size);
void HandleListXattr(fuse_req_t req, fuse_ino_t ino, size_t size);

}  // namespace veneer::fuse
