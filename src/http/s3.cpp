// S3 and what is compatible with it; Google's store by its own such interface.
#include <curl/curl.h>

#include <charconv>
#include <map>
#include <utility>

#include "http/aws_signature.h"
#include "http/digest.h"
#include "http/encoding.h"
#include "http/store.h"
#include "http/xml.h"

namespace pg_ocr::http {
namespace {

// What follows in the mark of where a listing goes on: the server's own token, or the key to begin after.
constexpr char by_token = 't';
constexpr char after_key = 'k';

struct Shape {
    Endpoint endpoint;
    std::string scheme;  ///< of its URIs: s3 or gs
    std::string bucket;
    std::string region;
    bool bucket_in_host = false;
    AwsCredentials credentials;
    std::string owner_of_keys;  ///< 'user mapping'
};

/// '2009-10-12T17:50:30.000Z' in microseconds since 1970; 0: it is not such a time.
int64_t parse_moment(const std::string& text) {
    std::tm parts{};
    int milliseconds = 0;
    int length = 0;
    if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                    &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &length) != 6 ||
        parts.tm_year < 1970 || parts.tm_mon < 1 || parts.tm_mon > 12)
        return 0;
    if (std::sscanf(text.c_str() + length, ".%3d", &milliseconds) != 1 || milliseconds < 0) milliseconds = 0;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return int64_t{::timegm(&parts)} * 1000000 + int64_t{milliseconds} * 1000;
}

struct ErrorAnswer {
    std::map<std::string, std::string> elements;
    std::string at(const std::string& name) const {
        auto found = elements.find(name);
        return found == elements.end() ? "" : printable(found->second, 300);
    }
};

ErrorAnswer parse_error(const std::string& body) {
    ErrorAnswer error;
    read_xml(body, [&](const std::string& path, const auto&, const std::string& text) {
        constexpr std::string_view root = "/Error/";
        if (path.starts_with(root) && error.elements.size() < 32) error.elements[path.substr(root.size())] = text;
    });
    return error;
}

class S3Store : public Store {
  public:
    explicit S3Store(Shape shape) : shape_(std::move(shape)) {}

    Call call(const HttpRequest& request, const Content& content, std::time_t now) const override {
        Call call;
        require_key(request, subject(request));
        std::string path = shape_.endpoint.path + (shape_.bucket_in_host ? "" : "/" + percent_encode(shape_.bucket));
        std::string query;
        if (request.operation == HttpOperation::list) {
            query = query_of_listing(request);
            if (path.empty()) path = "/";
        } else {
            path += "/" + percent_encode(request.name, "/");
        }
        AwsRequest to_sign;
        if (request.operation == HttpOperation::put) {
            call.method = "PUT";
            call.uploads = true;
            if (!request.content_type.empty()) to_sign.headers["content-type"] = request.content_type;
        }
        const std::string host = (shape_.bucket_in_host ? shape_.bucket + "." : "") + shape_.endpoint.authority();
        call.url = shape_.endpoint.scheme + "://" + host + path + (query.empty() ? "" : "?" + query);
        if (shape_.credentials.access_key_id.empty()) {
            for (const auto& [name, value] : to_sign.headers) call.headers.push_back(header(name, value));
            return call;
        }
        to_sign.method = call.method;
        to_sign.host = host;
        to_sign.path = path;
        to_sign.query = query;
        // Signed over TLS as well: the store checks what it got, and some buckets' policies insist on it.
        to_sign.payload_sha256 = hex(call.uploads ? sha256_of_file(content.fd, content.size) : sha256(""));
        call.headers = sign_aws(to_sign, shape_.credentials, shape_.region, now);
        return call;
    }

    Failure failure_of(const HttpRequest& request, const Answer& answer) const override;
    void read_listing(const HttpRequest& request, const Answer& answer, HttpResponse& response) const override;

    std::string subject(const HttpRequest& request) const override {
        return shape_.scheme + "://" + shape_.bucket + "/" + printable(request.name, 2048);
    }

  private:
    /// Sorted by name, as signatures want it.
    static std::string query_of_listing(const HttpRequest& request) {
        std::string query;
        if (request.from.starts_with(by_token))
            query += "continuation-token=" + percent_encode(request.from.substr(1)) + "&";
        query += std::string("encoding-type=url&list-type=2&max-keys=") + page_of_listing;
        if (!request.name.empty()) query += "&prefix=" + percent_encode(request.name);
        if (request.from.starts_with(after_key)) query += "&start-after=" + percent_encode(request.from.substr(1));
        return query;
    }

    Failure denied(const std::string& about, const std::string& code, const ErrorAnswer& error) const;

    Shape shape_;
};

Failure S3Store::denied(const std::string& about, const std::string& code, const ErrorAnswer& error) const {
    auto because = [&](const std::string& why) { return Failure{ErrorCode::store_denied, about + why}; };
    if (code == "SignatureDoesNotMatch")
        return because(": access_key_id and secret_access_key of the user mapping do not belong together");
    if (code == "InvalidAccessKeyId" || code == "InvalidSecurity")
        return because(": the store does not know access_key_id of the user mapping");
    if (code == "RequestTimeTooSkewed" || code == "RequestExpired") {
        const std::string theirs = error.at("ServerTime");
        return because(": this server's clock is too far from the store's" +
                       (theirs.empty() ? "" : ", where it was " + theirs) + "; set the clock right");
    }
    if (code == "ExpiredToken" || code == "TokenRefreshRequired")
        return because(": session_token in the user mapping has expired; set the new keys and token");
    if (code == "InvalidToken")
        return because(": session_token in the user mapping is not valid, or belongs to other keys");
    if (code == "InvalidObjectState") return because(": it is archived; restore it in the store first");
    if (shape_.credentials.access_key_id.empty())
        return because(" is denied (" + code + "): the user mapping has no access_key_id, and it is not public");
    return because(" is denied (" + code + "): the keys of the user mapping have no right to it" +
                   (code == "AccessDenied" ? ", or it is not there and they may not list the bucket" : ""));
}

Failure S3Store::failure_of(const HttpRequest& request, const Answer& answer) const {
    const std::string about = subject(request);
    const ErrorAnswer error = parse_error(answer.body);
    const std::string code = error.at("Code");
    std::string region = error.at("Region");
    if (region.empty()) region = printable(answer.region, 100);
    if (code == "NoSuchBucket")
        return {ErrorCode::document_missing,
                "there is no bucket \"" + shape_.bucket + "\" at " + shape_.endpoint.origin()};
    if (code == "NoSuchKey" || (answer.status == 404 && code.empty()))
        return {ErrorCode::document_missing, "there is no " + about};
    if ((answer.status >= 300 && answer.status < 400) || code == "AuthorizationHeaderMalformed" ||
        code == "IllegalLocationConstraintException") {
        std::string advice = "; check endpoint, region and addressing of the foreign server";
        if (!region.empty() && region != shape_.region) advice = "; set the foreign server's region to " + region;
        std::string where = error.at("Endpoint");
        if (where.empty()) where = printable(answer.redirect_origin, 300);
        return {ErrorCode::store_refused, about + ": the bucket is not to be asked here (" +
                                              (code.empty() ? describe_status(answer.status) : code) +
                                              (where.empty() ? "" : ", but at " + where) + ")" + advice};
    }
    if (code == "SlowDown" || code == "RequestTimeout" || code == "InternalError" || code == "ServiceUnavailable" ||
        code == "OperationAborted" || code == "ConditionalRequestConflict")
        return {ErrorCode::store_unavailable,
                about + ": the server answered " + describe_status(answer.status) + " (" + code + ")"};
    const bool about_keys = code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired" ||
                            code == "InvalidAccessKeyId";
    if (answer.status == 403 || answer.status == 401 || about_keys)
        return denied(about, code.empty() ? describe_status(answer.status) : code, error);
    const std::string message = error.at("Message");
    return failure_of_status(about, answer.status, code + (code.empty() || message.empty() ? "" : ": ") + message);
}

void S3Store::read_listing(const HttpRequest& request, const Answer& answer, HttpResponse& response) const {
    bool is_listing = false;
    bool encoded = false;
    bool truncated = false;
    std::string token;
    StoredObject object;
    std::vector<StoredObject> objects;
    const bool whole = read_xml(answer.body, [&](const std::string& path, const auto&, const std::string& text) {
        if (path == "/ListBucketResult/Contents/Key") {
            object.key = text;
        } else if (path == "/ListBucketResult/Contents/Size") {
            std::from_chars(text.data(), text.data() + text.size(), object.size);
        } else if (path == "/ListBucketResult/Contents/ETag") {
            object.etag = bare_etag(text);
        } else if (path == "/ListBucketResult/Contents/LastModified") {
            object.modified_at = parse_moment(text);
        } else if (path == "/ListBucketResult/Contents") {
            objects.push_back(std::exchange(object, {}));
        } else if (path == "/ListBucketResult/EncodingType") {
            encoded = text == "url";
        } else if (path == "/ListBucketResult/IsTruncated") {
            truncated = text == "true";
        } else if (path == "/ListBucketResult/NextContinuationToken") {
            token = text;
        } else if (path == "/ListBucketResult") {
            is_listing = true;
        }
    });
    if (!whole || !is_listing)
        throw StoreError(ErrorCode::store_refused, "the server's list of " + subject(request) + " is not one of S3's");
    std::string last;
    for (StoredObject& one : objects) {
        // A + is a space in it, as in a form: S3 itself writes them so, and who does not writes %20.
        if (encoded) one.key = percent_decode(one.key, true);
        last = one.key;
        if (is_listable(one)) response.objects.push_back(std::move(one));
    }
    if (!truncated) return;
    if (!token.empty())
        response.next = by_token + token;
    else if (!last.empty())
        response.next = after_key + last;
}

Shape shape_of(const Declared& declared) {
    Shape shape;
    shape.bucket = declared.required("bucket");
    shape.credentials = {declared.text("access_key_id"), declared.text("secret_access_key"),
                         declared.text("session_token")};
    if (shape.credentials.access_key_id.empty() != shape.credentials.secret_access_key.empty())
        throw StoreError(ErrorCode::store_denied,
                         "the user mapping has only one of access_key_id and secret_access_key");
    return shape;
}

bool is_aws(const std::string& host) { return host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn"); }

}  // namespace

std::unique_ptr<Store> s3_store(const Declared& declared) {
    Shape shape = shape_of(declared);
    shape.scheme = "s3";
    shape.region = declared.text("region", "us-east-1");
    const std::string aws =
        "https://s3." + shape.region + ".amazonaws.com" + (shape.region.starts_with("cn-") ? ".cn" : "");
    shape.endpoint = parse_endpoint(declared.text("endpoint", aws), "endpoint");
    const std::string addressing = declared.text("addressing");
    shape.bucket_in_host = addressing == "virtual" || (addressing.empty() && is_aws(shape.endpoint.host) &&
                                                       shape.bucket.find('.') == std::string::npos);
    if (shape.bucket_in_host) {
        shape.bucket = lower_case(shape.bucket);
        if (percent_encode(shape.bucket) != shape.bucket || shape.bucket.find_first_of("_~") != std::string::npos)
            throw StoreError(ErrorCode::store_refused,
                             "the bucket's name cannot be part of a host's; set addressing to path");
    }
    return std::make_unique<S3Store>(std::move(shape));
}

std::unique_ptr<Store> gcs_store(const Declared& declared) {
    Shape shape = shape_of(declared);
    shape.scheme = "gs";
    shape.region = "auto";
    shape.endpoint = parse_endpoint(declared.text("endpoint", "https://storage.googleapis.com"), "endpoint");
    return std::make_unique<S3Store>(std::move(shape));
}

}  // namespace pg_ocr::http
