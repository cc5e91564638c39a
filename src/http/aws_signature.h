// Signature version 4 of AWS, as S3 and what is compatible with it check it. Signed here and not by libcurl
// (CURLOPT_AWS_SIGV4): what it takes for the canonical path, query and headers changed with nearly every version from
// 7.81 to 8.x, and keys with spaces, %, + or // are signed rightly by few of them.
#pragma once

#include <ctime>
#include <map>
#include <string>
#include <vector>

namespace pg_ocr::http {

struct AwsCredentials {
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;  ///< empty: none
};

/// What is signed of a request.
struct AwsRequest {
    std::string method;
    std::string host;                            ///< as in its header, with the port where it is not the scheme's own
    std::string path;                            ///< encoded as it is sent
    std::string query;                           ///< encoded as it is sent, sorted by name
    std::string payload_sha256;                  ///< in hex
    std::map<std::string, std::string> headers;  ///< others to be signed, by lower-case name
};

/// The headers to send with it: authorization, x-amz-date, x-amz-content-sha256, x-amz-security-token where there is a
/// token, and the ones of the request but its host.
std::vector<std::string> sign_aws(const AwsRequest&, const AwsCredentials&, const std::string& region, std::time_t now);

}  // namespace pg_ocr::http
