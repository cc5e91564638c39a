// Which addresses of the network a store or webhook may have.
#pragma once

#include <sys/socket.h>

#include <string>

namespace pg_ocr::http {

/// Whether it belongs to the public internet: not to this host, its networks, a cloud's metadata or a carrier, not to a
/// group, and not an IPv6 form of such an IPv4 address.
bool is_public(const sockaddr*);
/// The same of an address in digits; false for what is none.
bool is_public(const std::string& address);
/// Whether it is where clouds tell a machine its secrets, or on the link itself: no store is there, so that none may be
/// led there, whatever its options allow.
bool is_metadata(const sockaddr*);
/// In digits, without the port; empty for another family.
std::string digits_of(const sockaddr*);

}  // namespace pg_ocr::http
