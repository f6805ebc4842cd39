// Whether OpenSSL was refused memory, of which it often says nothing: a key "cannot be read" then.
#pragma once

namespace veneer::crypto {

// From now on such refusals are noticed. Before OpenSSL is used, and once in a process.
void WatchOpenSslMemory();

// Whether OpenSSL was refused memory since then, in this process: what failed meanwhile may have failed for
// that and for nothing else. Safe from several threads.
bool OpenSslLackedMemory();

}  // namespace veneer::crypto
