// A network in which nothing is but the test itself, so that its own servers may have public addresses.
#pragma once

#include <string>

namespace pg_ocr {

/// Of the network's one public address, and of a second name for it.
inline constexpr const char* public_address = "11.22.33.44";
inline constexpr const char* public_name = "outside.test";
inline constexpr const char* other_public_name = "elsewhere.test";
/// A name of an address that is not public.
inline constexpr const char* private_name = "inside.test";
/// A name of which the first address is public and the second is not.
inline constexpr const char* mixed_name = "mixed.test";

/// Moves this process, which has one thread yet, and its children into it. False where the kernel or its
/// administrator does not allow that; then all is as it was.
bool enter_own_network();
/// Whether it was entered.
bool in_own_network();
/// What stands for /etc/hosts there.
const std::string& hosts_file();

}  // namespace pg_ocr
