#include "http/aws_signature.h"

#include "http/declared.h"
#include "http/digest.h"
#include "http/encoding.h"

namespace pg_ocr::http {
namespace {

constexpr const char* algorithm = "AWS4-HMAC-SHA256";

std::string format_time(std::time_t now, const char* format) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof(text), format, &parts)};
}

}  // namespace

std::vector<std::string> sign_aws(const AwsRequest& request, const AwsCredentials& credentials,
                                  const std::string& region, std::time_t now) {
    const std::string moment = format_time(now, "%Y%m%dT%H%M%SZ");
    const std::string day = moment.substr(0, 8);
    std::map<std::string, std::string> headers = request.headers;
    headers["x-amz-date"] = moment;
    headers["x-amz-content-sha256"] = request.payload_sha256;
    if (!credentials.session_token.empty()) headers["x-amz-security-token"] = credentials.session_token;

    std::vector<std::string> to_send;
    to_send.reserve(headers.size() + 1);
    for (const auto& [name, value] : headers) to_send.push_back(header(name, value));
    headers["host"] = request.host;
    std::string names;
    std::string lines;
    for (const auto& [name, value] : headers) {
        names.append(names.empty() ? "" : ";").append(name);
        lines.append(name).append(":").append(value).append("\n");
    }
    const std::string canonical = request.method + "\n" + request.path + "\n" + request.query + "\n" + lines + "\n" +
                                  names + "\n" + request.payload_sha256;
    const std::string scope = day + "/" + region + "/s3/aws4_request";
    const std::string to_sign = std::string(algorithm) + "\n" + moment + "\n" + scope + "\n" + hex(sha256(canonical));
    std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, day);
    for (const std::string& step : {region, std::string("s3"), std::string("aws4_request")})
        key = hmac_sha256(key, step);
    to_send.push_back(header("authorization", std::string(algorithm) + " Credential=" + credentials.access_key_id +
                                                  "/" + scope + ",SignedHeaders=" + names +
                                                  ",Signature=" + hex(hmac_sha256(key, to_sign))));
    return to_send;
}

}  // namespace pg_ocr::http
